# SPDX-License-Identifier: Apache-2.0
"""Turns that break because of a mistake of ours."""

import dataclasses

import fixtures

from fenix.engine import runner
from fenix.workflow import states
from tests.unit.engine import cases

#: What the harness replaces, so that other tests see what breaks.
FAILED = runner.Runner._failed


class TestBrokenTurns(cases.EngineTestCase):

    def setUp(self):
        super().setUp()
        # Each broken turn is logged with its traceback.
        self.useFixture(fixtures.FakeLogger())

    def prepare(self, **shape):
        super().prepare(**shape)
        self.useFixture(fixtures.MonkeyPatch(
            'fenix.engine.runner.Runner._failed', FAILED))

    def confuse(self, times=None):
        """Let the first answers about the whole cloud make no sense."""
        survey, self.asked = self.cloud.cloud.survey, 0

        def confusing():
            self.asked += 1
            found = survey()
            if times is None or self.asked <= times:
                return dataclasses.replace(found, servers={'x': object()})
            return found
        self.cloud.cloud.survey = confusing
        return survey

    def test_always(self):
        """Each turn that asks anew is well; the session does not hang."""
        self.prepare()
        good = self.confuse()
        self.run_session()
        self.assert_failed('internal error', 'object has no attribute')
        self.cloud.cloud.survey = good
        self.go_on()
        self.assert_done()

    def test_for_a_while(self):
        self.prepare()
        self.confuse(times=3)
        self.run_session()
        self.assertGreater(self.asked, 3)
        self.assert_done()

    def test_steps_that_lead_to_each_other(self):
        """A workflow that goes round in circles fails, and lets go."""
        self.prepare()
        self.useFixture(fixtures.MonkeyPatch(
            'fenix.workflow.workflows.hoststeps.HostSteps.empty',
            lambda workflow, host: states.ASK))
        self.run_session()
        self.assert_failed('internal error', 'round in circles')
