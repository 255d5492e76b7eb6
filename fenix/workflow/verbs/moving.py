# SPDX-License-Identifier: Apache-2.0
"""Moving instances: the intent first, then the request, then looking.

A request is sent once. Where its fate is not known it is looked for in
Nova's own record of actions, and issued again only after ``[nova]
unknown_window`` without a trace.
"""

from fenix import errors
from fenix import words
from fenix.db import claims
from fenix.db import models
from fenix.notify import payloads
from fenix.workflow.turn import Failed
from fenix.workflow.verbs import telling

#: What Nova calls the two actions in its record.
NOVA_ACTIONS = {words.MIGRATE: 'migrate',
                words.LIVE_MIGRATE: 'live-migration'}
#: States in which an instance can be moved cold, and live.
COLD = frozenset(['ACTIVE', 'SHUTOFF'])
LIVE = frozenset(['ACTIVE', 'PAUSED'])
STEADY = frozenset(['ACTIVE', 'SHUTOFF', 'PAUSED', 'SUSPENDED'])


def move(turn, host, instance, action, target):
    """Take an instance off a host.

    :param action: MIGRATE, LIVE_MIGRATE or OWN_ACTION
    :param target: a function that returns the host that it goes to, or None
        while that is not known
    :returns: whether it is off the host
    :raises Failed: it could not be moved
    """
    known = turn.picture.latest_move(instance.instance_id, host.name)
    if known is not None and known.state in ('done', 'failed'):
        if known.state == 'failed' and known.round >= host.round:
            raise Failed(known.reason)
        known = None
    if known is None:
        known = _begin(turn, host, instance, action, target)
        return False
    return follow(turn, known)


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
    if server.status == 'ERROR':
        raise Failed(f'instance {server.instance_id} of project '
                     f'{server.project_id} is in ERROR on {host.name}: '
                     f'{server.fault}')
    if action == words.LIVE_MIGRATE and server.status == 'SHUTOFF':
        action = words.MIGRATE
    steady = {words.MIGRATE: COLD, words.LIVE_MIGRATE: LIVE,
              words.OWN_ACTION: STEADY}[action]
    if server.task_state is not None or server.status not in steady:
        # Its owner does something with it: that is waited for.
        if turn.passed(turn.later(turn.option('migration_timeout'),
                                  host.step_at)):
            raise Failed(f'instance {server.instance_id} on {host.name} is '
                         f'{server.status} ({server.task_state}) and cannot '
                         f'be moved by {action}')
        return
    where = None
    if action != words.OWN_ACTION:
        where = target(instance)
        if where is None:
            return
    if not _claim(turn, instance):
        return
    own = action == words.OWN_ACTION
    row = turn.add(models.Move(
        instance_id=instance.instance_id, project_id=instance.project_id,
        action=action, source=host.name, target=where, round=host.round,
        state='requested' if own else 'intended', attempts=0 if own else 1,
        before=look.actions[0].request_id if look.actions else None,
        intended_at=turn.now, deadline=turn.later(turn.option(
            'own_action_window' if own else 'migration_timeout'))))
    if not own:
        _send(turn, row)


def _claim(turn, instance):
    """Claim the instance's share of what its group can bear.

    Checked here against this session and at the commit against all others.
    """
    group = _group(turn, instance.instance_id)
    if group is None:
        return True
    limit = max(1, group.max_impacted_members)
    impacted = sum(_group(turn, row.instance_id) is group
                   for row in turn.picture.moving.values())
    if impacted >= limit:
        turn.wake(turn.later(turn.conf.nova.observe_interval))
        return False
    until = turn.memory.busy.get(group.group_id)
    if until is not None and not turn.passed(until):
        return False
    turn.claims.append(claims.GroupClaim(
        group.group_id, limit, instance.instance_id))
    return True


def _group(turn, instance_id):
    """Return the constraints of the instance's group, or None."""
    constrained, groups = turn.constraints([instance_id])
    constraint = constrained.get(instance_id)
    return constraint and groups.get(constraint.group_id)


def _release(turn, row):
    """Give the group's share back; the group recovers from now on."""
    group = _group(turn, row.instance_id)
    if group is not None:
        turn.claims.append(claims.GroupRelease(
            group.group_id, row.instance_id, group.recovery_time))
        turn.memory.busy[group.group_id] = turn.later(group.recovery_time)


def _send(turn, row):
    kind = 'migrate' if row.action == words.MIGRATE else 'live_migrate'
    turn.effect(kind, row.id, row.source, (row.instance_id, row.target))


