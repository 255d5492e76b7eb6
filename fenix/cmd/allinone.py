# SPDX-License-Identifier: Apache-2.0
"""fenix-allinone: API and engine in one process, for small sites and trials.

They meet in the database and at the bell as always; with the transport
``fake://`` no message bus is needed.
"""

# It has to come before anything else of oslo.
from fenix import _threading  # noqa: F401

# isort: split
import sys

from fenix import conf
from fenix import errors
from fenix.cmd import api
from fenix.engine import engine
from fenix.engine import fitness
from fenix.engine import margins


def main(argv=None):
    """Run until SIGTERM or SIGINT."""
    conf.read(sys.argv[1:] if argv is None else argv, 'fenix-allinone')
    worker = engine.Engine(conf.CONF)
    try:
        margins.check(conf.CONF)
        fitness.check(conf.CONF)
        api.serve(conf.CONF, listening=worker.start)
    except errors.BadConfiguration as exc:
        return f'fenix-allinone: {exc}'
    worker.stop()
    return 0


if __name__ == '__main__':
    sys.exit(main())
