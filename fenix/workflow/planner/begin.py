# SPDX-License-Identifier: Apache-2.0
"""Which hosts a fleet begins with, and whom it asks before."""

import math

from fenix.workflow.planner import floor
from fenix.workflow.planner import ranking
from fenix.workflow.planner import records
from fenix.workflow.planner import rooms
from fenix.workflow.planner import scalein
from fenix.workflow.planner.model import PREPARE
from fenix.workflow.planner.model import Ask
from fenix.workflow.planner.records import EPSILON

#: Hosts that are tried in vain before room is waited for; all are tried
#: when nothing is in flight.
TRIED = 8
#: Waves of hosts that are asked ahead.
AHEAD = 3
#: Share of a host's time in flight that its groups may hold it up without
#: another one being preferred.
PATIENCE = 0.03


def begin(fleet, now):
    """Begin with as many hosts as limits, room and answers allow.

    Hosts whose instances find room in their own zone come first, if
    instances are bound to zones: what leaves a zone takes up room that
    others need who cannot leave theirs.
    """
    fleet.stuck = house(fleet)
    for near in (True, False)[not fleet.zoned:]:
        failed = _begin_all(fleet, now, near)
    if not fleet.in_flight:
        host = _next_fitting(fleet, failed)
        if host is None:
            gather(fleet, now)
        elif host.unanswered and host.asked_at is None:
            fleet.to_ask[host.name] = Ask(host.name)
    elif fleet.early and not fleet.stuck:
        gather(fleet, now)


def _begin_all(fleet, now, near):
    """Begin with hosts in their order, those last whom groups hold up.

    :returns: names of hosts for which there was no room
    """
    queue = fleet.queue
    patience = math.inf if fleet.strict else PATIENCE * fleet.cycle
    failed = set()
    #: Zones of which no host can begin now.
    full = set()
    most = fleet.limits.hosts_at_once
    scarcest = fleet.rooms.scarcest

    def room():
        return sum(fleet.rooms.sums[tier][scarcest] for tier in rooms.FINAL)

    def take(host):
        if host.expected:
            return      # Who comes to it would have to go on at once.
        if rooms.place(fleet, host.instances, rooms.FINAL, near):
            start(fleet, host)
        else:
            failed.add(host.name)
            if near:
                full.add(host.areas[:1])

    def enough():
        return (0 < most <= len(fleet.in_flight)
                or (len(failed) >= TRIED and fleet.in_flight))

    queue.catch_up(fleet.groups, now)
    for name in queue.small(room, full):
        host = fleet.hosts[name]
        if enough():
            return failed
        area = _full_area(fleet, host)
        if host.ready_at > now + EPSILON:
            queue.until(name, host.ready_at)
        elif area is not None and area == host.areas[0]:
            full.add(host.areas[:1])
        elif area is not None:
            queue.until_area(name, area)
        elif slot(fleet, host) is None:
            hold = ranking.hold(fleet, host, now, patience)
            if hold.seconds > patience:
                queue.until_group(name, hold)
            else:
                take(host)
    held = [(ranking.delay(fleet, fleet.hosts[name], now), name)
            for name in queue.held_up(room())]
    for _held_up, name in sorted(held):
        host = fleet.hosts[name]
        if enough():
            break
        if (host.load[scarcest] <= room() and host.areas[:1] not in full
                and slot(fleet, host) is None):
            take(host)
    return failed


def start(fleet, host):
    """Order a host to be emptied; its instances have goals."""
    fleet.take(host)
    fleet.starting[host.name] = None


def slot(fleet, host, more=0):
    """Tell whether the limits allow another host in flight.

    :param more: hosts that are about to begin before it
    :returns: None, or the limit that does not, in words
    """
    limits = fleet.limits
    if 0 < limits.hosts_at_once <= len(fleet.in_flight) + more:
        return f'{limits.hosts_at_once} hosts at once'
    area = _full_area(fleet, host, more)
    if area is not None:
        return f'{fleet.area_most[area]} hosts of {area[0]} {area[1]} at once'
    if fleet.floored and not floor.may_begin(fleet, host):
        return f'{limits.floor} stay free'
    return None


