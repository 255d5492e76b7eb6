# SPDX-License-Identifier: Apache-2.0
"""Options of Fenix, one group per file.

oslo.messaging registers some options on the global ``cfg.CONF`` only, so
Fenix uses that object too.
"""

from oslo_config import cfg
from oslo_log import log

from fenix import context
from fenix.conf import actions
from fenix.conf import api
from fenix.conf import database
from fenix.conf import engine
from fenix.conf import notify
from fenix.conf import nova
from fenix.conf import planner
from fenix.conf import service_user
from fenix.conf import workflow

GROUPS = (actions, api, database, engine, nova, notify, planner,
          service_user, workflow)
#: Options of these may be set for a session alone.
PER_SESSION = (workflow, planner)

CONF = cfg.CONF


def register(conf):
    """Register every option of Fenix on ``conf``."""
    for module in GROUPS:
        if hasattr(module, 'GROUP'):
            # A group of its own: configurations that were given the same
            # object would share what is set, and registered later, in it.
            conf.register_group(cfg.OptGroup(
                module.GROUP.name, title=module.GROUP.title))
        module.register(conf)


register(CONF)


def read(argv, prog, files=None, conf=CONF, prints=False):
    """Read the command line and the configuration files; set up logging.

    :param argv: the words after the program's name
    :param prog: the program's name
    :param files: configuration files to read instead of the usual ones
    :param prints: the program prints what it finds, so that its log goes to
        standard error, unless the configuration says otherwise
    """
    from fenix import version
    log.register_options(conf)
    log.set_defaults(context.LOG_FORMAT, log.get_default_log_levels() + [
        'oslo_messaging=INFO', 'keystonemiddleware=INFO', 'alembic=WARN',
        'novaclient=WARN', 'waitress=WARN'])
    if prints:
        conf.set_default('use_stderr', True)
    conf(argv, project='fenix', prog=prog, version=version.release(),
         default_config_files=files)
    log.setup(conf, 'fenix')
