# SPDX-License-Identifier: Apache-2.0
"""Asking: questions to projects, their answers, and what follows.

A question waits until it is published; its window starts then. The form
follows CONTRACT.md 5.2: an instance with constraints is asked about by
itself, all others of a project together, by URL.
"""

import datetime

from fenix import words
from fenix.db import models
from fenix.notify import payloads
from fenix.workflow.turn import Failed
from fenix.workflow.verbs import policies
from fenix.workflow.verbs import telling
from fenix.workflow.verbs import viewing

PROCEED, SKIP = policies.PROCEED, policies.SKIP

#: Seconds for which the list of alarms may be taken as it was read.
ALARMS_AGE = 30
#: Seconds for which that nobody listens may be taken for the last word.
DEAF_AGE = 5
EVENT_TYPE = 'maintenance.scheduled'


def subscribed(turn, project_id):
    """Tell whether a project listens.

    :returns: True or False, with the reason of False in the timeline; None
        while aodh has not answered
    """
    alarms = turn.read('subscriptions', EVENT_TYPE,
                       turn.later(-ALARMS_AGE))
    if alarms is None:
        return None
    own = [alarm for alarm in alarms if alarm.project_id == project_id]
    if any(alarm.live for alarm in own):
        return True
    came = turn.memory.readings['subscriptions', EVENT_TYPE].came
    if came < turn.later(-DEAF_AGE):
        return turn.read('subscriptions', EVENT_TYPE, turn.now)
    reasons = ', '.join(alarm.why_not for alarm in own if alarm.why_not)
    telling.warn(turn, f'project {project_id} is not told: it has no alarm '
                       f'on {EVENT_TYPE} that can fire'
                       + (f' ({reasons})' if reasons else ''),
                 project_id=project_id)
    return False


def ask(turn, question, project_id, instance_ids, window, host=None,
        instance_id=None, until=None, round=0):
    """Put a question to a project.

    :param instance_ids: the instances that it is about
    :param window: seconds that the project has
    :param until: a fixed end of the window instead, if that is later
    :param instance_id: for the per-instance form
    :returns: the ask; None while it is not known whether anybody listens
    """
    listens = subscribed(turn, project_id)
    if listens is None:
        return None
    return put(turn, question, project_id, instance_ids, window, host,
               instance_id, until, round, listens)


def put(turn, question, project_id, instance_ids, window, host=None,
        instance_id=None, until=None, round=0, listens=True):
    """Put a question to a project, whether anybody listens or not.

    See ``ask``. To one that does not listen it is only noted.
    """
    row = turn.add(models.Ask(
        question=question, project_id=project_id, host=host,
        instance_id=instance_id, round=round, window=window, until=until,
        instance_ids=sorted(instance_ids), actions={}, created_at=turn.now,
        state='waiting' if listens else 'unsubscribed',
        answered_at=None if listens else turn.now))
    if listens:
        telling.publish(turn, EVENT_TYPE, payloads.scheduled(
            session_id=turn.session.id, project_id=project_id,
            question=question, public_url=turn.conf.api.public_url,
            vocabulary=telling.vocabulary(turn, project_id),
            meta=turn.session.meta, instance_id=instance_id),
            ask=row, once=question in telling.ONCE)
    return row


def withdraw(turn, row):
    """Take a question back that nobody has to answer any more."""
    _close(turn, row, 'withdrawn')


def url_is_busy(turn, project_id, host):
    """Tell whether a project's URL bears an open question.

    It bears one at a time. The host that is to ask is called again when
    that one is decided.
    """
    if not any(ask.instance_id is None
               and ask.question in words.HOST_QUESTIONS
               for ask in turn.picture.unanswered_to(project_id)):
        return False
    turn.memory.queued.setdefault(project_id, set()).add(host.name)
    return True


def _close(turn, row, state, **values):
    """Note that nobody waits for an answer any more."""
    turn.change(row, state=state, answered_at=turn.now, **values)
    if row.instance_id is None:
        turn.touch(*turn.memory.queued.pop(row.project_id, ()))


def end_of_window(turn, row, published_at):
    """Return when the window of a question that was published ends."""
    end = published_at + datetime.timedelta(seconds=row.window)
    return max(end, row.until) if row.until else end


