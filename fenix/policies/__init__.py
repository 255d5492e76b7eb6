# SPDX-License-Identifier: Apache-2.0
"""Who may do what: the rules of oslo.policy, one file per resource."""

import itertools

from fenix.policies import actions
from fenix.policies import base
from fenix.policies import constraints
from fenix.policies import health
from fenix.policies import plans
from fenix.policies import replies
from fenix.policies import sessions


def list_rules():
    """Return all rules, for the enforcer and for the sample file."""
    return list(itertools.chain(
        base.RULES, sessions.RULES, actions.RULES, replies.RULES,
        plans.RULES, constraints.RULES, health.RULES))
