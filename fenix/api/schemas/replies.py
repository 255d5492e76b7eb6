# SPDX-License-Identifier: Apache-2.0
"""A reply of a project (CONTRACT.md 1.3).

Open: clients send more than Fenix asks for, and what it does not ask for
may have any form.
"""

REPLY = {
    'type': 'object',
    'properties': {
        'state': {'type': 'string',
                  'description': 'ACK_ or NACK_ and the state that it '
                                 'answers.'},
        'instance_action': {
            'type': ['string', 'null'],
            'description': 'MIGRATE, LIVE_MIGRATE or OWN_ACTION, for all '
                           'instances that the question is about.'},
        'instance_actions': {
            'type': ['object', 'null'],
            'description': 'The same by instance id.'},
    },
    'required': ['state'],
}
