# SPDX-License-Identifier: Apache-2.0
"""The moves of a fleet: which may start, and what follows from their ends."""

import bisect
import heapq

from fenix.workflow.planner import floor
from fenix.workflow.planner import records
from fenix.workflow.planner.records import EPSILON
from fenix.workflow.planner.records import IN_FLIGHT


def offer(fleet, now):
    """Offer the moves that may start, hosts that began first being first."""
    while fleet.dirty:
        if _all_moves_taken(fleet):
            return
        _turn, name = heapq.heappop(fleet.dirty)
        fleet.dirty_names.discard(name)
        host = fleet.hosts[name]
        if host.step not in (records.STARTING, records.EMPTYING):
            continue
        for instance_id in tuple(host.waiting):
            limit = fleet.limits.moves_per_source
            if limit and host.leaving >= limit:
                break
            if _all_moves_taken(fleet):
                fleet.touch(name)
                return
            instance = fleet.instances[instance_id]
            if instance.goal is not None and not held_up(
                    fleet, instance, now, note=True):
                _offer(fleet, instance, host)


def _all_moves_taken(fleet):
    return 0 < fleet.limits.moves_at_once <= fleet.moving


def held_up(fleet, instance, now, note=False):
    """Tell whether something but the limit of its source stops a move.

    :param note: look again at its host when that has changed
    :returns: None or what it waits for: 'failed', 'agreement', 'target',
        'floor' or the id of a group in a tuple
    """
    if instance.failed or not instance.movable:
        return 'failed'
    if instance.earliest is None or instance.earliest > now + EPSILON:
        if note and instance.earliest is not None:
            fleet.at(instance.earliest, 'host', instance.host)
        return 'agreement'
    target = fleet.hosts[instance.goal]
    limit = fleet.limits.moves_per_target
    if limit and target.coming >= limit:
        if note:
            fleet.target_waiters.setdefault(target.name, set()).add(
                instance.host)
        return 'target'
    for group_id in instance.groups:
        group = fleet.groups[group_id]
        if group.full() or group.free_at > now + EPSILON:
            if note:
                group.waiters.add(instance.host)
                if group.free_at > now + EPSILON:
                    fleet.at(group.free_at, 'group', group_id)
            return (group_id,)
    if not floor.may_move(fleet, instance):
        if note:
            fleet.floor_waiters.add(instance.host)
        return 'floor'
    return None


def _offer(fleet, instance, host):
    _count(fleet, instance, 1)
    instance.offered = True
    fleet.offered[instance.instance_id] = instance.goal
    host.waiting.remove(instance.instance_id)
    fleet.dequeue(instance)


def _count(fleet, instance, change):
    """Count a move against the limits, or no longer."""
    fleet.moving += change
    fleet.rooms.keep(instance.need, -change)
    fleet.hosts[instance.host].leaving += change
    fleet.hosts[instance.goal].coming += change
    for group_id in instance.groups:
        impacted = fleet.groups[group_id].impacted
        if change > 0:
            impacted.add(instance.instance_id)
        else:
            impacted.discard(instance.instance_id)
            fleet.queue.ease(group_id)


def _queue(fleet, instance, host):
    """Let an instance wait for its move from a host that is emptied."""
    host.waiting.append(instance.instance_id)
    for group_id in instance.groups:
        fleet.groups[group_id].queued += 1
    fleet.touch(host.name)


def take_back(fleet, instance):
    """Take back an offer that was not carried out."""
    if not instance.offered or instance.moving:
        return
    instance.offered = False
    del fleet.offered[instance.instance_id]
    _count(fleet, instance, -1)
    _freed(fleet, instance, instance.goal)
    host = fleet.hosts[instance.host]
    if host.step in IN_FLIGHT:
        _queue(fleet, instance, host)


def _freed(fleet, instance, target):
    """Look again at whatever may have waited for a move."""
    fleet.wake_floor()
    fleet.touch(instance.host)
    for name in fleet.target_waiters.pop(target, ()):
        fleet.touch(name)
    for group_id in instance.groups:
        group = fleet.groups[group_id]
        for name in group.waiters:
            fleet.touch(name)
        group.waiters.clear()


