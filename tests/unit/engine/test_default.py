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
        print(self.cloud.states())
        for line in self.cloud.timeline: print(line)
