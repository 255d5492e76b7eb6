# SPDX-License-Identifier: Apache-2.0
"""Plays one scenario: builds it, takes it through, looks what came of it."""

import contextlib
import logging
import re
import time

from fenix.sandbox import administrator
from fenix.sandbox import vnf as vnfs
from fenix.sandbox.cloud import timeline
from tests.cloud import checks
from tests.cloud import clients
from tests.cloud import faults
from tests.cloud import results
from tests.cloud import scripts
from tests.cloud import stage as stages
from tests.cloud import states
from tests.cloud import tenant
from tests.cloud import watch
from tests.cloud import witness
from tests.cloud.scenarios import clients as client_scenarios
from tests.cloud.scenarios import model

LOG = logging.getLogger(__name__)

LOOK = 0.5
#: The kind of migration that an action is, in Nova's words; None: Fenix is
#: to move nothing. What is not allowed becomes [workflow] default_action.
WAYS = {'MIGRATE': 'migration', 'LIVE_MIGRATE': 'live-migration',
        'OWN_ACTION': None, client_scenarios.UNKNOWN: 'migration'}
#: Seconds that a server may take to boot, and a deletion.
BOOT_TIME, DELETE_TIME = 180.0, 180.0
#: Seconds within which an engine takes up a continuation.
CONTINUE_TIME = 30.0


