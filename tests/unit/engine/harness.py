# SPDX-License-Identifier: Apache-2.0
"""An engine in one thread, on a virtual clock, with a cloud model.

Nothing sleeps: when there is nothing to do, the clock goes on to the next
thing that is due. A crash is an exception that leaves a turn or a call where
a process would have died; what was not committed is gone.
"""

import collections
import datetime
import os
import shutil

import fixtures
import oslo_config.fixture
import sqlalchemy as sa

from fenix import conf
from fenix.db import constraints
from fenix.db import core
from fenix.db import inbox
from fenix.db import leases
from fenix.db import models
from fenix.db import pictures
from fenix.db import sessions
from fenix.engine import executor
from fenix.engine import posted
from fenix.engine import runner as runners
from fenix.sandbox import verifier
from fenix.sandbox.cloud import config as cloud_config
from fenix.sandbox.cloud import model as cloud_model
from fenix.workflow import bookings
from fenix.workflow.workflows import default
from fenix.workflow.workflows import vnf
from tests import fixtures as fenix_fixtures
from tests.unit.engine import actors
from tests.unit.engine import modelcloud

PROJECT = 'e9f3e7ab51a14ff7a3e9d2e3c0e4a1b2'
OTHER = 'b1f3e7ab51a14ff7a3e9d2e3c0e4a1b4'
ADMIN = 'a0f3e7ab51a14ff7a3e9d2e3c0e4a1b3'

#: A database with tables and nothing in them, once there is one.
_EMPTY: list[bytes] = []


class Crash(BaseException):
    """The process dies here."""


def _raise(runner, error):
    """Let a test see what a runner would try again."""
    raise error


