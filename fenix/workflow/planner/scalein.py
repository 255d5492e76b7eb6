# SPDX-License-Identifier: Apache-2.0
"""The smallest scale-in that lets a host be emptied.

The fewest instances come first, and of as many the smallest. They may be on
the host itself, or on one that could then take what is on it.
"""

import collections
import contextlib
import dataclasses
import heapq

from fenix.size import Size
from fenix.workflow.planner import fitting
from fenix.workflow.planner import model
from fenix.workflow.planner import records
from fenix.workflow.planner import rooms
from fenix.workflow.planner import shortage

#: Hosts that are looked at closely, those with the least on them first.
LOOKED_AT = 10
#: Receiving hosts whose instances may go for each of these, those with the
#: most room first: they lack the least.
RECEIVING = 20
#: What a search on one host alone may cost, and what all that look at
#: receiving hosts may cost together, in sets of instances that are looked at.
EFFORT = 3000
SHARED = 10_000
#: What a search on one host alone has for each number of instances when that
#: is used up.
RESERVE = 50
#: What it costs more to try a set out.
TRYING = 9


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
    homeless = fleet.homeless.copy()
    best = _best(fleet, waiting[:LOOKED_AT])
    # Room was only tried out: who had none still has none.
    fleet.homeless = homeless
    if best is None:
        return closest
    host, given_up = best
    projects = collections.defaultdict(Size)
    for instance in given_up:
        projects[instance.project_id] += Size(*instance.need)
    return model.NeedRoom(
        host.name, sum(projects.values(), Size()), closest.reason,
        tuple(i.instance_id for i in given_up), dict(projects))


@dataclasses.dataclass
class _Search:
    """Looks for instances without which a host can be emptied."""

    host: records.Host
    #: Who may be given up, the smallest first.
    able: list
    effort: fitting.Effort
    #: What has to leave the host, in all.
    load: list
    #: What other hosts take together, at the most.
    spare: list
    #: What may be spent on each number of instances in any case.
    reserve: int = 0

    def least(self, fleet, count, limit):
        """Return the least of so many instances that suffices.

        :param limit: only what weighs less is looked for, None for all
        :returns: (weight, instances), or None
        """
        self.effort.looks = max(self.effort.looks, self.reserve)
        seen = set()
        for weight, chosen in _sets(fleet, self._worth(count), count):
            if (limit is not None and weight >= limit) or (
                    not self.effort.spend(1)):
                break
            kinds = frozenset(collections.Counter(
                map(_kind, chosen)).items())
            if kinds in seen:
                continue
            seen.add(kinds)
            if self.may_suffice(fleet, chosen) and (
                    self.effort.spend(TRYING)
                    and _suffices(fleet, self.host, chosen)):
                return weight, chosen
        return None

    def _worth(self, count):
        """Return who is large enough to be one of so many that suffice.

        Even with the largest for the others less would not be enough room.
        """
        lack = []
        for r in range(3):
            largest = sorted((i.need[r] for i in self.able), reverse=True)
            lack.append(self.load[r] - self.spare[r]
                        - sum(largest[:count - 1]))
        return [i for i in self.able
                if all(i.need[r] >= lack[r] for r in range(3))]

    def may_suffice(self, fleet, chosen):
        """Tell at once of most sets that they do not suffice."""
        rest = _staying(fleet, self.host, chosen)
        freed = [i.need for i in chosen if i.host != self.host.name]
        for r in range(3):
            need = sum(i.need[r] for i in rest)
            if need and need > self.spare[r] + sum(n[r] for n in freed):
                return False
        return all(i.movable for i in rest)

    def goes_on(self, count):
        return (count <= len(self.able)
                and max(self.effort.looks, self.reserve) > 0)


def _best(fleet, hosts):
    """Return a host and the least without which it can be emptied.

    It is searched on each host alone first: so it is never more than that,
    even if there are too many others to look at all of them.

    :returns: (host, instances), or None
    """
    receiving = _receiving(fleet)
    shared = fitting.Effort(SHARED)
    alone, wider = [], []
    for host in hosts:
        load, spare = _load(fleet, host), _spare(fleet, host)
        alone.append(_Search(
            host, _able(fleet, [host.name]), fitting.Effort(EFFORT),
            load, spare, RESERVE))
        wider.append(_Search(
            host, _able(fleet, [host.name, *receiving]), shared,
            load, spare))
    searches = alone + wider
    count = 0
    while any(search.goes_on(count + 1) for search in searches):
        count += 1
        best = None
        for search in searches:
            if search.goes_on(count):
                found = search.least(fleet, count, best and best[0])
                if found is not None:
                    best = *found, search.host
        if best is not None:
            return best[2], best[1]
    return None


