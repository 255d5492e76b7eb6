# SPDX-License-Identifier: Apache-2.0
"""A real RabbitMQ, and a wire to it that can be cut and frozen."""

import os
import socket
import threading
import time
import urllib.parse
import uuid

import fixtures
import kombu
from oslo_messaging import conffixture
from oslotest import base

from fenix import conf

VARIABLE = 'FENIX_TEST_RABBIT_URL'


def closed_port():
    """Return a port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds=10):
    """Wait for a condition; return whether it came true in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.002)
    return False


class Wire(fixtures.Fixture):
    """A port that leads to the broker, until it is cut or frozen."""

    def __init__(self, address):
        self._address = address
        self._pairs = []
        self._flowing = threading.Event()
        self._flowing.set()
        self._listener = None

    def _setUp(self):
        self.port = closed_port()
        self.mend()
        self.addCleanup(self.cut)
        self.addCleanup(self.thaw)

    def mend(self):
        """Accept connections (again)."""
        self._listener = socket.create_server(('127.0.0.1', self.port))
        threading.Thread(target=self._accept, args=(self._listener,),
                         daemon=True).start()

    def cut(self):
        """Refuse connections, and end those that there are."""
        if self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for end in self._pairs:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()
        self._pairs = []

    def freeze(self):
        """Let nothing through, while every connection stays."""
        self._flowing.clear()

    def thaw(self):
        self._flowing.set()

    def _accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._address)
            self._pairs += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, sink),
                                 daemon=True).start()

    def _carry(self, source, sink):
        try:
            while data := source.recv(65536):
                self._flowing.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class BrokerCase(base.BaseTestCase):
    """Tests with the RabbitMQ of FENIX_TEST_RABBIT_URL.

    Everything they make there is under a name of their own.
    """

    def setUp(self):
        super().setUp()
        self.url = os.environ.get(VARIABLE)
        if not self.url:
            self.skipTest(f'{VARIABLE} names no RabbitMQ')
        self.messaging = self.useFixture(conffixture.ConfFixture(conf.CONF))
        self.messaging.transport_url = self.url
        self.conf = conf.CONF
        self.name = f'fenix-test-{uuid.uuid4()}'

    def make_wire(self):
        """Put a wire between the code under test and the broker."""
        parts = urllib.parse.urlsplit(self.url)
        wire = self.useFixture(Wire((parts.hostname, parts.port or 5672)))
        self.messaging.transport_url = self.url_on(wire.port)
        return wire

    def url_on(self, port):
        parts = urllib.parse.urlsplit(self.url)
        user = parts.netloc.rpartition('@')[0]
        return parts._replace(netloc=f'{user}@127.0.0.1:{port}').geturl()

    def delete(self, queues=(), exchanges=()):
        """Remove what a test made at the broker, once it is over."""
        def clean():
            with self.connect() as connection:
                channel = connection.channel()
                for queue in queues:
                    channel.queue_delete(queue)
                for exchange in exchanges:
                    channel.exchange_delete(exchange)
        self.addCleanup(clean)

    def has_exchange(self, name):
        """Return whether the broker has an exchange."""
        with self.connect() as connection:
            try:
                connection.channel().exchange_declare(
                    name, 'fanout', passive=True)
            except connection.channel_errors:
                return False
            return True

    def connect(self):
        """Return a connection to the broker itself."""
        url = urllib.parse.urlsplit(self.url)._replace(scheme='amqp')
        return kombu.Connection(url.geturl())
