# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in a scenario, and how it is mended."""

import collections
import threading
import time

from tests.cloud import audit
from tests.cloud import stage as stages
from tests.cloud.scenarios import model

#: Seconds after which a server is stuck whose nova-compute was away.
ORPHANED = 20.0
#: Seconds within which an answer comes whose question has run out, and those
#: within which an engine has read it.
LATE_ANSWER, TAKEN_UP = 30.0, 2.0
#: Nova's names of what moves a server.
MOVES = frozenset(['migrate', 'live-migration'])


class Fault:
    """Nothing goes wrong.

    :param play: the ``play.Play`` that it spoils
    :cvar spoils: moves may need more than one try, and fail
    :cvar ways: kinds of migration that are right for single servers,
        whatever was chosen: {id: kind}
    """

    spoils = False

    def __init__(self, play):
        self.ways: dict[str, str] = {}
        self.play = play
        self.stage = play.stage
        self.here = play.stage.here
        self._once = threading.Lock()

    def begin(self):
        """Before the session is started."""

    def meanwhile(self, state: str):
        """At each look at the session, which is in this state."""

    def mend(self):
        """When the session has failed, or else when it is over."""

    def first(self) -> bool:
        """Tell the first caller, and no other, that it is the first."""
        return self._once.acquire(blocking=False)

    def missed(self) -> str | None:
        """Say, when all is over, what did not go wrong that was to."""
        return None


class Late(Fault):
    """The manager is late, and has learned from it when it is continued.

    Its answer is taken, and changes nothing.
    """

    def mend(self):
        if not self.first():
            return
        stages.wait('the late answer comes', lambda: any(
            line['what'] == 'reply' and line['code'] == 200
            and line['state'] == 'ACK_PLANNED_MAINTENANCE'
            for line in list(self.play.timeline.lines)), LATE_ANSWER)
        time.sleep(TAKEN_UP)
        state = self.play.admin.state()
        if state != model.FAILED:
            self.play.miss(f'after the late answer it was {state}')
        for manager in self.play.managers:
            manager.behave()


class _Moves(Fault):
    """A hypervisor that does not do what Nova asks for."""

    operation = ''
    spoils = True

    def begin(self):
        self.here.faults.fail(self.operation, self.play.host)

    def mend(self):
        self.here.faults.clear()
        self.play.repair_servers()


class ColdFails(_Moves):
    operation = 'migrate'


class LiveFails(_Moves):
    operation = 'live'


class LiveHangs(_Moves):
    """A live migration that takes longer than anybody waits for it."""

    operation = 'live'
    seconds = 60.0

    def begin(self):
        self.here.faults.delay(self.operation, self.seconds, self.play.host)


class _Ambush(Fault):
    """Something happens when Fenix asks for the first move."""

    spoils = True
    struck = False

    def begin(self):
        self.stage.proxy.ambush = self._watch

    def _watch(self, method, path, body):
        if body.keys() & {'migrate', 'os-migrateLive'} and self.first():
            ((_, what),) = body.items()
            self.strike(what['host'])
            self.struck = True

    def strike(self, target: str):
        """Do it; Nova gets the request afterwards."""
        raise NotImplementedError

    def mend(self):
        self.stage.proxy.ambush = None

    def missed(self):
        if not self.struck:
            return 'nothing stood in the way of a move'
        if not self._refused():
            return 'Nova carried out every move'
        return None

    def _refused(self):
        """Tell whether Nova refused a move, at once or later."""
        if any(line['what'].endswith('.refused')
               for line in self.play.timeline.lines):
            return True
        cloud = self.stage.cloud
        went = collections.Counter(
            each['instance_uuid'] for each in cloud.migrations(
                self.play.since) if each['status'] in audit.WELL)
        return any(
            sum(name in MOVES for name in cloud.actions(server))
            > went[server] for server in self.play.before)


class NoValidHost(_Ambush):
    """Somebody disables the target before the move."""

    target = None

    def strike(self, target):
        self.stage.disable(target, 'somebody else')
        self.target = target

    def mend(self):
        super().mend()
        if self.target is not None:
            self.stage.enable(self.target)


