# SPDX-License-Identifier: Apache-2.0
import os
import time

from tests.unit.tools import base
from tools.cloud import cloud
from tools.cloud import processes
from tools.cloud import site


class DownTest(base.CloudTestCase):
    """A process that puts its things in order when it is asked to end."""

    def setUp(self):
        super().setUp()
        self.here = site.Site.make(self.directory / 'cloud')
        for path in (self.here.run, self.here.log):
            path.mkdir()
        self.processes = processes.Processes(self.here.run, self.here.log)
        self.begun = self.directory / 'begun'
        self.order = self.directory / 'order'
        self.processes.start('it', [
            '/bin/sh', '-c',
            f'trap "touch {self.order}; exit" TERM; touch {self.begun}; '
            f'while :; do sleep 0.05; done'],
            {'PATH': os.environ['PATH']}, self.directory)
        self.pid = self.processes.pid('it')
        self.addCleanup(lambda: self.processes.kill('it'))
        deadline = time.monotonic() + 60
        while not self.begun.exists():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)

    def down(self, **how):
        cloud.Cloud(self.here).down(**how)
        self.assertNotIn(self.pid, processes._groups())

    def test_all_is_kept(self):
        self.down()
        self.assertTrue(self.order.exists())
        self.assertTrue((self.here.directory / 'site.json').exists())

    def test_nothing_is_kept(self):
        """So there is nothing to put in order, and nobody waits for it."""
        self.down(remove=True)
        self.assertFalse(self.order.exists())
        self.assertFalse(self.here.directory.exists())
