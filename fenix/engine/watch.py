# SPDX-License-Identifier: Apache-2.0
"""How an engine is: over HTTP, for whoever watches it.

Nobody is asked who he is, and nothing can be changed.
"""

import contextlib
import dataclasses
import json
import threading

import waitress
from oslo_log import log as logging
from waitress import server as servers
from waitress import wasyncore

from fenix import metrics
from fenix.db import core
from fenix.db import figures

LOG = logging.getLogger(__name__)

JSON = 'application/json'


@dataclasses.dataclass(frozen=True)
class Standing:
    """An engine at one moment."""

    host: str
    #: None: it has no lease, and no session.
    engine_id: str | None
    #: Seconds.
    lease_left: float
    #: False: a turn has taken too long.
    turns_taken: bool
    stopping: bool
    sessions: int
    #: error: what kind came since the database last answered for the lease,
    #: or None; age: seconds since then, None if it never did
    database: dict
    #: As of ``fenix.bell`` and of the publisher.
    bell: dict
    publisher: dict
    #: {pool: (what waits, threads at work, threads)}
    pools: dict[str, tuple[int, int, int]]

    @property
    def status(self):
        """Return ok, or what keeps it from working."""
        if self.stopping:
            return 'stopping'
        if not self.turns_taken:
            return 'stuck'
        return 'ok' if self.lease_left > 0 else 'no lease'

    @property
    def bus_up(self):
        """Return {part: whether it works, as far as it is known}.

        The bell is with oslo.messaging, which does not tell when it loses
        the bus.
        """
        return {'bell': self.bell['state'] == 'listening',
                'notifications': not self.publisher.get('error')}

    def as_body(self):
        """Return it for people."""
        return {
            'status': self.status, 'host': self.host,
            'engine': self.engine_id,
            'lease_left': round(self.lease_left, 1),
            'sessions': self.sessions, 'database': self.database,
            'bell': self.bell,
            'notifications': self.publisher,
            'pools': {name: dict(zip(('waiting', 'busy', 'threads'), load,
                                     strict=True))
                      for name, load in self.pools.items()}}

    def families(self):
        """Return it as metrics."""
        waiting, busy, threads = zip(*(
            [(name, number) for number in load]
            for name, load in self.pools.items()), strict=True)
        return [
            metrics.OWNED.family(self.sessions),
            metrics.LEASE.family(self.lease_left),
            metrics.BUS.family(*self.bus_up.items()),
            metrics.QUEUE.family(*waiting), metrics.BUSY.family(*busy),
            metrics.THREADS.family(*threads)]


def read_figures():
    """Return the figures of the database, or None while it is away."""
    try:
        return figures.read()
    except core.ERRORS as error:
        LOG.warning('the database could not be read for metrics: %s', error)
        return None


class Watch:
    """The HTTP server of an engine.

    :param engine: what tells how it stands
    :ivar port: on which it answers; the first one, if it was told to take any
        and its name stands for several addresses
    :raises OSError: an address is taken
    :raises ValueError: the name stands for no address
    """

    def __init__(self, conf, engine):
        self._engine = engine
        sockets = {}
        try:
            self._server = waitress.create_server(
                self._answer, map=sockets, host=conf.engine.http_host,
                port=conf.engine.http_port, threads=2, ident='fenix-engine',
                max_request_body_size=1024, max_request_header_size=16384,
                connection_limit=20)
        except OSError:
            wasyncore.close_all(sockets)    # Of its other addresses.
            raise
        # With several addresses what came is only round the real servers.
        self._listener = next(
            one for one in sockets.values()
            if isinstance(one, servers.BaseWSGIServer))
        self.port = int(self._listener.effective_port)
        self._thread = threading.Thread(
            target=self._server.run, name='fenix-watch', daemon=True)
        self._thread.start()

    def stop(self):
        """Answer no more."""
        if not self._thread.is_alive():
            return
        # Closed by its own thread, which may just wait for its sockets, or
        # be awake, and through before this call is.
        with contextlib.suppress(OSError):
            self._listener.trigger.pull_trigger(self._server.close)
        self._thread.join(1)

    def _answer(self, environ, start_response):
        found = {'/healthcheck': self._health,
                 '/metrics': self._metrics}.get(
                     environ['PATH_INFO'].rstrip('/'))
        if environ['REQUEST_METHOD'] not in ('GET', 'HEAD'):
            status, kind, body = '405 Method Not Allowed', 'text/plain', b''
        elif found is None:
            status, kind = '404 Not Found', 'text/plain'
            body = b'There are /healthcheck and /metrics.\n'
        else:
            status, kind, body = found()
        start_response(status, [('Content-Type', kind),
                                ('Content-Length', str(len(body)))])
        return [b'' if environ['REQUEST_METHOD'] == 'HEAD' else body]

    def _health(self):
        stands = self._engine.stands()
        status = ('200 OK' if stands.status == 'ok'
                  else '503 Service Unavailable')
        return status, JSON, json.dumps(stands.as_body()).encode()

    def _metrics(self):
        return '200 OK', metrics.CONTENT_TYPE, metrics.expose([
            *metrics.of_figures(read_figures()),
            *self._engine.stands().families()])


def start(conf, engine):
    """Return the ``Watch`` that the configuration wants, or None.

    An engine whose address is taken or unknown works as well without.
    """
    if conf.engine.http_port is None:
        return None
    try:
        watch = Watch(conf, engine)
    except (OSError, ValueError) as error:
        LOG.error('[engine] http_host %s, http_port %s: %s; the engine is '
                  'not watched', conf.engine.http_host,
                  conf.engine.http_port, error)
        return None
    LOG.info('health and metrics on %s port %s', conf.engine.http_host,
             watch.port)
    return watch
