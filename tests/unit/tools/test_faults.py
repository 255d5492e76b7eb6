# SPDX-License-Identifier: Apache-2.0
from tests.unit.tools import base
from tools.cloud import errors
from tools.cloud import faults


class FaultsTest(base.CloudTestCase):
    """Wishes are files, as the hypervisor looks for them."""

    def setUp(self):
        super().setUp()
        self.faults = faults.Faults(self.directory)

    def wishes(self):
        return {path.name: path.read_text()
                for path in self.directory.iterdir()}

    def test_for_one_host_and_for_all(self):
        self.faults.fail('migrate', 'compute-1')
        self.faults.delay('live', 2.5)
        self.assertEqual({'compute-1.migrate': 'fail', 'all.live': '2.5'},
                         self.wishes())
        self.faults.clear()
        self.assertEqual({}, self.wishes())

    def test_unknown(self):
        error = self.assertRaises(errors.CloudError, self.faults.fail, 'swim')
        self.assertIn('spawn, migrate, live', str(error))
