# SPDX-License-Identifier: Apache-2.0
from fenix.policies import base

PATHS = ('/v1/instance', '/v1/instance_group')
IDS = ('/v1/instance/{instance}', '/v1/instance_group/{group}')

RULES = [
    base.rule('fenix:constraint:list', base.OWNER,
              'List the constraints that a project registered.',
              *[('GET', path) for path in PATHS]),
    base.rule('fenix:constraint:get', base.OWNER,
              'See the constraints of an instance or an instance group.',
              *[('GET', path) for path in IDS]),
    base.rule('fenix:constraint:put', base.OWNER,
              'Register or replace the constraints of an instance or an '
              'instance group.', *[('PUT', path) for path in IDS]),
    base.rule('fenix:constraint:delete', base.OWNER,
              'Delete the constraints of an instance or an instance group.',
              *[('DELETE', path) for path in IDS]),
]
