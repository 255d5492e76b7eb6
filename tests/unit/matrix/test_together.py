# SPDX-License-Identifier: Apache-2.0
"""Which hosts were out at the same time."""

import itertools

import testtools

from tests.cloud import together

A, B, C = 'compute-1', 'compute-2', 'compute-3'


class TogetherTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.clock = itertools.count(1.0)
        self.lines = []

    def record(self, what, **fields):
        self.lines.append({'t': next(self.clock), 'what': what, **fields})

    def tell(self, host, state):
        self.record('notify', event_type='maintenance.host',
                    payload={'host': host, 'state': state})

    def out(self, host):
        self.record('service.disable', host=host)
        self.tell(host, 'IN_MAINTENANCE')

    def back(self, host):
        self.record('service.enable', host=host)
        self.tell(host, 'MAINTENANCE_COMPLETE')

    def test_nothing(self):
        self.assertEqual([], together.most([], [A]))

    def test_one_after_the_other(self):
        for host in (A, B):
            self.out(host)
            self.back(host)
        self.assertEqual(1, len(together.most(self.lines, [A, B])))

    def test_two(self):
        self.out(A)
        self.out(B)
        self.back(A)
        self.out(C)
        self.assertEqual([A, B], together.most(self.lines, [A, B, C]))

    def test_others_do_not_count(self):
        self.out(A)
        self.out(B)
        self.assertEqual([A], together.most(self.lines, [A, C]))

    def test_a_host_that_is_enabled_is_not_out(self):
        self.out(A)
        self.record('service.enable', host=A)
        self.out(B)
        self.assertEqual(1, len(together.most(self.lines, [A, B])))

    def test_disabled_from_the_beginning(self):
        self.record('host.create', host=A, status='disabled')
        self.record('host.create', host=B, status='enabled')
        self.tell(A, 'IN_MAINTENANCE')
        self.tell(B, 'IN_MAINTENANCE')
        self.assertEqual([A], together.most(self.lines, [A, B]))

    def test_order_is_that_of_time(self):
        self.out(A)
        self.back(A)
        self.out(B)
        self.assertEqual(1, len(together.most(self.lines[::-1], [A, B])))
