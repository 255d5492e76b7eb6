# SPDX-License-Identifier: Apache-2.0
"""The command line of fenix-sandbox."""

import argparse
import json

from fenix.sandbox import vnfm

NONE = 'none'

POLICIES = ('proceed', 'skip', 'fail')

DESCRIPTION = """\
A small cloud with a VNF on it, and Fenix to maintain it. "run" takes it
through one maintenance session and sums up; "up" leaves everything running
for use by hand; "chaos" runs many sessions, kills what runs them, and judges.
Nothing is left behind."""

#: Databases that chaos starts itself; sqlite is a file.
DATABASES = ('mariadb', 'postgresql', 'sqlite')


def parse(argv) -> argparse.Namespace:
    """Read the command line.

    :raises SystemExit: it is wrong, or asked for help
    """
    parser = argparse.ArgumentParser(
        prog='fenix-sandbox', description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True)
    for name, text in (('run', 'take the cloud through a session'),
                       ('up', 'leave everything running, for use by hand')):
        command = commands.add_parser(
            name, help=text,
            formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        _add_cloud(command)
        _add_vnf(command)
        _add_fenix(command)
        if name == 'run':
            _add_session(command)
    _add_chaos(commands.add_parser(
        'chaos', help='kill Fenix again and again, and judge what it does',
        formatter_class=argparse.ArgumentDefaultsHelpFormatter))
    options = parser.parse_args(argv)
    if options.command == 'chaos':
        _check_chaos(parser, options)
    else:
        _check(parser, options)
    return options


def _check(parser, options):
    instances = options.hosts * options.instances_per_host
    if instances < 2:
        parser.error('the VNF has at least two instances')
    if options.hosts < 2:
        parser.error('its pair needs two hosts')
    if options.engines > 1 and not (options.transport and options.database):
        parser.error('several engines need --transport and --database')


def _seconds(text):
    value = float(text)
    if value < 0:
        raise argparse.ArgumentTypeError('seconds are not negative')
    return value


def _setting(text):
    """Read ``name=value``; what is no JSON is a text."""
    name, equals, value = text.partition('=')
    if not name or not equals:
        raise argparse.ArgumentTypeError('a setting is name=value')
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _count(text):
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError('a number is not negative')
    return value


def _add_cloud(parser):
    group = parser.add_argument_group('the cloud')
    group.add_argument('--hosts', type=_count, default=3,
                       help='compute hosts, full of instances')
    group.add_argument('--instances-per-host', type=_count, default=2,
                       help='how many instances fill a host')
    group.add_argument('--spare', type=_count, default=0,
                       help='further compute hosts, empty')
    group.add_argument('--controllers', type=_count, default=0,
                       help='hosts without nova-compute')
    group.add_argument('--migration-time', type=_seconds, default=2.0,
                       help='seconds that a move takes')
    group.add_argument('--host-time', type=_seconds, default=2.0,
                       help='seconds of work on a host')
    group.add_argument('--seed', type=int,
                       help='makes ids and choices of the cloud repeatable')
    group.add_argument('--timeline', metavar='FILE',
                       help='write what happens to this file, one JSON '
                            'object a line')


def _add_vnf(parser):
    group = parser.add_argument_group('the VNF and its manager')
    group.add_argument('--vnfm', default=vnfm.COOPERATIVE,
                       choices=[*vnfm.MODES, NONE],
                       help='how the manager behaves; none: nobody '
                            'subscribes')
    group.add_argument('--action', default='MIGRATE',
                       choices=['MIGRATE', 'LIVE_MIGRATE', 'OWN_ACTION'],
                       help='what the manager chooses for its instances')
    group.add_argument('--constraints', action='store_true',
                       help='the manager registers constraints')
    group.add_argument('--lead-time', type=_count, default=5,
                       help='seconds of notice that its constraints ask for')
    group.add_argument('--recovery-time', type=_count, default=1,
                       help='seconds that a group needs after an impact')
    group.add_argument('--switch-time', type=_seconds, default=1.0,
                       help='seconds that a switch-over takes')


def _add_fenix(parser):
    group = parser.add_argument_group('Fenix')
    group.add_argument('--vocabulary', choices=['doctor', 'fenix'],
                       help='words of the notifications; without it doctor, '
                            'or fenix for a VNF with constraints')
    group.add_argument('--engines', type=_count, default=1,
                       help='engines, each a process')
    group.add_argument('--database', metavar='URL',
                       help='MariaDB or PostgreSQL server; a database of '
                            'its own is made there, and removed at the end')
    group.add_argument('--transport', metavar='URL',
                       help='message bus, such as rabbit://…; without it API '
                            'and engine are one process')
    group.add_argument('--directory', metavar='DIR',
                       help='keep configuration, database and logs there')
    group.add_argument('--debug', action='store_true',
                       help='let Fenix log more')


def _add_session(parser):
    group = parser.add_argument_group('the session')
    group.add_argument('--workflow', default='default',
                       help='workflow plug-in')
    group.add_argument('--notice', type=_seconds, default=10.0,
                       help='seconds until the maintenance starts')
    group.add_argument('--window', type=_seconds, default=20.0,
                       help='seconds that a project has for an answer')
    for name, text in (('no-reply', 'does not answer'),
                       ('refusal', 'refuses'),
                       ('unsubscribed', 'listens to no alarm')):
        group.add_argument(f'--on-{name}', choices=POLICIES,
                           help=f'what Fenix does about a project that '
                                f'{text}')
    group.add_argument('--setting', type=_setting, action='append',
                       default=[], metavar='NAME=VALUE',
                       help='an option of [workflow] or [planner] for this '
                            'session; may be given several times')
    group.add_argument('--timeout', type=_seconds, default=900.0,
                       help='seconds after which the run is given up')
    group.add_argument('--json', action='store_true',
                       help='print the figures as one JSON object, the last '
                            'line of standard output')


def _check_chaos(parser, options):
    if min(options.sessions, options.engines) < 1:
        parser.error('--sessions and --engines are at least 1')
    if options.lease < 1:
        parser.error('--lease is at least 1 second')
    if options.database not in DATABASES and '://' not in options.database:
        parser.error(f'--database is one of {", ".join(DATABASES)}, or the '
                     f'URL of a server that runs already')


def _add_chaos(parser):
    parser.add_argument('--sessions', type=_count, default=5,
                        help='how many run at once, each on three hosts')
    parser.add_argument('--kills', type=_count, default=1000,
                        help='engines to kill; then no new session starts, '
                             'and those that run come to their end')
    parser.add_argument('--engines', type=_count, default=3,
                        help='engines that run at any time')
    parser.add_argument('--lease', type=_seconds, default=3.0,
                        help='[engine] lease_time, in seconds')
    parser.add_argument('--seed', type=int, default=1,
                        help='makes the schedule of what goes wrong '
                             'repeatable')
    parser.add_argument('--seconds', type=_seconds, default=3600.0,
                        help='seconds after which no more is killed, '
                             'whatever --kills asks for')
    parser.add_argument('--database', metavar='KIND', default='mariadb',
                        help=f'{", ".join(DATABASES)}, or the URL of a '
                             f'server that runs already, which is not '
                             f'restarted then')
    parser.add_argument('--transport', metavar='URL',
                        help='message bus that runs already, which is not '
                             'restarted then; without it one is started, '
                             'but for sqlite, which does without')
    parser.add_argument('--workflow', default='default',
                        help='workflow plug-in')
    parser.add_argument('--continues', type=_count, default=20,
                        help='how often a session that failed is continued')
    parser.add_argument('--patience', type=_seconds, default=600.0,
                        help='seconds after which a session that does not '
                             'end is stuck')
    parser.add_argument('--timeline', metavar='FILE',
                        help='write what happens to this file, one JSON '
                             'object a line')
    parser.add_argument('--directory', metavar='DIR',
                        help='keep configuration, databases and logs there')
    parser.add_argument('--json', action='store_true',
                        help='print the figures as one JSON object, the last '
                             'line of standard output')
