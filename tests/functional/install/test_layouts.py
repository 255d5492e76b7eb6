# SPDX-License-Identifier: Apache-2.0
"""Which files the programs read, and what wins (CONTRACT.md section 4)."""

import datetime
import sys

import fixtures
from oslo_config import cfg

from fenix import conf as fenix_conf
from fenix.clouds.openstack import session
from fenix.sandbox import client as clients
from fenix.sandbox import installation
from fenix.sandbox.cloud import cloud
from fenix.sandbox.cloud import config
from tests.functional.install import base

PROGRAMS = ('fenix-api', 'fenix-engine', 'fenix-manage', 'fenix-status')


class TestFiles(base.InstallTestCase):

    def setUp(self):
        super().setUp()
        # The logs of this process are not theirs.
        self.useFixture(fixtures.MockPatch('oslo_log.log.setup'))

    def read(self, program, *argv):
        conf = cfg.ConfigOpts()
        fenix_conf.register(conf)
        fenix_conf.read(argv, program, conf=conf)
        return conf

    def ports(self, *argv):
        return {program: self.read(program, *argv).api.port
                for program in PROGRAMS}

    def test_one_file_for_all(self):
        self.write('fenix.conf', '[api]\nport = 1001\n')
        self.assertEqual(dict.fromkeys(PROGRAMS, 1001), self.ports())

    def test_a_file_of_its_own_wins_and_concerns_nobody_else(self):
        self.write('fenix.conf', '[api]\nport = 1001\nthreads = 3\n')
        for program in PROGRAMS:
            with self.subTest(program):
                path = self.write(f'{program}.conf', '[api]\nport = 1002\n')
                self.assertEqual({**dict.fromkeys(PROGRAMS, 1001),
                                  program: 1002}, self.ports())
                self.assertEqual(3, self.read(program).api.threads)
                path.unlink()

    def test_only_a_file_of_its_own(self):
        self.write('fenix-api.conf', '[DEFAULT]\nport = 1003\n')
        self.assertEqual(1003, self.read('fenix-api').api.port)
        self.assertEqual(12347, self.read('fenix-engine').api.port)

    def test_drop_ins_win_over_files(self):
        self.write('fenix.conf', '[api]\nport = 1001\n')
        self.write('fenix-api.conf', '[api]\nport = 1002\n')
        for name in ('fenix.conf.d', 'fenix-api.conf.d'):
            (self.etc / name).mkdir()
        self.write('fenix.conf.d/20-late.conf', '[api]\nport = 1020\n')
        self.write('fenix.conf.d/10-early.conf', '[api]\nport = 1010\n')
        self.assertEqual(1020, self.read('fenix-engine').api.port)
        self.assertEqual(1020, self.read('fenix-api').api.port)
        self.write('fenix-api.conf.d/any.conf', '[api]\nport = 1030\n')
        self.assertEqual(1030, self.read('fenix-api').api.port)
        self.assertEqual(1020, self.read('fenix-engine').api.port)

    def test_the_environment_wins_over_files(self):
        self.write('fenix.conf', '[api]\nport = 1001\n')
        self.set_environment(OS_API__PORT='1004')
        self.assertEqual(dict.fromkeys(PROGRAMS, 1004), self.ports())

    def test_a_file_that_is_named_is_the_only_one(self):
        self.write('fenix.conf', '[api]\nport = 1001\nthreads = 3\n')
        self.write('fenix-api.conf', '[api]\nport = 1002\n')
        named = self.write('other.conf', '[api]\nport = 1005\n')
        self.assertEqual(dict.fromkeys(PROGRAMS, 1005),
                         self.ports('--config-file', str(named)))
        self.assertEqual(16, self.read(
            'fenix-api', '--config-file', str(named)).api.threads)

    def test_the_older_spelling_of_the_port(self):
        self.write('fenix.conf', '[DEFAULT]\nport = 1001\n')
        self.write('fenix-api.conf', '[DEFAULT]\nport = 1002\n')
        self.assertEqual(1002, self.read('fenix-api').api.port)
        self.write('fenix-api.conf', '[api]\nport = 1006\n')
        self.assertEqual(1006, self.read('fenix-api').api.port)

    def test_both_spellings_of_the_user(self):
        older = ('[service_user]\nos_auth_url = http://older/v3\n'
                 'os_username = older\nos_password = p\n'
                 'os_project_name = service\nos_user_domain_name = Default\n'
                 'os_project_domain_name = Default\n')
        newer = older.replace('os_', '').replace('older', 'newer')
        self.set_environment(OS_AUTH_URL='http://environment/v3')
        for text, url in (
                (older, 'http://older/v3'),
                (newer + 'auth_type = password\n', 'http://newer/v3'),
                (older + newer.partition('\n')[2] + 'auth_type = password\n',
                 'http://newer/v3'),
                ('', 'http://environment/v3')):
            with self.subTest(url):
                self.write('fenix.conf', text)
                self.assertEqual(url, session.load_auth(
                    self.read('fenix-engine')).auth_url)


