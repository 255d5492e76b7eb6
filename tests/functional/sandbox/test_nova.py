# SPDX-License-Identifier: Apache-2.0
"""The real novaclient and the sandbox's Nova."""

import novaclient.exceptions as nova_exceptions

from tests.functional.sandbox import base

HOST = 'OS-EXT-SRV-ATTR:host'


class TestServers(base.CloudTestCase):

    def test_server_as_tenant_and_admin_see_it(self):
        server = self.boot()
        self.assertFalse(hasattr(server, HOST))
        self.assertEqual(2, server.flavor['vcpus'])
        admin = self.nova().servers.get(server.id)
        self.assertEqual('compute-1', getattr(admin, HOST))
        self.assertEqual(self.cloud.identity.project_id('doctor'),
                         admin.tenant_id)
        self.assertEqual([], admin.server_groups)
        self.assertFalse(admin.locked)
        old = self.nova(version='2.1').servers.get(server.id)
        self.assertEqual('2', old.flavor['id'])
        self.assertFalse(hasattr(old, 'locked'))

    def test_projects_do_not_see_each_other(self):
        server = self.boot()
        demo = self.nova('demo')
        self.assertEqual([], demo.servers.list())
        self.assertRaises(nova_exceptions.NotFound, demo.servers.get,
                          server.id)
        self.assertRaises(nova_exceptions.NotFound, demo.servers.delete,
                          server.id)
        self.assertRaises(nova_exceptions.Forbidden, demo.servers.list,
                          search_opts={'all_tenants': 1})
        self.assertRaises(nova_exceptions.Forbidden, demo.services.list)

    def test_lists_filters_and_pages(self):
        doctor, demo, admin = (self.nova(name) for name in (
            'doctor', 'demo', 'admin'))
        for client in (doctor, doctor, demo):
            self.boot(client, '1')

        def ids(**search):
            return [server.id for server in admin.servers.list(
                search_opts=search)]
        self.assertEqual([], ids())
        everything = ids(all_tenants=1)
        self.assertEqual(3, len(everything))
        project = self.cloud.identity.project_id('doctor')
        self.assertEqual(everything[1:], ids(all_tenants=1,
                                             project_id=project))
        self.assertEqual(everything[1:], ids(tenant_id=project))
        self.assertEqual(1, len(ids(all_tenants=1, host='compute-1')))
        self.assertEqual([], ids(all_tenants=1, status='ERROR'))
        self.assertEqual(everything, [
            server.id for server in admin.servers.list(
                search_opts={'all_tenants': 1}, limit=-1)])
        first = admin.servers.list(search_opts={'all_tenants': 1}, limit=2)
        rest = admin.servers.list(search_opts={'all_tenants': 1}, limit=2,
                                  marker=first[-1].id)
        self.assertEqual((2, 1), (len(first), len(rest)))

    def test_changes_since_shows_the_deleted(self):
        client = self.nova('doctor')
        server = self.boot(client)
        client.servers.delete(server)
        self.until(lambda: not client.servers.list())
        self.assertEqual(
            [(server.id, 'DELETED')],
            [(each.id, each.status) for each in client.servers.list(
                search_opts={'changes-since': '2020-01-01T00:00:00Z'})])

    def test_no_room(self):
        client = self.nova('doctor')
        for _ in range(3):
            self.boot(client, '4')
        server = client.servers.create('vm', 'image', '1', nics='none')
        found = self.until_status(client, server, 'ERROR')
        self.assertEqual(500, found.fault['code'])
        self.assertIn('No valid host', found.fault['message'])

    def test_addresses(self):
        server = self.boot()
        self.cloud.model.set_floating(server.id, '172.24.4.7')
        self.assertEqual(
            ['fixed', 'floating'],
            [address['OS-EXT-IPS:type'] for address in self.nova(
                ).servers.get(server.id).addresses['private']])

    def test_server_groups(self):
        doctor, admin = self.nova('doctor'), self.nova()
        group = doctor.server_groups.create('ha', 'anti-affinity')
        servers = [self.boot(doctor, '1', scheduler_hints={
            'group': group.id}) for _ in range(2)]
        self.assertEqual(
            {server.id for server in servers},
            set(doctor.server_groups.get(group.id).members))
        self.assertEqual([group.id],
                         admin.servers.get(servers[0].id).server_groups)
        self.assertEqual([], admin.server_groups.list())
        found = admin.server_groups.list(all_projects=True)[0]
        self.assertEqual('anti-affinity', found.policy)
        self.assertEqual(
            ['anti-affinity'],
            self.nova('doctor', '2.13').server_groups.list()[0].policies)
        self.assertRaises(nova_exceptions.BadRequest,
                          doctor.server_groups.create, 'x', 'apart')

    def test_flavors(self):
        admin = self.nova()
        made = admin.flavors.create('huge', 1024, 16, 10)
        self.assertIn('huge', [flavor.name for flavor
                               in self.nova('doctor').flavors.list()])
        self.assertEqual(16, admin.flavors.get(made.id).vcpus)


