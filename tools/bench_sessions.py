# SPDX-License-Identifier: Apache-2.0
"""How many sessions an engine runs at once, and what they cost.

Runs ``fenix-sandbox chaos`` without kills: one engine, a cloud of its own
with three hosts and a spare one for each session, and all sessions at once,
each for a VNF with a manager. What stands after ``--`` goes to ``fenix-sandbox
chaos``.

The last line is one JSON object: ``sessions`` that were asked for, those that
are ``done``, ``continued`` (how often one failed and was continued),
``seconds``, ``takes_s`` of a session (median, 99th percentile, longest),
``cpu_s`` of each kind of process, ``engine_ms_per_session``, and ``peak_mb``
and ``threads`` of the engine with their bars. The exit code is 0 if all
sessions were done at the first go but for ``--continued``, and all bars of
``fenix-sandbox chaos`` hold.
"""

import argparse
import json
import sys

from fenix.sandbox import command
from fenix.sandbox import options as command_line
from fenix.sandbox.chaos import chaos


def parse(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--sessions', type=int, default=200)
    parser.add_argument('--continued', type=int, metavar='N',
                        help='how often sessions may fail and be continued, '
                             'in all; a tenth of the sessions by default')
    parser.add_argument('--patience', type=float, default=3600.0,
                        help='seconds that a session may take')
    parser.add_argument('rest', nargs='*', metavar='-- ARG',
                        help='for fenix-sandbox chaos')
    options = parser.parse_args(argv)
    if options.continued is None:
        options.continued = options.sessions // 10
    return options


def sum_up(options, found):
    """Return the figures of a run.

    :param found: what ``fenix-sandbox chaos`` tells of it
    """
    sessions = found['sessions']
    return {
        'sessions': options.sessions, 'done': sessions['done'],
        'failed': sessions['failed'], 'stuck': sessions['stuck'],
        'lost': sessions['lost'], 'continued': sessions['continued'],
        'seconds': found['seconds'], 'takes_s': found['takes_s'],
        'cpu_s': found['cpu_s'],
        'engine_ms_per_session': round(
            1000 * found['cpu_s']['engines'] / options.sessions),
        **found['engine'], 'kept_bars': found['good']}


def good(options, figures):
    """Tell whether a run was as it has to be."""
    return (figures['kept_bars'] and figures['done'] == options.sessions
            and figures['continued'] <= options.continued)


def run(argv):
    """Run the sessions; returns the exit code.

    :param argv: of ``fenix-sandbox``
    """
    mine = parse(argv)
    options = command_line.parse([
        'chaos', '--sessions', str(mine.sessions), '--engines', '1',
        '--kills', '0', '--lease', '10', '--patience', str(mine.patience),
        *mine.rest])
    figures = sum_up(mine, chaos.run(options, sys.stderr))
    print(json.dumps(figures))
    return 0 if good(mine, figures) else 1


if __name__ == '__main__':
    sys.exit(command.in_order(run, sys.argv[1:]))
