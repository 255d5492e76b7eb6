# SPDX-License-Identifier: Apache-2.0
"""The detail of a session says why hosts and instances wait, and for whom."""

import fixtures
import sqlalchemy as sa

from fenix.api import views
from fenix.db import claims
from fenix.db import core
from fenix.db import sessions
from fenix.workflow.verbs import explaining
from tests.unit.engine import cases


@core.writer
def execute(db, operation, session_id):
    operation.execute(db, session_id)


class TestWaits(cases.EngineTestCase):

    def told(self):
        """Return what the detail says of hosts, and of instances."""
        found = views.detail(
            self.cloud.conf, sessions.details(self.cloud.session_id), ())
        return ({host['name']: host['waiting_for']
                 for host in found['hosts']},
                {instance['name']: instance['waiting_for']
                 for instance in found['instances']})

    def hosts_written(self):
        """Count from now on how often hosts are told why they wait."""
        counted = []

        def count(connection, cursor, statement, *args):
            if statement.startswith('UPDATE hosts SET waits_for'):
                counted.append(statement)

        sa.event.listen(core.engine(), 'before_cursor_execute', count)
        return counted

    def let_pass(self, seconds):
        end = self.cloud.clock.seconds() + seconds
        self.cloud.run(lambda: self.cloud.clock.seconds() >= end)

    def busy_group(self, workflow):
        """Run into a group that another session keeps busy."""
        self.prepare(per_host=2, spare=1)
        for name in ('vm-0', 'vm-1'):
            self.cloud.constrain(name)
        self.cloud.constrain_group()
        execute(claims.GroupClaim('group', 1, 'somebody'), 'another')
        self.start(workflow=workflow, hosts=['compute-1'])
        self.cloud.run(lambda: self.cloud.runner.memory.busy)
        self.let_pass(2 * explaining.INTERVAL)
        hosts, instances = self.told()
        text = ('session another: waits for its group group, which another '
                'session keeps busy')
        self.assertIn([text], instances.values())
        self.assertIn(text, hosts['compute-1'][0])
        execute(claims.GroupRelease('group', 'somebody', 0), 'another')
        self.cloud.run()
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)
        self.assertEqual([[], []], list(self.told()[1].values()))

    def test_a_group_that_another_session_keeps_busy(self):
        self.busy_group('default')

    def test_the_same_with_the_planner(self):
        self.busy_group('vnf')

    def test_an_instance_that_its_owner_is_busy_with(self):
        self.prepare()
        server = self.cloud.server('vm-0')
        self.start()
        self.cloud.run(self.step_is('compute-1', 'ask'))
        server.task_state = 'image_snapshot'
        self.cloud.run(lambda: self.cloud.runner.memory.held_up)
        said, = self.told()[1]['vm-0']
        self.assertIn(f'of project {cases.PROJECT} on compute-1', said)
        self.assertIn('busy with image_snapshot', said)

    def test_hosts_at_once(self):
        self.prepare(hosts=2, per_host=1, spare=2)
        self.cloud.work.seconds = 600
        self.start(workflow='vnf', settings={'hosts_at_once': 1})
        self.cloud.run(self.step_is('compute-3', 'maintain'))
        self.let_pass(explaining.INTERVAL)
        written = self.hosts_written()
        hosts, instances = self.told()
        text = ('the hosts in hand (compute-3): a limit of the session: '
                '1 hosts at once')
        self.assertEqual([text], hosts['compute-4'])
        self.assertEqual([text], hosts['compute-1'])
        self.assertEqual(
            [f'the turn of host compute-1, which waits for {text}'],
            instances['vm-0'])
        self.let_pass(300)
        self.assertEqual([], written)
        self.cloud.run()
        self.assert_done()

    def test_room(self):
        self.prepare(hosts=2, per_host=2, spare=1)
        self.cloud.work.seconds = 600
        self.start(workflow='vnf')
        self.cloud.run(self.step_is('compute-3', 'maintain'))
        self.let_pass(explaining.INTERVAL)
        said, = self.told()[0]['compute-1']
        self.assertIn('the hosts in hand (compute-3): no room on hosts',
                      said)

    def held(self, hold, workflow='default'):
        """Have something hold an empty host; return what is told of it."""
        self.prepare(hosts=0, spare=2)
        hold()
        self.start(hosts=['compute-1'], workflow=workflow,
                   settings={'empty_timeout': 100.0})
        self.cloud.run(self.step_is('compute-1', 'maintain'))
        self.let_pass(2 * explaining.INTERVAL)
        said, = self.told()[0]['compute-1']
        self.assertEqual([f'host compute-1: {said}'], views.detail(
            self.cloud.conf, sessions.details(self.cloud.session_id),
            ())['waiting_for'])
        return said

    def soft_deleted(self, workflow):
        def hold():
            server = self.cloud.create(
                'vm', 'compute-1', project=cases.OTHER)
            server.vm_state, self.vm = 'soft-delete', server.id

        said = self.held(hold, workflow)
        self.assertEqual(
            f'it is still not empty: instance {self.vm} of project '
            f'{cases.OTHER} (SOFT_DELETED): an administrator may delete it '
            'for good', said)
        self.cloud.model.delete(self.vm)
        self.cloud.run(self.step_is('compute-1', 'give_back'))
        self.assertNotIn('empty', str(self.told()[0]))
        self.cloud.run()
        self.assert_done()

    def test_a_server_that_is_deleted_softly(self):
        self.soft_deleted('default')

    def test_the_same_with_many_hosts(self):
        self.soft_deleted('vnf')

    def test_an_allocation_without_a_server(self):
        said = self.held(lambda: self.cloud.model._allocate(
            'nobody', 'compute-1', self.cloud.model.flavors['1']))
        self.assertIn('an allocation of nobody in Placement', said)

    def test_an_unfinished_migration(self):
        """Of one that its owner resizes, and that went elsewhere with it."""
        def hold():
            self.vm = self.cloud.create('vm', 'compute-1').id
            self.cloud.model.resize(self.vm, '1')
            self.cloud.advance(5)
            self.assertEqual([], self.cloud.on('compute-1'))

        said = self.held(hold)
        self.assertIn('an unfinished migration', said)
        self.assertIn(self.vm, said)

    def test_one_host_at_a_time(self):
        self.prepare(hosts=1, per_host=1, spare=1)
        self.start()
        self.cloud.run(self.step_is('compute-2', 'maintain'))
        self.assertEqual(['its turn, after compute-2'],
                         self.told()[0]['compute-1'])

    def test_what_is_told_is_not_looked_for_at_each_event(self):
        self.prepare(hosts=3, per_host=2, spare=2)
        asked = []
        self.useFixture(fixtures.MonkeyPatch(
            'fenix.workflow.planner.reasons.why',
            lambda fleet, key, now: asked.append(now)))
        self.run_session(workflow='vnf')
        times = sorted(set(asked))
        self.assertGreater(len(times), 2)
        for one, other in zip(times, times[1:], strict=False):
            self.assertGreaterEqual(other - one, explaining.INTERVAL)
