# SPDX-License-Identifier: Apache-2.0
from oslotest import base

from fenix.db import models


class RecordTest(base.BaseTestCase):
    def test_complete_from_the_start(self):
        host = models.Host(session_id='s', name='cmp-1')
        self.assertEqual(('pending', 0, False, None, None),
                         (host.step, host.round, host.announced,
                          host.reason, host.step_at))
        self.assertEqual(36, len(host.id))
        self.assertNotEqual(host.id, models.Host(name='cmp-1').id)

    def test_defaults_are_not_shared(self):
        ask = models.Ask()
        ask.actions['i1'] = 'MIGRATE'
        self.assertEqual({}, models.Ask().actions)

    def test_given_values_win(self):
        host = models.Host(id='h', step='asked', round=3)
        self.assertEqual(('h', 'asked', 3), (host.id, host.step, host.round))

    def test_names_of_attributes(self):
        self.assertEqual({'a': 1}, models.Session(meta={'a': 1}).meta)
        error = self.assertRaises(TypeError, models.Session, nonsense=1)
        self.assertIn('nonsense', str(error))
