# SPDX-License-Identifier: Apache-2.0
"""Why a host or an instance is waiting, for humans."""

from fenix.workflow.planner import begin
from fenix.workflow.planner import moves
from fenix.workflow.planner import ranking
from fenix.workflow.planner import records
from fenix.workflow.planner import rooms
from fenix.workflow.planner.model import Wait
from fenix.workflow.planner.records import EPSILON


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
        return Wait('', f'notice ends in {host.ready_at - now:.0f} s')
    if host.expected:
        return Wait('', 'instances are still to move to it')
    limit = begin.slot(fleet, host)
    if limit is not None:
        return Wait('', f'a limit of the session: {limit}')
    held_up = ranking.delay(fleet, host, now)
    if not fleet.rooms.takes(host.load, rooms.FINAL):
        return Wait('', 'no room on hosts that are done or not in the '
                        'session; others have to be done first')
    if held_up > EPSILON:
        return Wait('', f'its groups are busy for about {held_up:.0f} s')
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
        return wait and Wait(host.name, f'its host waits: {wait.reason}')
    if instance.failed:
        return Wait('', 'its move failed')
    if not instance.movable:
        return Wait('', instance.fixed)
    if instance.goal is None:
        return Wait('', 'finds no room')
    blocked = moves.held_up(fleet, instance, now)
    if isinstance(blocked, tuple):
        return Wait(blocked[0], f'waits for its group {blocked[0]}')
    if blocked == 'agreement':
        return Wait(instance.project_id,
                    f'waits for the agreement of {instance.project_id}'
                    if instance.earliest is None else 'has notice for '
                    f'another {instance.earliest - now:.0f} s')
    if blocked == 'target':
        return Wait(instance.goal, f'waits for moves to {instance.goal}')
    return Wait('', 'waits until fewer instances move')
