# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

from oslotest import base

from fenix.sandbox import hostwork
from fenix.sandbox.cloud import cloud
from fenix.sandbox.cloud import config


class HostWorkTest(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.cloud = cloud.Cloud(config.CloudConfig(
            times=config.Times(host=0.3)))
        self.url = self.cloud.start()['control']
        self.addCleanup(self.cloud.stop)

    def _work(self, **environment):
        done = subprocess.run(
            [sys.executable, '-I', hostwork.__file__, '--control', self.url],
            env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def _lines(self):
        return [(line['what'], line['host'], line['session'])
                for line in self.cloud.timeline.lines
                if line['what'].startswith('host.work')]

    def test_works_until_it_is_done(self):
        code, text = self._work(FENIX_HOST='compute-1',
                                FENIX_SESSION_ID='s')
        self.assertEqual((0, 'compute-1 is done\n'), (code, text))
        self.assertEqual([('host.work.start', 'compute-1', 's'),
                          ('host.work.end', 'compute-1', 's')],
                         self._lines())

    def test_waits_for_work_that_goes_on(self):
        self.cloud.model.start_work('compute-1', 's', seconds=2)
        self.assertEqual(0, self._work(FENIX_HOST='compute-1')[0])
        self.assertEqual(2, len(self._lines()))


    def test_no_host(self):
        self.assertEqual((1, 'FENIX_HOST is not set\n'), self._work())

    def test_unknown_host(self):
        code, text = self._work(FENIX_HOST='nowhere')
        self.assertEqual(1, code)
        self.assertIn('nowhere cannot be worked on', text)
