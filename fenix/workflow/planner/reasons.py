# SPDX-License-Identifier: Apache-2.0
"""Why a host or an instance is waiting, for humans."""

from fenix import words
from fenix.workflow.planner import begin
from fenix.workflow.planner import moves
from fenix.workflow.planner import ranking
from fenix.workflow.planner import records
from fenix.workflow.planner import rooms
from fenix.workflow.planner.model import Wait
from fenix.workflow.planner.records import EPSILON

#: Members of a group that are named.
NAMED = 3


def why(fleet, key, now):
    """Return :class:`Wait`, or None for one that waits for nothing."""
    if key in fleet.hosts:
        return _host(fleet, fleet.hosts[key], now)
    if key in fleet.instances:
        return _instance(fleet, fleet.instances[key], now)
    return None


def _host(fleet, host, now):
    if host.step == records.LEFT_OUT:
        return Wait('', 'it is left out')
    if host.step in (records.STARTING, records.EMPTYING):
        for instance_id in host.waiting:
            wait = _instance(fleet, fleet.instances[instance_id], now)
            if wait is not None:
                return Wait(instance_id, f'{instance_id} {wait.reason}')
        return None
    if host.step != records.WAITING:
        return None
    fixed = [i for i in sorted(host.instances)
             if not fleet.instances[i].movable]
    if fixed:
        return Wait(fixed[0], f'{fixed[0]} {fleet.instances[fixed[0]].fixed}')
    if host.unanswered:
        projects = sorted({fleet.instances[i].project_id
                           for i in host.instances
                           if fleet.instances[i].earliest is None})
        names = ', '.join(projects)
        if host.asked_at is None:
            return Wait(names, f'its projects are not asked yet: {names}')
        return Wait(names, f'it waits for the answer of {names}')
    if host.ready_at > now + EPSILON:
        return Wait('', 'the notice goes on', host.ready_at - now)
    if host.expected:
        return Wait('', 'instances are still to move to it')
    limit = begin.slot(fleet, host)
    if limit is not None:
        return _of_limit(words.HOSTS_IN_HAND, limit)
    hold = ranking.hold(fleet, host, now)
    if not fleet.rooms.takes(host.load, rooms.FINAL):
        return Wait(words.HOSTS_IN_HAND, 'no room on hosts that are done or '
                    'not in the session; others have to be done first')
    if hold.seconds > EPSILON:
        group = fleet.groups[hold.group_id]
        return Wait(_names(_holders(group, now)) or group.group_id,
                    f'its group {group.group_id} is busy', hold.seconds)
    return Wait('', 'its instances do not fit on hosts that are done or not '
                    'in the session')


def _instance(fleet, instance, now):
    if instance.moving or instance.offered:
        return None
    host = fleet.hosts[instance.host]
    if host.step == records.SETTLED:
        return None
    if host.step not in (records.STARTING, records.EMPTYING):
        wait = _host(fleet, host, now)
        return wait and Wait(host.name, f'its host waits: {wait.reason}',
                             wait.seconds)
    if instance.failed:
        return Wait('', 'its move failed')
    if not instance.movable:
        return Wait('', instance.fixed)
    if instance.goal is None:
        return Wait('', 'finds no room')
    blocked = moves.held_up(fleet, instance, now)
    if isinstance(blocked, tuple):
        group = fleet.groups[blocked[0]]
        return of_group(group.group_id, group.impacted, group.max_impacted,
                        _holders(group, now), group.free_at - now)
    if blocked == 'agreement' and instance.earliest is None:
        return Wait(instance.project_id,
                    f'waits for the agreement of {instance.project_id}')
    if blocked == 'agreement':
        return Wait(instance.project_id, 'has notice',
                    instance.earliest - now)
    if blocked == 'target':
        return _of_limit(instance.goal, f'{fleet.limits.moves_per_target} '
                         f'moves to a host at once')
    if blocked == 'floor':
        return _of_limit(words.HOSTS_IN_HAND,
                         f'{fleet.limits.floor} stay free')
    most = fleet.limits.moves_per_source
    if 0 < most <= host.leaving:
        return _of_limit(host.name, f'{most} moves from a host at once')
    return _of_limit(words.HOSTS_IN_HAND,
                     f'{fleet.limits.moves_at_once} moves at once')


def _of_limit(whom, limit):
    return Wait(whom, f'a limit of the session: {limit}')


def of_group(group_id, impacted, limit, sessions, seconds=None):
    """Tell why a member of a group has to wait for it.

    :param impacted: ids of its members that this session moves
    :param limit: how many may be impacted at once, 0 for any number
    :param sessions: ids of others that keep it busy
    :param seconds: until it may be impacted again, if that is known
    """
    what = f'waits for its group {group_id}'
    if 0 < limit <= len(impacted):
        # A large group would be written anew, and whole, with each move.
        whom = (', '.join(sorted(impacted)) if len(impacted) <= NAMED
                else group_id)
        return Wait(whom, f'{what}, of which {limit} may be impacted at once')
    if sessions:
        return Wait(_names(sessions),
                    f'{what}, which another session keeps busy')
    return Wait(group_id, f'{what}, which recovers', seconds)


def _holders(group, now):
    """Return the ids of the other sessions that hold a group up."""
    return group.held_by if group.free_at > now else ()


def _names(sessions):
    return ', '.join(f'session {name}' for name in sorted(sessions))
