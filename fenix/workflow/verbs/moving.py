# SPDX-License-Identifier: Apache-2.0
"""Moving instances: the intent first, then the request, then looking.

A request is sent once. Where its fate is not known it is looked for in
Nova's own record of actions, and issued again only after ``[nova]
unknown_window`` without a trace.
"""

from fenix import errors
from fenix import words
from fenix.db import models
from fenix.workflow import picture
from fenix.workflow.planner import model
from fenix.workflow.turn import Failed
from fenix.workflow.verbs import booking
from fenix.workflow.verbs import explaining
from fenix.workflow.verbs import grouping
from fenix.workflow.verbs import keeping
from fenix.workflow.verbs import learning
from fenix.workflow.verbs import telling
from fenix.workflow.verbs import ways

#: What Nova calls the two actions in its record.
NOVA_ACTIONS = {words.MIGRATE: 'migrate',
                words.LIVE_MIGRATE: 'live-migration'}
#: The reason of a failure of which Nova knows none.
UNTOLD = 'Nova tells no reason'
#: That of one whose request was sent by an engine that died.
NO_ANSWER = 'no answer is known'

#: States of a move after which there may be another one.
ENDED = frozenset(['done', 'failed', 'refused'])


def move(turn, host, instance, action, target):
    """Take an instance off a host.

    :param action: a function that returns MIGRATE, LIVE_MIGRATE or
        OWN_ACTION
    :param target: a function that returns the host that it goes to, or None
        while that is not known
    :returns: whether it is off the host
    :raises Failed: it could not be moved
    """
    known = turn.picture.latest_move(instance.instance_id, host.name)
    if known is not None and known.state in ENDED:
        if known.round >= host.round and (
                known.state == 'failed' or _was_everywhere(turn, host, known)):
            raise Failed(known.reason)
        known = None
    if known is None:
        _begin(turn, host, instance, action(), target)
        return False
    return follow(turn, known)


def _was_everywhere(turn, host, known):
    """Tell whether enough targets refused what a move was about."""
    return known.state == 'refused' and turn.option('max_targets') <= sum(
        # What is in another cell could never have taken it.
        not picture.other_cell(move) for move in turn.picture.refused(
            host.name, host.round, known.instance_id))


def _begin(turn, host, instance, action, target):
    """Write the intent of a move once everything allows it."""
    look = turn.watch('look_at_server', instance.instance_id, host.step_at)
    if look is None:
        return
    server = look.server
    if server is None:
        return
    if server.host != host.name and server.task_state is None:
        return
    if action != words.OWN_ACTION:
        if server.status == 'ERROR':
            raise Failed(f'{ways.who(server)} is in ERROR on {host.name}: '
                         f'{server.fault or UNTOLD}; '
                         + ways.REMEDIES['ERROR'])
        action = ways.way(server.status, action)
        if action is None or server.task_state is not None:
            _wait_for_owner(turn, host, instance, server)
            return
    where = None
    if action != words.OWN_ACTION:
        where = target(instance)
        if where is None:
            return
    if not grouping.claim(turn, host, instance):
        return
    turn.memory.held_up.pop(instance.instance_id, None)
    explaining.note(turn, instance, None)
    own = action == words.OWN_ACTION
    row = turn.add(models.Move(
        instance_id=instance.instance_id, project_id=instance.project_id,
        action=action, source=host.name, target=where, round=host.round,
        state='requested' if own else 'intended', attempts=0 if own else 1,
        before=look.actions[0].request_id if look.actions else None,
        intended_at=turn.now, deadline=turn.later(turn.option(
            'own_action_window' if own else 'migration_timeout'))))
    booking.begun(turn, row)
    keeping.started(turn, row)
    if not own:
        _send(turn, row)


def _wait_for_owner(turn, host, instance, server):
    """Wait for an instance with which its owner does something.

    :raises Failed: it goes on for too long
    """
    why = f'{ways.who(server)} on {host.name} is {server.status}'
    if server.task_state is not None:
        why += f', busy with {server.task_state},'
    why += ' and cannot be moved'
    remedy = (ways.REMEDIES | ways.LASTING).get(server.status)
    if remedy is not None:
        why += f': {remedy}'
    if server.instance_id not in turn.memory.held_up:
        telling.warn(turn, f'{why}; that is waited for', host=host.name,
                     instance_id=server.instance_id)
    explaining.note(turn, instance, model.Wait(
        f'project {instance.project_id}', why))
    limit = turn.option('migration_timeout')
    if turn.passed(turn.later(limit, grouping.held_up(turn, host, server))):
        raise Failed(f'{why}; that was waited for {limit:.0f} s')


