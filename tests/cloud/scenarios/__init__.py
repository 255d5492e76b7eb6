# SPDX-License-Identifier: Apache-2.0
"""The scenarios of the matrix, in groups."""

from tests.cloud.scenarios import clients
from tests.cloud.scenarios import doctor
from tests.cloud.scenarios import faults
from tests.cloud.scenarios import large
from tests.cloud.scenarios import projects
from tests.cloud.scenarios import states
from tests.cloud.scenarios import tokens
from tests.cloud.scenarios import vnf

#: Group: its scenarios, in the order in which they run.
GROUPS = {'tokens': tokens.SCENARIOS, 'projects': projects.SCENARIOS,
          'clients': clients.SCENARIOS, 'faults': faults.SCENARIOS,
          'states': states.SCENARIOS, 'vnf': vnf.SCENARIOS,
          'large': large.SCENARIOS, 'doctor': doctor.SCENARIOS}

ALL = {scenario.name: scenario for group in GROUPS.values()
       for scenario in group}

#: The small subset: every pair of the use case, and one of each kind of
#: everything else.
SUBSET = (*tokens.SUBSET, *projects.SUBSET, *clients.SUBSET, *faults.SUBSET,
          *states.SUBSET, *vnf.SUBSET, *large.SUBSET, *doctor.SUBSET)


def chosen(names, subset=False) -> list:
    """Return the scenarios that were asked for, in order.

    :param names: of scenarios or of groups; none: all
    :param subset: only those of the small subset
    :raises KeyError: there is no such scenario or group
    """
    wanted = set()
    for name in names or GROUPS:
        if name in GROUPS:
            wanted |= {each.name for each in GROUPS[name]}
        else:
            wanted.add(ALL[name].name)
    return [each for name, each in ALL.items()
            if name in wanted and (not subset or name in SUBSET)]
