# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import time

import fixtures

from tests.unit.tools import base
from tools.cloud import processes

FOREVER = 'while :; do sleep 100; done'


class ProcessesTest(base.CloudTestCase):
    """Processes outlive who started them, and end when they shall."""

    def setUp(self):
        super().setUp()
        self.processes = self.find()
        self.addCleanup(lambda: self.processes.kill('it'))

    def find(self):
        """Return them as another command would."""
        return processes.Processes(self.directory, self.directory)

    def start(self, script):
        self.processes.start('it', ['/bin/sh', '-c', script],
                             {'PATH': os.environ['PATH']}, self.directory)
        return self.processes.pid('it')

    def until(self, test):
        deadline = time.monotonic() + 20
        while not (found := test()):
            self.assertLess(time.monotonic(), deadline)
        return found

    def test_is_found_again(self):
        pid = self.start(FOREVER)
        self.assertIsNotNone(pid)
        self.assertEqual(['it'], self.find().names())
        self.assertEqual(pid, self.find().pid('it'))

    def test_is_started_once(self):
        self.assertEqual(self.start(FOREVER), self.start('exit 1'))

    def test_stops(self):
        self.start(FOREVER)
        self.processes.stop('it', 'never started')
        self.assertIsNone(self.find().pid('it'))

    def test_stops_what_is_frozen(self):
        self.start(FOREVER)
        self.processes.freeze('it')
        self.processes.stop('it')
        self.assertIsNone(self.processes.pid('it'))

    def test_is_killed_with_its_children(self):
        child = self.child(self.start(FOREVER))
        self.processes.kill('it')
        self.assertFalse(self.runs(child))

    def test_stops_with_children_that_do_not_listen(self):
        self.useFixture(fixtures.MonkeyPatch(
            'tools.cloud.processes.GRACE', 0.5))
        child = self.child(self.start(
            '(trap "" TERM; while :; do sleep 0.1; done) & exec sleep 100'))
        self.processes.stop('it')
        self.assertFalse(self.runs(child))

    def child(self, pid):
        """Return the id of the first child of a process."""
        tasks = pathlib.Path(f'/proc/{pid}/task')
        return self.until(lambda: next(tasks.glob('*/children'))
                          .read_text().split())[0]

    def runs(self, pid):
        stat = pathlib.Path(f'/proc/{pid}/stat')
        # One that has ended may wait for somebody who takes note of it.
        return stat.exists() and ') Z ' not in stat.read_text()

    def test_an_id_that_is_used_again_is_not_ours(self):
        (self.directory / 'it.pid').write_text(f'{os.getpid()} 1')
        self.assertIsNone(self.processes.pid('it'))
        self.processes.kill('it')    # We are still here.

    def test_tells_what_it_printed(self):
        self.start('for n in $(seq 99); do echo line $n; done')
        self.until(lambda: not self.processes.pid('it'))
        tail = self.processes.tail('it').splitlines()
        self.assertEqual(processes.TAIL, len(tail))
        self.assertEqual('line 99', tail[-1])
