# SPDX-License-Identifier: Apache-2.0
"""What notifications say (CONTRACT.md section 2). Pure functions.

Between Fenix and a VNF manager ceilometer turns every field into
``str(value)[:255]``, and some managers ``eval`` or YAML-load what looks
like a list or an object. So each payload is checked here to survive that,
before anybody decides anything by it.
"""

import datetime
import math

from fenix import errors
from fenix import words

SCHEDULED = 'maintenance.scheduled'
HOST = 'maintenance.host'
SESSION = 'maintenance.session'

SERVICE = 'fenix'

#: Characters of a trait that ceilometer keeps.
TRAIT_LIMIT = 255

_HOST_STATES = frozenset([words.IN_MAINTENANCE, words.MAINTENANCE_COMPLETE])
_LITERALS = ('[', '{')
_ROUND = str.maketrans('[]{}', '()()')


def vocabulary_of(conf, project_id, has_constraints):
    """Return the vocabulary that a project is spoken to in.

    :param has_constraints: the project registered constraints, so its
        manager was written for upstream Fenix
    """
    configured = conf.workflow.project_vocabulary.get(project_id)
    return configured or ('fenix' if has_constraints
                          else conf.workflow.vocabulary)


def project_url(public_url, session_id, project_id, instance_id=None):
    """Return where a project reads its instances and answers.

    :param instance_id: the address is that of this instance alone
    """
    url = f'{public_url.rstrip("/")}/maintenance/{session_id}/{project_id}'
    return f'{url}/{instance_id}' if instance_id else url


def scheduled(session_id, project_id, question, vocabulary, public_url, meta,
              instance_id=None, reply_at=None, actions_at=None):
    """Return the payload of ``maintenance.scheduled`` (CONTRACT.md 2.2).

    :param question: a question of ``fenix.words``, or INSTANCE_ACTION_DONE
    :param vocabulary: ``doctor`` or ``fenix``
    :param public_url: ``[api] public_url``
    :param meta: the session's metadata, an object of scalars
    :param instance_id: the one instance that the message is about; None:
        the project's instances, which it reads at the URL. Needed for
        INSTANCE_ACTION_DONE, and only host questions can have it besides
    :param reply_at: last moment for the reply, aware; see with_times()
    :param actions_at: when Fenix starts to act, aware
    :raises BadTrait: when a field does not survive as a trait
    """
    done = question == words.INSTANCE_ACTION_DONE
    if not done and question not in words.QUESTIONS:
        raise ValueError(f'{question} is no question')
    if done and not instance_id:
        raise ValueError(f'{question} is about an instance')
    if instance_id and not done and question not in words.HOST_QUESTIONS:
        raise ValueError(f'{question} is about a whole project')
    asks_for_action = question in words.HOST_QUESTIONS
    return check({
        'service': SERVICE,
        'project_id': project_id,
        'session_id': session_id,
        'state': words.on_the_wire(question, vocabulary),
        'instance_ids': ([instance_id] if instance_id else project_url(
            public_url, session_id, project_id)),
        'reply_url': project_url(public_url, session_id, project_id,
                                 instance_id),
        'allowed_actions': (list(words.ALLOWED_ACTIONS) if asks_for_action
                            else []),
        'actions_at': _wire_time(actions_at),
        'reply_at': _wire_time(reply_at),
        'metadata': meta,
    })


def with_times(payload, reply_at, actions_at):
    """Return a ``maintenance.scheduled`` payload with its two times set.

    They are fixed when the message is published, as the window starts then.
    """
    return payload | {'reply_at': _wire_time(reply_at),
                      'actions_at': _wire_time(actions_at)}


def host(session_id, project_id, host, state):
    """Return the payload of ``maintenance.host`` (CONTRACT.md 2.3).

    :param project_id: id of the project whose alarms shall fire
    :param state: IN_MAINTENANCE or MAINTENANCE_COMPLETE; the inspectors
        know no other
    :raises BadTrait: when a field does not survive as a trait
    """
    if state not in _HOST_STATES:
        raise ValueError(f'{state} is not announced of a host')
    return check({'service': SERVICE, 'project_id': project_id,
                  'session_id': session_id, 'host': host, 'state': state})


def session(session_id, project_id, state, previous_state, percent_done,
            reason, vocabulary):
    """Return the payload of ``maintenance.session``, for the administrator.

    :param project_id: the administrator's project
    :param reason: why it failed, any text or None; cut to fit, and its
        brackets made round, as clients read others as the start of data
    :param vocabulary: ``[workflow] vocabulary``
    :raises BadTrait: when a field does not survive as a trait
    """
    return check({
        'service': SERVICE,
        'project_id': project_id,
        'session_id': session_id,
        'state': words.on_the_wire(state, vocabulary),
        'previous_state': words.on_the_wire(previous_state, vocabulary),
        'percent_done': percent_done,
        'reason': None if reason is None else _plain(reason),
    })


def check(payload):
    """Return ``payload`` if each of its fields survives as a trait.

    :raises BadTrait: naming the field and what is wrong with it
    """
    for name, value in payload.items():
        problem = trait_problem(value)
        if problem:
            raise errors.BadTrait(f'{name} {problem}', field=name)
    return payload


def trait_problem(value):
    """Return what keeps a value from surviving as a trait, or None.

    A client must read back what was sent, be it with Python's or with
    YAML's syntax (CONTRACT.md 2.5).
    """
    if isinstance(value, str) and value.startswith(_LITERALS):
        return 'starts like a list or an object'
    if isinstance(value, list | dict):
        keys = value if isinstance(value, dict) else ()
        items = value.values() if isinstance(value, dict) else value
        for item in (*keys, *items):
            problem = _scalar_problem(item)
            if problem:
                return problem
    length = len(str(value))
    if length > TRAIT_LIMIT:
        return (f'has {length} characters, and an alarm carries '
                f'{TRAIT_LIMIT}')
    return None


def _scalar_problem(item):
    if not isinstance(item, str | int | float | bool | None):
        return 'has more than plain values in it'
    if isinstance(item, float) and not math.isfinite(item):
        return f'has {item} in it, which is no number to others'
    # Python then writes \', which ends the string for a YAML reader.
    if isinstance(item, str) and "'" in item and '"' in item:
        return 'has a value with both kinds of quotes'
    return None


def _plain(text):
    text = ' '.join(str(text).split()).translate(_ROUND)
    if len(text) > TRAIT_LIMIT:
        text = text[:TRAIT_LIMIT - 3] + '...'
    return text


def _wire_time(moment):
    if moment is None:
        return None
    return moment.astimezone(datetime.UTC).strftime('%Y-%m-%d %H:%M:%S')
