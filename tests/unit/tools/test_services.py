# SPDX-License-Identifier: Apache-2.0
import fixtures

from tests.unit.tools import base
from tools.cloud import services


class ServicesTest(base.CloudTestCase):
    """What runs."""

    def test_each_host_and_each_cell_has_its_own(self):
        one = services.services(self.site(computes=3))
        two = services.services(self.site(computes=3, cells=2))
        self.assertEqual({'nova-conductor-2'}, two.keys() - one.keys())
        self.assertEqual(
            ['nova-compute-1', 'nova-compute-2', 'nova-compute-3'],
            [name for name in one if 'compute' in name])
        self.assertIn('nova-cell2.conf',
                      ' '.join(two['nova-conductor-2'].command))

    def test_one_launcher_for_several_hosts(self):
        here = self.site()
        launcher = services.launcher(here, here.hosts[1:3])
        self.assertEqual(['compute-2', 'compute-3'], launcher.command[-2:])

    def test_the_environment_comes_from_here(self):
        for name in ('OS_USERNAME', 'PYTHONPATH', 'RABBITMQ_NODENAME'):
            self.useFixture(fixtures.EnvironmentVariable(name, 'foreign'))
        here = self.site()
        found = services.environment(here)
        self.assertNotIn('foreign', found.values())
        self.assertEqual(str(here.home), found['HOME'])

    def test_fenix_may_have_more(self):
        here = self.site()
        here.home.mkdir()
        (here.home / 'fenix-environment.json').write_text('{"A": "b"}')
        found = services.services(here)
        for name in ('fenix-api', 'fenix-engine-1', 'fenix-engine-2'):
            self.assertEqual('b', found[name].environment['A'])
        self.assertNotIn('A', found['nova-api'].environment)
        self.assertNotEqual(
            found['fenix-engine-1'].environment['OS_ENGINE__HOST'],
            found['fenix-engine-2'].environment['OS_ENGINE__HOST'])