#: What OPNFV Doctor's installer writes, word for word but for the values.
DOCTOR = """
[DEFAULT]
port = {port}
transport_url = rabbit://stackrabbit:secret@127.0.0.1:1/
[database]
connection = {database}
[service_user]
os_auth_url = {auth}
os_username = admin
os_password = sandbox
os_user_domain_name = Default
os_project_name = admin
os_project_domain_name = Default
"""
DOCTOR_API = """
[DEFAULT]
port = {port}
transport_url = rabbit://stackrabbit:secret@127.0.0.1:1/
[keystone_authtoken]
auth_url = {auth}
auth_type = password
project_domain_name = Default
project_name = admin
user_domain_name = Default
username = admin
password = sandbox
"""


class TestDoctor(base.InstallTestCase):
    """The installation of OPNFV Doctor, on a cloud of the sandbox."""

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.FakeLogger())
        self.port = installation.free_port()
        self.cloud = cloud.Cloud(config.CloudConfig(
            hosts=config.default_hosts(),
            maintenance_url=f'http://127.0.0.1:{self.port}/v1'))
        self.cloud.start()
        self.addCleanup(self.cloud.stop)

    def test_a_session(self):
        """Both programs run as scripts, as its container starts them."""
        values = {'port': self.port, 'auth': self.cloud.urls['auth'],
                  'database': f'sqlite:///{self.home}/fenix.sqlite'}
        self.write('fenix.conf', DOCTOR.format(**values))
        self.write('fenix-api.conf', DOCTOR_API.format(**values))
        # The message bus is not what this is about.
        self.set_environment(OS_NOTIFY__PUBLISHER='log')
        done = self.run_module('fenix.cmd.manage', 'db', 'sync')
        self.assertEqual((0, ''), (done.returncode, done.stderr))
        for name in ('engine', 'api'):
            process = self.start(f'fenix-{name}', sys.executable, '-W',
                                 'ignore',
                                 str(base.ROOT / f'fenix/cmd/{name}.py'))
        url = f'http://127.0.0.1:{self.port}/v1'
        self.until(lambda: self.get(url), process)
        self.assertEqual(401, self.get(f'{url}/maintenance').status_code)
        admin = clients.Client(self.cloud.urls['auth'], 'admin', 'sandbox',
                               'admin')
        self.addCleanup(admin.close)
        host = config.default_hosts()[0].name
        soon = (datetime.datetime.now(datetime.UTC)
                + datetime.timedelta(seconds=2))
        answer = admin.call('POST', f'{url}/maintenance', json={
            'maintenance_at': soon.strftime('%Y-%m-%d %H:%M:%S'),
            'workflow': 'default', 'metadata': {}, 'hosts': [host]})
        self.assertEqual(200, answer.status_code, answer.text)
        session = f'{url}/maintenance/{answer.json()["session_id"]}'

        def ended():
            found = admin.call('GET', session).json()
            return found['state'] in ('MAINTENANCE_DONE',
                                      'MAINTENANCE_FAILED') and found

        self.assertEqual('MAINTENANCE_DONE',
                         self.until(ended)['state'])
        self.assertEqual(
            {host}, {line['host'] for line in self.cloud.timeline.lines
                     if line['what'] == 'service.enable'
                     and line.get('changed', True)})
