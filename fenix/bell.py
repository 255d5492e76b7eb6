# SPDX-License-Identifier: Apache-2.0
"""The doorbell between the API and the engines, both ends.

A ring says "look at this session". It is sent after the commit, so the row
is there; it may be lost, repeated or late, as engines look by themselves
every ``[engine] poll_interval``. It only saves that delay.

It goes to all engines (a fanout ``cast``); those that do not own the session
ignore it. Neither end ever makes its caller wait for the bus. With the
transport ``fake://``, which does not leave the process, rings pass from the
one end to the other directly: oslo.messaging's fake driver would only look
every 50 ms.
"""

# It has to come before oslo.messaging, which would select eventlet.
from fenix import _threading  # noqa: F401

# isort: split
import threading

import oslo_messaging
from oslo_log import log as logging

LOG = logging.getLogger(__name__)

TOPIC = 'fenix.bell'
VERSION = '1.0'

#: Sessions that may wait for a thread; more are dropped.
MAX_WAITING = 1000

#: Seconds until a bell that the bus refused is hung up anew, and until the
#: next ring after one that failed.
BELL_RETRY = 5.0
RING_RETRY = 1.0

oslo_messaging.set_transport_defaults('fenix')


def make_ringer(conf):
    """Return the API's end, as the transport wants it."""
    return LocalRinger() if _is_local(conf) else Ringer(conf)


def make_bell(conf, server_name, on_ring):
    """Return the engine's end, as the transport wants it; see Bell."""
    if _is_local(conf):
        return LocalBell(on_ring)
    return Bell(conf, server_name, on_ring)


def _is_local(conf):
    url = oslo_messaging.TransportURL.parse(conf)
    return url.transport == 'fake'


class _Waiting:
    """Session ids that wait for a thread, each of them once."""

    def __init__(self):
        self._changed = threading.Condition()
        self._ids = {}
        self.closed = False
        self.dropped = 0

    def __len__(self):
        return len(self._ids)

    def put(self, session_id):
        with self._changed:
            if session_id in self._ids:
                return
            if len(self._ids) >= MAX_WAITING:
                self.dropped += 1
                return
            self._ids[session_id] = None
            self._changed.notify_all()

    def get(self):
        """Wait for an id and return the oldest; None once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._ids or self.closed)
            if self.closed:
                return None
            session_id = next(iter(self._ids))
            del self._ids[session_id]
            return session_id

    def pause(self, seconds):
        """Wait that long, unless it is closed meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: self.closed, seconds)

    def close(self):
        with self._changed:
            self.closed = True
            self._changed.notify_all()


class Ringer:
    """Rings the bells of all engines over the message bus.

    Its thread starts with the first ring, in the process that rings: a web
    server may fork after it loaded the application.

    :param conf: the global ``cfg.CONF``; oslo.messaging works with no other
    """

    def __init__(self, conf):
        self._conf = conf
        self._waiting = _Waiting()
        self._starting = threading.Lock()
        self._thread = None
        self._state = 'idle'
        self._error = None

    def ring(self, session_id):
        """Let the engines know of a session; never waits, never raises."""
        self._waiting.put(session_id)
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name='fenix-ringer', daemon=True)
                self._thread.start()

    def health(self):
        """Return ``state``, ``waiting``, ``dropped`` and ``error``.

        The state is idle (nothing was rung yet), ringing, ready, failing or
        stopped. It stays "ringing" while the bus does not answer.
        """
        return {'state': 'stopped' if self._waiting.closed else self._state,
                'waiting': len(self._waiting),
                'dropped': self._waiting.dropped, 'error': self._error}

    def stop(self, timeout=2.0):
        """Stop ringing.

        :param timeout: seconds after which the rest is left to a daemon
            thread, as the bus holds it
        """
        self._waiting.close()
        if self._thread:
            self._thread.join(timeout)

    def _run(self):
        transport = client = None
        while (session_id := self._waiting.get()) is not None:
            self._state = 'ringing'
            try:
                if client is None:
                    transport = oslo_messaging.get_rpc_transport(self._conf)
                    client = oslo_messaging.get_rpc_client(
                        transport, oslo_messaging.Target(
                            topic=TOPIC, version=VERSION, fanout=True),
                        retry=0)
                client.cast({}, 'ring', session_id=session_id)
            except Exception as exc:
                if self._error is None:
                    LOG.warning('The bell does not ring; engines find work '
                                'by looking for it: %s', exc)
                self._state, self._error = 'failing', str(exc)
                self._waiting.pause(RING_RETRY)
            else:
                if self._error is not None:
                    LOG.info('The bell rings again')
                self._state, self._error = 'ready', None
        _cleanup(transport)


