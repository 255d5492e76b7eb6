# SPDX-License-Identifier: Apache-2.0
"""The Doctor use case from its first to its last message."""

from oslotest import base

from tests.unit.engine import harness


class TestDefault(base.BaseTestCase):

    def test_nothing_spare(self):
        cloud = self.useFixture(harness.Harness())
        cloud.session()
        cloud.take()
        cloud.run()
        self.assertEqual('MAINTENANCE_DONE', cloud.state)
        self.assertEqual(
            ['DOWN_SCALE', 'PREPARE_MAINTENANCE', 'START_MAINTENANCE',
             'PLANNED_MAINTENANCE', 'START_MAINTENANCE',
             'PLANNED_MAINTENANCE', 'START_MAINTENANCE',
             'MAINTENANCE_COMPLETE', 'MAINTENANCE_DONE'], cloud.states())
