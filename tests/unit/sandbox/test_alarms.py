# SPDX-License-Identifier: Apache-2.0
import datetime

from oslotest import base

from fenix.sandbox import alarms


def body(*traits):
    """Return the body of an alarm (CONTRACT.md 2.7)."""
    return {'alarm_id': 'a', 'reason_data': {'type': 'event', 'event': {
        'message_id': 'm', 'event_type': 'maintenance.scheduled',
        'traits': [list(trait) for trait in traits]}}}


class DecodeTest(base.BaseTestCase):

    def _value(self, kind, value):
        return alarms.decode(body(('x', kind, value))).traits['x']

    def test_text(self):
        self.assertEqual('http://x', self._value(1, 'http://x'))

    def test_list(self):
        self.assertEqual(['a', 'b'], self._value(1, "['a', 'b']"))

    def test_object(self):
        self.assertEqual({'a': None}, self._value(1, "{'a': None}"))

    def test_time(self):
        self.assertEqual(
            datetime.datetime(2026, 1, 31, 10, 0, 40, tzinfo=datetime.UTC),
            self._value(4, '2026-01-31T10:00:40'))

    def test_cut_list(self):
        self.assertRaises(ValueError, self._value, 1, "['a', 'b")

    def test_code_is_not_run(self):
        self.assertRaises(ValueError, self._value, 1,
                          "[__import__('os').getpid()]")

    def test_no_alarm(self):
        self.assertRaises(ValueError, alarms.decode, {})
        self.assertRaises(ValueError, alarms.decode, [])