def _receiving(fleet):
    """Return the names of hosts that may receive, the roomiest first."""
    entries = sorted((
        entry for tier in fleet.rooms.tiers.values() for entry in tier
        if entry[1] not in fleet.shut), reverse=True)
    return [name for _room, name in entries[:RECEIVING]]


def _able(fleet, names):
    """Return who may be given up on some hosts, the smallest first."""
    found = [fleet.instances[i] for name in dict.fromkeys(names)
             for i in fleet.hosts[name].instances]
    return sorted((i for i in found if i.asked and i.goal is None),
                  key=lambda i: (fleet.rooms.weight(i.need), i.instance_id))


def _load(fleet, host):
    """Return what the instances that have to leave a host need."""
    return [sum(i.need[r] for i in _staying(fleet, host, ()))
            for r in range(3)]


def _spare(fleet, host):
    """Return what all receiving hosts but one take together at the most."""
    others = [fleet.hosts[name].room for name in fleet.rooms.place
              if name != host.name]
    return [sum(max(0, room[r]) for room in others) for r in range(3)]


def _sets(fleet, able, count):
    """Yield (weight, set) for all sets of so many, the smallest first."""
    # Of those that are alike no more than a set has are needed.
    kinds = collections.Counter()
    some = []
    for instance in able:
        kind = _kind(instance)
        kinds[kind] += 1
        if kinds[kind] <= count:
            some.append(instance)
    if len(some) < count:
        return
    weights = [fleet.rooms.weight(i.need) for i in some]

    def entry(places):
        return round(sum(weights[n] for n in places), 9), places

    waiting = [entry(tuple(range(count)))]
    known = {waiting[0][1]}
    while waiting:
        weight, places = heapq.heappop(waiting)
        yield weight, [some[n] for n in places]
        for at, n in enumerate(places):
            if n + 1 < len(some) and n + 1 not in places:
                other = (*places[:at], n + 1, *places[at + 1:])
                if other not in known:
                    known.add(other)
                    heapq.heappush(waiting, entry(other))


def _kind(instance):
    """Who is of the same kind need not be tried one by one."""
    return (instance.host, instance.need, instance.groups,
            instance.project_id, instance.movable, instance.only)


def _staying(fleet, host, chosen):
    """Return the instances that have to leave a host all the same."""
    gone = {i.instance_id for i in chosen}
    return [fleet.instances[i] for i in host.instances
            if fleet.instances[i].goal is None and i not in gone]


def _suffices(fleet, host, chosen):
    """Tell whether a host can be emptied once some instances are gone."""
    rest = [i.instance_id for i in _staying(fleet, host, chosen)]
    with _without(fleet, chosen):
        if rooms.below_floor(fleet, rooms.lost(fleet, host, [
                sum(fleet.instances[i].need[r] for i in rest)
                for r in range(3)])):
            return False
        if not rooms.place(fleet, rest, rooms.ANY):
            return False
        for instance_id in rest:
            fleet.release(fleet.instances[instance_id])
        return True


@contextlib.contextmanager
def _without(fleet, chosen):
    """Let instances be gone for a while."""
    members = {g: fleet.groups[g].members for i in chosen for g in i.groups}
    gone = {i.instance_id for i in chosen}
    for group_id, known in members.items():
        fleet.groups[group_id].members = {
            i: None for i in known if i not in gone}
    _count(fleet, chosen, 1)
    try:
        yield
    finally:
        _count(fleet, chosen, -1)
        for group_id, known in members.items():
            fleet.groups[group_id].members = known


def _count(fleet, chosen, sign):
    """Give the room of instances back (1), or take it again (-1)."""
    for instance in chosen:
        fleet.rooms.change(fleet.hosts[instance.host], instance.need, sign)
        for group_id in instance.groups:
            fleet.groups[group_id].count(instance.host, -sign)


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
