# SPDX-License-Identifier: Apache-2.0
from fenix.policies import base

PATH = '/v1/maintenance/{session}/actions/{run}'

RULES = [
    base.rule('fenix:action:report', base.ADMIN,
              'Report how a run of an action plug-in ended, or have it '
              'done again or skipped.', ('PUT', PATH), ('POST', PATH)),
]
