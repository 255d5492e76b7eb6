# SPDX-License-Identifier: Apache-2.0
"""The examples in etc say nothing that is not so."""

import configparser
import re
import shutil
import subprocess
import sys

import fixtures
import testtools
import yaml
from oslo_config import cfg
from oslo_context import context
from oslo_context import fixture as context_fixture

from fenix import conf as fenix_conf
from fenix import errors
from fenix import policies
from fenix.api import policy
from fenix.clouds.openstack import session
from fenix.workflow.actions import child
from tests.functional.install import base

CONF = base.ETC / 'fenix/fenix.conf.example'
POLICY = base.ETC / 'fenix/policy.yaml.example'
UNITS = sorted((base.ETC / 'systemd').glob('*.service'))


def unknown_options(path):
    """Return the options in a file that neither Fenix nor oslo has."""
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-m', 'oslo_config.validator',
         '--config-file', str(base.ETC / 'fenix/config-generator.conf'),
         '--input-file', str(path)],
        cwd=base.ROOT, capture_output=True, text=True, timeout=120,
        check=False)
    found = re.findall(r'ERROR:\S+:(\S+) is not part', done.stderr)
    if (done.returncode != 0) != bool(found):
        raise AssertionError(done.stderr)
    return found


class TestConfiguration(base.InstallTestCase):

    def test_no_unknown_option(self):
        """Nor one that is commented out."""
        text = re.sub('^#(?=[a-z_]+ = )', '', CONF.read_text(), flags=re.M)
        self.assertIn('\nmysql_wsrep_sync_wait = 1\n', text)
        self.assertEqual([], unknown_options(self.write('a.conf', text)))

    def test_an_unknown_option_is_found(self):
        path = self.write('b.conf', '[api]\npublic_uri = http://c/v1\n')
        self.assertEqual(['api/public_uri'], unknown_options(path))

    def test_it_is_enough(self):
        conf = cfg.ConfigOpts()
        fenix_conf.register(conf)
        conf([], default_config_files=[str(CONF)])
        self.assertTrue(conf.database.connection)
        self.assertEqual('http://controller:5000',
                         session.load_auth(conf).auth_url)


class TestPolicy(base.InstallTestCase):
    """The policy is found beside the configuration."""

    def setUp(self):
        super().setUp()
        self.useFixture(context_fixture.ClearRequestContext())
        self.write('fenix.conf', '')
        self.write('policy.yaml', POLICY.read_text())
        conf = cfg.ConfigOpts()
        conf([], project='fenix', prog='fenix-api')
        self.policy = policy.Policy(conf)

    def may(self, rule, role, project='p1', owner='p1'):
        caller = context.RequestContext(project_id=project, roles=[role])
        try:
            self.policy.authorize(caller, rule, owner)
        except errors.Forbidden:
            return False
        return True

    def test_only_rules_that_exist(self):
        known = {rule.name for rule in policies.list_rules()}
        self.assertEqual(
            set(), yaml.safe_load(POLICY.read_text()).keys() - known)

    def test_who_may_what(self):
        answers = {
            (rule, role): self.may(rule, role)
            for rule in ('fenix:session:create', 'fenix:session:events',
                         'fenix:project:reply')
            for role in ('admin', 'maintenance_operator',
                         'maintenance_observer', 'member', 'reader')}
        self.assertEqual({
            ('fenix:session:create', 'admin'),
            ('fenix:session:create', 'maintenance_operator'),
            ('fenix:session:events', 'admin'),
            ('fenix:session:events', 'maintenance_operator'),
            ('fenix:session:events', 'maintenance_observer'),
            ('fenix:project:reply', 'admin'),
            ('fenix:project:reply', 'maintenance_operator'),
            ('fenix:project:reply', 'member')},
            {key for key, allowed in answers.items() if allowed})
        self.assertFalse(self.may('fenix:project:reply', 'member', 'p2'))


class TestUnits(testtools.TestCase):
    """The units, with programs of this machine in the places of Fenix's."""

    def test_they_are_there(self):
        self.assertEqual(['fenix-api.service', 'fenix-engine.service'],
                         [path.name for path in UNITS])

    def test_settings(self):
        for path in UNITS:
            unit = configparser.ConfigParser(interpolation=None, strict=True)
            unit.optionxform = str
            unit.read(path)
            service = unit['Service']
            # Both say when they have started; the tests of them show it.
            self.assertEqual(('notify', 'fenix', 'always', 'mixed'), tuple(
                service[name] for name in (
                    'Type', 'User', 'Restart', 'KillMode')), path.name)
            program = service['ExecStart'].split()[0]
            self.assertIn(program.removeprefix('/opt/fenix/bin/'),
                          ('uwsgi', 'fenix-engine'))
            self.assertEqual('multi-user.target',
                             unit['Install']['WantedBy'])
        conf = cfg.ConfigOpts()
        fenix_conf.register(conf)
        conf([], default_config_files=[])
        # As cmd/engine.py gives it to oslo.service.
        self.assertGreater(int(service['TimeoutStopSec']),
                           conf.engine.graceful_shutdown_timeout + 5)
        # Commands have their time to end before systemd kills what is left.
        program, seconds = service['ExecStopPost'].split()
        self.assertEqual('/bin/sleep', program)
        self.assertGreater(int(seconds), child.GRACE)
        # SIGHUP brings no new values of options.
        self.assertNotIn('ExecReload', service)

    def test_no_option_takes_new_values_at_sighup(self):
        """As the administrator guide says."""
        self.assertEqual([], [
            option.name for module in fenix_conf.GROUPS
            for _group, options in module.list_opts() for option in options
            if option.mutable])

    def test_systemd_takes_them(self):
        if not shutil.which('systemd-analyze'):
            self.skipTest('There is no systemd-analyze')
        directory = self.useFixture(fixtures.TempDir()).path
        for path in UNITS:
            copy = f'{directory}/{path.name}'
            with open(copy, 'w') as stream:
                stream.write(re.sub('(?<=^ExecStart=)/opt/fenix/bin/.*',
                                    sys.executable, path.read_text(),
                                    flags=re.M))
            done = subprocess.run(
                ['systemd-analyze', 'verify', '--man=no',
                 '--recursive-errors=no', copy],
                capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((0, ''), (done.returncode, done.stderr))