def recovered(turn, instance):
    """Give back what a failed move holds, once its instance is well.

    Until then it goes on weighing on its group. One that was given up may have
    come to its end all the same, and its project waits to be told so.
    """
    row = turn.picture.holding.get(instance.instance_id)
    if row is None or not (instance.gone or ways.settled(instance)):
        return
    if (row.action != words.OWN_ACTION and not instance.gone
            and instance.host == row.target):
        _end(turn, row, instance)
    else:
        grouping.release(turn, instance)


def _send(turn, row):
    kind = 'migrate' if row.action == words.MIGRATE else 'live_migrate'
    turn.effect(kind, row.id, row.source, (row.instance_id, row.target))


def sent(turn, effect, request_id, error):
    """Note what Nova answered to a request to move."""
    row = turn.picture.moves[effect.key]
    if row.state != 'intended':
        return
    if error is None:
        turn.change(row, state='requested', request_id=request_id,
                    reason=None)
    elif isinstance(error, errors.OtherCell) and row.attempts == 1:
        _refuse(turn, row, f'{picture.between_cells(row)}: {error}')
    elif isinstance(error, errors.TargetRefused) and row.attempts == 1:
        _refuse(turn, row, f'Nova refused: {error}')
    elif isinstance(error, errors.CloudRefused) and row.attempts == 1:
        _fail(turn, row, f'Nova refused: {error}')
    elif isinstance(error, errors.NotSent) and turn.session.deleting and (
            row.attempts == 1):
        _fail(turn, row, str(error), touched=False)
    else:
        # A second request may be refused because the first came late. How
        # long this one waited for its turn, and for an answer, is not known:
        # from now on it is looked for.
        turn.change(row, state='unknown', reason=str(error),
                    intended_at=turn.now)


def confirmed(turn, effect, _, error):
    """Note what Nova answered to a confirmation: looking tells the rest.

    One without an answer is looked for from now on.
    """
    row = turn.picture.moves[effect.key]
    if error is not None and row.state == 'confirming':
        turn.change(row, confirm_at=turn.now)


def follow(turn, row):
    """Look how a move goes, and do what it needs next.

    :returns: whether the instance is off its host
    :raises Failed: the move failed
    """
    if row.state == 'intended':
        if turn.in_flight('migrate', row.id) or turn.in_flight(
                'live_migrate', row.id):
            return False
        # Its engine died with the request on its lips, a moment ago at the
        # earliest, however long it had meant to send it.
        turn.change(row, state='unknown', intended_at=turn.now)
    if turn.in_flight('confirm', row.id):
        return False
    look = turn.watch('look_at_server', row.instance_id,
                      row.confirm_at or row.intended_at,
                      learning.between_looks(turn, row))
    if look is None:
        return False
    _judge(turn, row, look)
    if row.state == 'failed':
        raise Failed(row.reason)
    return row.state == 'done'


def _judge(turn, row, look):
    """Decide from a look at the server how its move stands."""
    server = look.server
    if server is None:
        return _end(turn, row, None)
    if row.action == words.OWN_ACTION:
        if server.host != row.source and (
                server.host is None or ways.settled(server)):
            _end(turn, row, server)
    elif row.state != 'unknown' or server.status == 'ERROR' or (
            _find_trace(turn, row, look)):
        _judge_ours(turn, row, look)
    if row.ended_at is None and turn.passed(_give_up_at(turn, row)):
        _fail(turn, row, _too_late(row, server), server)


def _give_up_at(turn, row):
    """Return when a move is given up.

    Not while its request may be on its way: nobody would look after what
    comes of it.
    """
    if row.state not in ('intended', 'unknown'):
        return row.deadline
    return max(row.deadline, turn.later(
        turn.conf.nova.unknown_window, row.intended_at))


def _judge_ours(turn, row, look):
    """Decide how a move stands that Nova makes for us."""
    server = look.server
    what = f'{row.action} of instance {row.instance_id} to {row.target}'
    if server.status == 'ERROR':
        ours = _own(row, look)
        why = server.fault or _failure(ours, look)
        # Nova writes down why before it ends the action.
        if why is not None or ours is None or ours.finished:
            _fail(turn, row, f'{what} ended in ERROR: {why or UNTOLD}',
                  server)
    elif server.task_state is not None:
        return
    elif server.status == 'VERIFY_RESIZE' and server.host == row.target:
        _confirm(turn, row, look)
    elif server.status in ways.STEADY and server.host == row.target:
        # Nova shows it there a moment before a live migration is over.
        if look.migration is None or not look.migration.unfinished:
            _end(turn, row, server)
    elif server.status in ways.STEADY and server.host == row.source:
        ours = _own(row, look)
        why = _failure(ours, look)
        if why is not None:
            (_refuse if ours.unplaced else _fail)(
                turn, row, f'{what} failed: {why}', server)


