# SPDX-License-Identifier: Apache-2.0
"""What HTTP has in store for an API."""

from unittest import mock

import webob
from keystoneauth1 import loading

from fenix.db import sessions
from tests import fixtures
from tests.functional.api import base


class HttpTest(base.ApiTest, fixtures.DatabaseTestCase):

    def test_versions(self):
        link = {'rel': 'self', 'href': 'http://127.0.0.1:12347/v1'}
        version = {'id': 'v1', 'status': 'CURRENT', 'links': [link]}
        self.assertEqual({'versions': [version]}, self.call('GET', '/'))
        for path in ('/v1', '/v1/'):
            self.assertEqual({'version': version}, self.call('GET', path))

    def test_database_away(self):
        self.config(group='database', connection='sqlite:////no/such/place')
        self.app = base.app.make_app(self.conf, self.ringer)
        for method, path, body in [
                ('GET', '/v1/instance', None),
                ('POST', '/v1/maintenance', base.request()),
                ('PUT', '/v1/maintenance/s/p', {'state': 'ACK_MAINTENANCE'})]:
            answer = self.call(method, path, body, 503)
            self.assertEqual('fenix.unavailable', answer['code'])
            self.assertNotIn('no/such', str(answer))

    def test_no_internals(self):
        with mock.patch.object(sessions, 'ids',
                               side_effect=KeyError('password')):
            answer = self.call('GET', '/v1/maintenance', status=500)
        self.assertEqual('fenix.internal', answer['code'])
        self.assertNotIn('password', str(answer))

    def test_head(self):
        response = self.send('HEAD', '/v1/instance')
        self.assertEqual((200, b''), (response.status_int, response.body))
        self.assertGreater(response.content_length or 0, 2)

    def test_method(self):
        response = self.send('PATCH', '/v1/maintenance/')
        self.assertEqual(405, response.status_int)
        self.assertEqual({'GET', 'HEAD', 'POST'}, set(response.allow))
        self.call('PATCH', '/v1/maintenance', status=405)

    def test_no_tunnels(self):
        session = base.new_session()
        self.call('GET', f'/v1/maintenance/{session.id}?_method=DELETE')
        self.call('POST', f'/v1/maintenance/{session.id}?_method=DELETE',
                  {}, 409)
        self.assertEqual([], self.ringer.rung)

    def test_addresses(self):
        for path, status in [('/nothing', 404), ('/v1/%ff', 400),
                             ('/v1/instance/%00', 400), ('//', 404),
                             ('/v1/instance?x=%ff', 400),
                             ('/v1/instance?project_id=%00', 400),
                             ('/v1/instance/%2F', 404),
                             ('/v1/instance/%F0%9F%98%80', 404)]:
            self.call('GET', path, status=status)

    def test_accept(self):
        for accept in ('text/html', 'nonsense', '*/*', ''):
            self.call('GET', '/v1/instance', Accept=accept)
            self.call('GET', '/nothing', status=404, Accept=accept)

    def test_content_types(self):
        for kind in ('application/json', 'text/plain', '',
                     'application/x-www-form-urlencoded',
                     'multipart/form-data; boundary=x'):
            for path in ('/v1/instance/i1', '/v1/instance/i1?lead_time=5'):
                self.assertEqual(7, self.call(
                    'PUT', path, {'lead_time': 7},
                    Content_Type=kind)['lead_time'])

    def test_too_large(self):
        self.config(group='api', max_request_body_size=2000)
        self.app = base.app.make_app(self.conf, self.ringer)
        self.call('PUT', '/v1/instance/i1', b' ' * 2000)
        for body in (b' ' * 2001, b'{"a": "' + b'x' * 5000 + b'"}'):
            answer = self.call('PUT', '/v1/instance/i1', body, 413)
            self.assertEqual('fenix.http.413', answer['code'])

    def test_request_id(self):
        for path in ('/', '/nothing'):
            self.assertRegex(self.send('GET', path).headers[
                'x-openstack-request-id'], '^req-')

    def test_body_of_unknown_length(self):
        request = webob.Request.blank('/v1/instance/i1', method='PUT')
        request.body_file_raw = mock.Mock(read=lambda *size: b'')
        request.environ['wsgi.input_terminated'] = True
        request.content_length = None
        self.assertEqual(200, request.get_response(self.app).status_int)

    def test_browsers(self):
        self.config(group='cors', allowed_origin=['https://ui.example.org'])
        self.app = base.app.make_app(self.conf, self.ringer)
        response = self.send(
            'OPTIONS', '/v1/maintenance', Origin='https://ui.example.org',
            Access_Control_Request_Method='POST',
            Access_Control_Request_Headers='X-Auth-Token')
        self.assertEqual(200, response.status_int)
        self.assertEqual('https://ui.example.org',
                         response.headers['Access-Control-Allow-Origin'])


class KeystoneAwayTest(base.ApiTest, fixtures.DatabaseTestCase):

    AUTH = 'keystone'

    def setUp(self):
        super().setUp()
        loading.register_auth_conf_options(self.conf, 'keystone_authtoken')
        self.conf.register_opts(
            loading.get_auth_plugin_conf_options('password'),
            'keystone_authtoken')
        self.config(group='keystone_authtoken', auth_type='password',
                    auth_url='http://127.0.0.1:1/', username='fenix',
                    password='secret', project_name='service',
                    user_domain_id='default', project_domain_id='default',
                    http_request_max_retries=0)
        self.app = base.app.make_app(self.conf, self.ringer)

    def test_with_a_token(self):
        answer = self.call('GET', '/v1/instance', status=503,
                           X_Auth_Token='any')
        self.assertEqual('fenix.unavailable', answer['code'])

    def test_without_a_token(self):
        self.call('GET', '/v1')
        response = self.send('GET', '/v1/instance')
        self.assertEqual(401, response.status_int)
        self.assertEqual('Keystone uri="http://127.0.0.1:1/"',
                         response.headers['WWW-Authenticate'])