class _Endpoint:
    """What the RPC server calls."""

    target = oslo_messaging.Target(version=VERSION)

    def __init__(self, on_ring):
        self._on_ring = on_ring

    def ring(self, ctxt, session_id):
        self._on_ring(session_id)


class Bell:
    """Hears the rings in an engine.

    While the bus is down it goes on connecting, in its own thread.

    :param conf: the global ``cfg.CONF``; oslo.messaging works with no other
    :param server_name: name of the host: the bus keeps a queue under it
    :param on_ring: called with a session id, in a thread of the bell, one
        ring at a time; should be quick
    """

    def __init__(self, conf, server_name, on_ring):
        self._conf = conf
        self._server_name = server_name
        self._endpoint = _Endpoint(on_ring)
        self._stop = threading.Event()
        self._state = 'connecting'
        self._error = None
        self._thread = threading.Thread(
            target=self._run, name='fenix-bell', daemon=True)

    def start(self):
        """Start to connect, and return at once."""
        self._thread.start()

    def health(self):
        """Return ``state`` and ``error``.

        The state is connecting, listening or stopped. It stays "listening"
        when the bus goes away later; oslo.messaging then reconnects.
        """
        return {'state': 'stopped' if self._stop.is_set() else self._state,
                'error': self._error}

    def stop(self, timeout=2.0):
        """Hear no more rings.

        :param timeout: seconds after which the rest is left to a daemon
            thread, as the bus holds it
        """
        self._stop.set()
        if self._thread.ident:
            self._thread.join(timeout)

    def _run(self):
        while not self._stop.is_set():
            try:
                self._listen()
            except Exception as exc:
                if str(exc) != self._error:
                    LOG.warning('The bell cannot be hung up: %s', exc)
                self._error = str(exc)
                self._stop.wait(BELL_RETRY)

    def _listen(self):
        transport = oslo_messaging.get_rpc_transport(self._conf)
        try:
            server = oslo_messaging.get_rpc_server(
                transport, oslo_messaging.Target(
                    topic=TOPIC, server=self._server_name), [self._endpoint])
            # Blocks for as long as the bus is down.
            server.start(override_pool_size=1)
            self._state, self._error = 'listening', None
            self._stop.wait()
            server.stop()
            server.wait()
        finally:
            _cleanup(transport)


def _cleanup(transport):
    try:
        if transport:
            transport.cleanup()
    except Exception:
        LOG.warning('The connection to the message bus did not close',
                    exc_info=True)


#: The bells of this process that hang and hear.
_local_bells = set()
_local_lock = threading.Lock()


class LocalRinger:
    """Rings the local bells of its own process."""

    def ring(self, session_id):
        """Let the engines know of a session; never waits, never raises."""
        with _local_lock:
            for bell in _local_bells:
                bell.hear(session_id)

    def health(self):
        """Return ``state``."""
        return {'state': 'ready'}

    def stop(self):
        """Nothing to stop; the other end is what has a thread."""


class LocalBell:
    """Hears the rings of its own process.

    :param on_ring: called with a session id, in the thread of the bell, one
        ring at a time; should be quick
    """

    def __init__(self, on_ring):
        self._on_ring = on_ring
        self._waiting = _Waiting()
        self._thread = threading.Thread(
            target=self._run, name='fenix-bell', daemon=True)

    def start(self):
        """Start to hear."""
        self._thread.start()
        with _local_lock:
            _local_bells.add(self)

    def hear(self, session_id):
        """Take a ring from a LocalRinger."""
        self._waiting.put(session_id)

    def health(self):
        """Return ``state``: connecting (not started), listening, stopped."""
        if self._waiting.closed:
            return {'state': 'stopped', 'error': None}
        state = 'listening' if self._thread.is_alive() else 'connecting'
        return {'state': state, 'error': None}

    def stop(self, timeout=2.0):
        """Hear no more rings.

        :param timeout: seconds to wait for a call of ``on_ring``
        """
        with _local_lock:
            _local_bells.discard(self)
        self._waiting.close()
        if self._thread.ident:
            self._thread.join(timeout)

    def _run(self):
        while (session_id := self._waiting.get()) is not None:
            try:
                self._on_ring(session_id)
            except Exception:
                LOG.exception('What was to be done about session %s failed',
                              session_id)
