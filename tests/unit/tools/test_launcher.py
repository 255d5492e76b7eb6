# SPDX-License-Identifier: Apache-2.0
"""What starts nova-compute, with a Nova that notes what is done to it."""

import importlib
import pathlib
import sys
import types
from unittest import mock

import testtools

from tools.cloud import site


class LauncherTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.done = []
        nova = {name: types.ModuleType(name) for name in (
            'nova', 'nova.cmd', 'nova.cmd.compute', 'nova.conf',
            'nova.virt')}
        nova['nova.conf'].CONF = mock.Mock(
            side_effect=self.configure, clear=lambda: self.done.append(None))
        for name, module in nova.items():
            above, _, last = name.rpartition('.')
            if above:
                setattr(nova[above], last, module)
        patched = mock.patch.dict(sys.modules, nova)
        patched.start()
        self.addCleanup(patched.stop)
        self.launcher = importlib.import_module(
            'tools.cloud.hypervisor.launcher')
        self.patch(self.launcher.importlib, 'import_module',
                   self.done.append)
        self.here = site.Site(pathlib.Path('/cloud'))

    def configure(self, words, project):
        self.done.append(words)

    def test_nova_is_imported_with_its_configuration(self):
        """Too late, and periodic tasks have other intervals."""
        self.launcher.load(self.here, self.here.hosts[1])
        words, *modules, cleared = self.done
        self.assertIsNone(cleared)
        self.assertEqual(
            ['nova.conf', 'nova-compute-2.conf',
             'nova-compute-override.conf'],
            [pathlib.Path(word).name for word in words[1::2]])
        self.assertEqual(['--config-file'] * 3, words[::2])
        self.assertIn('nova.compute.manager', modules)
