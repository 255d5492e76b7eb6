# SPDX-License-Identifier: Apache-2.0
"""keystoneauth, keystonemiddleware and the sandbox's Keystone."""

import time

import requests
from keystoneauth1 import exceptions
from keystonemiddleware import auth_token
from oslo_config import cfg

from fenix.sandbox.cloud import config
from tests.functional.sandbox import base


class TestKeystone(base.CloudTestCase):

    def test_catalogue(self):
        session = self.session('doctor')
        for kind, url in (('compute', self.cloud.urls['compute']),
                          ('placement', self.cloud.urls['placement']),
                          ('alarming', self.cloud.urls['alarming']),
                          ('maintenance', 'http://127.0.0.1:12347/v1')):
            for interface in ('public', 'internal', 'admin'):
                self.assertEqual(url, session.get_endpoint(
                    service_type=kind, interface=interface,
                    region_name='RegionOne'))
        self.assertRaises(exceptions.EndpointNotFound, session.get_endpoint,
                          service_type='volume')

    def test_scopes(self):
        project = self.cloud.identity.project_id('doctor')
        self.assertEqual(project, self.session('doctor').get_project_id())
        self.assertEqual(project, self.session(
            'doctor', project_name=None, project_id=project
        ).get_project_id())
        self.assertIsNone(self.session(
            'doctor', project_name=None).get_project_id())
        for kwargs in ({'password': 'wrong'}, {'project_name': 'demo'},
                       {'project_name': 'nowhere'}):
            self.assertRaises(exceptions.Unauthorized, self.session(
                'doctor', **kwargs).get_token)

    def test_lists(self):
        session = self.session('admin')

        def listed(kind, who=session):
            return who.get(f'/v3/{kind}', endpoint_filter={
                'service_type': 'identity'}).json()[kind.split('?')[0]]
        self.assertEqual({'admin', 'fenix', 'doctor', 'demo'},
                         {user['name'] for user in listed('users')})
        self.assertIn('service', {each['name']
                                  for each in listed('projects')})
        service = listed('services?type=maintenance')[0]
        endpoints = listed(f'endpoints?service_id={service["id"]}'
                           f'&interface=public')
        self.assertEqual(['http://127.0.0.1:12347/v1'],
                         [endpoint['url'] for endpoint in endpoints])
        self.assertRaises(exceptions.Forbidden, listed, 'users',
                          self.session('doctor'))

    def test_a_token_runs_out(self):
        self.cloud = self.make(config.CloudConfig(token_lifetime=0.5))
        token = self.session('admin').get_token()

        def code():
            return requests.get(
                f'{self.cloud.urls["compute"]}/servers', timeout=5,
                headers={'X-Auth-Token': token}).status_code
        self.assertEqual(200, code())
        time.sleep(0.5)
        self.assertEqual(401, code())


class TestMiddleware(base.CloudTestCase):

    def setUp(self):
        super().setUp()
        conf = cfg.ConfigOpts()
        conf([], project='fenix')
        self.seen = {}
        self.app = auth_token.AuthProtocol(self.application, {
            'oslo_config_config': conf, 'auth_type': 'password',
            'auth_url': self.cloud.urls['auth'],
            'www_authenticate_uri': self.cloud.urls['auth'],
            'username': 'fenix', 'password': 'sandbox',
            'project_name': 'service', 'user_domain_name': 'Default',
            'project_domain_name': 'Default', 'memcached_servers': '',
            'service_type': 'maintenance'})

    def application(self, environ, start_response):
        self.seen = environ
        start_response('200 OK', [])
        return [b'']

    def status(self, token):
        got = []
        environ = {'REQUEST_METHOD': 'GET', 'PATH_INFO': '/',
                   'SERVER_NAME': 'x', 'SERVER_PORT': '80',
                   'wsgi.url_scheme': 'http'}
        if token:
            environ['HTTP_X_AUTH_TOKEN'] = token
        self.app(environ, lambda status, headers, exc_info=None:
                 got.append(status))
        return got[0][:3]

    def test_tokens_are_validated(self):
        self.assertEqual('200', self.status(
            self.session('doctor').get_token()))
        self.assertEqual(self.cloud.identity.project_id('doctor'),
                         self.seen['HTTP_X_PROJECT_ID'])
        self.assertEqual('member,reader', self.seen['HTTP_X_ROLES'])
        self.assertEqual('401', self.status('made up'))
        self.assertEqual('401', self.status(None))
