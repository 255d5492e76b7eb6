# SPDX-License-Identifier: Apache-2.0
import tempfile

import testtools

from fenix import errors
from fenix.clouds.openstack import session
from tests.unit.clouds import fakes

ENVIRONMENT = {
    'OS_AUTH_URL': 'http://env/v3', 'OS_USERNAME': 'env',
    'OS_PASSWORD': fakes.PASSWORD, 'OS_PROJECT_NAME': 'env',
    'OS_USER_DOMAIN_NAME': 'Default', 'OS_PROJECT_DOMAIN_NAME': 'Default',
    'OS_REGION_NAME': 'there', 'OS_CACERT': '/ca.pem'}


def load(environ=None, **service_user):
    return session.load_auth(
        fakes.configuration(service_user=service_user), environ or {})


class TestCredentials(testtools.TestCase):

    def test_keystoneauth_options_come_first(self):
        with tempfile.NamedTemporaryFile('w', suffix='.conf') as file:
            file.write('[service_user]\nauth_type = v3password\n'
                       'user_domain_name = Default\n'
                       'auth_url = http://file/v3\nusername = filed\n'
                       'os_auth_url = http://older/v3\n')
            file.flush()
            conf = fakes.configuration(files=[file.name])
            plugin = session.load_auth(conf, ENVIRONMENT)
        self.assertEqual('http://file/v3', plugin.auth_url)

    def test_older_names(self):
        plugin = load(ENVIRONMENT, **fakes.CREDENTIALS)
        self.assertEqual(fakes.AUTH, plugin.auth_url)
        self.assertEqual(
            ('fenix', fakes.PASSWORD, 'service', 'Default', 'Default'),
            (plugin._username, plugin._password, plugin._project_name,
             plugin._user_domain_name, plugin._project_domain_name))

    def test_environment(self):
        plugin = load(ENVIRONMENT)
        self.assertEqual('http://env/v3', plugin.auth_url)
        self.assertEqual('env', plugin._username)

    def test_another_kind_in_the_environment(self):
        plugin = load({'OS_AUTH_URL': 'http://env/v3',
                       'OS_AUTH_TYPE': 'v3applicationcredential',
                       'OS_APPLICATION_CREDENTIAL_ID': 'id',
                       'OS_APPLICATION_CREDENTIAL_SECRET': 'secret'})
        self.assertIn('ApplicationCredential', type(plugin).__name__)

    def test_none(self):
        raised = self.assertRaises(errors.CloudError, load)
        self.assertIn('[service_user]', str(raised))

    def test_not_enough(self):
        raised = self.assertRaises(
            errors.CloudError, load,
            {'OS_AUTH_URL': 'http://env/v3', 'OS_AUTH_TYPE':
             'v3applicationcredential', 'OS_PASSWORD': fakes.PASSWORD})
        self.assertIn('not complete', str(raised))
        self.assertNotIn(fakes.PASSWORD, str(raised))


class TestSessions(testtools.TestCase):

    def sessions(self):
        conf = fakes.configuration(nova={'timeout': 7, 'read_retries': 3})
        return session.Sessions(conf, ENVIRONMENT)

    def test_reads_are_repeated_and_effects_are_not(self):
        sessions = self.sessions()
        reader = sessions.reader('compute')
        self.assertEqual((3, 3), (reader.connect_retries,
                                  reader.status_code_retries))
        sender = sessions.sender('compute')
        self.assertEqual((0, 0), (sender.connect_retries,
                                  sender.status_code_retries))

    def test_both_have_the_timeout_and_the_environment(self):
        sessions = self.sessions()
        for adapter in (sessions.reader('compute'),
                        sessions.sender('compute')):
            self.assertEqual(7, adapter.session.timeout)
            self.assertEqual('/ca.pem', adapter.session.verify)
            self.assertEqual('there', adapter.region_name)

    def test_an_effect_never_uses_a_connection_that_waited(self):
        http = self.sessions().sender('compute').session.session
        self.assertEqual('close', http.headers['Connection'])


class TestInterfaces(testtools.TestCase):
    """DevStack has public endpoints only, other clouds hide the internal."""

    def look(self, *interfaces, **options):
        """Talk to each service, in all three ways: read, effect, client."""
        cloud = self.useFixture(fakes.Cloud(interfaces=interfaces, **options))
        cloud.services(fakes.service())
        cloud.http.get(f'{fakes.AODH}/v2/alarms', json=[])
        cloud.http.put(f'{fakes.NOVA}/os-services/id-one',
                       json={'service': fakes.service(status='disabled')})
        cloud.driver.subscriptions('maintenance.scheduled')
        return cloud.driver.disable('one', 'fenix:s')

    def test_public_where_there_is_no_internal(self):
        self.look(('public', ''))

    def test_internal_where_there_are_both(self):
        self.look(('public', '/wrong'), ('internal', ''))

    def test_the_order_that_is_configured(self):
        self.look(('public', ''), ('internal', '/wrong'),
                  interface=['public', 'internal'])
        raised = self.assertRaises(
            errors.CloudError, self.look, ('internal', ''),
            interface=['public'])
        self.assertIn('endpoint', str(raised))
