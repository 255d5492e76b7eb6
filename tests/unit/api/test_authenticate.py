# SPDX-License-Identifier: Apache-2.0
import importlib.util

import fixtures
import testtools
from oslo_config import cfg

from fenix import errors
from fenix.api import middleware


class TestMemcached(testtools.TestCase):
    """auth_token would answer 500 to the first token, and to all others."""

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.FakeLogger())
        self.there = set()
        self.useFixture(fixtures.MockPatchObject(
            importlib.util, 'find_spec', lambda name: (
                name if name in self.there else None)))

    def start(self, **options):
        conf = cfg.ConfigOpts()
        conf([], default_config_files=[])
        # The first one registers the options.
        middleware.Authenticate(None, conf)
        for name, value in options.items():
            conf.set_override(name, value, 'keystone_authtoken')
        return middleware.Authenticate(None, conf)

    def refused(self, **options):
        raised = self.assertRaises(errors.BadConfiguration, self.start,
                                   **options)
        return str(raised)

    def test_not_configured(self):
        self.start()

    def test_no_client(self):
        self.assertIn('package python-memcached:',
                      self.refused(memcached_servers=['one:11211']))

    def test_a_client(self):
        self.there.add('memcache')
        self.start(memcached_servers=['one:11211'])

    def test_tls_and_sasl_need_another_one(self):
        self.there.add('memcache')
        for option in ('memcache_tls_enabled', 'memcache_sasl_enabled'):
            self.assertIn('python-binary-memcached', self.refused(
                memcached_servers=['one:11211'], **{option: True}))
