# SPDX-License-Identifier: Apache-2.0
"""A few combinations that hold every pair."""

import hypothesis
import testtools
from hypothesis import strategies

from tests.cloud import pairwise

FACTORS = strategies.dictionaries(
    strategies.sampled_from('abcde'),
    strategies.integers(1, 3).map(lambda most: tuple(range(most))),
    min_size=2)


class CoverTest(testtools.TestCase):

    @hypothesis.given(FACTORS, strategies.sets(strategies.integers(0, 200)))
    def test_every_pair(self, factors, impossible):
        rows = [row for number, row in enumerate(
            pairwise.combinations(factors)) if number not in impossible]
        found = pairwise.cover(rows)
        for row in rows:
            for pair in pairwise.pairs(row):
                self.assertTrue(any(pair in pairwise.pairs(each)
                                    for each in found), pair)
        for row in found:
            self.assertIn(row, rows)

    @hypothesis.given(FACTORS)
    def test_none_in_vain(self, factors):
        found = pairwise.cover(pairwise.combinations(factors))
        for row in found:
            others = [each for each in found if each is not row]
            self.assertFalse(pairwise.pairs(row) <= set().union(
                *map(pairwise.pairs, others)), row)

    def test_whatever_else_there_is(self):
        rows = pairwise.combinations({'a': (0, 1), 'b': (0, 1), 'c': (0, 1)})
        chosen = [rows[0], rows[1]]
        found = pairwise.cover(rows, chosen=chosen)
        self.assertEqual(chosen, found[:2])
        self.assertEqual(set().union(*map(pairwise.pairs, rows)),
                         set().union(*map(pairwise.pairs, found)))
        self.assertEqual(rows, pairwise.cover(rows, chosen=rows))

    def test_cheapest(self):
        rows = pairwise.combinations({'a': (0, 1), 'b': (0, 1), 'c': (0, 1)})
        dear = {'a': 0, 'b': 0}
        # It cannot be left out, but nothing has to be taken twice of it.
        found = pairwise.cheapest_cover(rows, lambda row: (
            10.0 if dear.items() <= row.items() else 1.0))
        self.assertEqual(set().union(*map(pairwise.pairs, rows)),
                         set().union(*map(pairwise.pairs, found)))
        self.assertEqual(1, sum(dear.items() <= row.items()
                                for row in found))

    def test_few(self):
        factors = {name: (0, 1, 2) for name in 'abcd'}
        rows = pairwise.combinations(factors)
        self.assertEqual(81, len(rows))
        self.assertLessEqual(len(pairwise.cover(rows)), 15)

    def test_what_is_possible(self):
        rows = pairwise.combinations(
            {'a': (0, 1), 'b': (0, 1)}, lambda row: row['a'] <= row['b'])
        self.assertEqual([{'a': 0, 'b': 0}, {'a': 0, 'b': 1},
                          {'a': 1, 'b': 1}], rows)

    def test_cheap_ones_first(self):
        rows = [{'a': 0, 'b': 0, 'cost': 'high'},
                {'a': 0, 'b': 0, 'cost': 'low'}]

        def wanted(row):
            return {(row['a'], row['b'])}

        found = pairwise.cover(rows, wanted, lambda row: {
            'high': 2.0, 'low': 1.0}[row['cost']])
        self.assertEqual([rows[1]], found)