def _own(row, look):
    """Return the entry of our request in Nova's record, or None."""
    return next((action for action in look.actions
                 if action.request_id == row.request_id), None)


def _failure(ours, look):
    """Return why a move ended where it began, or None if it goes on.

    :param ours: the entry of our request in Nova's record, or None
    """
    if ours is None or not ours.finished:
        return None
    if ours.failed or ours.message:
        return ours.message or UNTOLD
    # Nova may say so with the migration alone.
    if look.migration is not None and not look.migration.unfinished:
        return (f'Nova ended it as {look.migration.status} and tells no '
                f'reason; the log of nova-compute on '
                f'{look.migration.source} may')
    return None


def _too_late(row, server):
    if row.action == words.OWN_ACTION:
        return (f'project {row.project_id} said that it would move instance '
                f'{row.instance_id} off {row.source} itself and did not')
    what = ('confirmation of the ' if row.state == 'confirming' else '')
    return (f'{what}{row.action} of instance {row.instance_id} to '
            f'{row.target} did not end in time: it is {server.status} '
            f'({server.task_state}) on {server.host}')


def _find_trace(turn, row, look):
    """Look for our request in Nova's record.

    :returns: whether it is there; otherwise the request is issued again
        when it is certain enough that it was lost
    """
    for action in look.actions:
        if action.request_id == row.before:
            break
        if action.action == NOVA_ACTIONS[row.action]:
            turn.change(row, state='requested', reason=None,
                        request_id=action.request_id)
            return True
    if turn.passed(turn.later(turn.conf.nova.unknown_window,
                              row.intended_at)):
        # Of a session that is deleted it would not be sent.
        if turn.session.deleting or (
                row.attempts >= turn.conf.nova.max_attempts):
            _fail(turn, row, f'Nova did not take the {row.action} of '
                             f'instance {row.instance_id}, asked '
                             f'{row.attempts} times: '
                             f'{row.reason or NO_ANSWER}', look.server)
        elif look.server.host == row.source and ways.settled(look.server):
            turn.change(row, state='intended', intended_at=turn.now,
                        attempts=row.attempts + 1,
                        deadline=turn.later(turn.option('migration_timeout')),
                        before=look.actions[0].request_id
                        if look.actions else None)
            _send(turn, row)
    return False


def _confirm(turn, row, look):
    """Confirm what is ours to confirm, once."""
    migration = look.migration
    if migration is not None and migration.type != 'migration':
        return
    if row.confirm_at is None:
        turn.change(row, state='confirming', confirm_at=turn.now,
                    deadline=turn.later(turn.option('confirm_timeout')))
        turn.effect('confirm', row.id, row.source, (row.instance_id,))
        return
    newest = look.actions[0] if look.actions else None
    if newest and newest.action == 'confirmResize' and not newest.finished:
        return
    if turn.passed(turn.later(turn.conf.nova.unknown_window,
                              row.confirm_at)):
        turn.change(row, confirm_at=turn.now)
        turn.effect('confirm', row.id, row.source, (row.instance_id,))


def _end(turn, row, server):
    instance = turn.picture.instances[row.instance_id]
    turn.change(row, state='done', ended_at=turn.now)
    booking.ended(turn, row)
    keeping.ended(turn, row)
    grouping.release(turn, row)
    if row.action != words.OWN_ACTION and server is not None:
        telling.moved(turn, instance)


def _fail(turn, row, reason, server=None, touched=True):
    turn.change(row, state='failed', ended_at=turn.now, reason=reason)
    booking.ended(turn, row)
    keeping.ended(turn, row)
    if server is None or ways.settled(server):
        grouping.release(turn, row, touched)


def _refuse(turn, row, reason, server=None):
    """Note that a target does not take an instance; another one may.

    Where the others of its host were to go is no longer known either: what
    the plan took the cloud for was wrong.
    """
    turn.change(row, state='refused', ended_at=turn.now, reason=reason)
    booking.ended(turn, row)
    grouping.release(turn, row, touched=False)
    booking.forget_plan(turn, row.source)
    keeping.ended(turn, row)
    keeping.surprised(turn)
    telling.warn(turn, f'{reason}: another host is looked for',
                 instance_id=row.instance_id, host=row.source)
