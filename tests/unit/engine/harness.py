# SPDX-License-Identifier: Apache-2.0
"""An engine in one thread, on a virtual clock, with a cloud model.

Nothing sleeps: when there is nothing to do, the clock goes on to the next
thing that is due. A crash is an exception that leaves a turn or a call where
a process would have died; what was not committed is gone.
"""

import collections
import datetime

import fixtures
import oslo_config.fixture

from fenix import conf
from fenix.clouds import base as clouds
from fenix.db import inbox
from fenix.db import leases
from fenix.db import models
from fenix.db import pictures
from fenix.db import sessions
from fenix.engine import executor
from fenix.engine import points
from fenix.engine import runner as runners
from fenix.sandbox.cloud import config as cloud_config
from fenix.sandbox.cloud import model as cloud_model
from fenix.workflow.actions import base as actions
from fenix.workflow.workflows import default
from tests import fixtures as fenix_fixtures
from tests.unit.engine import modelcloud

PROJECT = 'e9f3e7ab51a14ff7a3e9d2e3c0e4a1b2'
ADMIN = 'a0f3e7ab51a14ff7a3e9d2e3c0e4a1b3'


class Crash(BaseException):
    """The process dies here."""


def _raise(runner, error):
    """Let a test see what a runner would try again."""
    raise error


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.time = datetime.datetime.now(datetime.UTC)

    def now(self):
        return self.time

    def seconds(self):
        return self.time.timestamp()


class Work(actions.Action):
    """An action that takes a while on the virtual clock."""

    rerunnable = True
    seconds = 5

    def __init__(self, clock):
        self.clock = clock
        self.until = {}
        self.fail = set()
        self.started = []

    def start(self, run):
        self.started.append((run.type, run.host, self.clock.now()))
        self.until[run.run_id] = self.clock.now() + datetime.timedelta(
            seconds=self.seconds)
        return self.status(run)

    def status(self, run):
        if run.run_id not in self.until:
            return actions.RunStatus(actions.LOST)
        if self.clock.now() < self.until[run.run_id]:
            return actions.RunStatus(actions.RUNNING)
        if run.host in self.fail:
            return actions.RunStatus(actions.FAILED, 'no', 'it broke')
        return actions.RunStatus(actions.DONE, 'ok')


class Project:
    """A VNFM: hears notifications, answers at once or as it is told.

    :ivar answer: a function: payload -> (state, action) or None for silence
    """

    def __init__(self, harness, project_id):
        self.harness = harness
        self.project_id = project_id
        self.heard = []
        self.scale_in = 2
        self.answer = self.agree

    def agree(self, payload):
        return 'ACK_' + payload['state'], 'MIGRATE'

    def hear(self, notification):
        payload = notification.payload
        self.heard.append((payload['state'], payload))
        if payload['state'] in ('ADMIN_ACTION_DONE', 'INSTANCE_ACTION_DONE'):
            return
        answer = self.answer(payload)
        if answer is None:
            return
        if payload['state'] in ('DOWN_SCALE', 'SCALE_IN') and (
                answer[0].startswith('ACK')):
            self.remove()
        self.reply(payload, *answer)

    def remove(self):
        model = self.harness.model
        mine = [server for server in model.servers.values()
                if server.project == self.project_id
                and not server.deleted and server.group is None]
        for server in mine[:self.scale_in]:
            model.delete(server.id)

    def reply(self, payload, state, action=None):
        path = payload['reply_url'].split('/')
        instance = (path[-1] if isinstance(payload['instance_ids'], list)
                    else None)
        inbox.add_reply(payload['session_id'], self.project_id, state,
                        action=action, instance_id=instance)
        self.harness.ring()


