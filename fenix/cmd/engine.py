# SPDX-License-Identifier: Apache-2.0
"""fenix-engine: runs the sessions that it owns."""

# It has to come before anything else of oslo.
from fenix import _threading  # noqa: F401

# isort: split
import sys

from oslo_service import opts
from oslo_service import service

from fenix import conf
from fenix import errors
from fenix.db import core
from fenix.engine import fitness
from fenix.engine import margins
from fenix.engine import service as engine_service


def main(argv=None):
    """Run until SIGTERM.

    :returns: why it cannot run, or None
    """
    conf.read(sys.argv[1:] if argv is None else argv, 'fenix-engine')
    try:
        # Before the fork: a child that refuses would be forked for ever.
        margins.check(conf.CONF)
        core.configure(conf.CONF)
        fitness.check(conf.CONF)
    except errors.BadConfiguration as exc:
        return f'fenix-engine: {exc}'
    opts.register_service_opts(conf.CONF)
    # What is cut off there is not even logged.
    conf.CONF.set_default(
        'graceful_shutdown_timeout',
        int(conf.CONF.engine.graceful_shutdown_timeout) + 5)
    launcher = service.launch(
        conf.CONF, engine_service.EngineService(conf.CONF), workers=1,
        restart_method='mutate')
    launcher.wait()
    return None


if __name__ == '__main__':
    sys.exit(main())
