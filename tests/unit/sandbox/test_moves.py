# SPDX-License-Identifier: Apache-2.0
"""Migrations of the sandbox's cloud: as Nova does them."""

import testtools

from fenix.sandbox.cloud import config
from fenix.sandbox.cloud import errors
from fenix.sandbox.cloud import faults
from tests.unit.sandbox import worlds

TIMES = config.Times(schedule=1, migration=10, live=4, confirm=2, settle=1,
                     boot=1)


class TestColdMigration(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.world = worlds.World(times=TIMES)
        self.model = self.world.model
        self.server = self.world.server()

    def test_to_verify_and_confirmed(self):
        action = self.model.migrate(self.server.id, 'compute-2', 'req-1')
        self.assertEqual('req-1', action.request_id)
        self.assertIs(action, self.server.actions[-1])
        self.assertEqual(('RESIZE', 'resize_prep'),
                         (self.server.status, self.server.task_state))
        self.world.wait(2)
        self.assertEqual([2, 2, 0], self.world.vcpus())
        self.assertEqual('compute-1', self.server.host)
        self.world.wait(8)
        self.assertEqual(('RESIZE', 'compute-2'),
                         (self.server.status, self.server.host))
        self.world.wait(1)
        self.assertEqual('VERIFY_RESIZE', self.server.status)
        self.assertEqual([2, 2, 0], self.world.vcpus())
        self.model.confirm(self.server.id)
        self.assertEqual('VERIFY_RESIZE', self.server.status)
        self.world.wait(2)
        self.assertEqual('ACTIVE', self.server.status)
        self.assertEqual([2, 2, 0], self.world.vcpus())
        self.world.wait(1)
        self.assertEqual([0, 2, 0], self.world.vcpus())
        self.assertEqual(
            ['migrate.start', 'migrate.verify', 'migrate.confirm',
             'migrate.end'], self.world.whats('migrate'))
        self.assertEqual('confirmed', self.model.migrations[0].status)

    def test_refused_at_once(self):
        for host, error, code in (
                ('compute-1', errors.BadRequest, 400),
                ('nowhere', errors.BadRequest, 400)):
            self.assertRaises(error, self.model.migrate, self.server.id,
                              host)
            self.assertEqual(('migrate.refused', code),
                             (self.world.lines[-1]['what'],
                              self.world.lines[-1]['code']))
        self.model.migrate(self.server.id, 'compute-2')
        error = self.assertRaises(errors.Conflict, self.model.migrate,
                                  self.server.id, 'compute-3')
        self.assertIn('task_state resize_prep', str(error))
        self.assertRaises(errors.Conflict, self.model.confirm,
                          self.server.id)
        self.world.wait()
        self.assertRaises(errors.NotFound, self.model.migrate, 'nobody')

    def test_refused_by_the_scheduler(self):
        """Accepted, then an instance action in error: ACTIVE as before."""
        for spoil in (lambda: self.model.disable('compute-2', 'x'),
                      lambda: self.world.server('4', host='compute-2'),
                      lambda: self.model.set_alive('compute-2', False)):
            world = self.world = worlds.World(times=TIMES)
            self.model = world.model
            server = world.server()
            spoil()
            action = self.model.migrate(server.id, 'compute-2')
            self.assertEqual('RESIZE', server.status)
            world.wait(1)
            self.assertEqual(('ACTIVE', None, 'compute-1'),
                             (server.status, server.task_state, server.host))
            self.assertEqual('Error', action.message)
            self.assertEqual('Error', action.events[-1].result)
            self.assertEqual('error', self.model.migrations[-1].status)
            self.assertEqual(2, world.vcpus()[0])
            self.assertEqual(['migrate.start', 'migrate.error'],
                             world.whats('migrate'))

    def test_of_two_that_want_the_last_room_one_gets_it(self):
        other = self.world.server()
        self.world.server(host='compute-3')
        self.model.disable('compute-2')
        for server in (self.server, other):
            self.model.migrate(server.id, 'compute-3')
        self.world.wait(30)
        self.assertEqual({'VERIFY_RESIZE', 'ACTIVE'},
                         {self.server.status, other.status})
        self.assertEqual(4, self.world.vcpus()[2])

    def test_reverted(self):
        self.model.migrate(self.server.id)
        self.world.wait(20)
        self.model.revert(self.server.id)
        self.assertEqual('REVERT_RESIZE', self.server.status)
        self.world.wait(10)
        self.assertEqual(('ACTIVE', 'compute-1'),
                         (self.server.status, self.server.host))
        self.assertEqual([2, 0, 0], self.world.vcpus())

    def test_confirmed_only_once_and_only_with_the_source_up(self):
        self.model.migrate(self.server.id)
        self.world.wait(20)
        self.model.set_alive('compute-1', False)
        self.assertRaises(errors.Conflict, self.model.confirm,
                          self.server.id)
        self.model.set_alive('compute-1', True)
        self.model.confirm(self.server.id)
        error = self.assertRaises(errors.BadRequest, self.model.confirm,
                                  self.server.id)
        self.assertEqual('Instance has not been resized.', str(error))

    def test_made_to_fail(self):
        self.model.faults.add(faults.ModelFault(
            'migrate', host='compute-1', fail=True, seconds=3))
        self.model.migrate(self.server.id, 'compute-2')
        self.world.wait(4)
        self.assertEqual(('ERROR', None, 'compute-1'),
                         (self.server.status, self.server.task_state,
                          self.server.host))
        self.assertEqual([2, 0, 0], self.world.vcpus())
        self.assertEqual('error', self.model.migrations[-1].status)
        self.assertEqual('migrate.error', self.world.whats('migrate')[-1])
        self.model.reset_state(self.server.id, 'active')
        self.model.faults.clear()
        self.model.migrate(self.server.id, 'compute-2')
        self.world.wait(20)
        self.assertEqual('VERIFY_RESIZE', self.server.status)

    def test_a_stopped_server_stays_stopped(self):
        self.model.set_power(self.server.id, False)
        self.assertEqual('SHUTOFF', self.server.status)
        self.assertRaises(errors.Conflict, self.model.live_migrate,
                          self.server.id)
        self.model.migrate(self.server.id)
        self.world.wait(20)
        self.model.confirm(self.server.id)
        self.world.wait(5)
        self.assertEqual('SHUTOFF', self.server.status)

    def test_resize_takes_another_flavor(self):
        self.model.resize(self.server.id, '4')
        self.world.wait(20)
        self.assertEqual('VERIFY_RESIZE', self.server.status)
        self.assertEqual('resize', self.model.migrations[-1].type)
        self.assertEqual(['2', '4'], [self.model.migrations[-1].old_flavor.id,
                                      self.server.flavor.id])
        self.assertEqual([2, 4, 0], self.world.vcpus())
        self.model.revert(self.server.id)
        self.world.wait(10)
        self.assertEqual('2', self.server.flavor.id)
        self.assertEqual([2, 0, 0], self.world.vcpus())
        self.assertEqual([], self.world.whats('migrate'))

    def test_deleted_while_it_moves(self):
        for wait, status in ((3, 'error'), (20, 'confirmed')):
            server = self.world.server()
            self.model.migrate(server.id)
            self.world.wait(wait)
            self.model.delete(server.id)
            self.world.wait()
            self.assertEqual(status, self.model.migrations[-1].status)
            self.assertEqual([2, 0, 0], self.world.vcpus())
            self.assertEqual([], self.model.unfinished_migrations())

    def test_anti_affinity_counts_a_move_on_both_hosts(self):
        world = worlds.World(hosts=4, times=TIMES)
        model = world.model
        group = model.create_group('g', 'project', 'anti-affinity')
        one, two = (world.server(group=group.id) for _ in range(2))
        model.migrate(one.id, 'compute-3')
        world.wait(20)
        for target, count in (('compute-3', 1), ('compute-1', 2)):
            model.migrate(two.id, target)
            world.wait(20)
            self.assertEqual('ACTIVE', two.status)
            self.assertEqual(count, world.whats().count('migrate.error'))
        model.confirm(one.id)
        world.wait()
        model.migrate(two.id, 'compute-1')
        world.wait(20)
        self.assertEqual('VERIFY_RESIZE', two.status)

    def test_an_affinity_group_does_not_get_away(self):
        group = self.model.create_group('g', 'project', 'affinity')
        server = self.world.server('1', group=group.id)
        self.model.migrate(server.id)
        self.world.wait(20)
        self.assertEqual('ACTIVE', server.status)
        self.assertEqual('migrate.error', self.world.whats('migrate')[-1])


class TestLiveMigration(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.world = worlds.World(times=TIMES)
        self.model = self.world.model
        self.server = self.world.server()

    def test_to_the_target(self):
        self.model.live_migrate(self.server.id, 'compute-3', 'req-1')
        self.assertEqual('MIGRATING', self.server.status)
        self.world.wait(2)
        self.assertEqual([2, 0, 2], self.world.vcpus())
        self.world.wait(3)
        self.assertEqual(('ACTIVE', 'compute-3'),
                         (self.server.status, self.server.host))
        self.assertEqual([2, 0, 2], self.world.vcpus())
        self.assertTrue(self.model.migrations[0].unfinished)
        self.world.wait(1)
        self.assertEqual([0, 0, 2], self.world.vcpus())
        self.assertEqual('completed', self.model.migrations[0].status)
        self.assertEqual(['live-migrate.start', 'live-migrate.end'],
                         self.world.whats('live'))

    def test_made_to_fail_it_runs_where_it_was(self):
        self.model.faults.add(faults.ModelFault(
            'live', server=self.server.id, fail=True))
        self.model.live_migrate(self.server.id, 'compute-3')
        self.world.wait(5)
        self.assertEqual(('ACTIVE', None, 'compute-1'),
                         (self.server.status, self.server.task_state,
                          self.server.host))
        self.assertEqual([2, 0, 0], self.world.vcpus())
        self.assertEqual('failed', self.model.migrations[0].status)
        self.assertEqual('live-migrate.error', self.world.whats('live')[-1])

    def test_no_valid_host_later_or_at_once(self):
        self.model.disable('compute-2')
        action = self.model.live_migrate(self.server.id, 'compute-2')
        self.world.wait(1)
        self.assertEqual('Error', action.message)
        self.assertEqual('ACTIVE', self.server.status)
        self.assertRaises(errors.NoValidHost, self.model.live_migrate,
                          self.server.id, 'compute-2', at_once=True)
        self.assertEqual('ACTIVE', self.server.status)
        self.assertRaises(errors.BadRequest, self.model.live_migrate,
                          self.server.id, 'nowhere')
        # Its own host: accepted, and then there is no valid host.
        self.model.live_migrate(self.server.id, 'compute-1')
        self.world.wait()
        self.assertEqual('error', self.model.migrations[-1].status)

    def test_aborted(self):
        self.model.live_migrate(self.server.id)
        self.world.wait(2)
        migration = self.model.migrations[0]
        self.assertRaises(errors.NotFound, self.model.abort_live,
                          self.server.id, 12345)
        self.model.abort_live(self.server.id, migration.id)
        self.assertEqual(('ACTIVE', 'compute-1', 'cancelled'),
                         (self.server.status, self.server.host,
                          migration.status))
        self.assertEqual([2, 0, 0], self.world.vcpus())
        self.world.wait()
        self.assertEqual('compute-1', self.server.host)
        self.assertRaises(errors.Conflict, self.model.abort_live,
                          self.server.id, migration.id)
