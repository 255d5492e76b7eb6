# SPDX-License-Identifier: Apache-2.0
"""Hosts left behind: found, and released, over HTTP."""

import io
import json
from unittest import mock

import oslo_config.fixture
import sqlalchemy as sa
from alembic import command

from fenix import conf
from fenix import words
from fenix.clouds import openstack
from fenix.cmd import manage
from fenix.cmd import status
from fenix.db import core
from fenix.db import leases
from fenix.db import models
from fenix.db import pictures
from fenix.db import sessions
from fenix.db import sync
from fenix.sandbox.cloud import cloud
from fenix.sandbox.cloud import config
from fenix.sandbox.cloud import faults
from tests import fixtures
from tests.functional.db import records
from tests.functional.db import test_migrations
from tests.unit.clouds import fakes

CONF = '''
[database]
connection = {url}
[service_user]
auth_type = password
auth_url = {auth}
username = fenix
password = sandbox
project_name = service
user_domain_name = Default
project_domain_name = Default
[nova]
interface = public
timeout = 2
[notify]
publisher = webhook
webhook_url = {notifications}
timeout = 2
host_event_projects = p2
'''
ADMIN = 'a0f3e7ab51a14ff7a3e9d2e3c0e4a1b3'


class ReleaseTest(fixtures.DatabaseTestCase):

    def setUp(self):
        super().setUp()
        # The commands read it into the global object.
        self.useFixture(oslo_config.fixture.Config(conf.CONF))
        command.stamp(sync._config(), 'head')
        self.sandbox = cloud.Cloud(config.CloudConfig())
        urls = self.sandbox.start()
        self.addCleanup(self.sandbox.stop)
        self.driver = openstack.OpenStackCloud(fakes.configuration(
            {'timeout': 2.0, 'read_retries': 0}, {
                'os_auth_url': urls['auth'], 'os_username': 'fenix',
                'os_password': 'sandbox', 'os_project_name': 'service',
                'os_user_domain_name': 'Default',
                'os_project_domain_name': 'Default'}))
        self.one, self.two, self.three = [
            host.name for host in self.sandbox.config.hosts]
        (self.file,) = self.create_tempfiles([('fenix', CONF.format(
            url=self.database.url, auth=urls['auth'],
            notifications=urls['notifications']))], '.conf')

    def call(self, main, *words_):
        code, out, err = test_migrations.call(
            main, '--config-file', self.file, *words_)
        self.database.use()
        return code, out, err

    def release(self, *words_, code=0):
        """Run the command; return its figures and what it printed."""
        found, out, err = self.call(manage.main, 'release', *words_)
        self.assertEqual(code, found, (out, err))
        lines = out.splitlines()
        try:
            figures = json.loads(lines[-1])
        except (ValueError, IndexError):
            figures = None
        return figures, out + err

    def check(self):
        """Return the exit code and {check: details} of fenix-status."""
        code, out, _ = self.call(status.main, 'check', '--json')
        return code, {check['check']: check['details']
                      for check in json.loads(out)['checks']}

    def session(self, state=words.START_MAINTENANCE, **values):
        session = records.session(state=state, project_id=ADMIN, **values)
        sessions.create(session)
        return session.id

    def disable(self, host, session_id, why='maintenance'):
        self.driver.disable(host, f'fenix:{session_id} {why}')

    def keep(self, host, announced=True):
        """Delete a session whose action did not succeed on a host."""
        session_id = self.session()
        engine = models.new_id()
        leases.register(engine, 'host', 60)
        leases._take(engine, session_id, 0)
        pictures.commit(session_id, engine, 1, added=[
            records.host(session_id, name=host, disabled='kept',
                         announced=announced),
            records.host(session_id, name='other', announced=True)])
        pictures.remove(session_id, engine, 1)
        self.disable(host, session_id, 'action dummy did not succeed: boom')
        return session_id

    def enabled(self):
        return sorted(name for name, service in
                      self.driver.services().items() if service.enabled)

    def told(self):
        return [line for line in self.sandbox.timeline.lines
                if line['what'] == 'notify']

    def test_left_over(self):
        session_id = models.new_id()
        self.disable(self.one, session_id)
        leases.register(models.new_id(), 'host', 60)
        code, checks = self.check()
        self.assertEqual(1, code)
        self.assertIn(f'{self.one} (session {session_id}, "maintenance")',
                      checks['Hosts left behind'])
        figures, text = self.release('--all', '--dry-run')
        self.assertEqual(([self.one], True), (
            figures['released'], figures['dry_run']))
        self.assertIn('would be released', text)
        self.assertNotIn(self.one, self.enabled())
        figures, _ = self.release(self.one)
        self.assertEqual([self.one], figures['released'])
        self.assertIn(self.one, self.enabled())
        self.assertEqual((0, []), (figures['told'], self.told()))
        self.assertEqual((0, None), (
            self.check()[0], self.check()[1]['Hosts left behind']))

    def test_audit(self):
        session_id = models.new_id()
        self.disable(self.one, session_id, 'left as it was')
        with self.assertLogs('fenix.workflow.marks', 'INFO') as logs:
            self.release(self.one)
        self.assertRegex(logs.output[0], (
            f'host {self.one}: release wanted by .+@.+, its reason was '
            f'"fenix:{session_id} left as it was": enabled'))

    def test_kept_on_purpose(self):
        session_id = self.keep(self.one)
        self.disable(self.two, session_id)
        figures, text = self.release('--all', '--yes')
        self.assertEqual(([self.two], [self.one]),
                         (figures['released'], figures['left']))
        self.assertIn('kept disabled: "action dummy did not succeed: boom"; '
                      'name it', text)
        self.assertEqual([self.two, self.three], self.enabled())
        self.assertEqual([], self.told())
        figures, _ = self.release(self.one)
        self.assertEqual(([self.one], 2), (figures['released'],
                                           figures['told']))
        self.assertEqual(
            {(project, session_id, self.one, 'MAINTENANCE_COMPLETE')
             for project in (ADMIN, 'p2')},
            {tuple(line['payload'][name] for name in (
                'project_id', 'session_id', 'host', 'state'))
             for line in self.told()})
        self.assertEqual([], records.everything()['kept_hosts'])

    def test_kept_and_never_announced(self):
        self.keep(self.one, announced=False)
        figures, _ = self.release(self.one)
        self.assertEqual(0, figures['told'])
        self.assertEqual([], records.everything()['kept_hosts'])

    def test_enabled_by_hand(self):
        session_id = self.keep(self.one)
        self.driver.enable(self.one, f'fenix:{session_id}')
        figures, text = self.release(self.one)
        self.assertEqual(2, figures['told'])
        self.assertIn('told to be back in use', text)
        figures, text = self.release(self.one, code=1)
        self.assertEqual([self.one], figures['refused'])
        self.assertIn('it is enabled', text)

    def test_nobody_could_be_told(self):
        self.keep(self.one)
        whole = self.file
        with open(whole, encoding='utf-8') as file:
            text = file.read().replace('webhook_url = ',
                                       'webhook_url = http://127.0.0.1:1/#')
        (self.file,) = self.create_tempfiles([('other', text)], '.conf')
        figures, text = self.release(self.one, code=1)
        self.assertEqual([self.one], figures['refused'])
        self.assertIn('it is enabled, but nobody could be told', text)
        self.assertIn(self.one, self.enabled())
        self.file = whole
        figures, _ = self.release(self.one)
        self.assertEqual(2, figures['told'])

    def test_living_sessions(self):
        for host, state in ((self.one, words.START_MAINTENANCE),
                            (self.two, words.MAINTENANCE_FAILED),
                            (self.three, words.DELETING)):
            self.disable(host, self.session(state))
        self.assertEqual(None, self.check()[1]['Hosts left behind'])
        figures, text = self.release(self.one, self.two, self.three, code=1)
        self.assertEqual([self.one, self.two, self.three],
                         figures['refused'])
        self.assertIn('which is MAINTENANCE_FAILED: the session gives it '
                      'back', text)
        self.assertEqual([], self.enabled())
        figures, _ = self.release('--all', '--yes')
        self.assertEqual([], figures['released'])

    def test_done_sessions(self):
        self.disable(self.one, self.session(
            words.MAINTENANCE_DONE, finished_at=records.TIME))
        self.disable(self.two, self.session(
            words.MAINTENANCE_DONE, deleting=True))
        figures, _ = self.release('--all', '--yes')
        self.assertEqual(([self.one], [self.two]),
                         (figures['released'], figures['left']))

    def test_what_is_not_ours(self):
        self.driver.disable(self.one, 'broken fan')
        self.driver.disable(self.two, 'fenix is a nice word')
        figures, text = self.release(
            self.one, self.two, self.three, 'nowhere', code=1)
        self.assertEqual([], figures['released'])
        self.assertIn('it was not Fenix who disabled it: "broken fan"', text)
        self.assertIn(f'{self.three}: not released: it is enabled', text)
        self.assertIn('nowhere: not released: Nova knows no', text)
        self.assertEqual([self.three], self.enabled())
        self.assertEqual([], self.release('--all', '--yes')[0]['released'])

    def test_others_are_released(self):
        for host in (self.one, self.two):
            self.disable(host, models.new_id())
        figures, _ = self.release(self.one, 'nowhere', self.two, code=1)
        self.assertEqual([self.one, self.two], figures['released'])

    def test_asks(self):
        self.disable(self.one, models.new_id())
        for terminal, answer, released, text in (
                (False, None, False, 'say --yes'),
                (True, '', False, 'nothing was released'),
                (True, 'y', True, '')):
            with mock.patch('sys.stdin', io.StringIO(f'{answer}\n')) as stdin:
                stdin.isatty = lambda it=terminal: it
                _, said = self.release('--all', code=int(not released))
            self.assertIn(text, said)
            self.assertEqual(released, self.one in self.enabled())

    def test_hosts_or_all(self):
        for words_ in ((), (self.one, '--all')):
            self.assertIn('name the hosts, or say --all',
                          self.release(*words_, code=1)[1])

    def test_the_cloud_is_away(self):
        self.disable(self.one, models.new_id())
        self.sandbox.faults.add(faults.HttpFault(
            match={'service': 'nova', 'path': 'os-services'}, answer=503,
            count=100))
        _, text = self.release(self.one, code=1)
        self.assertIn('The cloud could not be read', text)
        code, checks = self.check()
        self.assertEqual(2, code)
        self.assertIn('could not be read', checks['Hosts left behind'])

    def test_the_database_is_away(self):
        self.useFixture(fixtures.fixtures.EnvironmentVariable(
            'OS_DATABASE__CONNECTION', 'sqlite:////no/such/place'))
        with open(self.file, encoding='utf-8') as file:
            text = file.read().replace('connection =', '#')
        (self.file,) = self.create_tempfiles([('other', text)], '.conf')
        code, checks = self.check()
        self.assertEqual(2, code)
        for name in ('Database schema', 'Engines'):
            self.assertIn('unable to open', checks[name])

    def test_engines_and_the_outbox(self):
        self.assertIn('No engine runs', self.check()[1]['Engines'])
        leases.register(models.new_id(), 'host', 60)
        self.assertEqual(None, self.check()[1]['Engines'])
        session_id = self.session()
        event = records.event(session_id)
        with core.engine().begin() as connection:
            connection.execute(sa.insert(models.Event).values({
                column.key: getattr(event, column.key)
                for column in event.__mapper__.column_attrs}))
        self.assertRegex(self.check()[1]['Engines'],
                         '1 notifications are not out, the oldest for ')
