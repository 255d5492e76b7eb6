# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in a scenario, and how it is mended."""

import threading

from tests.cloud import stage as stages

#: Seconds after which a server is stuck whose nova-compute was away.
ORPHANED = 20.0


class Fault:
    """Nothing goes wrong.

    :param play: the ``play.Play`` that it spoils
    """

    def __init__(self, play):
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


class Late(Fault):
    """The manager is late, and has learned from it when it is continued."""

    def mend(self):
        for manager in self.play.managers:
            manager.behave()


class _Moves(Fault):
    """A hypervisor that does not do what Nova asks for."""

    operation = ''

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

    def begin(self):
        self.stage.proxy.ambush = self._watch

    def _watch(self, method, path, body):
        if body.keys() & {'migrate', 'os-migrateLive'} and self.first():
            ((_, what),) = body.items()
            self.strike(what['host'])

    def strike(self, target: str):
        """Do it; Nova gets the request afterwards."""
        raise NotImplementedError

    def mend(self):
        self.stage.proxy.ambush = None


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

    killed = None

    def begin(self):
        self.play.seen = self._seen

    def _seen(self, server, state):
        if state in ('VERIFY_RESIZE', 'MIGRATING') and self.first():
            self.killed = self.stage.owner(self.play.admin.session)
            self.here.kill(self.killed)

    def mend(self):
        if self.killed is None:
            self.play.miss('no engine was killed')
        else:
            self.here.start(self.killed)


FAULTS = {
    None: Fault, 'late': Late, 'cold-fails': ColdFails,
    'live-fails': LiveFails, 'live-hangs': LiveHangs,
    'no-valid-host': NoValidHost, 'anti-affinity': AntiAffinity,
    'compute-dies': ComputeDies, 'compute-down': ComputeDown,
    'nova-away': NovaAway, 'aodh-away': AodhAway,
    'bus-restarts': BusRestarts, 'database-restarts': DatabaseRestarts,
    'engine-dies': EngineDies}
