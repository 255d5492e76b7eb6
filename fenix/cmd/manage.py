# SPDX-License-Identifier: Apache-2.0
"""fenix-manage: what an operator does to the database."""

import fenix._threading  # noqa: F401,I001 - before all other of oslo
import sys

from oslo_config import cfg

from fenix import conf
from fenix import errors
from fenix.db import core
from fenix.db import sync


def _sync():
    sync.sync()


def _version():
    print(sync.version() or 'none')


def _check():
    problem = sync.problem()
    if problem:
        raise errors.FenixError(problem)


COMMANDS = {
    'sync': (_sync, 'create the tables or bring them up to date'),
    'version': (_version, 'print the version of the schema'),
    'check': (_check, 'fail if the schema is not what this release needs'),
}


def _add_commands(subparsers):
    resource = subparsers.add_parser('db', help='the database')
    commands = resource.add_subparsers(dest='command', required=True)
    for name, (function, text) in COMMANDS.items():
        commands.add_parser(name, help=text).set_defaults(function=function)


def main(argv=None):
    """Run one command.

    :returns: 0, or 1 with the reason on standard error
    """
    # Not the global object: it can take the commands of one program only.
    own = cfg.ConfigOpts()
    conf.register(own)
    own.register_cli_opt(cfg.SubCommandOpt(
        'resource', title='commands', handler=_add_commands))
    conf.read(sys.argv[1:] if argv is None else argv, 'fenix-manage',
              conf=own)
    try:
        core.configure(own)
        own.resource.function()
    except (errors.FenixError, *core.ERRORS) as error:
        print(f'fenix-manage: {error}', file=sys.stderr)
        return 1
    finally:
        core.dispose()
    return 0


if __name__ == '__main__':
    sys.exit(main())
