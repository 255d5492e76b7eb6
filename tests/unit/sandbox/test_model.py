# SPDX-License-Identifier: Apache-2.0
"""Servers and hosts of the sandbox's cloud."""

import testtools

from fenix.sandbox.cloud import config
from fenix.sandbox.cloud import entities
from fenix.sandbox.cloud import errors
from fenix.sandbox.cloud import faults
from tests.unit.sandbox import worlds


class TestServers(testtools.TestCase):

    def test_create_goes_through_build_to_active(self):
        world = worlds.World(times=config.Times(schedule=1, boot=5))
        server = world.model.create('vm', '2', 'project')
        self.assertEqual('BUILD', server.status)
        self.assertIsNone(server.host)
        world.wait(1)
        self.assertEqual('compute-1', server.host)
        self.assertEqual('BUILD', server.status)
        world.wait(5)
        self.assertEqual('ACTIVE', server.status)
        self.assertEqual([2, 0, 0], world.vcpus())
        self.assertEqual(['server.create', 'server.state', 'server.state'],
                         world.whats('server'))

    def test_create_spreads_and_ends_in_error_without_room(self):
        world = worlds.World()
        servers = [world.server() for _ in range(6)]
        self.assertEqual([4, 4, 4], world.vcpus())
        self.assertEqual({'ACTIVE'}, {each.status for each in servers})
        seventh = world.server()
        self.assertEqual('ERROR', seventh.status)
        self.assertIsNone(seventh.host)
        self.assertIn('No valid host was found', seventh.fault['message'])
        self.assertEqual('Error', seventh.actions[0].message)

    def test_a_disabled_a_down_and_a_wrong_host_get_nothing(self):
        world = worlds.World()
        world.model.disable('compute-1', 'why')
        world.model.force_down('compute-2', True)
        self.assertEqual('compute-3', world.server().host)
        self.assertEqual('ERROR', world.server(host='compute-1').status)
        self.assertEqual('ERROR', world.server(host='compute-2').status)
        world.model.enable('compute-1')
        self.assertEqual('compute-1', world.server(host='compute-1').host)

    def test_every_resource_and_ratio_counts(self):
        world = worlds.World(hosts=1, ram_mb=1024, cpu_ratio=2.0,
                             reserved_vcpus=1)
        self.assertEqual(6, world.model.capacity('compute-1', 'VCPU'))
        self.assertEqual('ACTIVE', world.server('1').status)
        self.assertEqual('ERROR', world.server('2').status)
        self.assertEqual('ACTIVE', world.server('1').status)
        self.assertEqual('ERROR', world.server('1').status)

    def test_delete_frees_what_it_had(self):
        world = worlds.World(times=config.Times(delete=3))
        server = world.server()
        world.model.delete(server.id)
        self.assertEqual('deleting', server.task_state)
        self.assertEqual([2, 0, 0], world.vcpus())
        world.wait(3)
        self.assertEqual([0, 0, 0], world.vcpus())
        self.assertRaises(errors.NotFound, world.model.get_server, server.id)
        self.assertEqual('server.delete', world.lines[-1]['what'])
        self.assertEqual('compute-1', world.lines[-1]['host'])

    def test_anti_affinity_at_creation(self):
        world = worlds.World()
        group = world.model.create_group('g', 'project', 'anti-affinity')
        servers = [world.server('1', group=group.id) for _ in range(4)]
        self.assertEqual(['compute-1', 'compute-2', 'compute-3', None],
                         [server.host for server in servers])

    def test_affinity_at_creation(self):
        world = worlds.World()
        group = world.model.create_group('g', 'project', 'affinity')
        servers = [world.server(group=group.id) for _ in range(3)]
        self.assertEqual(['compute-1', 'compute-1', None],
                         [server.host for server in servers])

    def test_soft_groups_give_way(self):
        world = worlds.World(hosts=2)
        apart = world.model.create_group('a', 'p', 'soft-anti-affinity')
        self.assertEqual(
            ['compute-1', 'compute-2', 'compute-1'],
            [world.server('1', group=apart.id).host for _ in range(3)])
        together = world.model.create_group('t', 'p', 'soft-affinity')
        self.assertEqual(
            ['compute-2', 'compute-2', 'compute-2', 'compute-1'],
            [world.server('1', group=together.id).host for _ in range(4)])

    def test_a_locked_server_is_only_for_admins(self):
        world = worlds.World()
        server = world.server()
        world.model.lock_server(server.id, True, 'mine')
        tenant = entities.Caller('user', 'project', admin=False)
        self.assertRaises(errors.Conflict, world.model.delete, server.id,
                          caller=tenant)
        world.model.delete(server.id)

    def test_spawn_made_to_fail(self):
        world = worlds.World()
        world.model.faults.add(faults.ModelFault(
            'spawn', host='compute-1', fail=True, count=1))
        self.assertEqual('ERROR', world.server().status)
        self.assertEqual([0, 0, 0], world.vcpus())
        self.assertEqual('ACTIVE', world.server().status)

    def test_a_floating_address_leaves_its_server(self):
        world = worlds.World()
        one, two = world.server(), world.server()
        world.model.set_floating(one.id, '172.24.4.9')
        world.model.set_floating(two.id, '172.24.4.9')
        self.assertEqual(([], ['172.24.4.9']), (one.floating, two.floating))


