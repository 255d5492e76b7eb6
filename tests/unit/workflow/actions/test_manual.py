# SPDX-License-Identifier: Apache-2.0
from fenix.workflow.actions import base
from fenix.workflow.actions import manual
from tests.unit.workflow.actions import fakes


class ManualTest(fakes.ActionTestCase):

    plugin = manual.Manual

    def test_it_waits_and_says_for_what(self):
        run = fakes.run({'text': 'swap the fans'})
        for status in (self.action.start(run), self.action.status(run)):
            self.assertEqual(base.RUNNING, status.state)
            for word in ('swap the fans', 'compute-1', run.run_id):
                self.assertIn(word, status.output)

    def test_without_words_and_host(self):
        status = self.action.start(fakes.run(host=None))
        self.assertIn('whole session', status.output)
        self.assertNotIn('None', status.output)

    def test_it_outlives_its_engine(self):
        run = fakes.run()
        self.assertEqual(base.RUNNING, self.action.status(run).state)
        self.assertTrue(self.action.may_rerun(run))
        self.action.cancel(run)
