# SPDX-License-Identifier: Apache-2.0
import os
import re
from unittest import mock

import fixtures

from tests.unit.tools import base
from tools.cloud import errors
from tools.cloud import services
from tools.cloud import software


class SoftwareTest(base.CloudTestCase):
    """What is missing is installed, or it is said what is."""

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MonkeyPatch(
            'tools.cloud.services.SERVERS_PATH', str(self.directory)))
        self.useFixture(fixtures.EnvironmentVariable('PATH', '/nonexistent'))
        # A venv that is as it should be.
        here = self.site()
        here.venv.mkdir()
        (here.venv / 'installed').write_text(software.fingerprint())
        self.said = []

    def programs(self, *names):
        for name in names:
            path = self.directory / name
            path.write_text('')
            path.chmod(0o755)

    def install(self):
        software.install(self.site(), self.said.append)

    def test_all_there(self):
        self.programs(*software.PACKAGES)
        self.assertEqual([], software.missing_packages())
        self.install()
        self.assertEqual([], self.said)

    def test_each_missing_program_names_its_package(self):
        self.programs('mariadbd', 'epmd')
        self.assertEqual(['mariadb-server', 'rabbitmq-server'],
                         software.missing_packages())

    def test_not_debian(self):
        error = self.assertRaises(errors.CloudError, self.install)
        self.assertIn('mariadb-server', str(error))
        self.assertIn('apt-get', str(error))

    def test_not_root(self):
        self.useFixture(fixtures.MonkeyPatch('os.geteuid', lambda: 1000))
        with mock.patch('shutil.which', lambda name, path=None:
                        name if name == 'apt-get' else None):
            error = self.assertRaises(errors.CloudError, self.install)
        self.assertIn('only root', str(error))
        self.assertIn('rabbitmq-server', str(error))

    def test_apt_looks_anew_before_it_gives_up(self):
        commands = []

        def run(command, **kwargs):
            commands.append(command[1])
            return mock.Mock(returncode=100, stdout='E: no such package')

        self.useFixture(fixtures.MonkeyPatch('os.geteuid', lambda: 0))
        self.useFixture(fixtures.MonkeyPatch(
            'tools.cloud.software.POLICY', self.directory / 'policy'))
        with mock.patch('shutil.which', lambda name, path=None:
                        name if name == 'apt-get' else None), \
                mock.patch('subprocess.run', run):
            error = self.assertRaises(errors.CloudError, self.install)
        self.assertEqual(['install', 'update', 'install'], commands)
        self.assertIn('no such package', str(error))
        self.assertFalse((self.directory / 'policy').exists())

    def test_other_requirements_are_installed_anew(self):
        self.programs(*software.PACKAGES)
        (self.site().venv / 'installed').write_text('of another time')
        with mock.patch('subprocess.run', mock.Mock(
                return_value=mock.Mock(returncode=1))):
            error = self.assertRaises(errors.CloudError, self.install)
        self.assertIn('install.log', str(error))
        self.assertFalse((self.site().venv / 'installed').exists())

    def test_all_requirements_are_pinned(self):
        for line in software.REQUIREMENTS.read_text().splitlines():
            self.assertIsNotNone(
                re.match(r'[\w.-]+==[\w.]+( ; .*)?$', line), line)

    def test_servers_are_looked_for_where_they_will_be_run(self):
        found = services.environment(self.site())['PATH'].split(os.pathsep)
        self.assertIn(str(self.directory), found)
