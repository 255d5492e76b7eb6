# SPDX-License-Identifier: Apache-2.0
"""fenix-manage: what an operator does to database and hosts left behind.

A command is a function of the configuration; its words on the command line
are ``conf.command``.
"""

import fenix._threading  # noqa: F401,I001 - before all other of oslo
import argparse
import datetime
import json
import sys

from oslo_config import cfg
from oslo_utils import timeutils

from fenix import conf
from fenix import errors
from fenix.cmd import release
from fenix.db import clock
from fenix.db import core
from fenix.db import retention
from fenix.db import sync


def db_sync(conf):
    """Create the tables, or bring them up to date."""
    sync.sync()


def db_version(conf):
    """Print the version of the schema."""
    print(sync.version() or 'none')


def db_check(conf):
    """Fail if the schema is not what this release needs."""
    problem = sync.problem()
    if problem:
        raise errors.FenixError(problem)


def db_purge(conf):
    """Delete sessions that have been in MAINTENANCE_DONE for long."""
    words = conf.command
    before = words.before or clock.now() - datetime.timedelta(
        days=_age(conf))
    if words.dry_run:
        rows = retention.count(before, words.max)
    else:
        rows = retention.purge(before, words.max)
    print(json.dumps({
        'before': before.isoformat(timespec='seconds'),
        'dry_run': words.dry_run, 'sessions': rows.pop('sessions', 0),
        'rows': dict(sorted(rows.items())), 'kept': retention.kept(before)}))


def _age(conf):
    age = conf.command.age
    if age is None:
        age = conf.engine.retention
    if age < 0:
        raise errors.FenixError(
            '[engine] retention keeps all sessions for ever: say with --age '
            'or --before which of them are to go')
    return age


def _add_purge_words(parser):
    when = parser.add_mutually_exclusive_group()
    when.add_argument(
        '--age', type=_days, metavar='DAYS',
        help='done for so long; [engine] retention by default')
    when.add_argument(
        '--before', type=_time, metavar='TIME',
        help='done before that time, in UTC unless it says otherwise: '
             '2026-01-31 or 2026-01-31T10:00:00')
    parser.add_argument(
        '--max', type=_number, default=1000, metavar='N',
        help='so many sessions at most, the oldest first; 1000 by default')
    parser.add_argument(
        '--dry-run', action='store_true',
        help='delete nothing, only count')


def _days(text):
    days = float(text)
    if not 0 <= days <= 36500:
        raise argparse.ArgumentTypeError('must be 0 to 36500 days')
    return days


def _number(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError('must be 1 or more')
    return number


def _time(text):
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f'{text!r} is no time as 2026-01-31T10:00:00') from error
    return timeutils.normalize_time(moment).replace(tzinfo=datetime.UTC)


#: {name: (function, what adds its words)}, or a group of such.
COMMANDS = {
    'release': (release.release, release.add_words),
    'db': {
        'sync': (db_sync, None),
        'version': (db_version, None),
        'check': (db_check, None),
        'purge': (db_purge, _add_purge_words),
    },
}


def _add_commands(subparsers, commands=None):
    for name, command in (commands or COMMANDS).items():
        if isinstance(command, dict):
            _add_commands(subparsers.add_parser(name).add_subparsers(
                dest='action', required=True), command)
            continue
        function, add_words = command
        text = function.__doc__.split('\n')[0]
        parser = subparsers.add_parser(name, help=text, description=text)
        parser.set_defaults(function=function)
        if add_words is not None:
            add_words(parser)


def main(argv=None):
    """Run one command.

    :returns: 0, or 1 with the reason on standard error
    """
    # Not the global object: it can take the commands of one program only.
    own = cfg.ConfigOpts()
    conf.register(own)
    own.register_cli_opt(cfg.SubCommandOpt(
        'command', title='commands', handler=_add_commands))
    conf.read(sys.argv[1:] if argv is None else argv, 'fenix-manage',
              conf=own, prints=True)
    try:
        core.configure(own)
        own.command.function(own)
    except (errors.FenixError, *core.ERRORS) as error:
        print(f'fenix-manage: {error}', file=sys.stderr)
        return 1
    finally:
        core.dispose()
    return 0


if __name__ == '__main__':
    sys.exit(main())
