# SPDX-License-Identifier: Apache-2.0
"""fenix-api: the API under a server of its own."""

# It has to come before anything else of oslo.
from fenix import _threading  # noqa: F401

# isort: split
import signal
import sys
import time

import waitress
from oslo_log import log as logging
from waitress import wasyncore

from fenix import conf
from fenix.api import app

LOG = logging.getLogger(__name__)

#: Seconds that clients have to take the last answers.
DRAIN_TIME = 5.0


def main(argv=None):
    """Serve until SIGTERM or SIGINT; answers on their way are given."""
    conf.read(sys.argv[1:] if argv is None else argv, 'fenix-api')
    serve(conf.CONF)
    return 0


def serve(settings, listening=lambda: None):
    """Serve the API in this thread until SIGTERM or SIGINT.

    :param listening: called once requests are accepted
    """
    sockets = {}
    application = app.make_app(settings)
    settings = settings.api
    server = waitress.create_server(
        application, map=sockets, host=settings.host,
        port=settings.port, threads=settings.threads, ident='fenix-api',
        # The application's own limit answers in JSON; this one is a fence.
        max_request_body_size=2 * settings.max_request_body_size)
    signal.signal(signal.SIGTERM, _stop)
    LOG.info('fenix-api listens on %s port %s', settings.host, settings.port)
    listening()
    # Ends by SystemExit or KeyboardInterrupt, and then waits for the
    # requests that are worked on.
    server.run()
    _drain(sockets)
    LOG.info('fenix-api has ended')


def _drain(sockets):
    """Send the answers that were given while the server ended."""
    for number, channel in list(sockets.items()):
        if not hasattr(channel, 'total_outbufs_len'):
            del sockets[number]         # It would accept new clients.
    limit = time.monotonic() + DRAIN_TIME
    while (any(channel.total_outbufs_len for channel in sockets.values())
           and time.monotonic() < limit):
        wasyncore.loop(timeout=0.1, map=sockets, count=1)
    wasyncore.close_all(sockets)


def _stop(signum, frame):
    raise SystemExit(0)


if __name__ == '__main__':
    sys.exit(main())