def _full_area(fleet, host, more=0):
    """Return the first area of a host of which enough are out, or None."""
    if fleet.areas_bind:
        for area in host.areas:
            if fleet.area_out.get(area, 0) + more >= fleet.area_most[area]:
                return area
    return None


def house(fleet):
    """Keep room for instances on hosts that are being emptied.

    They are new there, or what was kept for them is not to be had any more.
    Hosts that are yet to be done take them only if nothing else will change.

    :returns: whether nothing will change and some have found no room
    """
    left = False
    still = not fleet.moving and not any(
        fleet.hosts[name].step == records.OUT for name in fleet.in_flight)
    for instance_id in sorted(fleet.homeless):
        instance = fleet.instances[instance_id]
        if instance.failed:
            continue
        if not floor.may_keep(fleet, instance):
            left = True
        elif rooms.place(fleet, [instance_id], rooms.FINAL) or (
                still and rooms.place(fleet, [instance_id], rooms.ANY)):
            fleet.touch(instance.host)
            still = False
        else:
            left = True
    return still and left


def _next_fitting(fleet, failed):
    """Return the first host that may begin once its projects have agreed."""
    for name in fleet.order:
        host = fleet.hosts[name]
        if (host.step == records.WAITING and name not in failed
                and slot(fleet, host) is None
                and fleet.rooms.takes(host.load, rooms.FINAL)
                and rooms.place(fleet, host.instances, rooms.FINAL)):
            for instance_id in host.instances:
                fleet.release(fleet.instances[instance_id])
            return host
    return None


def gather(fleet, now):
    """Bring scattered room together: empty hosts onto others yet to be done.

    Those with the least on them are begun, as many at once as there is room
    for; what is moved now moves once more. Who may begin now goes first: no
    place is kept for hosts whose projects have yet to agree. A host that is
    to receive instances does not begin before they are there.
    """
    def may_begin(host):
        return not host.unanswered and host.ready_at <= now + EPSILON

    def key(name):
        host = fleet.hosts[name]
        return (not may_begin(host), *(
            [fleet.rank[name]] if fleet.strict else [
                len(host.instances), fleet.rooms.weight(host.load), name]))

    later = []
    waiting = [name for name in fleet.order
               if fleet.hosts[name].step == records.WAITING]
    for name in sorted(waiting, key=key):
        host = fleet.hosts[name]
        if host.expected or slot(fleet, host, len(later)) is not None:
            continue
        if not rooms.place(fleet, host.instances, rooms.ANY):
            continue
        if may_begin(host):
            start(fleet, host)
        else:
            fleet.rooms.remove(host)
            later.append(host)
    for host in later:
        for instance_id in host.instances:
            fleet.release(fleet.instances[instance_id])
        fleet.rooms.add(host)
        if host.asked_at is None and host.unanswered:
            fleet.to_ask[host.name] = Ask(host.name, PREPARE)
    fleet.stuck = not later and not fleet.in_flight


def ask(fleet):
    """Choose the hosts whose projects should be asked by now.

    So many as will begin until an answer given today takes effect: notice
    then overlaps with the work on others. Not all at once, because an
    agreement is good for hosts that come soon.
    """
    if fleet.stuck or (not fleet.in_flight and fleet.to_ask):
        return      # Nobody can begin, or only those who are asked.
    width = max(1, len(fleet.in_flight))
    if fleet.limits.hosts_at_once:
        width = min(width, fleet.limits.hosts_at_once)
    ahead = AHEAD * width * (1 + math.ceil(fleet.longest_notice / fleet.cycle))
    have = len(fleet.awaiting) + len(fleet.to_ask) + len(fleet.answered)
    while fleet.unasked and have < ahead:
        host = fleet.hosts[fleet.unasked.pop(0)]
        if (host.step == records.WAITING and host.unanswered
                and host.asked_at is None and host.name not in fleet.to_ask):
            fleet.to_ask[host.name] = Ask(host.name)
            have += 1


def shortage(fleet, now):
    """Return what must be given up for anything to go on, or None."""
    if not fleet.stuck or fleet.awaiting or fleet.to_ask or fleet.moving:
        return None
    if any(time > now + EPSILON for time, _kind, _key in fleet.timers):
        return None
    return fleet.shortage or scalein.smallest(fleet)
