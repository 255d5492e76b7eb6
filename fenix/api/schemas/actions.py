# SPDX-License-Identifier: Apache-2.0

REPORT = {
    'type': 'object',
    'properties': {
        'state': {'enum': ['DONE', 'FAILED', 'RETRY', 'SKIP'],
                  'description': 'How the run ended, or what becomes of '
                                 'it.'},
        'output': {'type': 'string',
                   'description': 'Kept with the run.'},
    },
    'required': ['state'],
    'additionalProperties': False,
}
