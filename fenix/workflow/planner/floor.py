# SPDX-License-Identifier: Apache-2.0
"""Room that stays free: who may begin and move although it is scarce.

Room is kept for everything on a host before the host begins, but it is free
until somebody moves there; and a host that is out comes back with all that it
holds. So hosts may begin that leave less than the floor in the end, if those
before them give it back: the hosts in flight can be emptied one after the
other, in the order in which they began, each when the ones before it are
back. Every move keeps it so, and hosts never wait for each other.
"""

from fenix.workflow.planner import records
from fenix.workflow.planner import rooms


def may_begin(fleet, host):
    """Tell whether enough room stays free if a host is begun."""
    # For most hosts the quick look at the sums is enough.
    if not rooms.below_floor(fleet, rooms.lost(fleet, host, host.load)):
        return True
    homeless = [fleet.instances[i].need for i in host.instances
                if fleet.instances[i].goal is None]
    lost = rooms.lost(fleet, host, _sum(homeless))
    if not rooms.below_floor(fleet, lost):
        return True
    needs = [fleet.instances[i].need for i in host.instances]
    free = _less(_free(fleet), rooms.lost(fleet, host, (0, 0, 0)))
    # A host that cannot even begin to be emptied is of more use open.
    first = min(needs, key=fleet.rooms.weight, default=(0, 0, 0))
    floor = records.numbers(fleet.limits.floor)
    return _suffices(_less(free, first), floor) and (
        _in_any_turn(fleet, floor, lost) or _in_turn(
            fleet, free, floor, host))


def may_keep(fleet, instance):
    """Tell whether room may be kept for an instance on a host in flight."""
    return not rooms.below_floor(fleet, instance.need) or _in_turn(
        fleet, _free(fleet), records.numbers(fleet.limits.floor))


def may_move(fleet, instance):
    """Tell whether enough room stays free if an instance moves now.

    But for what others have taken since the hosts in flight began: these have
    to be emptied all the same.
    """
    if not fleet.floored or not rooms.below_floor(fleet, (0, 0, 0)):
        return True
    free = _less(_free(fleet), instance.need)
    floor = _less(records.numbers(fleet.limits.floor), fleet.came)
    return _suffices(free, floor) and (
        _in_any_turn(fleet, floor) or _in_turn(
            fleet, free, floor, moving=instance))


def _in_any_turn(fleet, floor, lost=(0, 0, 0)):
    """Tell quickly whether the hosts that are out give back enough for all.

    :param lost: what is taken beyond what is kept for hosts in flight
    """
    if fleet.homeless:
        return False
    back = [fleet.rooms.spare(r) - lost[r] for r in range(3)]
    for name in fleet.in_flight:
        host = fleet.hosts[name]
        if host.step == records.OUT:
            back = _more(back, host.room)
    return _suffices(back, floor)


def _in_turn(fleet, free, floor, last=None, moving=None):
    """Tell whether hosts in flight can be emptied one after the other.

    :param free: what is free now
    :param last: a host that follows them, or None
    :param moving: an instance that has moved already, or None
    """
    emptied = []
    for name in fleet.in_flight:
        host = fleet.hosts[name]
        if host.step == records.OUT:
            free = _more(free, host.room)
        else:
            emptied.append(host)
    emptied.sort(key=lambda host: host.turn)
    for host in emptied + [last] * (last is not None):
        left = _less(free, _sum(
            instance.need for instance in map(
                fleet.instances.get, host.instances)
            if not instance.offered and instance is not moving))
        if not _suffices(left, floor):
            return False
        free = _more(left, _more(host.room, host.load))
    return True


def _free(fleet):
    """Return what is free on hosts that may receive, kept or not."""
    return [fleet.rooms.spare(r) + fleet.rooms.kept[r] for r in range(3)]


def _suffices(free, floor):
    return all(least <= 0 or most >= least
               for most, least in zip(free, floor, strict=True))


def _sum(needs):
    total = [0, 0, 0]
    for need in needs:
        total = _more(total, need)
    return total


def _more(one, other):
    return [a + b for a, b in zip(one, other, strict=True)]


def _less(one, other):
    return [a - b for a, b in zip(one, other, strict=True)]
