# SPDX-License-Identifier: Apache-2.0
import time

from fenix.workflow.actions import base
from fenix.workflow.actions import dummy
from tests.unit.workflow.actions import fakes


class DummyTest(fakes.ActionTestCase):

    plugin = dummy.Dummy

    def test_done_at_once(self):
        run = fakes.run()
        status = self.action.start(run)
        self.assertEqual(base.DONE, status.state)
        self.assertIn('compute-1', status.output)
        self.assertEqual(status, self.action.status(run))

    def test_it_fails_when_asked_to(self):
        for fail in (True, 'true'):
            status = self.action.start(fakes.run({'fail': fail}))
            self.assertEqual(base.FAILED, status.state)
            self.assertTrue(status.reason)
        for fail in (False, 'false', None):
            self.assertEqual(
                base.DONE, self.action.start(fakes.run({'fail': fail})).state)

    def test_it_takes_its_time(self):
        run = fakes.run({'seconds': 0.3})
        begin = time.monotonic()
        self.assertEqual(base.RUNNING, self.action.start(run).state)
        self.assertLess(time.monotonic() - begin, 0.2)
        self.assertEqual(base.RUNNING, self.action.start(run).state)
        self.assertEqual(base.DONE, self.ended(run).state)
        self.assertGreaterEqual(time.monotonic() - begin, 0.3)
        self.assertTrue(self.changed.empty())

    def test_it_fails_at_its_end(self):
        run = fakes.run({'seconds': '0.1', 'fail': True}, host=None)
        self.assertEqual(base.RUNNING, self.action.start(run).state)
        self.assertEqual(base.FAILED, self.ended(run).state)

    def test_seconds_have_to_be_seconds(self):
        for seconds in (-1, 'soon', float('nan'), float('inf'), [1]):
            status = self.action.start(fakes.run({'seconds': seconds}))
            self.assertEqual(base.FAILED, status.state)
            self.assertIn('seconds', status.reason)

    def test_a_run_of_another_engine_is_lost_and_starts_again(self):
        run = fakes.run({'seconds': 60})
        self.assertEqual(base.LOST, self.action.status(run).state)
        self.assertTrue(self.action.may_rerun(run))
        self.action.start(run)
        self.action.cancel(run)
        self.assertEqual(base.LOST, self.action.status(run).state)
        self.action.cancel(run)
