# SPDX-License-Identifier: Apache-2.0
"""Words on the wire, read on the verifier's own account."""

import datetime
import re

#: Questions that a project answers.
QUESTIONS = frozenset(['MAINTENANCE', 'SCALE_IN', 'PREPARE_MAINTENANCE',
                       'PLANNED_MAINTENANCE', 'MAINTENANCE_COMPLETE'])
#: Questions whose answer lets instances move.
MOVING = frozenset(['PREPARE_MAINTENANCE', 'PLANNED_MAINTENANCE'])

_OTHER_SPELLING = {'DOWN_SCALE': 'SCALE_IN',
                   'ADMIN_ACTION_DONE': 'INSTANCE_ACTION_DONE'}
_REPLY = re.compile('^(N?ACK)_([A-Z_]+)$')


def state(word) -> str:
    """Return a state in one spelling, whatever the vocabulary."""
    return _OTHER_SPELLING.get(word, word)


def reply(word) -> tuple[str | None, bool]:
    """Return the question that a reply's state answers and if it agrees."""
    match = _REPLY.match(str(word))
    if match is None:
        return None, False
    return state(match.group(2)), match.group(1) == 'ACK'


def moment(text) -> float | None:
    """Return a time of a notification in seconds since the epoch."""
    if not text:
        return None
    when = datetime.datetime.fromisoformat(str(text))
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.UTC)
    return when.timestamp()


def number(value) -> int | None:
    """Return the number at the start of a value, as ``"60,"`` has one."""
    match = re.match(r'\s*(-?\d+)', str(value))
    return int(match.group(1)) if match else None


def truth(value) -> bool:
    """Return what a value such as ``"True,"`` says."""
    return str(value).strip(' ,').lower() in ('true', '1', 'yes')
