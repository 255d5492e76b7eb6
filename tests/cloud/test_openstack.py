# SPDX-License-Identifier: Apache-2.0
"""The driver and a real cloud that may be played with.

Run by hand, with an administrator's OS_* in the environment and
FENIX_TEST_CLOUD naming a plain user whose password and project are alike.
The cloud has three computes that are empty and enabled, and a flavor,
FENIX_TEST_FLAVOR, of half their size.
"""

import os

import testtools

from fenix.clouds import openstack
from tests.functional.clouds import scenario
from tests.unit.clouds import fakes


class TestRealCloud(scenario.Scenario, testtools.TestCase):
    """The scenario, with a real cloud."""

    def setUp(self):
        super().setUp()
        tenant = os.environ.get('FENIX_TEST_CLOUD')
        if not tenant:
            self.skipTest('FENIX_TEST_CLOUD names no cloud to play with')
        self.driver = openstack.OpenStackCloud(fakes.configuration())
        self.admin = self.user(os.environ['OS_USERNAME'],
                               os.environ['OS_PROJECT_NAME'])
        self.tenant = self.user(tenant, tenant)
        self.hosts = [host for host, service in sorted(
            self.driver.survey().hosts.items())
            if service.is_compute and service.enabled and service.up
            and self.driver.look_at_host(host).empty][:3]
        images = self.admin.get('/v2/images', endpoint_filter={
            'service_type': 'image'}).json()['images']
        self.image = images[0]['id']
        self.flavor = os.environ.get('FENIX_TEST_FLAVOR', 'm.two')
        self.patience = 60
        self.begin()

    def user(self, name, project_name):
        return scenario.session(os.environ['OS_AUTH_URL'], name,
                                os.environ['OS_PASSWORD'], project_name)
