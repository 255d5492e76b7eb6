# SPDX-License-Identifier: Apache-2.0
"""What is asked of a session (CONTRACT.md 1.2)."""

from oslo_config import cfg

from fenix import conf

NAME = {'type': 'string', 'minLength': 1, 'maxLength': 255}

NAMES = {'type': 'array', 'items': NAME, 'uniqueItems': True,
         'maxItems': 10_000}

#: Longest window in seconds that a session may set: a year.
LONGEST = 31_536_000

#: How projects are spoken to is not for a single session to say.
NOT_PER_SESSION = ('vocabulary', 'project_vocabulary')

POLICIES = ('on_no_reply', 'on_refusal', 'on_unsubscribed')


def _setting(option):
    """Return the schema of an option that a session may set itself."""
    schema = {'description': option.help}
    if isinstance(option, cfg.BoolOpt):
        return schema | {'type': 'boolean'}
    if isinstance(option, cfg.IntOpt | cfg.FloatOpt):
        kind = 'integer' if isinstance(option, cfg.IntOpt) else 'number'
        return schema | {'type': kind, 'minimum': option.type.min,
                         'maximum': option.type.max or LONGEST}
    return schema | {'type': 'string', 'enum': list(option.type.choices)}


SETTINGS = {
    'type': 'object',
    'description': 'Options of [workflow] and [planner] for this session '
                   'alone.',
    'properties': {option.dest: _setting(option)
                   for group in conf.PER_SESSION for option in group.OPTS
                   if option.dest not in NOT_PER_SESSION},
    'additionalProperties': False,
}

ACTION = {
    'type': 'object',
    'properties': {
        'plugin': NAME | {'description': 'Name of an action plug-in.'},
        'type': {'enum': ['pre', 'host', 'compute', 'controller', 'post'],
                 'description': 'When it runs, and on which hosts.'},
        'metadata': {'type': ['object', 'null'],
                     'description': 'For the plug-in.'},
    },
    'required': ['plugin', 'type'],
    'additionalProperties': False,
}

CREATE = {
    'type': 'object',
    'properties': {
        'state': {'type': ['string', 'null'],
                  'description': 'MAINTENANCE; other words mean the same.'},
        'maintenance_at': {
            'type': 'string',
            'description': 'When the work starts, in UTC unless it says '
                           'otherwise: YYYY-MM-DD HH:MM:SS or ISO 8601.'},
        'workflow': NAME | {'default': 'default',
                            'description': 'Name of a workflow plug-in.'},
        'metadata': {
            'type': 'object',
            'description': 'What the projects are told; scalars only, at '
                           'most 255 characters as alarms spell it.'},
        'hosts': NAMES | {
            'description': 'Names of the hosts; none: all there are.'},
        'other_hosts': NAMES | {
            'description': 'Those of the hosts that Nova does not know.'},
        'actions': {'type': 'array', 'items': ACTION, 'maxItems': 1000},
        'download': {'type': ['array', 'null'],
                     'description': 'Refused unless it is empty.'},
        'settings': SETTINGS,
        **{name: SETTINGS['properties'][name] for name in POLICIES},
    },
    'required': ['maintenance_at', 'metadata'],
    'additionalProperties': False,
}

CONTINUE = {
    'type': 'object',
    'properties': {'state': {'type': ['string', 'null']}},
    'additionalProperties': False,
}
