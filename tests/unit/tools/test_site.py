# SPDX-License-Identifier: Apache-2.0
import socket

import fixtures

from tests.unit.tools import base
from tools.cloud import errors
from tools.cloud import site


class SiteTest(base.CloudTestCase):
    """A cloud keeps to its place."""

    def test_two_clouds_share_no_port(self):
        first = self.site(port_base=25000)
        second = self.site(port_base=25000 + len(site.LISTENERS))
        ports = [each.port(name) for each in (first, second)
                 for name in site.LISTENERS]
        self.assertEqual(len(ports), len(set(ports)))
        self.assertIn(f':{first.port("keystone")}/v3', first.auth_url)

    def test_fenix_is_found_without_a_slash(self):
        self.assertTrue(self.site().fenix_url.endswith('/v1'))

    def test_the_last_hosts_are_in_the_second_cell(self):
        self.assertEqual(
            [('compute-1', 1), ('compute-2', 1), ('compute-3', 2),
             ('compute-4', 2)],
            [(host.name, host.cell)
             for host in self.site(computes=4, cells=2).hosts])
        self.assertEqual(
            {1}, {host.cell for host in self.site(computes=4).hosts})

    def test_cells_have_buses_of_their_own(self):
        here = self.site(cells=2)
        self.assertEqual(here.transport_url, here.transport_url_of(1))
        self.assertNotEqual(here.transport_url, here.transport_url_of(2))

    def test_what_cannot_be(self):
        for wish in ({'port_base': 80}, {'port_base': 65530}, {'cells': 3},
                     {'computes': 0}, {'computes': 2, 'cells': 2},
                     {'computes': 201}):
            (name, *_), value = wish, next(iter(wish.values()))
            error = self.assertRaises(errors.CloudError, self.site, **wish)
            self.assertIn(name.replace('_', ' '), str(error))
            self.assertIn(str(value), str(error))

    def test_stays_as_it_was_made(self):
        made = site.Site.make(self.directory, computes=4, cells=None)
        self.assertEqual(made, site.Site.load(self.directory))
        self.assertEqual(made, site.Site.make(self.directory, computes=4))
        error = self.assertRaises(errors.CloudError, site.Site.make,
                                  self.directory, computes=5)
        self.assertIn('computes 4, not 5', str(error))

    def test_ports_that_are_free(self):
        first = site.free_base()
        server = socket.create_server(('127.0.0.1', first + 3))
        self.addCleanup(server.close)
        made = site.Site.make(self.directory, port_base=site.ANY)
        self.assertGreater(made.port_base, first + 3)
        self.assertIn(made.port_base, site.LOOKED_AT)
        # They are not looked for again: its own servers have them now.
        self.assertEqual(made, site.Site.make(self.directory,
                                              port_base=site.ANY))
        self.useFixture(fixtures.MonkeyPatch(
            'tools.cloud.site.LOOKED_AT', range(first, first + 1)))
        error = self.assertRaises(errors.CloudError, site.free_base)
        self.assertIn(str(first), str(error))

    def test_nothing_is_made_of_wrong_wishes(self):
        self.assertRaises(errors.CloudError, site.Site.make,
                          self.directory / 'new', computes=0)
        self.assertFalse((self.directory / 'new').exists())

    def test_no_cloud(self):
        error = self.assertRaises(errors.CloudError, site.Site.load,
                                  self.directory)
        self.assertIn('make cloud', str(error))

    def test_forgets_all_but_the_software(self):
        here = site.Site.make(self.directory)
        for path in (here.venv, here.data, here.log):
            path.mkdir()
        here.forget()
        self.assertEqual({'venv', 'site.json'}, {
            path.name for path in self.directory.iterdir()})
