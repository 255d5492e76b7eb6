# SPDX-License-Identifier: Apache-2.0
"""The words of sessions, hosts and questions (CONTRACT.md sections 2, 3).

Inside Fenix there is one name for each thing. Two of them have an older
spelling on the wire, which the vocabulary of a project decides.
"""

# Questions to a project; also the states in maintenance.scheduled.
MAINTENANCE = 'MAINTENANCE'
SCALE_IN = 'SCALE_IN'
PREPARE_MAINTENANCE = 'PREPARE_MAINTENANCE'
PLANNED_MAINTENANCE = 'PLANNED_MAINTENANCE'
MAINTENANCE_COMPLETE = 'MAINTENANCE_COMPLETE'
#: Told, not asked: an instance was moved.
INSTANCE_ACTION_DONE = 'INSTANCE_ACTION_DONE'

QUESTIONS = frozenset([MAINTENANCE, SCALE_IN, PREPARE_MAINTENANCE,
                       PLANNED_MAINTENANCE, MAINTENANCE_COMPLETE])
#: Questions about the instances of one host, with a choice of actions.
HOST_QUESTIONS = frozenset([PREPARE_MAINTENANCE, PLANNED_MAINTENANCE])

# Further states of a session.
START_MAINTENANCE = 'START_MAINTENANCE'
MAINTENANCE_DONE = 'MAINTENANCE_DONE'
MAINTENANCE_FAILED = 'MAINTENANCE_FAILED'
DELETING = 'DELETING'

# States of a host, besides MAINTENANCE_COMPLETE.
IN_MAINTENANCE = 'IN_MAINTENANCE'

#: For whom a host waits that only has to wait for others of its session.
HOSTS_IN_HAND = 'the hosts in hand'

# What may be done to an instance.
MIGRATE = 'MIGRATE'
LIVE_MIGRATE = 'LIVE_MIGRATE'
OWN_ACTION = 'OWN_ACTION'
ALLOWED_ACTIONS = (MIGRATE, LIVE_MIGRATE, OWN_ACTION)

#: What each vocabulary calls the two things that have two names.
VOCABULARIES = {
    'doctor': {SCALE_IN: 'DOWN_SCALE',
               INSTANCE_ACTION_DONE: 'ADMIN_ACTION_DONE'},
    'fenix': {},
}

_INNER = {wire: inner for words in VOCABULARIES.values()
          for inner, wire in words.items()}

_ACTION_ALIASES = {'MIGRATION': MIGRATE, 'LIVE_MIGRATION': LIVE_MIGRATE}


def on_the_wire(word, vocabulary):
    """Return how ``vocabulary`` spells an inner word."""
    return VOCABULARIES[vocabulary].get(word, word)


def read_reply(state):
    """Take a reply's state apart.

    :returns: (question, True for ACK or False for NACK), or (None, None)
        for what is no reply to any question; both vocabularies and the
        spelling with the verb at the end are understood.
    """
    for verb, agreed in (('ACK', True), ('NACK', False)):
        for word in ((state[len(verb) + 1:]
                      if state.startswith(verb + '_') else ''),
                     (state[:-len(verb) - 1]
                      if state.endswith('_' + verb) else '')):
            word = _INNER.get(word, word)
            if word in QUESTIONS:
                return word, agreed
    return None, None


def read_action(action):
    """Return the action that a client named, or None if there is no such."""
    word = _ACTION_ALIASES.get(str(action).upper(), str(action).upper())
    return word if word in ALLOWED_ACTIONS else None
