# SPDX-License-Identifier: Apache-2.0
from fenix.policies import base

RULES = [
    base.rule('fenix:plan:create', base.ADMIN,
              'See how a session would go.', ('POST', '/v1/plan')),
    base.rule('fenix:plan:get', base.ADMIN,
              'See how a running session is expected to go on.',
              ('GET', '/v1/maintenance/{session}/plan')),
]
