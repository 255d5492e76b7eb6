# SPDX-License-Identifier: Apache-2.0
"""What an engine costs: processor time for a move and for doing nothing.

Runs one session in the sandbox and looks at the engine's process while the
session waits for its start, and from there to its end. What stands after
``--`` goes to ``fenix-sandbox run``.

The last line is one JSON object: ``state``, ``hosts``, ``moves``,
``cpu_ms_per_move``, ``cpu_ms_per_idle_second`` and ``peak_mb``, of all that
Fenix runs: one process, API and engine, unless ``--engines`` says otherwise.
The exit code is 0 if the session was done without a violation within
``--limit`` MB.
"""

import argparse
import json
import sys
import tempfile
import time

from fenix.sandbox import administrator
from fenix.sandbox import display
from fenix.sandbox import options as command_line
from fenix.sandbox import processes
from fenix.sandbox import run
from fenix.sandbox import summary

#: Seconds after its creation when a session has asked what it asks at first,
#: and seconds for which it is watched then.
SETTLED, WATCHED = 15, 20


class Watched(run.Sandbox):
    """Looks at what the engines take before the work begins."""

    def cpu(self):
        return sum(processes.cpu_seconds(process.pid)
                   for process in self.fenix.engines)

    def _follow(self, states, timeout):
        if administrator.GONE not in states:
            time.sleep(SETTLED)
            before = self.cpu()
            time.sleep(WATCHED)
            self.start_cpu = self.cpu()
            self.idle_cpu = (self.start_cpu - before) / WATCHED
        return super()._follow(states, timeout)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--hosts', default='100')
    parser.add_argument('--instances-per-host', default='10')
    parser.add_argument('--spare', default='10')
    parser.add_argument('--limit', type=float, default=300)
    parser.add_argument('rest', nargs='*', metavar='-- ARG',
                        help='for fenix-sandbox run')
    mine = parser.parse_args()
    with tempfile.NamedTemporaryFile() as timeline:
        options = command_line.parse([
            'run', '--hosts', mine.hosts, '--instances-per-host',
            mine.instances_per_host, '--spare', mine.spare,
            '--workflow', 'vnf', '--constraints', '--migration-time', '1',
            '--host-time', '2', '--switch-time', '0.1', '--lead-time', '2',
            '--recovery-time', '0', '--window', '120',
            '--notice', str(SETTLED + WATCHED + 3),
            '--timeline', timeline.name, *mine.rest])
        with display.make(sys.stderr) as shown:
            with Watched(options, shown) as sandbox:
                session = sandbox.run_session()
            found = summary.sum_up(options, session, sandbox.timeline.lines)
    work = found['engine_cpu_s'] - sandbox.start_cpu
    figures = {
        'state': found['state'], 'violations': len(found['violations']),
        'hosts': found['hosts'], 'moves': found['moves'],
        'cpu_ms_per_move': round(1000 * work / max(1, found['moves']), 1),
        'cpu_ms_per_idle_second': round(1000 * sandbox.idle_cpu, 1),
        'peak_mb': found['engine_rss_mb']}
    print(json.dumps(figures))
    return 0 if summary.good(found) and (
        figures['peak_mb'] < mine.limit) else 1


if __name__ == '__main__':
    sys.exit(main())
