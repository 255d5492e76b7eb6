# SPDX-License-Identifier: Apache-2.0
"""Points at which an engine dies or stands still, in a process of its own."""

import os
import pathlib
import signal
import subprocess
import sys

import fixtures
from oslotest import base

from fenix.engine import points

PASS = ("from fenix.engine import points; points.watched and "
        "points.reach('before-effect', ('confirm', 'migrate'))")


class TestPoints(base.BaseTestCase):

    def start(self, name, at):
        self.once = pathlib.Path(self.useFixture(
            fixtures.TempDir()).path) / 'once'
        self.environ = {**os.environ, f'FENIX_{name}_AT': at,
                        f'FENIX_{name}_ONCE': str(self.once)}
        return self.start_again()

    def start_again(self):
        process = subprocess.Popen([sys.executable, '-c', PASS],
                                   env=self.environ)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_dies_once(self):
        process = self.start('CRASH', 'before-effect=migrate')
        self.assertEqual(-signal.SIGKILL, process.wait())
        self.assertEqual(str(os.getpgrp()), self.once.read_text())
        self.assertEqual(0, self.start_again().wait())

    def test_stands_still_and_goes_on(self):
        process = self.start('PAUSE', 'before-effect=migrate')
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        self.assertTrue(os.WIFSTOPPED(status))
        os.kill(process.pid, signal.SIGCONT)
        self.assertEqual(0, process.wait())

    def test_another_point(self):
        for at in ('before-effect=enable', 'after-effect=migrate'):
            process = self.start('CRASH', at)
            self.assertEqual(0, process.wait())
            self.assertFalse(self.once.exists())

    def test_off(self):
        self.assertFalse(points.watched)
