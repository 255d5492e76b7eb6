# SPDX-License-Identifier: Apache-2.0
"""The use case of OPNFV Doctor in all its combinations.

All hosts are maintained. The VNF fills them, but for those that are spare,
with a pair in an anti-affinity group and workers.
"""

from tests.cloud import pairwise
from tests.cloud.scenarios import model

FACTORS = {
    'hosts': (3, 5), 'spare': (0, 1), 'action': ('MIGRATE', 'LIVE_MIGRATE'),
    'vocabulary': ('doctor', 'fenix'), 'manner': model.MANNERS,
    'workflow': ('default', 'vnf')}

#: What of it makes another use case; all combinations of these run.
CORE = ('hosts', 'spare', 'action', 'vocabulary')

#: Instances that a host bears.
PER_HOST = 2


def possible(row) -> bool:
    """Tell whether a combination makes sense: Tacker knows one vocabulary."""
    return (row['manner'], row['vocabulary']) != (model.TACKER, 'doctor')


def wanted(row) -> set:
    """Return what the whole matrix has: all sorts of use cases, and pairs."""
    return pairwise.pairs(row) | {tuple(row[name] for name in CORE)}


def scenario(row) -> model.Scenario:
    """Return the scenario of a combination."""
    spare = f'spare{row["spare"]}'
    name = '-'.join(['doctor', str(row['hosts']), spare, {
        'MIGRATE': 'cold', 'LIVE_MIGRATE': 'live'}[row['action']],
        row['vocabulary'], row['manner'], row['workflow']])
    return model.Scenario(
        name, hosts=row['hosts'], spare=row['spare'],
        workflow=row['workflow'], vnfs=(model.Vnf(
            row['manner'], PER_HOST * (row['hosts'] - row['spare']),
            row['action'], vocabulary=row['vocabulary']),),
        points=(4, 6, 8, 9) if row['manner'] == model.TACKER
        else (6, 8, 9))


def seconds(row) -> float:
    """Return about how long a combination takes: most of it is moves."""
    return 20.0 + 5.0 * PER_HOST * row['hosts']


ROWS = pairwise.combinations(FACTORS, possible)
#: Combinations in which every pair of values occurs, in little time.
COVER = pairwise.cheapest_cover(ROWS, seconds)
#: These, and as many more as every use case takes.
WHOLE = pairwise.cover(ROWS, wanted, chosen=COVER)

#: As Doctor's own test has it: 30 s until the work starts.
PUBLISHED = model.Scenario(
    'doctor-published', hosts=3, notice=30.0, points=(7, 10),
    settings={'min_notice': 10.0},
    vnfs=(model.Vnf(instances=3 * PER_HOST),))

SCENARIOS = (PUBLISHED, *map(scenario, WHOLE))
SUBSET = tuple(scenario(row).name for row in COVER)
