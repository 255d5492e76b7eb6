# SPDX-License-Identifier: Apache-2.0
"""The driver and the sandbox, over HTTP."""

import collections

import testtools

from fenix import errors
from fenix.clouds import openstack
from fenix.sandbox.cloud import cloud
from fenix.sandbox.cloud import config
from fenix.sandbox.cloud import faults
from fenix.workflow import cells
from fenix.workflow.verbs import viewing
from tests.functional.clouds import scenario
from tests.unit.clouds import fakes

TIMES = config.Times(boot=0.1, migration=0.5, confirm=0.1)


class SandboxTestCase(testtools.TestCase):

    CONFIG = config.CloudConfig(times=TIMES)
    TIMEOUT = 1.0

    def setUp(self):
        super().setUp()
        self.sandbox = cloud.Cloud(self.CONFIG)
        urls = self.sandbox.start()
        self.addCleanup(self.sandbox.stop)
        user = {'os_auth_url': urls['auth'], 'os_username': 'fenix',
                'os_password': 'sandbox', 'os_project_name': 'service',
                'os_user_domain_name': 'Default',
                'os_project_domain_name': 'Default'}
        self.driver = openstack.OpenStackCloud(fakes.configuration(
            {'timeout': self.TIMEOUT, 'read_retries': 1}, user))
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


class TestBonds(scenario.World, SandboxTestCase):
    """What a flavor asks of hosts, and what they have."""

    CONFIG = config.CloudConfig(
        times=TIMES,
        hosts=[config.HostConfig('compute-1', 16, traits=('CUSTOM_FAST',)),
               config.HostConfig('compute-2', 16, traits=('CUSTOM_FAST',)),
               config.HostConfig('compute-3', 16, traits=('CUSTOM_SLOW',))],
        aggregates={'racks': ['compute-1', 'compute-3']},
        properties={'racks': {'disk': 'ssd'}},
        flavors=[
            config.FlavorConfig('2', 'rack', 2, 512, 1, {
                'aggregate_instance_extra_specs:disk': 'ssd'}),
            config.FlavorConfig('3', 'fast', 2, 512, 1, {
                'trait:CUSTOM_FAST': 'required'}),
            config.FlavorConfig('4', 'not slow', 2, 512, 1, {
                'trait:CUSTOM_SLOW': 'forbidden'})])

    def fitting(self, flavor):
        """Return where an instance may go, and where Nova lets it go."""
        self.flavor = flavor
        instance_id = self.boot()
        survey = self.driver.survey()
        told = viewing.Places(
            survey.hosts, survey.hosts, cells.Cells()).open_to(
                self.source, None, survey.servers[instance_id].bonds)
        server = self.sandbox.model.servers[instance_id]
        return told, {
            host.name for host in self.sandbox.model.hosts.values()
            if self.sandbox.model.refusal(host, server,
                                          server.flavor) is None}

    def test_what_is_told_is_what_nova_keeps_to(self):
        for flavor, hosts in (('2', {'compute-1', 'compute-3'}),
                              ('3', {'compute-1', 'compute-2'}),
                              ('4', {'compute-1', 'compute-2'})):
            self.assertEqual((hosts, hosts), self.fitting(flavor))


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


class TestManyServers(SandboxTestCase):
    """Full pages of servers, and one more to know that it is over."""

    HOSTS, SERVERS = 100, 10_000
    CONFIG = config.CloudConfig(
        times=config.Times(schedule=0, boot=0),
        flavors=[config.FlavorConfig('0', 'm.tiny', 1, 16, 0)],
        hosts=[config.HostConfig(f'host-{number}', vcpus=100)
               for number in range(HOSTS)])
    TIMEOUT = 30.0

    def begin(self):
        model = self.sandbox.model
        with model.changed:
            self.servers = {
                model.create(f'vm-{number}', '0', 'doctor',
                             host=f'host-{number % self.HOSTS}').id
                for number in range(self.SERVERS)}
            model.advance()

    def test_survey(self):
        survey = self.driver.survey()
        self.assertEqual(self.servers, survey.servers.keys())
        self.assertEqual(
            {self.SERVERS // self.HOSTS}, set(collections.Counter(
                server.host for server in survey.servers.values()).values()))
        self.assertEqual(
            self.SERVERS // self.HOSTS,
            len(self.driver.look_at_host('host-7').servers))
