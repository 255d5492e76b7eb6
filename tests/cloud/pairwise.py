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


def _same(row: dict) -> float:
    return 1.0


def cover(rows: list[dict],
          wanted: collections.abc.Callable[[dict], set] = pairs,
          cost: collections.abc.Callable[[dict], float] = _same,
          chosen: collections.abc.Iterable[dict] = ()) -> list[dict]:
    """Choose combinations in which all occurs that is wanted of any.

    Greedy: always the one with the most that is new for its cost. So it is
    not the least that there is, but the same each time.

    :param rows: all combinations
    :param wanted: what is wanted of a combination: its pairs
    :param cost: of a combination, more than 0
    :param chosen: these are there whatever else is
    """
    chosen = list(chosen)
    missing = set().union(*map(wanted, rows)).difference(
        *map(wanted, chosen))
    found = []
    while missing:
        best = max(rows, key=lambda row: len(wanted(row) & missing)
                   / cost(row))
        missing -= wanted(best)
        found.append(best)
    # A later choice may have made an earlier one superfluous.
    for row in list(found):
        others = [other for other in found if other is not row]
        if wanted(row) <= set().union(*map(wanted, [*chosen, *others])):
            found = others
    return chosen + found


def cheapest_cover(rows: list[dict],
                   cost: collections.abc.Callable[[dict], float] = _same
                   ) -> list[dict]:
    """Choose combinations in which every pair of any of them occurs.

    The cheapest of those that begin with one combination or another: what
    comes first decides how well the rest fits.
    """
    found = (cover(rows, cost=cost, chosen=[row]) for row in rows)
    return min(found, key=lambda each: sum(map(cost, each)))
