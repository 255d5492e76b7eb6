# SPDX-License-Identifier: Apache-2.0
"""The workflow ``vnf``: several hosts at a time, under constraints.

Two of five hosts are empty. Each of the others holds two instances, of which
the manager has registered what they bear; work on a host takes so long that
two of these have to be out at the same time.
"""

from tests.cloud.scenarios import model

HOSTS, SPARE, PER_HOST, AT_ONCE = 5, 2, 2, 2


def _scenario(name, action):
    return model.Scenario(
        name, hosts=HOSTS, spare=SPARE, workflow='vnf', at_once=AT_ONCE,
        work='long-work', settings={'hosts_at_once': AT_ONCE},
        vnfs=(model.Vnf(model.INSTANCE, PER_HOST * (HOSTS - SPARE),
                        action),))


SCENARIOS = (_scenario('two-hosts-at-once', 'MIGRATE'),
             _scenario('two-hosts-at-once-live', 'LIVE_MIGRATE'))
SUBSET = ()
