# SPDX-License-Identifier: Apache-2.0
"""fenix-allinone: API and engine in one process, for small sites and trials.

They meet in the database and at the bell as always; with the transport
``fake://`` no message bus is needed.
"""

# It has to come before anything else of oslo.
from fenix import _threading  # noqa: F401

# isort: split
import sys
import threading

from fenix import conf
from fenix.cmd import api
from fenix.engine import engine


def main(argv=None):
    """Run until SIGTERM or SIGINT."""
    conf.read(sys.argv[1:] if argv is None else argv, 'fenix-allinone')
    worker = engine.Engine(conf.CONF)
    ending = threading.Event()

    def work():
        worker.start()
        ending.wait()
        worker.stop()

    thread = threading.Thread(target=work, name='fenix-engine')
    # The server has the main thread, as signals go there.
    api.serve(conf.CONF, listening=thread.start)
    ending.set()
    if thread.ident:
        thread.join()
    return 0


if __name__ == '__main__':
    sys.exit(main())
