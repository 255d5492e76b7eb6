# SPDX-License-Identifier: Apache-2.0
"""Looks for a better order of the hosts, as long as that is cheap."""

import random

from fenix.workflow.planner import fleet as fleets
from fenix.workflow.planner import forecast as forecasts

#: Moves that all forecasts of a search may run through: some tenths of a
#: second. A cloud that takes more than half of it for one is not searched.
EFFORT = 4000

#: Ends closer than that are equal.
EQUAL = 1e-6
#: Share of the tries that bring room together at other times than before.
TURNED = 0.3


def best(view, limits, estimates, now=0.0, at_least=0.0, effort=EFFORT):
    """Return a fleet at its end, with the best order that was found.

    The first order is the one of :mod:`ranking`. Others come from it by
    moving a host to another place, or by exchanging two, and are kept if the
    session ends no later. Where room has to be brought together, some of them
    do so while hosts are in flight. Equal questions have equal answers.

    :param at_least: an end that no order can improve
    :returns: the fleet and its forecast
    """
    fleet = fleets.Fleet(view, limits, estimates, now)
    once = sum(len(fleet.hosts[name].instances) for name in fleet.order)
    found = forecasts.play(fleet, now)
    cost = max(found.moves, len(found.order), 10)
    chance = random.Random(0)  # noqa: S311 - no secret
    order = list(fleet.order)
    early = False
    scattered = found.moves > once
    for _try in range(effort // cost - 1):
        if len(order) < 2 or (found.complete
                              and found.end <= at_least + EQUAL):
            break
        other = _changed(order, chance)
        soon = early
        if scattered and chance.random() < TURNED:
            soon = not early
        rival = fleets.Fleet(view, limits, estimates, now, other, soon)
        result = forecasts.play(rival, now)
        if _value(result) <= _value(found):
            fleet, found, order, early = rival, result, other, soon
    return fleet, found


def _value(result):
    """What counts: all done, little given up, the end, few moves."""
    given_up = sum(size.vcpus for size in result.scale_in.values())
    return (len(result.obstacles), given_up,
            round(result.end / EQUAL) * EQUAL, result.moves)


def _changed(order, chance):
    other = list(order)
    one, two = chance.sample(range(len(other)), 2)
    if chance.random() < 0.5:
        other[one], other[two] = other[two], other[one]
    else:
        other.insert(two, other.pop(one))
    return other
