# SPDX-License-Identifier: Apache-2.0
"""The last look at the permission, at a real server."""

import http.server
import socket
import threading

import fixtures
import requests
import testtools

from fenix import errors
from fenix.clouds import permission
from fenix.clouds.openstack import connections
from fenix.clouds.openstack import session
from tests.unit.clouds import fakes

HERE = '127.0.0.1'


class _Handler(http.server.BaseHTTPRequestHandler):

    protocol_version = 'HTTP/1.1'

    def do_POST(self):
        self.server.requests.append(self.path)
        self.send_response(202)
        self.send_header('Content-Length', '0')
        self.end_headers()

    def log_message(self, *args):
        pass


class TestAdapter(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.server = http.server.ThreadingHTTPServer((HERE, 0), _Handler)
        self.server.requests = []
        thread = threading.Thread(target=self.server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.port = self.server.server_address[1]
        self.permitted = True
        #: What becomes of the permission while the name is looked up.
        self.then = False
        # The first address of each name answers nobody.
        self.useFixture(fixtures.MonkeyPatch(
            'socket.getaddrinfo', self.look_up))

    def look_up(self, *args):
        self.permitted = self.then
        with socket.socket() as unused:
            unused.bind((HERE, 0))
            nobody = unused.getsockname()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, '', address)
                for address in (nobody, (HERE, self.port))]

    def check(self):
        if not self.permitted:
            raise errors.NotSent('the lease has run out')

    def post(self, scheme='http', **options):
        """Send a request that may be sent when it begins."""
        with requests.Session() as made, permission.checked_by(self.check):
            made.trust_env = False
            made.mount(f'{scheme}://', connections.Adapter())
            return made.post(f'{scheme}://nova.example.org/', timeout=5,
                             **options).status_code

    def test_lost_while_it_connects(self):
        self.assertRaises(errors.NotSent, self.post)
        self.assertEqual([], self.server.requests)

    def test_kept(self):
        self.then = True
        self.assertEqual(202, self.post())
        self.assertEqual(['/'], self.server.requests)

    def test_through_a_proxy(self):
        proxies = {'http': 'http://proxy.example.org:3128'}
        self.assertRaises(errors.NotSent, self.post, proxies=proxies)
        self.assertEqual([], self.server.requests)
        self.permitted = self.then = True
        self.assertEqual(202, self.post(proxies=proxies))
        self.assertEqual(['http://nova.example.org/'], self.server.requests)

    def test_each_kind_of_connection(self):
        adapter = connections.Adapter()
        managers = [adapter.poolmanager] + [
            adapter.proxy_manager_for('http://proxy.example.org:3128')
            for _ in range(2)]
        for manager in managers:
            for scheme in ('http', 'https'):
                kind = manager.pool_classes_by_scheme[scheme].ConnectionCls
                # Before all that connects, and only once.
                self.assertEqual(1, kind.__mro__.index(connections._Checked))
                self.assertEqual(
                    1, kind.__mro__.count(connections._Checked))

    def test_nobody_else_asks(self):
        """The library's own pools are not touched, nor are those of reads."""
        made = session.Sessions(
            fakes.configuration(), {
                'OS_AUTH_URL': fakes.AUTH, 'OS_USERNAME': 'fenix',
                'OS_PASSWORD': fakes.PASSWORD})
        for scheme in ('http://', 'https://'):
            asks = [isinstance(
                adapter.session.session.get_adapter(scheme),
                connections.Adapter) for adapter in (
                    made.reader('compute'), made.sender('compute'))]
            self.assertEqual([False, True], asks)
        self.then = True
        with permission.checked_by(lambda: self.fail('asked')), (
                requests.Session()) as other:
            other.trust_env = False
            other.post('http://nova.example.org/', timeout=5)
        self.assertEqual(['/'], self.server.requests)
