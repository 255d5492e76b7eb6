# SPDX-License-Identifier: Apache-2.0
"""fenix-api as a program, and the application for other servers."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import sys
import time

from fenix.db import constraints
from tests import fixtures

CONF = """
[DEFAULT]
transport_url = rabbit://127.0.0.1:1/
[database]
connection = {url}
[api]
host = 127.0.0.1
port = {port}
"""

# Doctor's installer writes two files; the second one counts for the API.
API_CONF = """
[api]
auth_strategy = noauth
threads = 2
"""

ROOT = pathlib.Path(__file__).parents[3]


class CommandTest(fixtures.DatabaseTestCase):

    def setUp(self):
        super().setUp()
        self.home = pathlib.Path(self.create_tempfiles(
            [('fenix', '')])[0]).parent
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            self.port = free.getsockname()[1]
        (self.home / '.fenix').mkdir()
        (self.home / '.fenix/fenix.conf').write_text(
            CONF.format(url=self.database.url, port=self.port))
        (self.home / '.fenix/fenix-api.conf').write_text(API_CONF)

    def start(self, *command):
        process = subprocess.Popen(
            [sys.executable, '-W', 'ignore', *command], cwd=ROOT,
            env={**os.environ, 'HOME': str(self.home)})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def serve(self):
        process = self.start('-m', 'fenix.cmd.api')
        for _ in range(200):
            with contextlib.suppress(OSError):
                self.call('GET', '/v1')
                return process
            time.sleep(0.1)
        self.fail('fenix-api does not listen')

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection('127.0.0.1', self.port,
                                                timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, body and json.dumps(body), {
                'Content-Type': 'application/json', 'X-Project-Id': 'p1'})
            response = connection.getresponse()
            self.assertEqual(200, response.status)
            return json.loads(response.read())

    def test_serve(self):
        process = self.serve()
        self.call('PUT', '/v1/instance/i1', {'lead_time': 5})
        self.assertEqual(5, constraints.get_instance('i1').lead_time)
        # The broker is away: the bell does not ring, all else works.
        started = time.monotonic()
        self.call('POST', '/v1/maintenance', {
            'maintenance_at': '2099-01-01 00:00:00', 'metadata': {}})
        self.assertLess(time.monotonic() - started, 2)
        self.assertEqual('ok', self.call('GET', '/healthcheck')['status'])
        process.send_signal(signal.SIGTERM)
        self.assertEqual(0, process.wait(10))

    def test_answers_on_their_way_are_given(self):
        process = self.serve()
        path = self.database.url.removeprefix('sqlite:///')
        with concurrent.futures.ThreadPoolExecutor() as pool, \
                contextlib.closing(sqlite3.connect(path)) as holder:
            holder.isolation_level = None
            holder.execute('BEGIN IMMEDIATE')
            answer = pool.submit(self.call, 'PUT', '/v1/instance/i1', {})
            time.sleep(0.5)
            self.assertFalse(answer.done())
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            holder.execute('ROLLBACK')
            self.assertEqual('i1', answer.result(10)['instance_id'])
        self.assertEqual(0, process.wait(10))
        self.assertEqual('p1', constraints.get_instance('i1').project_id)

    def test_application(self):
        process = self.start('-c', '''
import webob
from fenix.wsgi import api
request = webob.Request.blank('/healthcheck')
assert request.get_response(api.application).json['status'] == 'ok'
from oslo_service import backend
assert backend.get_backend_type() == backend.BackendType.THREADING
''')
        self.assertEqual(0, process.wait(30))
