# SPDX-License-Identifier: Apache-2.0
"""fenix-allinone: API and engine in one process, for small sites and trials.

They meet in the database and at the bell as always; with the transport
``fake://`` no message bus is needed.
"""

from fenix import _threading  # noqa: F401, I001

import signal
import sys
import threading

from fenix import conf
from fenix.api import app
from fenix.api import server
from fenix.db import core
from fenix.engine import engine


def main(argv=None):
    """Run until SIGTERM or SIGINT."""
    conf.read(sys.argv[1:] if argv is None else argv, 'fenix-allinone')
    core.configure(conf.CONF)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    worker = engine.Engine(conf.CONF)
    worker.start()
    listener = server.Server(conf.CONF, app.make_app(conf.CONF))
    threading.Thread(target=listener.run, daemon=True,
                     name='fenix-api').start()
    stop.wait()
    listener.close()
    worker.stop()


if __name__ == '__main__':
    main()
