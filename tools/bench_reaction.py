# SPDX-License-Identifier: Apache-2.0
"""How fast Fenix acts on a reply that releases an instance.

Runs sessions in the sandbox, with very short times, until there are enough
reactions, and sums all of them up. What stands after ``--`` goes to
``fenix-sandbox run``, for example two engines on a database server::

    make bench-reaction ARGS='-- --engines 2 \
        --database mysql+pymysql://root@127.0.0.1/test \
        --transport rabbit://guest:guest@127.0.0.1:5672/'

The last line is one JSON object: ``runs``, ``n``, and in milliseconds
``p50``, ``p99`` and ``max``. The exit code is 0 if each session was done
without a violation and p99 is under the limit.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from fenix.sandbox.verifier import reaction
from fenix.sandbox.verifier import story

#: Every instance has constraints, so it is asked for by itself.
RUN = ['--constraints', '--spare', '1', '--notice', '3', '--lead-time', '1',
       '--recovery-time', '0', '--migration-time', '0.05', '--host-time',
       '0.05', '--switch-time', '0.05', '--window', '60']


def run_session(arguments):
    """Run one session.

    :returns: its figures, and its reactions in seconds
    """
    with tempfile.TemporaryDirectory() as directory:
        timeline = pathlib.Path(directory) / 'timeline'
        done = subprocess.run(
            [sys.executable, '-W', 'ignore', '-m', 'fenix.cmd.sandbox',
             'run', '--json', '--timeline', str(timeline), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        figures = json.loads(done.stdout.splitlines()[-1])
        lines = timeline.read_text().splitlines()
    return figures, list(reaction.seconds(
        story.Story([json.loads(line) for line in lines])))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--samples', type=int, default=200,
                        help='how many reactions are wanted')
    parser.add_argument('--limit', type=float, default=100.0,
                        help='for p99, in milliseconds')
    parser.add_argument('--hosts', default='25', help='of one session')
    parser.add_argument('--instances-per-host', default='1')
    parser.add_argument('rest', nargs='*', metavar='-- ARG',
                        help='for fenix-sandbox run')
    options = parser.parse_args()
    found, runs, good = [], 0, True
    while len(found) < options.samples and good:
        figures, reactions = run_session(
            [*RUN, '--hosts', options.hosts, '--instances-per-host',
             options.instances_per_host, *options.rest])
        runs += 1
        found += reactions
        good = (figures['state'] == 'MAINTENANCE_DONE'
                and not figures['violations'] and bool(reactions))
        print(f'{figures["state"]}, {len(figures["violations"])} violations,'
              f' {reaction.figures(reactions)}', flush=True)
    result = reaction.figures(found)
    result['max'] = round(max(found, default=0) * 1000, 1)
    print(json.dumps({'runs': runs, **result}))
    return 0 if good and result['p99'] < options.limit else 1


if __name__ == '__main__':
    sys.exit(main())