class Harness(fixtures.Fixture):
    """Hosts, instances, projects and an engine.

    :param hosts: how many hosts of four VCPU
    :param per_host: how many instances of two VCPU on each
    :param spare: how many further hosts, empty
    """

    def __init__(self, hosts=3, per_host=2, spare=0, options=None):
        super().__init__()
        self.shape = hosts, per_host, spare
        self.options = options or {}

    def _setUp(self):
        self.database = self.useFixture(fenix_fixtures.Database())
        fixture = self.useFixture(oslo_config.fixture.Config(conf.CONF))
        conf.CONF([], default_config_files=[])
        fixture.config(group='workflow', **self.options)
        self.conf = conf.CONF
        self.clock = Clock()
        self.timeline = []
        self.model = cloud_model.Model(
            clock=self.clock.seconds, seed=1,
            record=lambda what, **fields: self.timeline.append(
                dict(fields, what=what)))
        self.cloud = modelcloud.ModelCloud(self.model)
        self.work = Work(self.clock)
        self.published = []
        self.publish_error = None
        self.projects = {}
        self.effects = collections.deque()
        self.runner = None
        self.crash = lambda point, names: False
        self.crashes = 0
        self.useFixture(fixtures.MonkeyPatch(
            'fenix.engine.points.reach', self._reach))
        self.useFixture(fixtures.MonkeyPatch(
            'fenix.engine.runner.Runner._failed', _raise))
        self._fill(*self.shape)

    def _fill(self, hosts, per_host, spare):
        setup = cloud_config.CloudConfig()
        for flavor in setup.flavors:
            self.model.add_flavor(flavor)
        names = [f'compute-{number + 1}' for number in range(hosts + spare)]
        for name in names:
            self.model.add_host(cloud_config.HostConfig(name))
        for name in names[hosts:]:
            self.model.disable(name, 'not yet')
        project = self.project(PROJECT)
        group = self.model.create_group('ha', PROJECT, 'anti-affinity')
        for number in range(hosts * per_host):
            self.model.create(
                f'vm-{number}', '2', project.project_id,
                group=group.id if number < 2 else None)
            self.clock.time += datetime.timedelta(seconds=1)
            self.model.advance()
        for name in names[hosts:]:
            self.model.enable(name)
        self.timeline.clear()

    def project(self, project_id):
        self.projects[project_id] = Project(self, project_id)
        self.cloud.subscribed.add(project_id)
        return self.projects[project_id]

    # -- the engine -----------------------------------------------------------

    def _reach(self, point, names=()):
        if self.crash(point, names):
            self.crashes += 1
            raise Crash(point)

    def workflow(self, name):
        return default.DefaultWorkflow

    def session(self, hosts=(), settings=None, actions=(('dummy', 'host'),),
                notice=30, **more):
        row = models.Session(
            id=models.new_id(), project_id=ADMIN, workflow='default',
            maintenance_at=self.clock.now() + datetime.timedelta(
                seconds=notice), meta={'openstack_version': 'Hibiscus'},
            wanted_hosts=list(hosts), other_hosts=[],
            settings=settings or {}, **more)
        sessions.create(row, claims_hosts=hosts, actions=[
            models.ActionPlugin(id=models.new_id(), plugin=plugin,
                                type=type_, meta={})
            for plugin, type_ in actions])
        self.session_id = row.id
        return row.id

    def take(self):
        """Own the session, as an engine that has just started."""
        if self.runner is not None:
            leases.release(self.runner.owner)
        engine_id = models.new_id()
        leases.register(engine_id, 'here', 3600)
        taken = leases.take(engine_id, 10)
        self.effects.clear()
        self.runner = None
        if taken:
            session_id, epoch = taken[0]
            self.runner = runners.Runner(
                session_id, engine_id, epoch, self.conf, self.clock, self,
                self.workflow)
        self.engine_id = engine_id

    def submit(self, runner, effects):
        """Take effects, as the executor does."""
        self.effects.extend((runner, effect) for effect in effects)

    def publish(self, notifications):
        """Publish, as a publisher does."""
        if self.publish_error is not None:
            raise self.publish_error
        for notification in notifications:
            self.published.append(notification)
            project = self.projects.get(notification.payload['project_id'])
            if project is not None and notification.event_type == (
                    'maintenance.scheduled'):
                project.hear(notification)

    def ring(self):
        if self.runner is not None:
            self.runner.post(runners.INBOX)

    def request(self, kind, **body):
        inbox.add_request(self.session_id, kind, body)
        if self.runner is None or self.runner.ended:
            self.take()
        self.ring()

    def _call(self, runner, effect):
        calls = executor.Calls(self.cloud, self, lambda name: self.work)
        one = executor.Executor.__new__(executor.Executor)
        one.calls, one.clock = calls, self.clock
        one.may_change, one.wake = lambda: True, lambda runner: None
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
        due = min((when for when in times if when is not None), default=None)
        if due is None:
            return False
        self.clock.time = max(self.clock.time, due)
        self.model.advance()
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

    def states(self):
        """Return the states of the session as its administrator was told."""
        found = []
        for notification in self.published:
            state = notification.payload['state']
            if notification.event_type == 'maintenance.session' and (
                    not found or found[-1] != state):
                found.append(state)
        return found

    def lines(self, what):
        return [line for line in self.timeline if line['what'] == what]


__all__ = ['ADMIN', 'PROJECT', 'Clock', 'Crash', 'Harness', 'clouds',
           'points']