def sent(turn, effect, request_id, error):
    """Note what Nova answered to a request to move."""
    row = turn.picture.moves[effect.key]
    if row.state != 'intended':
        return
    if error is None:
        turn.change(row, state='requested', request_id=request_id)
    elif isinstance(error, errors.CloudRefused):
        _fail(turn, row, f'Nova refused: {error}')
    else:
        turn.change(row, state='unknown')


def confirmed(turn, effect, _, error):
    """Note what Nova answered to a confirmation: looking tells the rest."""


def follow(turn, row):
    """Look how a move goes, and do what it needs next.

    :returns: whether the instance is off its host
    :raises Failed: the move failed
    """
    if row.state == 'intended':
        if turn.in_flight('migrate', row.id) or turn.in_flight(
                'live_migrate', row.id):
            return False
        # Its engine died with the request on its lips.
        turn.change(row, state='unknown')
    if turn.in_flight('confirm', row.id):
        return False
    look = turn.watch('look_at_server', row.instance_id,
                      row.confirm_at or row.intended_at)
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
        if server.host != row.source and server.task_state is None and (
                server.status in STEADY):
            return _end(turn, row, server)
        if turn.passed(row.deadline):
            _fail(turn, row, f'project {row.project_id} said that it would '
                             f'move instance {row.instance_id} off '
                             f'{row.source} itself and did not', server)
        return None
    if row.state == 'unknown' and not _find_trace(turn, row, look):
        return None
    if server.status == 'ERROR':
        return _fail(turn, row, f'instance {row.instance_id} is in ERROR '
                                f'after its {row.action}: {server.fault}',
                     server)
    if server.task_state is None:
        if server.status == 'VERIFY_RESIZE' and server.host == row.target:
            return _confirm(turn, row, look)
        if server.status in STEADY and server.host == row.target:
            # Nova shows it there a moment before a live migration is over.
            if look.migration is None or not look.migration.unfinished:
                _end(turn, row, server)
            return None
        if server.status in STEADY and server.host == row.source:
            ours = [action for action in look.actions
                    if action.request_id == row.request_id]
            if ours and ours[0].finished and (
                    ours[0].failed or ours[0].message):
                return _fail(turn, row, f'{row.action} of instance '
                             f'{row.instance_id} to {row.target} failed: '
                             f'{ours[0].message}', server)
            migration = look.migration
            if migration and not migration.unfinished and (
                    ours and ours[0].finished):
                return _fail(turn, row, f'{row.action} of instance '
                             f'{row.instance_id} to {row.target} ended as '
                             f'{migration.status}', server)
    if turn.passed(row.deadline):
        _fail(turn, row, f'{row.action} of instance {row.instance_id} to '
                         f'{row.target} did not end in time: it is '
                         f'{server.status} ({server.task_state}) on '
                         f'{server.host}', server)
    return None


def _find_trace(turn, row, look):
    """Look for our request in Nova's record.

    :returns: whether it is there; otherwise the request is issued again
        when it is certain enough that it was lost
    """
    for action in look.actions:
        if action.request_id == row.before:
            break
        if action.action == NOVA_ACTIONS[row.action]:
            turn.change(row, state='requested',
                        request_id=action.request_id)
            return True
    if turn.passed(turn.later(turn.conf.nova.unknown_window,
                              row.intended_at)):
        if row.attempts >= turn.conf.nova.max_attempts:
            _fail(turn, row, f'Nova did not take the {row.action} of '
                             f'instance {row.instance_id}: no answer to '
                             f'{row.attempts} requests')
        elif look.server.host == row.source and (
                look.server.task_state is None) and (
                look.server.status in STEADY):
            turn.change(row, state='intended', intended_at=turn.now,
                        attempts=row.attempts + 1,
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
    if turn.passed(row.deadline):
        _fail(turn, row, f'instance {row.instance_id} on {row.target} could '
                         'not be confirmed', look.server)
    elif turn.passed(turn.later(turn.conf.nova.unknown_window,
                                row.confirm_at)):
        turn.change(row, confirm_at=turn.now)
        turn.effect('confirm', row.id, row.source, (row.instance_id,))


def _end(turn, row, server):
    instance = turn.picture.instances[row.instance_id]
    turn.change(row, state='done', ended_at=turn.now)
    _release(turn, row)
    if row.action != words.OWN_ACTION and server is not None:
        constrained, _ = turn.constraints([row.instance_id])
        telling.moved(turn, instance, payloads.vocabulary_of(
            turn.conf, row.project_id, bool(constrained)))


def _fail(turn, row, reason, server=None):
    turn.change(row, state='failed', ended_at=turn.now, reason=reason)
    # An instance in ERROR goes on weighing on its group.
    if server is None or server.status != 'ERROR':
        _release(turn, row)