class AntiAffinity(_Ambush):
    """A member of the group is born on the target before the move."""

    server = None

    def strike(self, target):
        self.server = self.play.member_on(target)

    def mend(self):
        super().mend()
        if self.server is not None:
            self.play.remove(self.server)
            self.server = None


class ComputeDies(Fault):
    """nova-compute is killed while its server is on its way."""

    seconds = 8.0
    spoils = True

    def begin(self):
        self.here.faults.delay('migrate', self.seconds, self.play.host)
        self.play.seen = self._seen

    def _seen(self, server, state):
        if state == 'RESIZE' and self.first():
            self.here.kill(f'nova-{self.play.host}')

    def mend(self):
        self.here.faults.clear()
        self.here.start()
        self.play.wait_up()
        self.play.repair_servers(ORPHANED)


class ComputeDown(Fault):
    """nova-compute of one of two hosts is down from the beginning."""

    spoils = True

    def begin(self):
        self.play.also_maintain_another()
        self.here.kill(f'nova-{self.play.host}')
        stages.wait('Nova sees that the host is down', lambda: (
            self.stage.cloud.computes()[self.play.host]['state'] == 'down'))

    def mend(self):
        self.here.start()
        self.play.wait_up()


class _Outage(Fault):
    """Services are away for a while, in a state of the session."""

    names: tuple[str, ...] = ()
    when = 'PLANNED_MAINTENANCE'
    seconds = 20.0
    spoils = True
    _back = None

    def meanwhile(self, state):
        if state == self.when and self.first():
            self.here.stop(*self.names)
            self._back = threading.Timer(self.seconds, self.here.start,
                                         self.names)
            self._back.start()

    def mend(self):
        if self._back is not None:
            self._back.join()
        # Nova hears of its hosts only some time after all is there again.
        self.play.wait_up()
        self.play.repair_servers(ORPHANED)

    def missed(self):
        return (None if self._back is not None
                else f'it was never {self.when}: nothing was away')


class NovaAway(_Outage):
    names = ('nova-api',)
    seconds = 60.0


class AodhAway(_Outage):
    """Away when it is to say who listens, and when it is to tell them."""

    names = ('aodh-api', 'aodh-listener', 'aodh-notifier')

    def begin(self):
        super().meanwhile(self.when)

    def meanwhile(self, state):
        """It is away from the beginning."""


class BusRestarts(_Outage):
    names = ('rabbitmq',)
    seconds = 5.0


class DatabaseRestarts(_Outage):
    names = ('mariadb',)
    seconds = 5.0


class EngineDies(Fault):
    """kill -9 of the owner between a move and its confirmation."""

    spoils = True
    killed = server = None
    killed_at = 0.0

    def begin(self):
        self.play.seen = self._seen

    def _seen(self, server, state):
        # Who tells of the state waits meanwhile, and Fenix for its answer.
        if state in ('VERIFY_RESIZE', 'MIGRATING') and self.first():
            self.killed = self.stage.owner(self.play.admin.session)
            self.here.kill(self.killed)
            self.killed_at, self.server = time.time(), server

    def mend(self):
        if self.killed is not None:
            self.here.start(self.killed)

    def missed(self):
        if self.killed is None:
            return 'no engine was killed'
        if any(line['what'] == 'migrate.confirm'
               and line['server'] == self.server
               and line['t'] < self.killed_at
               for line in self.play.timeline.lines):
            return 'the engine was killed when it had confirmed'
        return None


FAULTS = {
    None: Fault, 'late': Late, 'cold-fails': ColdFails,
    'live-fails': LiveFails, 'live-hangs': LiveHangs,
    'no-valid-host': NoValidHost, 'anti-affinity': AntiAffinity,
    'compute-dies': ComputeDies, 'compute-down': ComputeDown,
    'nova-away': NovaAway, 'aodh-away': AodhAway,
    'bus-restarts': BusRestarts, 'database-restarts': DatabaseRestarts,
    'engine-dies': EngineDies}