def started(fleet, instance, target, now, expected_end):
    """Note that a move was requested."""
    if instance.moving:
        return
    host = fleet.hosts[instance.host]
    if instance.goal != target:
        if instance.offered:
            take_back(fleet, instance)
        fleet.release(instance)
        fleet.hold(instance, fleet.hosts[target])
    if instance.offered:
        del fleet.offered[instance.instance_id]
    else:
        if instance.instance_id in host.waiting:
            host.waiting.remove(instance.instance_id)
            fleet.dequeue(instance)
        _count(fleet, instance, 1)
    fleet.homeless.discard(instance.instance_id)
    instance.offered = instance.moving = True
    instance.ends = (now + instance.takes if expected_end is None
                     else expected_end)


def ended(fleet, instance, name, now):
    """Note where an instance is after a move.

    Also for one that its project moved without us being told before.
    """
    source = fleet.hosts[instance.host]
    goal = instance.goal
    if instance.offered:
        fleet.offered.pop(instance.instance_id, None)
        _count(fleet, instance, -1)
        _recover(fleet, instance, now)
        _freed(fleet, instance, goal)
    elif instance.instance_id in source.waiting:
        source.waiting.remove(instance.instance_id)
        fleet.dequeue(instance)
    instance.offered = instance.moving = False
    instance.ends = None
    fleet.look |= bool(fleet.homeless) or name != goal
    if name == goal:
        instance.goal = None    # What was kept for it is its own now.
        fleet.rooms.keep(instance.need, -1)
        fleet.hosts[name].expected -= 1
    else:
        fleet.release(instance)
        fleet.rooms.change(fleet.hosts[name], instance.need, -1)
        for group_id in instance.groups:
            fleet.groups[group_id].count(name, 1)
    _leave(fleet, instance, source)
    instance.host = name
    join(fleet, instance, fleet.hosts[name])


def _recover(fleet, instance, now):
    for group_id in instance.groups:
        group = fleet.groups[group_id]
        group.held_by = ()      # It was this session's turn.
        if group.recovery:
            group.free_at = max(group.free_at, now + group.recovery)
            if group.waiters or group.queued:
                fleet.at(group.free_at, 'group', group_id)


def _leave(fleet, instance, host):
    host.hold(instance, -1)
    fleet.rooms.change(host, instance.need, 1)
    for group_id in instance.groups:
        fleet.groups[group_id].count(host.name, -1)
    if instance.earliest is None:
        host.unanswered -= 1
    fleet.queue.change(host)
    if host.name in fleet.rooms.place:
        fleet.look = True


def join(fleet, instance, host):
    """Let an instance be on a host; it has room there already."""
    host.hold(instance, 1)
    if instance.asked and not instance.failed:
        instance.earliest = None
    if instance.earliest is None:
        host.unanswered += 1
    if host.step in IN_FLIGHT:
        _queue(fleet, instance, host)
        if instance.goal is None:
            fleet.homeless.add(instance.instance_id)
            fleet.look = True
    elif host.step == records.WAITING:
        fleet.drop_ready(host)
        if host.unanswered:
            # Who came later has to be asked as well.
            host.asked_at = None
            fleet.awaiting.discard(host.name)
            if host.name not in fleet.unasked:
                bisect.insort(fleet.unasked, host.name, key=fleet.rank.get)
        else:
            fleet.set_ready(host)
        fleet.look = True


def vanish(fleet, instance):
    """Forget an instance that was deleted."""
    host = fleet.hosts[instance.host]
    if instance.offered:
        goal = instance.goal
        fleet.offered.pop(instance.instance_id, None)
        _count(fleet, instance, -1)
        _freed(fleet, instance, goal)
    elif instance.instance_id in host.waiting:
        host.waiting.remove(instance.instance_id)
        fleet.dequeue(instance)
    fleet.release(instance)
    fleet.homeless.discard(instance.instance_id)
    _leave(fleet, instance, host)
    for group_id in instance.groups:
        del fleet.groups[group_id].members[instance.instance_id]
    del fleet.instances[instance.instance_id]
    fleet.reckon(host, float('-inf'))
    fleet.touch(host.name)
