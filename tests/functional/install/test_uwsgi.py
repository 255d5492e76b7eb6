# SPDX-License-Identifier: Apache-2.0
"""The examples of etc/fenix serve the API, as the guide says."""

import concurrent.futures
import contextlib
import signal
import socket
import sqlite3
import sys
import time

import fixtures
import requests

from fenix.sandbox import client as clients
from fenix.sandbox import installation
from fenix.sandbox.cloud import cloud
from fenix.sandbox.cloud import config
from tests.functional.install import base

ADDRESS = '0.0.0.0:12347'
#: The command "uwsgi", of the interpreter that runs the tests.
UWSGI = (sys.executable, '-W', 'ignore', '-c',
         'import pyuwsgi, sys; sys.exit(pyuwsgi.run())')


class Systemd(fixtures.Fixture):
    """The socket to which a service of ``Type=notify`` says how it stands.

    :ivar path: where it is
    """

    def _setUp(self):
        self.path = f'{self.useFixture(fixtures.TempDir()).path}/notify'
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self._socket.close)
        self._socket.bind(self.path)
        self._socket.settimeout(base.PATIENCE)

    def wait_until_ready(self):
        """Wait until the service says that it has started."""
        while 'READY=1' not in self._socket.recv(4096).decode().split():
            pass


class UwsgiTestCase(base.InstallTestCase):

    def setUp(self):
        super().setUp()
        self.port = installation.free_port()
        self.url = f'http://127.0.0.1:{self.port}'
        self.database = self.home / 'fenix.sqlite'
        self.write('fenix.conf',
                   (base.ETC / 'fenix/fenix.conf.example').read_text())
        self.set_environment(
            OS_DATABASE__CONNECTION=f'sqlite:///{self.database}',
            OS_DEFAULT__TRANSPORT_URL='rabbit://127.0.0.1:1/',
            OS_OSLO_CONCURRENCY__LOCK_PATH=str(self.home),
            # No memcached here, and the example's machine is not there.
            OS_KEYSTONE_AUTHTOKEN__MEMCACHED_SERVERS='')

    def serve(self):
        """Start the example; returns when it says that it is ready."""
        ini = (base.ETC / 'fenix/fenix-api-uwsgi.ini').read_text()
        self.assertIn(ADDRESS, ini)
        path = self.write('fenix-api-uwsgi.ini', ini.replace(
            ADDRESS, f'127.0.0.1:{self.port}'))
        systemd = self.useFixture(Systemd())
        with fixtures.EnvironmentVariable('NOTIFY_SOCKET', systemd.path):
            process = self.start('uwsgi', *UWSGI, '--ini', str(path))
        systemd.wait_until_ready()
        self.wait_for_workers(2, process)
        self.assertEqual(200, self.get(f'{self.url}/v1').status_code)
        return process

    def wait_for_workers(self, number, process):
        """Wait until so many have loaded the application.

        One that is still at it is deaf to SIGTERM.
        """
        log = self.home / 'uwsgi.log'
        self.until(lambda: log.read_text().count('WSGI app 0') == number,
                   process)


class TestWithKeystone(UwsgiTestCase):

    def test_who_may_come_in(self):
        self.useFixture(fixtures.FakeLogger())
        setup = config.CloudConfig(hosts=config.default_hosts(),
                                   maintenance_url=f'{self.url}/v1')
        there = cloud.Cloud(setup)
        there.start()
        self.addCleanup(there.stop)
        self.set_environment(
            OS_KEYSTONE_AUTHTOKEN__AUTH_URL=there.urls['auth'],
            OS_KEYSTONE_AUTHTOKEN__PASSWORD='sandbox')
        done = self.run_module('fenix.cmd.manage', 'db', 'sync')
        self.assertEqual((0, ''), (done.returncode, done.stderr))
        self.serve()
        url = f'{self.url}/v1/maintenance'
        self.assertEqual(401, self.get(url).status_code)
        self.assertEqual(401, self.get(
            url, **{'X-Auth-Token': 'forged'}).status_code)
        for name, status in (('doctor', 403), ('admin', 200)):
            client = clients.Client(there.urls['auth'], name, 'sandbox', name)
            self.addCleanup(client.close)
            self.assertEqual(status, client.call('GET', url).status_code)


class TestServer(UwsgiTestCase):

    def setUp(self):
        super().setUp()
        self.set_environment(OS_API__AUTH_STRATEGY='noauth')
        done = self.run_module('fenix.cmd.manage', 'db', 'sync')
        self.assertEqual((0, ''), (done.returncode, done.stderr))

    def put(self, instance):
        return requests.put(
            f'{self.url}/v1/instance/{instance}', json={'lead_time': 5},
            headers={'X-Project-Id': 'p1'}, timeout=30,
            proxies={'http': ''})

    def test_answers_on_their_way_are_given(self):
        process = self.serve()
        with concurrent.futures.ThreadPoolExecutor() as pool, \
                contextlib.closing(sqlite3.connect(
                    self.database, isolation_level=None)) as holder:
            holder.execute('BEGIN IMMEDIATE')
            answer = pool.submit(self.put, 'i1')
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            self.assertFalse(answer.done())
            holder.execute('ROLLBACK')
            self.assertEqual(
                200, answer.result(base.PATIENCE).status_code)
        self.assertEqual(0, process.wait(base.PATIENCE))

    def test_a_dead_bus_is_no_hindrance(self):
        """The bell rings in a thread, which a worker can have."""
        process = self.serve()
        answer = requests.post(
            f'{self.url}/v1/maintenance', timeout=30, proxies={'http': ''},
            json={'maintenance_at': '2099-01-01 00:00:00', 'metadata': {}})
        self.assertEqual(200, answer.status_code)
        # Each worker has a bell of its own, and any of them answers.
        self.until(lambda: self.get(f'{self.url}/healthcheck').json()[
            'bell'] == 'failing', process)


class TestMistakes(UwsgiTestCase):

    def test_a_mistake_ends_it(self):
        self.set_environment(OS_DATABASE__CONNECTION='')
        ini = base.ETC / 'fenix/fenix-api-uwsgi.ini'
        path = self.write('fenix-api-uwsgi.ini', ini.read_text().replace(
            ADDRESS, f'127.0.0.1:{self.port}'))
        process = self.start('uwsgi', *UWSGI, '--ini', str(path))
        self.assertNotEqual(0, process.wait(base.PATIENCE))
        log = (self.home / 'uwsgi.log').read_text()
        self.assertIn('set [database] connection', log)


class TestEngine(base.InstallTestCase):

    def test_says_when_it_has_started(self):
        self.set_environment(
            OS_DATABASE__CONNECTION=f'sqlite:///{self.home}/fenix.sqlite',
            OS_DEFAULT__TRANSPORT_URL='rabbit://127.0.0.1:1/',
            OS_OSLO_CONCURRENCY__LOCK_PATH=str(self.home))
        self.write('fenix.conf',
                   (base.ETC / 'fenix/fenix.conf.example').read_text())
        done = self.run_module('fenix.cmd.manage', 'db', 'sync')
        self.assertEqual((0, ''), (done.returncode, done.stderr))
        systemd = self.useFixture(Systemd())
        with fixtures.EnvironmentVariable('NOTIFY_SOCKET', systemd.path):
            process = self.start('fenix-engine', sys.executable, '-W',
                                 'ignore', '-m', 'fenix.cmd.engine')
        systemd.wait_until_ready()
        self.assertEqual(0, self.stop(process))
