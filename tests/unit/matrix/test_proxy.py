# SPDX-License-Identifier: Apache-2.0
"""The proxy before Nova: it passes all on, and shows it first."""

import json

import requests
import testtools
from werkzeug import wrappers

from fenix.sandbox import installation
from fenix.sandbox.cloud import http
from tests.cloud import proxy

SERVER = '0f8fad5b-d9cb-469f-a165-70867728950e'


class Recorder:
    """A witness that only remembers."""

    def __init__(self):
        self.told = []
        #: Servers that it believes on each host.
        self.believed = set()

    def not_listed(self, host, documents):
        return self.believed - {each['id'] for each in documents}

    def __getattr__(self, name):
        return lambda *arguments: self.told.append((name, *arguments))

    def names(self):
        return [each[0] for each in self.told]


class ProxyTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.asked = []
        self.answer = {'server': {'id': SERVER}}
        self.there = True
        self.nova = http.Server(self.serve, '127.0.0.1', 0, 2)
        self.nova.start()
        self.addCleanup(self.nova.stop)
        self.proxy = proxy.Proxy(
            f'http://127.0.0.1:{self.nova.port}/v2.1', 2)
        self.proxy.witness = Recorder()
        self.proxy.start()
        self.addCleanup(self.proxy.stop)

    def serve(self, environ, start_response):
        request = wrappers.Request(environ)
        self.asked.append((request.method, request.full_path,
                           request.headers.get('X-Auth-Token'),
                           request.get_data(as_text=True)))
        code = 202 if request.method == 'POST' else 200
        if not self.there and request.path.endswith(SERVER):
            code = 404
        response = wrappers.Response(
            json.dumps(self.answer), code,
            {'x-openstack-request-id': 'req-1'}, 'application/json')
        return response(environ, start_response)

    def call(self, method, path, **arguments):
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method, self.proxy.url + path, timeout=10,
                headers={'X-Auth-Token': 'token'}, **arguments)

    def test_passes_on(self):
        response = self.call('POST', f'/servers/{SERVER}/action?x=1&y=a%20b',
                             json={'migrate': {'host': 'h'}})
        self.assertEqual(202, response.status_code)
        self.assertEqual(self.answer, response.json())
        self.assertEqual('req-1', response.headers['x-openstack-request-id'])
        self.assertEqual([(
            'POST', f'/v2.1/servers/{SERVER}/action?x=1&y=a%20b', 'token',
            '{"migrate": {"host": "h"}}')], self.asked)

    def test_shows_a_move(self):
        self.call('POST', f'/servers/{SERVER}/action',
                  json={'migrate': {'host': 'h'}})
        self.assertEqual(['asking', 'acted'], self.proxy.witness.names())
        _, server, body, _, code = self.proxy.witness.told[1]
        self.assertEqual((SERVER, {'migrate': {'host': 'h'}}, 202),
                         (server, body, code))

    def test_shows_documents(self):
        self.answer = {'servers': [{'id': 'a'}, {'id': 'b'}]}
        self.call('GET', '/servers/detail')
        self.answer = {'migrations': [{'uuid': 'm'}]}
        self.call('GET', '/os-migrations')
        self.assertEqual(['server', 'server', 'migration'],
                         self.proxy.witness.names())

    def test_shows_that_a_server_is_gone(self):
        self.there = False
        self.answer = {}
        self.call('GET', f'/servers/{SERVER}')
        self.call('GET', f'/servers/{SERVER}/os-instance-actions')
        self.assertEqual(['asking', 'gone', 'asking'],
                         self.proxy.witness.names())

    def test_looks_for_who_is_not_on_its_host(self):
        """Fenix acts on an empty list: the witness must know of it."""
        self.there = False
        self.answer = {'servers': []}
        self.proxy.witness.believed = {SERVER}
        self.call('GET', '/servers/detail?host=h&marker=x')
        self.assertEqual([], self.proxy.witness.told)
        self.call('GET', '/servers/detail?host=h')
        self.assertEqual([('gone', SERVER)], [
            each[:2] for each in self.proxy.witness.told])

    def test_notes_pages_of_all_servers(self):
        self.answer = {'servers': [{'id': SERVER}]}
        for more in ('', '&marker=x', '&status=SOFT_DELETED', '&host=h', ''):
            self.call('GET', f'/servers/detail?all_tenants=1{more}')
        self.assertEqual([[1, 1], [1]], [
            [number for _, number in pages] for pages in self.proxy.lists])

    def test_shows_a_service(self):
        self.call('PUT', f'/os-services/{SERVER}',
                  json={'status': 'disabled'})
        self.assertEqual(['service'], self.proxy.witness.names())

    def test_shows_before_the_answer(self):
        """Whoever asked cannot know more than the witness."""
        seen = []
        self.proxy.witness.server = lambda *_: seen.append('witness')
        self.call('GET', f'/servers/{SERVER}')
        seen.append('answer')
        self.assertEqual(['witness', 'answer'], seen)

    def test_a_witness_that_fails(self):
        def fail(*_):
            raise ValueError
        self.proxy.witness.server = fail
        self.assertEqual(200, self.call('GET', f'/servers/{SERVER}'
                                        ).status_code)

    def test_ambush(self):
        """It strikes before Nova has the request."""
        order = []
        self.proxy.ambush = lambda method, path, body: order.append(
            (method, body, len(self.asked)))
        self.call('GET', f'/servers/{SERVER}')
        self.call('POST', f'/servers/{SERVER}/action', json={'a': 1})
        self.assertEqual([('POST', {'a': 1}, 1)], order)

    def test_nova_away(self):
        self.proxy._root = f'http://127.0.0.1:{installation.free_port()}'
        self.assertRaises(requests.ConnectionError, self.call, 'GET',
                          f'/servers/{SERVER}')
