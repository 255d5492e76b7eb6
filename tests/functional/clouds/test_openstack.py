# SPDX-License-Identifier: Apache-2.0
"""The driver and the sandbox, over HTTP."""

import testtools

from fenix import errors
from fenix.clouds import openstack
from fenix.sandbox.cloud import cloud
from fenix.sandbox.cloud import config
from fenix.sandbox.cloud import faults
from tests.functional.clouds import scenario
from tests.unit.clouds import fakes

TIMES = config.Times(boot=0.1, migration=0.5, confirm=0.1)


class SandboxTestCase(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.sandbox = cloud.Cloud(config.CloudConfig(times=TIMES))
        urls = self.sandbox.start()
        self.addCleanup(self.sandbox.stop)
        user = {'os_auth_url': urls['auth'], 'os_username': 'fenix',
                'os_password': 'sandbox', 'os_project_name': 'service',
                'os_user_domain_name': 'Default',
                'os_project_domain_name': 'Default'}
        self.driver = openstack.OpenStackCloud(fakes.configuration(
            {'timeout': 1.0, 'read_retries': 1}, user))
        self.admin, self.tenant = (scenario.session(
            urls['auth'], name, 'sandbox', name)
            for name in ('admin', 'doctor'))
        self.hosts = [host.name for host in self.sandbox.config.hosts]
        self.image = 'tiny'
        self.flavor = '2'
        self.patience = 10
        self.begin()


class TestOpenStack(scenario.Scenario, SandboxTestCase):
    """The scenario, with the sandbox for a cloud."""


class TestFaults(scenario.World, SandboxTestCase):
    """Requests of which nobody knows what became of them."""

    def migrate(self, **fault):
        """Ask for a migration under a fault; return what became of it."""
        instance_id = self.boot()
        self.sandbox.faults.add(faults.HttpFault(
            match={'service': 'nova', 'action': 'migrate'}, **fault))
        self.assertRaises(errors.CloudUnknown, self.driver.migrate,
                          instance_id, self.target)
        return self.driver.look_at_server(instance_id)

    def moves(self, **fault):
        found = self.migrate(**fault)
        self.assertEqual('migrate', found.actions[0].action)
        self.refused(self.driver.migrate, found.server.instance_id,
                     self.target)

    def stays(self, **fault):
        found = self.migrate(**fault)
        self.assertEqual('create', found.actions[0].action)

    def test_the_answer_is_lost(self):
        self.moves(drop=True, apply=True)

    def test_the_answer_is_an_error(self):
        self.moves(answer=503, apply=True)

    def test_the_answer_is_late(self):
        self.moves(delay=1.5)

    def test_the_request_is_lost(self):
        self.stays(drop=True)

    def test_nothing_was_done(self):
        self.stays(answer=500)

    def test_reads_go_on(self):
        self.sandbox.faults.add(faults.HttpFault(
            match={'service': 'nova', 'path': 'os-services'}, answer=503))
        self.assertTrue(self.driver.service(self.source).up)
