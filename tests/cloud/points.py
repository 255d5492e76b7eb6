# SPDX-License-Identifier: Apache-2.0
"""Which scenario shows which point of the contract with existing clients.

The points are those of its section 8, the checklist.
"""

from tests.cloud import scenarios

POINTS = {
    1: 'everything answers 200 and JSON, with and without a slash',
    2: 'constraints are deleted and put in any order',
    3: 'replies may hold more than they have to',
    4: 'replies that come twice, late or to a done message do nothing',
    5: 'a refusal by one manager of a project counts',
    6: 'instances with constraints are asked about one by one',
    7: 'MAINTENANCE lists no instance that is gone or foreign',
    8: 'every trait can be read, whole, as Python and as YAML',
    9: 'notifications have no project in their context',
    10: '30 s are enough for the round of MAINTENANCE',
    11: 'an agreement to scale in without effect ends in a reason',
    12: 'an action that is not allowed is not carried out',
    13: 'a session that is deleted while it runs gives its hosts back',
    14: 'values such as "60," and a wrong project are borne',
    15: 'an alarm on every event is a subscription',
    16: 'two managers of a project, one with an alarm on every event',
    17: 'the catalogue has the type maintenance and a URL that ends in /v1',
}

#: Point: the names of the scenarios that show it.
SHOWN = {point: [scenario.name for scenario in scenarios.ALL.values()
                 if point in scenario.points] for point in POINTS}
