# SPDX-License-Identifier: Apache-2.0
"""Random clouds, limits and luck out of one number."""

import random

from fenix.sandbox import generator
from fenix.size import Size
from fenix.workflow.planner import model
from tests.planning import checker
from tests.planning import executor
from tests.planning import views

CALM = executor.Luck()
SLOW = executor.Luck(2.0)
ROUGH = executor.Luck(2.0, 0.1, 0.1, 0.1, 0.1, 0.1)
#: Every third cloud has groups that would like to be on one host, and
#: instances that their projects move themselves.
WISHES = {'together': 0.4, 'own_action': 0.3}, {}, {}


def draw(seed, most_hosts=16):
    """Return view, limits, estimates and luck of a seed."""
    chance = random.Random(seed)
    hosts = chance.randint(3, most_hosts)
    recipe = generator.Recipe(
        hosts=hosts, servers=hosts * chance.randint(1, 6),
        spare=chance.randint(1, max(1, hosts // 3)),
        spare_as=chance.choice([generator.WHOLE, generator.SCATTERED]),
        vcpus=chance.choice([8, 16, 32]), zones=chance.randint(1, 3),
        largest_group=chance.randint(2, 8), projects=chance.randint(1, 4),
        **WISHES[seed % len(WISHES)])
    limits = model.Limits(
        hosts_at_once=chance.choice([0, 0, 1, 2, 5]),
        moves_at_once=chance.choice([0, 0, 1, 3]),
        moves_per_source=chance.choice([0, 1, 2]),
        moves_per_target=chance.choice([0, 1, 2]),
        zone_share=chance.choice([1.0, 1.0, 0.5, 0.2]),
        floor=Size(chance.choice([0, 0, 4]), 0, 0))
    estimates = model.Estimates(reply=chance.choice([None, 5.0]))
    return (views.view_of(generator.generate(seed, recipe)), limits,
            estimates, chance.choice([CALM, SLOW, ROUGH]))


def run(seed, **changes):
    """Execute the plan of a seed.

    :returns: the executor after its run, and what the checker found
    """
    view, limits, estimates, luck = draw(seed)
    run = executor.Executor(view, limits, estimates, luck, seed, **changes)
    run.run()
    return run, checker.Checker(view, limits).check(run.record)
