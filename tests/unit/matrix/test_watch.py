# SPDX-License-Identifier: Apache-2.0
"""The inspector looks at hosts that are out, and is late at times."""

import testtools

from fenix.sandbox import alarms
from fenix.sandbox.cloud import timeline
from tests.cloud import watch

HOST = 'compute-1'


class FakeCloud:

    def __init__(self):
        self.on = {HOST: ['server a']}

    def what_is_on(self, host):
        return self.on[host]


class FakeTap:
    def note_alarm(self, alarm):
        """Forget it."""


class InspectorTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.timeline = timeline.Timeline()
        self.cloud = FakeCloud()
        self.inspector = watch.Inspector(None, self.timeline, self.cloud,
                                         FakeTap())

    def out(self):
        self.timeline.record('service.disable', host=HOST)
        self.inspector._told(alarms.Alarm('m', alarms.HOST, {
            'host': HOST, 'state': 'IN_MAINTENANCE'}))
        return self.timeline.lines[-1]['t']

    def test_empty(self):
        self.cloud.on[HOST] = []
        self.out()
        self.assertEqual([], self.inspector.found)

    def test_not_empty(self):
        self.out()
        self.timeline.record('service.enable', host=HOST)
        self.assertEqual(['compute-1: server a'], self.inspector.found)

    def test_back_before_the_look_was_over(self):
        """Nova's answer, and so the line, may come after the look."""
        told = self.out()
        self.timeline.record('service.enable', host=HOST, t=told)
        self.assertEqual([], self.inspector.found)

    def test_another_host_was_back(self):
        told = self.out()
        self.timeline.record('service.enable', host='compute-2', t=told)
        self.assertEqual(['compute-1: server a'], self.inspector.found)
