# SPDX-License-Identifier: Apache-2.0
from oslotest import base

from tests.unit.engine import harness


class TestDefault(base.BaseTestCase):

    def test_nothing_spare(self):
        self.cloud = self.useFixture(harness.Harness())
        self.cloud.session()
        self.cloud.take()
        self.cloud.run()
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)
        self.assertEqual(
            ['DOWN_SCALE', 'PREPARE_MAINTENANCE', 'START_MAINTENANCE',
             'PLANNED_MAINTENANCE', 'START_MAINTENANCE',
             'PLANNED_MAINTENANCE', 'START_MAINTENANCE',
             'MAINTENANCE_COMPLETE', 'MAINTENANCE_DONE'],
            self.cloud.states())
