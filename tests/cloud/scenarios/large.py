# SPDX-License-Identifier: Apache-2.0
"""A cloud that is much larger than what a session is about."""

from tests.cloud.scenarios import model

#: As many as Nova lists on ten pages; few are on the hosts of the session.
SCENARIOS = (
    model.Scenario('ten-thousand', hosts=3, spare=1, crowd=10_000,
                   patience=3600.0, vnfs=(model.Vnf(instances=4),)),
)
SUBSET = ()
