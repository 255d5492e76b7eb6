# SPDX-License-Identifier: Apache-2.0
from fenix.policies import base

PATH = '/v1/maintenance/{session}/{project}'
ONE = PATH + '/{instance}'

RULES = [
    base.rule('fenix:project:get', base.OWNER,
              'See which instances of a project the state of a session '
              'concerns.', ('GET', PATH)),
    base.rule('fenix:project:reply', base.OWNER,
              'Answer a session on behalf of a project.',
              ('PUT', PATH), ('POST', PATH), ('PUT', ONE), ('POST', ONE)),
]
