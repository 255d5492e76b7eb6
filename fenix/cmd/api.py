# SPDX-License-Identifier: Apache-2.0
"""fenix-api: the API under a server of its own."""

# It has to come before anything else of oslo.
from fenix import _threading  # noqa: F401

# isort: split
import signal
import sys

import waitress
from oslo_log import log as logging

from fenix import conf
from fenix import errors
from fenix.api import app

LOG = logging.getLogger(__name__)

#: Clients that keep their connections open take none of the threads; who
#: comes when so many are open waits until one is closed.
CONNECTIONS = 5000


def main(argv=None):
    """Serve until SIGTERM or SIGINT; answers on their way are given."""
    conf.read(sys.argv[1:] if argv is None else argv, 'fenix-api')
    try:
        serve(conf.CONF)
    except errors.BadConfiguration as exc:
        return f'fenix-api: {exc}'
    return 0


def serve(settings, listening=lambda: None):
    """Serve the API in this thread until SIGTERM or SIGINT.

    :param listening: called once requests are accepted
    """
    application = app.make_app(settings)
    settings = settings.api
    server = waitress.create_server(
        application, host=settings.host, port=settings.port,
        threads=settings.threads, ident='fenix-api',
        connection_limit=CONNECTIONS, asyncore_use_poll=True,
        # The application's own limit answers in JSON; this one is a fence.
        max_request_body_size=2 * settings.max_request_body_size)
    signal.signal(signal.SIGTERM, _stop)
    LOG.info('fenix-api listens on %s port %s', settings.host, settings.port)
    listening()
    # Ends by SystemExit or KeyboardInterrupt; the requests that are worked
    # on then have five seconds.
    server.run()
    LOG.info('fenix-api has ended')


def _stop(signum, frame):
    raise SystemExit(0)


if __name__ == '__main__':
    sys.exit(main())
