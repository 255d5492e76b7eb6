# SPDX-License-Identifier: Apache-2.0
"""What an owner writes first."""

from oslotest import base

from fenix.db import sessions
from tests.unit.engine import harness


class TestFirstTurn(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.cloud = self.useFixture(harness.Harness())
        self.cloud.session()

    def seq(self):
        return sessions.get(self.cloud.session_id).seq

    def test_who_takes_over_writes_though_there_is_nothing_to_do(self):
        """Then everybody sees that the session is in good hands."""
        self.cloud.take()
        while self.cloud.runner.has_messages or self.cloud.effects:
            self.cloud.step()
        before = self.seq()
        self.cloud.take()
        self.cloud.runner.turn()
        self.assertEqual(before + 1, self.seq())
        self.cloud.runner.turn()
        self.assertEqual(before + 1, self.seq())