def answered(turn, row):
    """Tell whether a question is decided; end its window when it is time."""
    if row.state in ('waiting', 'open') and row.reply_by is not None:
        if turn.passed(row.reply_by):
            _close(turn, row, 'expired')
            telling.note(
                turn, f'project {row.project_id} did not answer '
                f'{_spelled(turn, row)} by {row.reply_by:%H:%M:%S}',
                project_id=row.project_id)
    return row.state not in ('waiting', 'open')


def _spelled(turn, row):
    return words.on_the_wire(row.question, turn.conf.workflow.vocabulary)


def consent(turn, row):
    """Return what an answer means: PROCEED, SKIP, or None while it is open.

    :raises Failed: it means that the session cannot go on
    """
    if not answered(turn, row):
        return None
    policy = policies.what_follows(turn, row)
    if policy is None:
        raise Failed(f'the question {_spelled(turn, row)} to project '
                     f'{row.project_id} was {row.state}')
    if policy == policies.FAIL:
        option, what = policies.OPTIONS[row.state]
        about = (f' about instance {row.instance_id}' if row.instance_id
                 else '')
        raise Failed(f'project {row.project_id} {what} '
                     f'{_spelled(turn, row)}{about}'
                     f' and {option} is "fail"')
    return policy


def take(turn, reply):
    """Let a reply count where it counts (CONTRACT.md 3.1).

    :returns: the asks that it decided
    """
    question, agreed = words.read_reply(reply.state)
    if question is None:
        return []
    decided = []
    for row in _addressed(turn, question, reply, agreed):
        actions = _actions(turn, row, reply)
        if reply.instance_id and row.instance_id is None:
            if agreed and not set(row.instance_ids) <= set(
                    actions) | set(row.actions):
                # An answer for one of several instances of one question.
                turn.change(row, actions={**row.actions, **actions})
                continue
        _close(turn, row, 'acked' if agreed else 'nacked',
               actions={**row.actions, **actions})
        decided.append(row)
    return decided


def _addressed(turn, question, reply, agreed):
    """Return the asks in whose windows a reply arrived."""
    rows = [row for row in turn.picture.unanswered_to(
                reply.project_id, reply.instance_id)
            if row.question == question and row.state == 'open']
    if question == words.MAINTENANCE and not agreed:
        # Its window stays open, so that another VNF of the project can
        # still refuse what the first agreed to.
        known = turn.picture.latest_ask(question, reply.project_id)
        if known is not None and known.state == 'acked':
            rows.append(known)
    rows = [row for row in rows if row.reply_by is None
            or reply.received_at <= row.reply_by]
    if reply.instance_id:
        own = [row for row in rows if row.instance_id == reply.instance_id]
        return own or [row for row in rows if row.instance_id is None
                       and (reply.instance_id in row.instance_ids)]
    together = [row for row in rows if row.instance_id is None]
    if together and len(together) < len(rows):
        # The project's URL is that question's own.
        rows = together
    if reply.actions:
        # A late repeat names the instances of an earlier host.
        return [row for row in rows
                if not reply.actions.keys().isdisjoint(row.instance_ids)]
    return rows


def _actions(turn, row, reply):
    """Return the actions that a reply chooses for the instances of an ask.

    None stands for an instance that is agreed to without a choice.
    """
    actions = {instance_id: action
               for instance_id, action in reply.actions.items()
               if instance_id in row.instance_ids}
    if reply.instance_id:
        actions.setdefault(reply.instance_id, reply.action)
    elif reply.action is not None:
        for instance_id in row.instance_ids:
            actions.setdefault(instance_id, reply.action)
    return {instance_id: _known(turn, row, instance_id, action)
            for instance_id, action in actions.items()}


def _known(turn, row, instance_id, action):
    """Return the action that a project chose, None if there is no such."""
    known = None if action is None else words.read_action(action)
    if action is not None and known is None:
        telling.warn(turn, f'project {row.project_id} chose the unknown '
                           f'action {action!r} for instance {instance_id}: '
                           'what it registered, or the default, is done',
                     instance_id=instance_id)
    return known


def action_for(turn, row, instance_id):
    """Return what is to be done to an instance after its ask was decided."""
    constraint = turn.constraints([instance_id])[0].get(instance_id)
    default = viewing.usual_action(turn, constraint)
    if row.state == 'acked':
        return row.actions.get(instance_id) or default
    # Nobody has said that he will act himself.
    return (default if default != words.OWN_ACTION
            else turn.option('default_action'))
