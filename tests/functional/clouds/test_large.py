# SPDX-License-Identifier: Apache-2.0
"""The driver and clouds that do not fit on a page, or into a cell."""

import fixtures
import testtools

from fenix import errors
from fenix.clouds import openstack
from fenix.sandbox.cloud import cloud
from fenix.sandbox.cloud import config
from tests.unit.clouds import fakes


class LargeCase(testtools.TestCase):

    def open(self, hosts, limit=1000):
        """Serve a cloud and return the driver to it.

        :param limit: what Nova lists at most on a page
        """
        self.useFixture(fixtures.MonkeyPatch(
            'fenix.sandbox.cloud.nova.common.MAX_LIMIT', limit))
        self.sandbox = cloud.Cloud(config.CloudConfig(
            hosts=hosts, times=config.Times(boot=0)))
        urls = self.sandbox.start()
        self.addCleanup(self.sandbox.stop)
        self.model = self.sandbox.model
        self.driver = openstack.OpenStackCloud(fakes.configuration(
            {'read_retries': 0, 'timeout': 60.0}, {
                'os_auth_url': urls['auth'], 'os_username': 'fenix',
                'os_password': 'sandbox', 'os_project_name': 'service',
                'os_user_domain_name': 'Default',
                'os_project_domain_name': 'Default'}))
        return self.driver

    def boot(self, host):
        server = self.model.create('vm', '1', 'project', host=host)
        self.model.advance(self.model.now + 1)
        return server


class TestPages(LargeCase):

    def test_every_list_is_read_to_its_end(self):
        names = [f'compute-{number}' for number in range(10)]
        driver = self.open([config.HostConfig(name) for name in names], 3)
        servers = [self.boot(name).id for name in names for _ in range(3)]
        found = driver.survey()
        self.assertEqual(set(servers), set(found.servers))
        self.assertEqual(set(names), set(found.capacities))
        extra = self.boot('compute-0').id
        for _ in range(4):
            for target in ('compute-1', 'compute-0'):
                self.model.live_migrate(extra, target)
                self.model.advance(self.model.now + 10)
        self.model.live_migrate(extra, 'compute-1')
        # It is under way, and far from its end.
        self.model.advance(self.model.now + 0.5)
        look = driver.look_at_host('compute-0')
        self.assertEqual(4, len(look.servers))
        self.assertEqual({extra}, look.migrating)


class TestCells(LargeCase):

    def setUp(self):
        super().setUp()
        self.open([config.HostConfig('one'),
                   config.HostConfig('two', cell='cell2'),
                   config.HostConfig('three', cell='cell2')])
        self.server = self.boot('two')

    def test_a_silent_cell_is_no_empty_cell(self):
        self.assertTrue(self.driver.look_at_host('three').empty)
        self.model.set_cell('cell2', False)
        for call in (self.driver.survey, self.driver.services,
                     lambda: self.driver.service('two'),
                     lambda: self.driver.look_at_host('two'),
                     lambda: self.driver.look_at_host('three'),
                     lambda: self.driver.look_at_server(self.server.id)):
            self.assertRaises(errors.CloudError, call)
        for call in (self.driver.disable, self.driver.enable):
            self.assertRaises(errors.NotSent, call, 'two', 'mark')
        self.assertRaises(errors.CloudUnknown, self.driver.migrate,
                          self.server.id, 'three')
        # What is in the other cell can be seen all the while.
        self.assertTrue(self.driver.look_at_host('one').empty)
        self.model.set_cell('cell2', True)
        self.assertIn(self.server.id, self.driver.survey().servers)

    def test_an_older_nova_does_not_tell_of_it(self):
        """Its hosts are simply missing."""
        self.useFixture(fixtures.MonkeyPatch(
            'fenix.sandbox.cloud.nova.api.MAX_MICRO', 60))
        self.assertIn('two', self.driver.survey().hosts)
        self.model.set_cell('cell2', False)
        for call in (self.driver.survey,
                     lambda: self.driver.look_at_host('two'),
                     lambda: self.driver.look_at_server(self.server.id)):
            self.assertRaises(errors.CloudError, call)
        self.assertIsNone(self.driver.service('two'))

    def test_nothing_moves_to_another_cell(self):
        for move in (self.driver.migrate, self.driver.live_migrate):
            self.assertRaises(errors.OtherCell, move, self.server.id, 'one')
