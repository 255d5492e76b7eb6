# SPDX-License-Identifier: Apache-2.0
"""The large clouds of the benchmarks: every kind of constraint in one."""

from fenix.sandbox import generator
from fenix.size import Size
from fenix.workflow.planner import model
from tests.planning import views

#: Servers for each host of a cloud, empty ones included.
EACH = 15


def large(seed, hosts, spare=0.1):
    """Return view, limits and estimates of a large cloud.

    :param spare: share of the hosts that is empty; the others are full
    """
    recipe = generator.Recipe(
        hosts=hosts, servers=hosts * EACH, spare=int(hosts * spare),
        zones=5, together=0.1, own_action=0.1)
    limits = model.Limits(
        hosts_at_once=max(2, hosts // 8), moves_at_once=hosts * 2 // 5,
        moves_per_source=4, moves_per_target=8, zone_share=0.2,
        floor=Size(0, 4096, 0))
    estimates = model.Estimates(host=1800.0)
    return (views.view_of(generator.generate(seed, recipe)), limits,
            estimates)
