# SPDX-License-Identifier: Apache-2.0
from fenix.policies import base

PATH = '/v1/maintenance'
ONE = PATH + '/{session}'

RULES = [
    base.rule('fenix:session:create', base.ADMIN,
              'Start a maintenance session.', ('POST', PATH)),
    base.rule('fenix:session:list', base.ADMIN,
              'List the sessions.', ('GET', PATH)),
    base.rule('fenix:session:get', base.ADMIN,
              'See how a session stands.', ('GET', ONE)),
    base.rule('fenix:session:detail', base.ADMIN,
              'See all that is known of a session.',
              ('GET', ONE + '/detail')),
    base.rule('fenix:session:events', base.ADMIN,
              'See the timeline of a session.', ('GET', ONE + '/events')),
    base.rule('fenix:session:continue', base.ADMIN,
              'Continue a failed session.', ('PUT', ONE), ('POST', ONE)),
    base.rule('fenix:session:delete', base.ADMIN,
              'End a session and give its hosts back.', ('DELETE', ONE)),
]