class Harness(fixtures.Fixture):
    """Hosts, instances, projects and an engine.

    :param hosts: how many hosts of four VCPU
    :param per_host: how many instances of two VCPU on each
    :param spare: how many further hosts, empty
    """

    #: When it begins; None: now.
    start = None
    #: Notifications that go out between two commits.
    batch = 1000

    def __init__(self, hosts=3, per_host=2, spare=0, options=None):
        super().__init__()
        self.shape = hosts, per_host, spare
        self.options = options or {}

    def _setUp(self):
        self.clock = actors.Clock(self.start)
        self._open_database()
        fixture = self.useFixture(oslo_config.fixture.Config(conf.CONF))
        conf.CONF([], default_config_files=[])
        fixture.config(group='workflow', **self.options)
        self.conf = conf.CONF
        self.timeline = []
        self.model = cloud_model.Model(
            clock=self.clock.seconds, seed=1,
            record=self.record)
        self.cloud = modelcloud.ModelCloud(self.model)
        self.work = actors.Work(self)
        self.published = []
        self.publish_error = None
        self.projects = {}
        self.effects = collections.deque()
        self.bookings = bookings.Bookings()
        self._later = []
        self.runner = None
        self.crash = lambda point, names: False
        self.crashes = 0
        self.useFixture(fixtures.MonkeyPatch(
            'fenix.engine.points.watched', True))
        self.useFixture(fixtures.MonkeyPatch(
            'fenix.engine.points.reach', self._reach))
        self.useFixture(fixtures.MonkeyPatch(
            'fenix.engine.runner.Runner._failed', _raise))
        self._fill(*self.shape)

    def _open_database(self):
        """Use a new database, whose clock is ours."""
        self.database = self.useFixture(fenix_fixtures.Database(
            tables=False))
        self.database.conf.set_override(
            'sqlite_synchronous', False, 'database')
        self.database.use()
        sa.event.listen(core.engine(), 'connect', self._set_clock)
        self.path = sa.make_url(self.database.url).database
        if not _EMPTY:
            models.Base.metadata.create_all(core.engine())
            core.dispose()
            with open(self.path, 'rb') as file:
                _EMPTY.append(file.read())
        with open(self.path, 'wb') as file:
            file.write(_EMPTY[0])

    def copy_database(self, directory):
        """Use a copy of the database from now on."""
        for end in ('', '-wal'):
            if os.path.exists(self.path + end):
                shutil.copy(self.path + end, directory)
        self.path = os.path.join(directory, os.path.basename(self.path))
        self.database.conf.set_override(
            'connection', f'sqlite:///{self.path}', 'database')
        self.database.use()
        sa.event.listen(core.engine(), 'connect', self._set_clock)

    def _set_clock(self, connection, record):
        connection.create_function('utc_after', 1, self._utc_after)

    def _utc_after(self, seconds):
        when = self.clock.now() + datetime.timedelta(seconds=seconds)
        return when.strftime('%Y-%m-%d %H:%M:%S.%f')

    def _fill(self, hosts, per_host, spare):
        setup = cloud_config.CloudConfig()
        for flavor in setup.flavors:
            self.model.add_flavor(flavor)
        names = [f'compute-{number + 1}' for number in range(hosts + spare)]
        for name in names:
            self.model.add_host(cloud_config.HostConfig(name))
        group = self.model.create_group('ha', PROJECT, 'anti-affinity')
        for number in range(hosts * per_host):
            self.create(f'vm-{number}', names[number % hosts],
                        group=group.id if number < 2 <= hosts else None)
        self.project(PROJECT)

    def project(self, project_id):
        """Return a project, which is subscribed from its first mention."""
        if project_id not in self.projects:
            self.projects[project_id] = actors.Project(self, project_id)
            self.cloud.subscribed.add(project_id)
        return self.projects[project_id]

    def create(self, name, host, project=PROJECT, flavor='2', group=None):
        """Put an instance onto a host, disabled or not."""
        self.project(project)
        service = self.model.hosts[host].nova_compute
        was, service.disabled = service.disabled, False
        server = self.model.create(
            name, flavor, project, group=group, host=host)
        self.advance(1)
        service.disabled = was
        return server

    def server(self, name):
        """Return the instance of that name."""
        return next(server for server in self.model.servers.values()
                    if server.name == name)

    def on(self, host):
        """Return the names of the instances on a host."""
        return sorted(server.name for server in self.model.servers_on(host))

    def constrain(self, name, project=PROJECT, group='group', **values):
        """Register constraints for an instance."""
        body = dict(migration_type='MIGRATE', lead_time=40,
                    max_interruption_time=120, resource_mitigation=True)
        body.update(values, group_id=group, project_id=project,
                    instance_id=self.server(name).id)
        constraints.put_instance(models.InstanceConstraint(
            instance_name=name, **body))
        self.record('constraint', kind='instance', id=body['instance_id'],
                    method='PUT', code=200, body=body)

    def constrain_group(self, group='group', project=PROJECT, **values):
        """Register constraints for a group."""
        body = dict(anti_affinity_group=False, max_instances_per_host=0,
                    max_impacted_members=1, recovery_time=0,
                    resource_mitigation=True)
        body.update(values, group_id=group, project_id=project)
        constraints.put_group(models.GroupConstraint(
            group_name=group, **body))
        self.record('constraint', kind='group', id=group, method='PUT',
                    code=200, body=body)

    def record(self, what, **fields):
        """Write a line of the timeline."""
        self.timeline.append(dict(
            {'t': self.clock.seconds()}, what=what, **fields))

    def verify(self, *slack):
        """Return what the independent verifier finds in the timeline."""
        return verifier.verify(self.timeline + [
            {'t': self.clock.seconds(), 'what': 'end'}], *slack)

    # -- time -----------------------------------------------------------------

    def advance(self, seconds):
        """Let time pass in the cloud, but not in the engine."""
        self.clock.time += datetime.timedelta(seconds=seconds)
        self.model.advance()

    def after(self, seconds, call, *args):
        """Have something happen after a while."""
        self._later.append((
            self.clock.now() + datetime.timedelta(seconds=seconds),
            len(self._later), call, args))
        self._later.sort(key=lambda entry: entry[:2])

    # -- the engine -----------------------------------------------------------

    def _reach(self, point, names=()):
        if self.crash(point, names):
            self.crashes += 1
            raise Crash(point)

    def workflow(self, name):
        return {'default': default.DefaultWorkflow,
                'vnf': vnf.VnfWorkflow}[name]

    def session(self, hosts=(), settings=None, actions=(('dummy', 'host'),),
                notice=30, workflow='default', **more):
        row = models.Session(
            id=models.new_id(), project_id=ADMIN, workflow=workflow,
            maintenance_at=self.clock.now() + datetime.timedelta(
                seconds=notice), meta={'openstack_version': 'Hibiscus'},
            wanted_hosts=list(hosts), settings=settings or {},
            **{'other_hosts': [], **more})
        sessions.create(row, claims_hosts=hosts, actions=[
            models.ActionPlugin(id=models.new_id(), plugin=plugin,
                                type=type_, meta={})
            for plugin, type_ in actions])
        self.session_id = row.id
        for project_id in self.cloud.subscribed:
            self.record('vnf.subscribe', project=project_id)
        self.record('session', method='POST', code=200, session=row.id, body={
            'maintenance_at': f'{row.maintenance_at:%Y-%m-%d %H:%M:%S}',
            **row.settings})
        return row.id

    def take(self):
        """Own the session, as an engine that has just started."""
        if self.runner is not None:
            leases.release(self.runner.owner)
        engine_id = models.new_id()
        leases.register(engine_id, 'here', 1e8)
        taken = leases.take(engine_id, 10)
        self.effects.clear()
        self.runner = None
        if taken:
            session_id, epoch = taken[0]
            self.runner = runners.Runner(
                session_id, engine_id, epoch, self.conf, self.clock, self,
                self.workflow, self.bookings)
        self.engine_id = engine_id

    def submit(self, runner, effects):
        """Take effects, as the executor does."""
        self.effects.extend((runner, effect) for effect in effects)

    def overtake(self, runner):
        """Drop what only reads, as the executor does."""
        kept = [(its, effect) for its, effect in self.effects
                if its is not runner or effect.kind not in runners.READS]
        dropped = {effect.what for its, effect in self.effects
                   if (its, effect) not in kept}
        self.effects = collections.deque(kept)
        return dropped

    def publish(self, notifications):
        """Publish, as a publisher does."""
        if self.publish_error is not None:
            raise self.publish_error
        for notification in notifications:
            self.published.append(notification)
            self.record('notify', event_type=notification.event_type,
                        message_id=notification.message_id,
                        payload=notification.payload, context_project=None)
            project = self.projects.get(notification.payload['project_id'])
            if project is not None and notification.event_type == (
                    'maintenance.scheduled') and (
                    project.project_id in self.cloud.subscribed):
                project.hear(notification)

    def ring(self):
        if self.runner is not None:
            self.runner.post(posted.INBOX)

    def add_request(self, kind, **body):
        """Take an administrator's request, as the API does."""
        inbox.add_request(self.session_id, kind, body)
        method = {'continue': 'PUT', 'delete': 'DELETE'}.get(kind)
        if method:
            self.record('session', method=method, code=200,
                        session=self.session_id, body=body)

    def request(self, kind, **body):
        self.add_request(kind, **body)
        if self.runner is None or self.runner.ended:
            self.take()
        self.ring()

    def _call(self, runner, effect):
        calls = executor.Calls(self.cloud, self, lambda name: self.work)
        one = executor.Executor.__new__(executor.Executor)
        one.calls, one.clock = calls, self.clock
        one.may_change, one.wake = lambda: True, lambda runner: None
        one.at_once = self.batch
        one.call(runner, effect)

    def step(self):
        """Do the next thing; false when there is nothing left to do."""
        runner = self.runner
        if runner is None or runner.ended:
            return False
        try:
            if runner.has_messages:
                runner.turn()
            elif self.effects:
                self._call(*self.effects.popleft())
            else:
                return self._let_time_pass()
        except Crash:
            self.take()
        return True

    def _let_time_pass(self):
        times = [self.runner.next_wake, self.model.next_due() and (
            datetime.datetime.fromtimestamp(
                self.model.next_due(), datetime.UTC)
            # A float has more digits: never a bit too early.
            + datetime.timedelta(microseconds=1))]
        times += [entry[0] for entry in self._later[:1]]
        due = min((when for when in times if when is not None), default=None)
        if due is None:
            return False
        self.clock.time = max(self.clock.time, due)
        self.model.advance()
        while self._later and self._later[0][0] <= self.clock.time:
            _, _, call, args = self._later.pop(0)
            call(*args)
        if self.runner.next_wake and self.runner.next_wake <= due:
            self.runner.turn()
        return True

    def run(self, until=None, steps=5000):
        """Go on until nothing is left to do, or a condition holds."""
        for _ in range(steps):
            if until is not None and until():
                return
            if not self.step():
                return
        raise AssertionError('the session goes on for ever')

    # -- what can be asked ----------------------------------------------------

    @property
    def rows(self):
        return pictures.load(self.session_id)

    @property
    def state(self):
        return sessions.get(self.session_id).state

    def sessions(self):
        return sessions.ids()

    def claims(self):
        """Return who holds what, hosts and shares of groups alike."""
        with core.engine().connect() as connection:
            return connection.execute(sa.select(models.Claim.__table__).where(
                models.Claim.free_at.is_(None))).all()

    def all_replies(self):
        """Return the rows of all replies, whether they were read or not."""
        with core.engine().connect() as connection:
            return connection.execute(
                sa.select(models.Reply.__table__)).all()

    def states(self):
        """Return the states of the session as its administrator was told."""
        found = []
        for notification in self.published:
            state = notification.payload['state']
            if notification.event_type == 'maintenance.session' and (
                    not found or found[-1] != state):
                found.append(state)
        return found

    def warnings(self):
        """Return the warnings in the session's timeline."""
        return [event.payload['text'] for event in self.events()
                if event.event_type == 'warning']

    def events(self):
        return sessions.details(self.session_id).events

    def host_events(self):
        """Return (host, state) as infrastructure services were told.

        What comes a second time with the same message id counts once.
        """
        told = {notification.message_id: notification.payload
                for notification in self.published
                if notification.event_type == 'maintenance.host'}
        return [(payload['host'], payload['state'])
                for payload in told.values()]

    def lines(self, what):
        return [line for line in self.timeline if line['what'] == what]

    def disabled(self):
        """Return the names of the hosts that are disabled in Nova."""
        return [name for name, host in self.model.hosts.items()
                if host.nova_compute and host.nova_compute.disabled]
