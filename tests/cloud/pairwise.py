# SPDX-License-Identifier: Apache-2.0
"""Few combinations in which every pair of values occurs."""

import collections.abc
import itertools


def pairs(row: dict) -> set[tuple]:
    """Return the pairs of values in a combination."""
    return set(itertools.combinations(sorted(row.items()), 2))


def combinations(factors: dict[str, tuple],
                 possible: collections.abc.Callable[[dict], bool]
                 = lambda row: True) -> list[dict]:
    """Return all combinations of values that are possible."""
    return [row for values in itertools.product(*factors.values())
            if possible(row := dict(zip(factors, values, strict=True)))]


def cover(rows: list[dict],
          wanted: collections.abc.Callable[[dict], set] = pairs,
          cost: collections.abc.Callable[[dict], float] = lambda row: 1.0
          ) -> list[dict]:
    """Choose combinations in which all occurs that is wanted of any.

    Greedy: always the one with the most that is new for its cost. So it is
    not the least that there is, but the same each time.

    :param rows: all combinations
    :param wanted: what is wanted of a combination: its pairs
    :param cost: of a combination, more than 0
    """
    missing = set().union(*map(wanted, rows))
    found = []
    while missing:
        best = max(rows, key=lambda row: len(wanted(row) & missing)
                   / cost(row))
        missing -= wanted(best)
        found.append(best)
    # A later choice may have made an earlier one superfluous.
    for row in list(found):
        others = [other for other in found if other is not row]
        if wanted(row) <= set().union(*map(wanted, others), set()):
            found = others
    return found