class TestHosts(testtools.TestCase):

    def test_disable_and_enable_tell_what_they_changed(self):
        world = worlds.World()
        del world.lines[:]
        world.model.disable('compute-1', 'a')
        world.model.disable('compute-1', 'b')
        world.model.enable('compute-1')
        world.model.enable('compute-1')
        self.assertEqual(
            [('service.disable', 'a', True, 'enabled'),
             ('service.disable', 'b', False, 'disabled'),
             ('service.enable', 'b', True, 'disabled'),
             ('service.enable', None, False, 'enabled')],
            [(line['what'], line['reason'], line['changed'], line['before'])
             for line in world.lines])

    def test_work_takes_the_host_down_until_it_is_done(self):
        world = worlds.World(times=config.Times(host=7))
        work = world.model.start_work('compute-1', 'session')
        host = world.model.hosts['compute-1']
        self.assertFalse(host.is_up(host.nova_compute))
        self.assertRaises(errors.Conflict, world.model.start_work,
                          'compute-1', 'other')
        world.wait(6)
        self.assertFalse(work.done)
        world.wait(1)
        self.assertTrue(work.done)
        self.assertTrue(host.is_up(host.nova_compute))
        self.assertEqual(
            ['host.work.start', 'service.state', 'host.work.end',
             'service.state'], world.whats()[-4:])

    def test_no_work_under_a_server(self):
        world = worlds.World()
        server = world.server()
        self.assertRaises(errors.Conflict, world.model.start_work,
                          server.host, 'session')

    def test_no_work_under_an_unconfirmed_migration(self):
        world = worlds.World()
        server = world.server()
        world.model.migrate(server.id, 'compute-2')
        world.wait()
        self.assertEqual('VERIFY_RESIZE', server.status)
        self.assertRaises(errors.Conflict, world.model.start_work,
                          'compute-1', 'session')

    def test_a_controller_has_no_nova_compute(self):
        world = worlds.World(hosts=0)
        world.model.add_host(config.HostConfig(
            'controller', compute=False, controller=True))
        self.assertEqual(
            ['nova-conductor', 'nova-scheduler'],
            [service.binary for service in world.model.services()])
        self.assertRaises(errors.NotFound, world.model.disable,
                          'controller')

    def test_what_is_due_happens_in_order_and_at_its_time(self):
        world = worlds.World(times=config.Times(schedule=1, boot=2))
        world.model.create('a', '1', 'project')
        world.now += 0.5
        world.model.create('b', '1', 'project')
        self.assertEqual(1001.0, world.model.next_due())
        world.wait(100)
        times = [line['t'] for line in world.lines
                 if line['what'].startswith('server')]
        self.assertEqual([1001.0, 1001.0, 1001.5, 1001.5, 1003.0, 1003.5],
                         times)
        self.assertIsNone(world.model.next_due())
