# SPDX-License-Identifier: Apache-2.0
"""The personas that the rules are made of.

What a project may do follows from the project of its token alone, not from
a role: VNF managers come with whatever role their users happen to have
(CONTRACT.md section 4).
"""

from oslo_policy import policy

ADMIN = 'rule:admin_api'
OWNER = 'rule:admin_or_owner'

RULES = [
    policy.RuleDefault(
        'admin_api', 'role:admin',
        description='Whoever runs the infrastructure.'),
    policy.RuleDefault(
        'admin_or_owner', 'rule:admin_api or project_id:%(project_id)s',
        description='The project that it is about, by its token.'),
]


def rule(name, check, description, *operations):
    """Return a documented rule.

    :param operations: pairs of method and path
    """
    return policy.DocumentedRuleDefault(
        name, check, description,
        [{'method': method, 'path': path} for method, path in operations],
        scope_types=['project'])
