# SPDX-License-Identifier: Apache-2.0
"""keystoneauth's adapter and the sandbox's Placement."""

from tests.functional.sandbox import base


class TestPlacement(base.CloudTestCase):

    def setUp(self):
        super().setUp()
        self.api = self.placement()

    def provider(self, name):
        return self.api.get(f'/resource_providers?name={name}').json()[
            'resource_providers'][0]['uuid']

    def of(self, name, what):
        return self.api.get(
            f'/resource_providers/{self.provider(name)}/{what}').json()[what]

    def test_only_computes_are_providers(self):
        found = self.api.get('/resource_providers').json()
        self.assertEqual(
            ['compute-1', 'compute-2', 'compute-3'],
            [each['name'] for each in found['resource_providers']])
        found = self.api.get('/resource_providers?resources=VCPU:5').json()
        self.assertEqual([], found['resource_providers'])

    def test_hypervisor_and_provider_have_one_uuid(self):
        hypervisors = self.nova().hypervisors.list()
        self.assertEqual(
            {each.hypervisor_hostname: each.id for each in hypervisors},
            {each['name']: each['uuid'] for each in self.api.get(
                '/resource_providers').json()['resource_providers']})

    def test_inventory(self):
        self.assertEqual(
            {'total': 4, 'reserved': 0, 'min_unit': 1, 'max_unit': 4,
             'step_size': 1, 'allocation_ratio': 1.0},
            self.of('compute-1', 'inventories')['VCPU'])

    def test_a_migration_has_two_allocations_until_confirmed(self):
        server = self.boot()
        admin = self.nova()
        size = {'VCPU': 2, 'MEMORY_MB': 1024, 'DISK_GB': 1}
        self.assertEqual(size, self.of('compute-1', 'usages'))
        admin.servers.migrate(server.id, host='compute-2')
        self.until_status(admin, server, 'VERIFY_RESIZE')
        self.assertEqual(size, self.of('compute-1', 'usages'))
        self.assertEqual([server.id],
                         list(self.of('compute-2', 'allocations')))
        migration = admin.migrations.list()[0].uuid
        self.assertEqual([migration],
                         list(self.of('compute-1', 'allocations')))
        held = self.api.get(f'/allocations/{migration}').json()
        self.assertEqual('MIGRATION', held['consumer_type'])
        self.assertEqual([self.provider('compute-1')],
                         list(held['allocations']))
        admin.servers.confirm_resize(server.id)
        self.until(lambda: not self.of('compute-1', 'allocations'))
        self.assertEqual({}, self.api.get(
            f'/allocations/{migration}').json()['allocations'])

    def test_errors(self):
        def code(api, path):
            return api.get(path, raise_exc=False).status_code
        self.assertEqual(404, code(self.api, '/resource_providers/none'))
        self.assertEqual(400, code(self.api, '/resource_providers?a=b'))
        self.assertEqual(403, code(self.placement('doctor'),
                                   '/resource_providers'))
        self.assertEqual(406, code(self.placement(version='1.99'),
                                   '/resource_providers'))
