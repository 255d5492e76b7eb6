# SPDX-License-Identifier: Apache-2.0
"""Small clouds whose constraints bind, for comparison with the optimum."""

import dataclasses
import random

from fenix.sandbox import generator
from fenix.size import Size
from fenix.workflow.planner import model
from fenix.workflow.planner import planner
from tests.planning import views

#: Share of the clouds that are drawn with scattered room; only few of these
#: can be done without that somebody scales in, and are taken.
SCATTERED = 0.4
#: Shares of the clouds in which some room has to stay free, some instances
#: have to stay in their zone, and projects move instances themselves and
#: would like to have groups on one host.
FLOORED = 0.25
PINNED = 0.25
WISHING = 0.3


@dataclasses.dataclass(frozen=True)
class Small:
    """A cloud of 4 to 8 hosts and 8 to 24 instances, times in whole units."""

    name: str
    view: model.CloudView
    limits: model.Limits
    estimates: model.Estimates
    #: Spare room is not on empty hosts but in pieces on all of them, and so
    #: some instances move twice.
    scattered: bool = False


def draw(seed):
    """Return the cloud of a seed; its constraints may not bind."""
    chance = random.Random(seed)
    # Drawn by itself: the others stay as they are.
    kind = random.Random(f'kind {seed}').random()
    more = random.Random(f'more {seed}')
    floored, pinned, wishing = (more.random() < share for share in (
        FLOORED, PINNED, WISHING))
    hosts = chance.randint(4, 8)
    recipe = generator.Recipe(
        hosts=hosts, servers=chance.randint(8, min(24, 4 * hosts)),
        spare=chance.randint(1, 2), vcpus=chance.choice([8, 16]),
        zones=chance.randint(1, 2), projects=2,
        largest_group=chance.randint(3, 6), recovery_time=4, lead_time=6,
        pinned=0.2 * pinned, together=0.3 * wishing,
        own_action=0.3 * wishing)
    scattered = kind < SCATTERED
    if scattered:
        recipe = dataclasses.replace(
            recipe, spare_as=generator.SCATTERED,
            spare=recipe.spare + recipe.hosts / 3)
    floor = Size()
    if floored:
        # With less nobody could begin.
        recipe = dataclasses.replace(recipe, spare=recipe.spare + 1)
        floor = Size(recipe.vcpus // more.choice((1, 2, 4)), 0, 0)
    limits = model.Limits(
        hosts_at_once=chance.choice([0, 0, 2]),
        moves_at_once=chance.choice([0, 2, 3]),
        moves_per_source=chance.choice([0, 1, 2]),
        moves_per_target=chance.choice([0, 0, 2]),
        zone_share=chance.choice([1.0, 1.0, 0.5]), floor=floor)
    none = {'MIGRATE': 0, 'LIVE_MIGRATE': 0, 'OWN_ACTION': 0}
    estimates = model.Estimates(
        host=chance.choice([6, 12]), per_gb=none,
        base={'MIGRATE': 2, 'LIVE_MIGRATE': 1, 'OWN_ACTION': 3})
    return Small(f'seed {seed}', views.view_of(
        generator.generate(seed, recipe)), limits, estimates,
        scattered)


def binds(small, end):
    """Tell whether a plan would be shorter without any constraint."""
    view = model.CloudView(
        small.view.hosts,
        {key: dataclasses.replace(i, groups=(), asked=False, only=None)
         for key, i in small.view.instances.items()}, {})
    free = planner.plan(view, model.Limits(), small.estimates, effort=0)
    return free.forecast.end < end


def smalls(seed):
    """Yield small clouds whose constraints bind, with their plans."""
    while True:
        small = draw(seed)
        result = planner.plan(small.view, small.limits, small.estimates)
        size = len(small.view.instances)
        if (8 <= size <= 24 and result.forecast.complete
                and not result.forecast.scale_in
                and binds(small, result.forecast.end)):
            yield small, result
        seed += 1
