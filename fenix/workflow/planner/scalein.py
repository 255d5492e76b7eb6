# SPDX-License-Identifier: Apache-2.0
"""The smallest scale-in that lets a host be emptied."""

import collections
import itertools

from fenix.size import Size
from fenix.workflow.planner import model
from fenix.workflow.planner import records
from fenix.workflow.planner import rooms
from fenix.workflow.planner import shortage

#: Hosts that are looked at closely, those with the least on them first.
LOOKED_AT = 10
#: Sets of instances that are tried for a host.
TRIED = 300


def smallest(fleet):
    """Return which instances suffice, and what stands in the way.

    :returns: :class:`model.NeedRoom`, None if no host waits
    """
    begun = {fleet.instances[i].host for i in fleet.homeless}
    waiting = [fleet.hosts[name] for name in begun or fleet.order
               if name in begun
               or fleet.hosts[name].step == records.WAITING]
    if not waiting:
        return None
    waiting.sort(key=lambda host: (
        any(not fleet.instances[i].movable for i in host.instances),
        fleet.rooms.weight(host.load), host.name))
    view = view_of(fleet)
    closest = shortage.closest(
        view, [host.name for host in waiting],
        [name for tier in rooms.ANY for _room, name
         in fleet.rooms.tiers[tier]])
    best = None
    homeless = fleet.homeless.copy()
    for host in waiting[:LOOKED_AT]:
        found = _of_host(fleet, host, best and best[0])
        if found is not None and (best is None or found[0] < best[0]):
            best = found
    # Room was only tried out: who had none still has none.
    fleet.homeless = homeless
    if best is None:
        return closest
    _weight, host, given_up = best
    projects = collections.defaultdict(Size)
    for instance in given_up:
        projects[instance.project_id] += Size(*instance.need)
    return model.NeedRoom(
        host.name, sum(projects.values(), Size()), closest.reason,
        tuple(i.instance_id for i in given_up), dict(projects))


def _of_host(fleet, host, limit):
    """Return the least that has to go from a host until the rest fits.

    :param limit: only what is less than that is looked for
    :returns: (weight, host, instances), or None
    """
    ours = sorted((fleet.instances[i] for i in host.instances
                   if fleet.instances[i].goal is None),
                  key=lambda i: (fleet.rooms.weight(i.need), i.instance_id))
    can_go = [i for i in ours if i.asked]
    tried = 0
    for count in range(1, len(can_go) + 1):
        # Alike ones need not be tried one by one.
        sets = {}
        for chosen in itertools.islice(
                itertools.combinations(can_go, count), TRIED):
            sets.setdefault(tuple(
                (i.need, i.groups, i.project_id) for i in chosen), chosen)
        for chosen in sorted(sets.values(), key=lambda chosen: sum(
                fleet.rooms.weight(i.need) for i in chosen)):
            weight = sum(fleet.rooms.weight(i.need) for i in chosen)
            if limit is not None and weight >= limit:
                break
            rest = [i.instance_id for i in ours if i not in chosen]
            tried += 1
            if rooms.place(fleet, rest, rooms.ANY):
                for instance_id in rest:
                    fleet.release(fleet.instances[instance_id])
                return weight, host, chosen
            if tried >= TRIED:
                return None
    return None


def view_of(fleet):
    """Return a fleet as a view, instances being where they are now."""
    return model.CloudView(
        {host.name: model.HostView(
            host.name, Size(*host.room), Size(*host.total), host.standing,
            host.open) for host in fleet.hosts.values()},
        {i.instance_id: model.InstanceView(
            i.instance_id, i.project_id, i.host, Size(*i.need), i.groups,
            movable=i.movable, only=i.only)
         for i in fleet.instances.values()},
        {g.group_id: model.GroupView(
            g.group_id, anti_affinity=g.limit == 1, affinity=g.affinity,
            max_per_host=g.limit or 0, soft=g.soft)
         for g in fleet.groups.values()})
