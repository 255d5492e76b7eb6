# SPDX-License-Identifier: Apache-2.0
"""Who may do what, and the API as clients use it."""

from tests.cloud.scenarios import model

#: The work is not to start: the session only has to be there.
NOTICE = 600.0

SCENARIOS = (
    model.Scenario('callers', script='tokens', notice=NOTICE),
    model.Scenario('api', script='api', notice=NOTICE, points=(
        1, 2, 3, 4, 7, 14, 17)),
)
SUBSET = ('callers', 'api')
