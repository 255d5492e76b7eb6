# SPDX-License-Identifier: Apache-2.0
"""A cloud that is served, and the real clients that talk to it."""

import logging
import time

import fixtures
import testtools
from aodhclient import client as aodh_client
from keystoneauth1 import adapter
from keystoneauth1 import session as ks_session
from keystoneauth1.identity import generic
from novaclient import client as nova_client

from fenix.sandbox.cloud import cloud
from fenix.sandbox.cloud import config

#: Everything quick, nothing at once.
QUICK = config.Times(schedule=0.01, boot=0.05, delete=0.05, migration=0.2,
                     confirm=0.05, settle=0.01, host=0.2)


class CloudTestCase(testtools.TestCase):
    """Three computes and a controller."""

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.FakeLogger(level=logging.INFO))
        hosts = config.default_hosts()
        hosts.append(config.HostConfig('controller-1', compute=False,
                                       controller=True))
        self.cloud = self.make(config.CloudConfig(
            hosts=hosts, times=QUICK,
            maintenance_url='http://127.0.0.1:12347/v1'))

    def make(self, setup):
        """Another cloud; it is stopped at the end of the test."""
        made = cloud.Cloud(setup)
        made.start()
        self.addCleanup(made.stop)
        return made

    def session(self, name, password='sandbox', **kwargs):  # noqa: S107
        """A session of a user in the project of the same name."""
        kwargs.setdefault('project_name', name)
        return ks_session.Session(auth=generic.Password(
            auth_url=self.cloud.urls['auth'], username=name,
            password=password, user_domain_name='Default',
            project_domain_name='Default', **kwargs))

    def nova(self, name='admin', version='2.96'):
        return nova_client.Client(version, session=self.session(name))

    def aodh(self, name='admin'):
        return aodh_client.Client('2', session=self.session(name))

    def placement(self, name='admin', version='1.39'):
        return adapter.Adapter(self.session(name), service_type='placement',
                               default_microversion=version)

    def until(self, test, limit=5.0):
        """Wait until something is so, and return it."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            found = test()
            if found:
                return found
            time.sleep(0.01)
        self.fail('It did not come about')

    def boot(self, client=None, flavor='2', **kwargs):
        """A server that is ACTIVE."""
        client = client or self.nova('doctor')
        server = client.servers.create('vm', 'image', flavor, nics='none',
                                       **kwargs)
        return self.until_status(client, server, 'ACTIVE')

    def until_status(self, client, server, status):
        def test():
            found = client.servers.get(server.id)
            task = getattr(found, 'OS-EXT-STS:task_state')
            return found if (found.status, task) == (status, None) else None
        return self.until(test)

    def lines(self, what):
        """The lines of the timeline of that kind."""
        return [line for line in self.cloud.timeline.lines
                if line['what'] == what]
