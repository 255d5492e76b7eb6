# SPDX-License-Identifier: Apache-2.0
"""The workflow ``vnf``: several hosts at a time, under constraints.

Two of five hosts are empty. Each of the others holds two instances, of which
the manager has registered what they bear; work on a host takes so long that
two of these have to be out at the same time. What limits that is a number of
hosts, or a share of each zone and aggregate.
"""

from tests.cloud.scenarios import model

HOSTS, SPARE, PER_HOST, AT_ONCE = 5, 2, 2, 2


def _scenario(name, action='MIGRATE', **fields):
    return model.Scenario(
        name, hosts=HOSTS, spare=SPARE, workflow='vnf', at_once=AT_ONCE,
        work='long-work', vnfs=(model.Vnf(
            model.INSTANCE, PER_HOST * (HOSTS - SPARE), action),), **fields)


TWO = {'hosts_at_once': AT_ONCE}
#: One of the two or three hosts of a zone or aggregate.
SHARE = 0.5

SCENARIOS = (
    _scenario('two-hosts-at-once', settings=TWO),
    _scenario('two-hosts-at-once-live', 'LIVE_MIGRATE', settings=TWO),
    # The empty hosts leave room for any two of the others; only these two,
    # the second and the third, share neither a zone nor an aggregate.
    _scenario('shares', settings={'zone_share': SHARE},
              zones={'west': (1, 2, 4), 'east': (3, 5)},
              aggregates={'fast': (1, 3), 'large': (1, 2, 5)}),
)
SUBSET = ()
