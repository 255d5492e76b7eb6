# SPDX-License-Identifier: Apache-2.0
"""What a project sees of a session, and answers (CONTRACT.md 1.3, 3.1).

A reply that is late, repeated or about nothing is still 200: clients send
each reply up to four times, and again whenever they do not see a 200.
"""

from oslo_log import log as logging

from fenix import errors
from fenix import words
from fenix.db import inbox
from fenix.db import models
from fenix.db import sessions

LOG = logging.getLogger(__name__)

#: Characters of an action that are kept; no real one has as many.
_ACTION_LIMIT = models.Reply.__table__.c.action.type.length

#: States in which single hosts concern single instances.
_HOSTS_RUN = words.HOST_QUESTIONS | {words.START_MAINTENANCE}


def get(call):
    """Tell which instances of the project the state of a session concerns."""
    session_id, project_id = call.path['session'], call.path['project']
    session = sessions.get(session_id)
    asks = sessions.open_asks(session_id, project_id)
    if not asks and not sessions.knows_project(session_id, project_id):
        raise errors.NotFound('The project has nothing in this session.')
    instances = sessions.instances_of_project(session_id, project_id)
    return {'instance_ids': [row.instance_id for row in instances
                             if _concerned(row, session, asks)]}


def _concerned(instance, session, asks):
    """Tell whether the project has to think of an instance now."""
    if not asks:
        return session.state not in _HOSTS_RUN
    return any(
        ask.question not in words.HOST_QUESTIONS
        or (instance.instance_id in ask.instance_ids
            and instance.host == ask.host)
        for ask in asks)


def reply(call):
    """Answer for a project, about all of its instances or about one."""
    session_id, project_id = call.path['session'], call.path['project']
    instance_id = call.path.get('instance')
    state = call.body['state'].strip()
    actions = call.body.get('instance_actions') or {}
    question, agreed = words.read_reply(state)
    standing = inbox.standing(
        session_id, project_id,
        {*actions, instance_id} if instance_id else {*actions}, instance_id,
        question)
    if question is None:
        return _ignored(call, 'it answers no question')
    if instance_id and instance_id not in standing.own:
        return _ignored(call, 'the project has no such instance there')
    if not standing.known:
        return _ignored(call, 'the project has nothing in the session')
    if standing.late:
        # Nobody reads what is kept for a session that has ended.
        return _ignored(call, 'the session has ended')
    said = {'state': state,
            'action': _action(call.body.get('instance_action')),
            'actions': {key: _action(value) for key, value in actions.items()
                        if key in standing.own and value is not None}}
    # Most repetitions end here, without a transaction that writes. Who said
    # it when all was answered that it could be about has said it in vain;
    # but MAINTENANCE can be refused after it was agreed to.
    if inbox.repeats(standing.settled, **said) and (
            agreed or question != words.MAINTENANCE):
        return {}
    if not inbox.repeats(standing.newest, **said):
        inbox.add_reply(session_id, project_id, instance_id=instance_id,
                        reply_id=models.new_id(), **said)
    call.ring(session_id)
    return {}


def _action(value):
    """Return an action as it is kept: the engine knows which are real."""
    if value is None:
        return None
    return str(value).strip()[:_ACTION_LIMIT]


def _ignored(call, reason):
    LOG.info('A reply to session %s by project %s has no effect, as %s: '
             '%.80r', call.path['session'], call.path['project'], reason,
             call.body['state'])
    return {}