class Play:
    """One scenario on the stage.

    :param stage: a ``stage.Stage``
    :param directory: for the timeline
    :ivar host: the one that is maintained, if it is only one
    :ivar used: hosts that may have servers
    :ivar hosts: those that are maintained
    :ivar seen: called with each server and its new state, or None
    """

    def __init__(self, stage, scenario: model.Scenario, directory):
        self.stage = stage
        self.scenario = scenario
        self.result = results.Result(scenario.name)
        self.host: str | None = None
        self.used: list[str] = []
        self.hosts: list[str] = []
        self.seen = None
        self.managers = []
        self.vnfs: list[tenant.RealVnf] = []
        self._missing: list[str] = []
        self._path = directory / f'{scenario.name}.timeline'
        self._stack = contextlib.ExitStack()

    def run(self) -> results.Result:
        """Play it to its end; nothing is left behind.

        What goes wrong with the test itself is in the result, too.
        """
        began = time.monotonic()
        try:
            with self._stack:
                self._build()
                self.fault = (faults.FAULTS | states.FAULTS)[
                    self.scenario.fault](self)
                self._act()
        except Exception as error:
            LOG.exception('%s', self.scenario.name)
            self.result.found['it could be played'] = [
                f'{type(error).__name__}: {error}']
        self.result.seconds = round(time.monotonic() - began, 1)
        return self.result

    # Before

    def _build(self):
        # The last thing of all, however it ends.
        self._stack.callback(self.stage.reset)
        self.timeline = timeline.Timeline(str(self._path))
        self._stack.callback(self.timeline.close)
        self.timeline.subscribe(self._told)
        scenario = self.scenario
        self._stack.callback(self._leave)
        self.used = used = self._used()
        self.absent = [host for host in self.stage.hosts
                       if host not in used]
        spare = used[len(used) - scenario.spare:]
        if scenario.tells_cells:
            self.stage.tell_cells()
        for zone, numbers in scenario.zones.items():
            self.stage.make_zone(zone, [used[number - 1]
                                        for number in numbers])
        for name, numbers in scenario.aggregates.items():
            self.stage.make_aggregate(name, [used[number - 1]
                                             for number in numbers])
        for host in [*self.absent, *spare]:
            self.stage.disable(host)
        self._boot()
        if scenario.crowd:
            self._gather_crowd()
        for host in spare:
            self.stage.enable(host)
        self._choose_hosts()
        self.witness = witness.Witness(self.timeline,
                                       self.stage.cloud.others)
        self.stage.proxy.lists.clear()
        self.witness.begin(self.stage.cloud, self._groups(), stages.HALF)
        self.stage.proxy.witness = self.witness
        self.stage.tap.timeline = self.timeline
        self._listen()

    def _used(self):
        """Return the hosts that are there, as far as the scenario goes."""
        scenario = self.scenario
        count = (scenario.hosts if isinstance(scenario.hosts, int)
                 else len(self.stage.hosts))
        return self.stage.some_hosts(count, scenario.cells)

    def _leave(self):
        self.stage.proxy.witness = self.stage.proxy.ambush = None
        self.stage.tap.timeline = None

    def _boot(self):
        taken = {words: iter(names) for words, names
                 in stages.USERS.items()}
        user = None
        for number, spec in enumerate(self.scenario.vnfs):
            if user is None or not self.scenario.shared:
                user = self.stage.client(next(taken[spec.vocabulary]))
            vnf = tenant.RealVnf(
                f'vnf{number}', user, self.timeline, vnfs.Size(
                    spec.instances, self.stage.flavor, self.stage.image),
                switch_time=0.5, boot_timeout=BOOT_TIME)
            vnf.zone = spec.zone
            self._stack.callback(vnf.remove_group)
            vnf.boot()
            self.vnfs.append(vnf)
            self.managers.append(clients.MANAGERS[spec.manner](
                spec, vnf, user, self.timeline, self.stage.tap,
                self.stage.client(self._stranger(spec))))

    def _gather_crowd(self):
        for host in self.absent:
            self.stage.enable(host)
        first = self.stage.boot_on(self.absent, stages.CROWD_FLAVOR)
        self.absent = []
        self.stage.cloud.narrow(
            {manager.project for manager in self.managers},
            self.stage.crowd.gather(first, self.scenario.crowd))

    @staticmethod
    def _stranger(spec):
        others = (words for words in stages.USERS
                  if words != spec.vocabulary)
        return stages.USERS[next(others)][-1]

    def _choose_hosts(self):
        scenario = self.scenario
        at = {server: each['OS-EXT-SRV-ATTR:host'] for server, each
              in self.stage.cloud.servers().items()}
        if scenario.hosts == model.WORKER:
            self.host = at[self.vnfs[0].others[0]]
        elif scenario.hosts == model.STANDBY:
            self.host = at[self.vnfs[0].standby]
        self.hosts = self.used if self.host is None else [self.host]

    def also_maintain_another(self):
        """Have one more host in the session, which has no server."""
        taken = {each['OS-EXT-SRV-ATTR:host'] for each
                 in self.stage.cloud.servers().values()}
        self.hosts.append(next(host for host in self.used
                               if host not in taken))

    def _groups(self):
        found = []
        for vnf, manager in zip(self.vnfs, self.managers, strict=True):
            found.append({
                'id': vnf.group, 'project_id': manager.project,
                'policies': ['anti-affinity'], 'members': list(vnf.pair)})
        return found

    def _listen(self):
        self.inspector = watch.Inspector(
            self.stage.client('admin'), self.timeline, self.stage.cloud,
            self.stage.tap)
        self._stack.callback(self.inspector.stop)
        self.inspector.start()
        self.watch = watch.Watch(self.stage.cloud, self.witness)
        self._stack.callback(self.watch.stop)
        self.watch.start()
        for vnf, manager in zip(self.vnfs, self.managers, strict=True):
            self._stack.callback(manager.stop)
            manager.start()
            vnf.announce()

    def _told(self, line):
        if line['what'] == 'server.state' and self.seen is not None:
            self.seen(line['server'], line['state'])

    # The session

    def _act(self):
        self.since = stages.now()
        self.before = {server: each['OS-EXT-SRV-ATTR:host'] for server, each
                       in self.stage.cloud.servers().items()}
        self.admin = administrator.Administrator(
            self.stage.client('admin'), self.timeline,
            self.stage.here.site.fenix_url)
        self.ways = {
            server: WAYS[spec.action]
            for vnf, spec in zip(self.vnfs, self.scenario.vnfs, strict=True)
            for server in vnf.servers}
        self.fault.begin()
        self.ways |= self.fault.ways
        self.create()
        self._stack.callback(self._delete_for_sure)
        if self.scenario.script is not None:
            self._missing += scripts.SCRIPTS[self.scenario.script](self)
            state = self.admin.state()
        else:
            state = self._session()
        self.result.state = state
        self.fault.mend()
        self.detail = self.read_detail() if state != administrator.GONE \
            else None
        self.delete()
        self.watch.stop()
        for manager in self.managers:
            manager.withdraw()
        missed = self.fault.missed()
        if missed is not None:
            self.miss(missed)
        for each in self._missing:
            self.result.found.setdefault('as told', []).append(each)
        checks.check(self)

    def create(self):
        """Start the session."""
        scenario = self.scenario
        everything = len(self.hosts) == len(self.stage.hosts)
        self.admin.create(
            scenario.notice, scenario.workflow, **scenario.policies,
            hosts=[] if everything else self.hosts,
            settings={**model.SETTINGS, **scenario.settings}, actions=[{
                'plugin': 'command', 'type': 'host',
                'metadata': {'command': scenario.work}}])

    def _session(self):
        state = self.follow(administrator.FINAL)
        expected = self.scenario.ends
        if state == model.FAILED:
            self.result.reason = self.admin.reason
            # A failure that is not expected has no reason that fits.
            if not self.scenario.reason or not re.search(
                    self.scenario.reason, self.admin.reason or ''):
                self.miss(f'failed because: {self.admin.reason}')
            if expected in (model.CONTINUED, model.OVERCOME):
                self.fault.mend()
                state = self._continue()
        elif expected == model.CONTINUED:
            self.miss('it did not fail')
        wanted = model.FAILED if expected == model.FAILED else model.DONE
        if state != wanted:
            self.miss(f'{state}, not {wanted}: {self.admin.reason}')
        return state

    def _continue(self):
        self.result.continued = True
        client = self.stage.client('admin')
        answer = client.call('PUT', self.url(), json={})
        self.timeline.record(
            'session', method='PUT', session=self.admin.session, state=None,
            code=answer.status_code, body={})
        if answer.status_code != 200:
            self.miss(f'PUT was answered {answer.status_code}')
        # Until an engine takes that up the session is still failed.
        deadline = time.monotonic() + CONTINUE_TIME
        while (self.admin.state() == model.FAILED
               and time.monotonic() < deadline):
            time.sleep(LOOK)
        return self.follow(administrator.FINAL)

    def follow(self, states, patience: float | None = None) -> str | None:
        """Wait for one of these states; return the last one seen.

        :param patience: seconds; None for those that the session may take
        """
        deadline = time.monotonic() + (patience or self.scenario.patience)
        last = None
        while last not in states and time.monotonic() < deadline:
            time.sleep(LOOK)
            last = self.admin.state() or last
            if last is not None:
                self.fault.meanwhile(last)
        return last

    def url(self, path: str = '') -> str:
        """Return an address below that of the session."""
        return (f'{self.stage.here.site.fenix_url}/maintenance/'
                f'{self.admin.session}{path}')

    def read_detail(self) -> dict:
        """Return all that Fenix says of the session."""
        answer = self.stage.client('admin').call('GET', self.url('/detail'))
        answer.raise_for_status()
        return answer.json()

    def delete(self):
        """Delete the session and wait until it is gone."""
        if self.admin.state() == administrator.GONE:
            return
        for manager in self.managers:
            manager.over = True
        self.admin.delete()
        gone = self.follow([administrator.GONE], DELETE_TIME)
        if gone != administrator.GONE:
            self.miss(f'it was deleted, and is {gone}')

    def _delete_for_sure(self):
        """So that no session is in the way of the next scenario."""
        if self.admin.state() not in (None, administrator.GONE):
            self.fault.mend()
            self.admin.delete()
            self.follow([administrator.GONE], DELETE_TIME)

    def miss(self, text: str):
        """Note something that did not come as it was to."""
        self._missing.append(text)

    # For faults

    def afterwards(self, function, *arguments):
        """Have something done at the end, however that comes."""
        self._stack.callback(function, *arguments)

    def repair_servers(self, patience: float = stages.PATIENCE):
        """Do what an administrator does with servers that are stuck.

        :param patience: seconds after which nobody works on a server any
            more that is still on its way
        """
        deadline = time.monotonic() + patience

        def well():
            stuck = {server: each['status'] for server, each
                     in self.stage.cloud.servers().items()
                     if each['status'] not in ('ACTIVE', 'VERIFY_RESIZE')
                     or each['OS-EXT-STS:task_state'] is not None}
            for server, status in stuck.items():
                if status == 'ERROR' or time.monotonic() > deadline:
                    self.stage.root.call(
                        'POST', self.stage.root.url(
                            'compute', f'/servers/{server}/action'),
                        json={'os-resetState': {'state': 'active'}})
            return not stuck
        stages.wait('the servers are well', well)

    def wait_up(self):
        """Wait until all hosts are up."""
        stages.wait('the hosts are up', lambda: all(
            each['state'] == 'up'
            for each in self.stage.cloud.computes().values()))

    def member_on(self, host: str) -> str:
        """Boot one more member of the first group on a host."""
        project = self.managers[0].user_name
        boss = self.stage.client('admin', project)
        server = boss.json('POST', 'compute', '/servers', json={
            'server': {'name': 'member', 'flavorRef': self.stage.flavor,
                       'imageRef': self.stage.image, 'networks': 'none',
                       'availability_zone': f'nova:{host}'},
            'os:scheduler_hints': {'group': self.vnfs[0].group}})
        server = server['server']['id']
        stages.wait('the member runs', lambda: self.stage.cloud.servers()[
            server]['status'] == 'ACTIVE', 10.0)
        return server

    def remove(self, server: str):
        """Delete a server and wait until it is gone."""
        self.stage.root.call('DELETE', self.stage.root.url(
            'compute', f'/servers/{server}'))
        stages.wait('the server is gone', lambda: (
            server not in self.stage.cloud.servers()))