class TestMigrations(base.CloudTestCase):

    def setUp(self):
        super().setUp()
        self.admin = self.nova()
        self.server = self.boot()

    def host(self):
        return getattr(self.admin.servers.get(self.server.id), HOST)

    def actions(self):
        return self.admin.instance_action.list(self.server.id)

    def test_cold_with_its_request_id_and_events(self):
        answer = self.admin.servers.migrate(self.server.id, host='compute-2')
        self.assertEqual(answer.request_ids[0],
                         self.actions()[0].request_id)
        self.until_status(self.admin, self.server, 'VERIFY_RESIZE')
        self.assertEqual('compute-2', self.host())
        self.admin.servers.confirm_resize(self.server.id)
        self.until_status(self.admin, self.server, 'ACTIVE')
        self.assertEqual(['confirmResize', 'migrate', 'create'],
                         [action.action for action in self.actions()])
        action = self.admin.instance_action.get(
            self.server.id, answer.request_ids[0])
        self.assertEqual({'Success'},
                         {event['result'] for event in action.events})
        self.assertIsNotNone(action.updated_at)
        self.until(lambda: self.lines('migrate.end'))

    def test_refusals(self):
        migrate = self.admin.servers.migrate
        for host in ('compute-1', 'controller-1', 'nowhere'):
            self.assertRaises(nova_exceptions.BadRequest, migrate,
                              self.server.id, host=host)
        self.assertRaises(nova_exceptions.Forbidden, self.nova(
            'doctor').servers.migrate, self.server.id)
        self.assertRaises(nova_exceptions.Conflict,
                          self.admin.servers.confirm_resize, self.server.id)
        migrate(self.server.id, host='compute-2')
        error = self.assertRaises(nova_exceptions.Conflict, migrate,
                                  self.server.id, host='compute-3')
        self.assertIn('task_state', str(error))
        self.assertRaises(nova_exceptions.NotFound, migrate, 'nobody')

    def test_no_valid_host_is_an_action_in_error(self):
        service = self.admin.services.list(host='compute-2',
                                           binary='nova-compute')[0]
        self.admin.services.disable_log_reason(service.id, 'x')
        self.admin.servers.migrate(self.server.id, host='compute-2')
        self.until(lambda: self.actions()[0].message == 'Error')
        self.until_status(self.admin, self.server, 'ACTIVE')
        self.assertEqual('compute-1', self.host())
        self.assertEqual('error', self.admin.migrations.list(
            instance_uuid=self.server.id)[0].status)

    def test_live(self):
        self.admin.servers.live_migrate(self.server.id, 'compute-3', 'auto')
        running = self.until(lambda: self.admin.server_migrations.list(
            self.server.id))
        self.assertEqual('compute-3', running[0].dest_compute)
        self.until(lambda: self.host() == 'compute-3')
        self.until_status(self.admin, self.server, 'ACTIVE')
        self.until(lambda: self.admin.migrations.list()[0].status
                   == 'completed')
        self.assertRaises(
            nova_exceptions.BadRequest, self.nova(
                version='2.25').servers.live_migrate, self.server.id,
            'compute-3', 'auto')

    def test_live_aborted(self):
        self.admin.servers.live_migrate(self.server.id, 'compute-3', 'auto')
        running = self.until(lambda: self.admin.server_migrations.list(
            self.server.id))
        self.admin.server_migrations.live_migration_abort(
            self.server.id, running[0].id)
        self.until_status(self.admin, self.server, 'ACTIVE')
        self.assertEqual('compute-1', self.host())
        self.assertEqual('cancelled', self.admin.migrations.list()[0].status)

    def test_the_list_of_migrations(self):
        self.admin.servers.migrate(self.server.id)
        self.until_status(self.admin, self.server, 'VERIFY_RESIZE')
        self.admin.servers.revert_resize(self.server.id)
        self.until_status(self.admin, self.server, 'ACTIVE')
        self.admin.servers.live_migrate(self.server.id, None, 'auto')

        def listed(**kwargs):
            return [migration.migration_type for migration
                    in self.admin.migrations.list(**kwargs)]
        self.until(lambda: len(listed()) == 2)
        self.assertEqual(['live-migration', 'migration'], listed())
        self.assertEqual(['migration'], listed(status='reverted'))
        self.assertEqual(['migration'], listed(migration_type='migration'))
        self.assertEqual(2, len(listed(source_compute='compute-1')))
        self.assertEqual([], listed(host='controller-1'))
        self.assertEqual(['live-migration'], listed(limit=1))
        first = self.admin.migrations.list(limit=1)[0]
        self.assertEqual(['migration'], listed(marker=first.uuid))


