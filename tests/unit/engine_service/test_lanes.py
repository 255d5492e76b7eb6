# SPDX-License-Identifier: Apache-2.0
from oslotest import base

from fenix.engine import lanes


class TestCalls(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.calls = lanes.Calls()
        for call, rank in (('failed', lanes.FAILED), ('other', lanes.OTHERS),
                           ('failed too', lanes.FAILED)):
            self.calls.put(call, rank)

    def test_others_keep_their_turn_among_those_that_failed(self):
        self.assertEqual(['failed', 'other', 'failed too'], [
            self.calls.get(lanes.OTHERS) for _ in range(3)])

    def test_deleted_ones_come_first(self):
        for call in ('first', 'second'):
            self.calls.put(call, lanes.DELETED)
        self.assertEqual(['first', 'second', 'failed'], [
            self.calls.get(rank) for rank in (
                lanes.OTHERS, lanes.DELETED, lanes.FAILED)])

    def test_who_is_reserved_leaves_the_others(self):
        self.assertEqual(3, self.calls.count(lanes.OTHERS))
        self.assertEqual(2, self.calls.count(lanes.FAILED))
        self.calls.end()
        self.assertEqual(['failed', 'failed too', None], [
            self.calls.get(lanes.FAILED) for _ in range(3)])
        self.assertEqual(['other', None], [
            self.calls.get(lanes.OTHERS) for _ in range(2)])

    def test_taken_back(self):
        for number, rank in enumerate((lanes.OTHERS, lanes.DELETED,
                                       lanes.OTHERS, lanes.FAILED)):
            self.calls.put('more', rank, ('mine', number))
        self.assertEqual([('mine', number) for number in range(4)],
                         self.calls.take_back(
                             lambda about: about and about[0] == 'mine'))
        self.assertEqual(['failed', 'other', 'failed too'], [
            self.calls.get(lanes.OTHERS) for _ in range(3)])
