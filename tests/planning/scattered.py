# SPDX-License-Identifier: Apache-2.0
"""Large clouds whose spare room lies in pieces, on all hosts."""

from fenix.sandbox import generator
from tests.planning import recipes
from tests.planning import views


def large(seed, hosts, spare=0.1):
    """Return view, limits and estimates of a large cloud.

    :param spare: share of all room that is free, a piece on each host
    """
    _whole, limits, estimates = recipes.large(seed, hosts, spare)
    recipe = generator.Recipe(
        hosts=hosts, servers=hosts * recipes.EACH, spare=hosts * spare,
        spare_as=generator.SCATTERED, zones=5, together=0.1, own_action=0.1)
    return (views.view_of(generator.generate(seed, recipe)), limits,
            estimates)