class TestAdmin(base.CloudTestCase):

    def test_services(self):
        admin = self.nova()
        self.assertEqual(
            {('compute-1', 'nova-compute'), ('compute-2', 'nova-compute'),
             ('compute-3', 'nova-compute'),
             ('controller-1', 'nova-conductor'),
             ('controller-1', 'nova-scheduler')},
            {(service.host, service.binary)
             for service in admin.services.list()})
        service = admin.services.list(host='compute-1',
                                      binary='nova-compute')[0]
        admin.services.disable_log_reason(service.id, 'fenix:1')
        found = admin.services.list(host='compute-1')[0]
        self.assertEqual(('disabled', 'up', 'fenix:1'),
                         (found.status, found.state, found.disabled_reason))
        admin.services.enable(service.id)
        admin.services.force_down(service.id, True)
        found = admin.services.list(host='compute-1')[0]
        self.assertEqual(('enabled', 'down', None),
                         (found.status, found.state, found.disabled_reason))
        conductor = admin.services.list(binary='nova-conductor')[0]
        self.assertRaises(nova_exceptions.BadRequest,
                          admin.services.disable, conductor.id)
        self.assertRaises(nova_exceptions.NotFound, admin.services.disable,
                          '00000000-0000-0000-0000-000000000000')

    def test_services_of_old(self):
        admin = self.nova(version='2.11')
        admin.services.disable_log_reason('compute-1', 'nova-compute', 'x')
        self.assertEqual('x', admin.services.list(
            host='compute-1')[0].disabled_reason)
        admin.services.enable('compute-1', 'nova-compute')
        self.assertEqual('enabled', admin.services.list(
            host='compute-1')[0].status)
        self.assertRaises(nova_exceptions.BadRequest,
                          admin.services.disable, 'controller-1',
                          'nova-conductor')

    def test_hypervisors(self):
        self.boot()
        new = self.nova().hypervisors.list(detailed=True)
        self.assertEqual(3, len(new))
        self.assertFalse(hasattr(new[0], 'vcpus'))
        old = self.nova(version='2.53').hypervisors.list(detailed=True)[0]
        self.assertEqual((4, 2, 1),
                         (old.vcpus, old.vcpus_used, old.running_vms))
        servers = self.nova().hypervisors.search('compute-1', servers=True)
        self.assertEqual(1, len(servers[0].servers))

    def test_zones_and_aggregates(self):
        admin = self.nova()
        self.assertEqual([], admin.aggregates.list())
        self.assertEqual(['nova'], [
            zone.zoneName for zone in admin.availability_zones.list()])

    def test_microversions(self):
        admin = self.nova()
        self.assertEqual(('2.1', '2.96'), (
            admin.versions.get_current().min_version,
            admin.versions.get_current().version))
        session = self.session('admin')
        answer = session.get('/servers', endpoint_filter={
            'service_type': 'compute'}, microversion='2.53')
        self.assertEqual('compute 2.53',
                         answer.headers['OpenStack-API-Version'])
        self.assertIn('x-openstack-request-id', answer.headers)
        answer = session.get('/servers', endpoint_filter={
            'service_type': 'compute'}, raise_exc=False, headers={
                'OpenStack-API-Version': 'compute 2.97'})
        self.assertEqual(406, answer.status_code)

    def test_requests_that_name_a_server_are_recorded(self):
        server = self.boot()
        self.nova().servers.list(search_opts={'all_tenants': 1})
        self.nova().migrations.list(instance_uuid=server.id)
        self.nova().servers.migrate(server.id)
        lines = self.lines('request')
        self.assertEqual({server.id}, {line['server'] for line in lines})
        self.assertEqual(('POST', f'/compute/v2.1/servers/{server.id}/action'),
                         (lines[-1]['method'], lines[-1]['path']))
        self.assertIn('/compute/v2.1/os-migrations',
                      [line['path'] for line in lines])
