# SPDX-License-Identifier: Apache-2.0
"""The hosts that may receive instances, ordered by what they still take."""

import bisect

from fenix.size import Size
from fenix.workflow.planner import fitting
from fenix.workflow.planner import model
from fenix.workflow.planner import records

#: Who goes there need not move again.
FINAL = (model.DONE, model.OUTSIDE)
#: For bringing scattered room together.
ANY = (model.DONE, model.OUTSIDE, model.UNDONE)

#: Targets that are compared for the wishes of soft groups.
COMPARED = 16
#: A host's instances go onto one target together if they fill this share of
#: what it takes: that leaves no pieces of room behind.
WHOLE = 0.9
#: Instances and targets with which a placement is searched exactly, if
#: placing the largest first fails.
SEARCHED = 40
#: What such a search may cost, in looks.
EFFORT = 20_000


class Rooms:
    """Receiving hosts by standing, sorted by the scarcest resource."""

    def __init__(self, hosts, instances):
        used = [0, 0, 0]
        total = [1, 1, 1]
        for host in hosts.values():
            for r in range(3):
                total[r] += host.total[r]
                used[r] += host.total[r] - host.room[r]
        self.scarcest = max(range(3), key=lambda r: used[r] / total[r])
        self.most = [max([host.total[r] for host in hosts.values()] + [1])
                     for r in range(3)]
        self.tiers = {standing: [] for standing in ANY}
        self.place = {}
        #: What all receiving hosts of a standing take together.
        self.sums = {standing: [0, 0, 0] for standing in ANY}
        #: What is kept for instances that do not move yet.
        self.kept = [0, 0, 0]

    def copy(self):
        other = Rooms.__new__(Rooms)
        other.scarcest, other.most = self.scarcest, self.most
        other.tiers = {s: list(tier) for s, tier in self.tiers.items()}
        other.place = dict(self.place)
        other.sums = {s: list(sums) for s, sums in self.sums.items()}
        other.kept = list(self.kept)
        return other

    def weight(self, need):
        """Return an amount as one number: its largest share of a host."""
        return max(need[r] / self.most[r] for r in range(3))

    def add(self, host):
        """Let a host receive instances."""
        if host.name in self.place or not host.open:
            return
        entry = (host.room[self.scarcest], host.name)
        bisect.insort(self.tiers[host.standing], entry)
        self.place[host.name] = (host.standing, entry)
        for r in range(3):
            self.sums[host.standing][r] += host.room[r]

    def remove(self, host):
        """Let a host receive no more."""
        known = self.place.pop(host.name, None)
        if known is None:
            return
        standing, entry = known
        tier = self.tiers[standing]
        del tier[bisect.bisect_left(tier, entry)]
        for r in range(3):
            self.sums[standing][r] -= host.room[r]

    def change(self, host, need, sign):
        """Give room of a host (sign -1), or give it back (sign 1)."""
        known = host.name in self.place
        if known:
            self.remove(host)
        room = host.room
        for r in range(3):
            room[r] += sign * need[r]
        if known:
            self.add(host)

    def keep(self, need, sign):
        """Note that room is kept for an instance (1), or no longer (-1).

        It no longer is when the instance moves there.
        """
        for r in range(3):
            self.kept[r] += sign * need[r]

    def spare(self, r):
        """Return what all receiving hosts take of a resource."""
        return sum(sums[r] for sums in self.sums.values())

    def takes(self, need, tiers):
        """Tell quickly whether an amount may fit at all."""
        r = self.scarcest
        return need[r] <= sum(self.sums[tier][r] for tier in tiers)


def lost(fleet, host, load):
    """Return how much is free no more when a host is emptied.

    :param load: what goes to other hosts
    """
    own = host.room if host.name in fleet.rooms.place else (0, 0, 0)
    return [own[r] + load[r] for r in range(3)]


def below_floor(fleet, need):
    """Tell whether less than the floor is free if so much is taken."""
    floor = records.numbers(fleet.limits.floor)
    return any(floor[r] and fleet.rooms.spare(r) - need[r] < floor[r]
               for r in range(3))


def allowed(fleet, instance, host):
    """Tell whether bonds and hard rules let an instance onto a host.

    :returns: None, or the group (an id) or bond ('') that forbids it
    """
    name = host.name
    if instance.only is not None and name not in instance.only:
        return ''
    for group_id in instance.groups:
        group = fleet.groups[group_id]
        if group.soft:
            continue
        if group.affinity:
            others = {fleet.instances[i].goal or fleet.instances[i].host
                      for i in group.members
                      if fleet.instances[i].host != instance.host
                      or fleet.instances[i].goal}
            if others and name not in others:
                return group_id
        elif group.limit and group.counts.get(name, 0) >= group.limit:
            return group_id
    return None


def _against(fleet, instance, name):
    """Count how far a host is against the wishes of soft groups."""
    points = 0
    for group_id in instance.groups:
        group = fleet.groups[group_id]
        if group.soft:
            there = group.counts.get(name, 0)
            if group.affinity:
                points -= there > 0
            elif group.limit and there >= group.limit:
                points += 1 + there
    return points


def find(fleet, instance, tiers, near=False):
    """Return the fullest host that takes an instance, done ones first.

    :param near: only one in the zone in which the instance is
    """
    area = near and fleet.hosts[instance.host].areas[:1]
    rooms = fleet.rooms
    need = instance.need
    wishes = any(fleet.groups[g].soft for g in instance.groups)
    for standing in tiers:
        tier = rooms.tiers[standing]
        found = []
        start = bisect.bisect_left(tier, (need[rooms.scarcest], ''))
        for n in range(start, len(tier)):
            host = fleet.hosts[tier[n][1]]
            room = host.room
            if ((room[0] < need[0] and need[0])
                    or (room[1] < need[1] and need[1])
                    or (room[2] < need[2] and need[2])
                    or host.name == instance.host
                    or (near and host.areas[:1] != area)
                    or (fleet.shut and host.name in fleet.shut)
                    or allowed(fleet, instance, host) is not None):
                continue
            if not wishes:
                return host
            found.append(host)
            if len(found) == COMPARED:
                break
        if found:
            return min(found, key=lambda host: _against(
                fleet, instance, host.name))
    return None


def place(fleet, instance_ids, tiers, near=False):
    """Keep room for instances, largest first, then by exact search.

    :param near: only in the zone in which they are
    :returns: whether all have got a goal; if not, none has got one
    """
    instances = sorted((fleet.instances[i] for i in instance_ids),
                       key=lambda i: (-fleet.rooms.weight(i.need),
                                      -sum(i.need), i.instance_id))
    whole = _whole(fleet, instances, tiers, near)
    if whole is not None:
        for instance in instances:
            fleet.hold(instance, whole)
        return True
    done = []
    for instance in instances:
        host = find(fleet, instance, tiers, near)
        if host is None:
            break
        fleet.hold(instance, host)
        done.append(instance)
    if len(done) == len(instances):
        return True
    for instance in done:
        fleet.release(instance)
    if near:
        return False
    placed = _search(fleet, instances, tiers)
    for instance_id, name in (placed or {}).items():
        fleet.hold(fleet.instances[instance_id], fleet.hosts[name])
    return placed is not None


def _whole(fleet, instances, tiers, near):
    """Return a host that all instances of a host fill nearly."""
    limits = fleet.limits
    if len(instances) < 2 or 0 < limits.moves_per_target < (
            limits.moves_per_source or len(instances)):
        return None
    source = fleet.hosts[instances[0].host]
    load = [sum(i.need[r] for i in instances) for r in range(3)]
    scarcest = fleet.rooms.scarcest
    for standing in tiers:
        tier = fleet.rooms.tiers[standing]
        for n in range(bisect.bisect_left(tier, (load[scarcest], '')),
                       len(tier)):
            host = fleet.hosts[tier[n][1]]
            if load[scarcest] < WHOLE * host.room[scarcest]:
                break
            if (host is not source and host.name not in fleet.shut
                    and (not near or host.areas[:1] == source.areas[:1])
                    and all(not load[r] or load[r] <= host.room[r]
                            for r in range(3))
                    and _all_allowed(fleet, instances, host)):
                return host
    return None


def _all_allowed(fleet, instances, host):
    """Tell whether rules let instances onto a host together."""
    more = {}
    for instance in instances:
        if allowed(fleet, instance, host) is not None:
            return False
        for group_id in instance.groups:
            more[group_id] = more.get(group_id, 0) + 1
    for group_id, count in more.items():
        group = fleet.groups[group_id]
        limit = group.limit
        there = group.counts.get(host.name, 0)
        if limit and there + count > limit:
            return False
    return True


def _search(fleet, instances, tiers):
    """Search a placement exactly, if that is small enough."""
    if len(instances) == 1:
        return None     # All targets of a single one were looked at.
    if fleet.in_flight and len(fleet.hosts) > SEARCHED:
        return None     # There will be more room soon, and easier choices.
    least = min(i.need[fleet.rooms.scarcest] for i in instances)
    names = [name for standing in tiers
             for room, name in fleet.rooms.tiers[standing]
             if room >= least and name not in fleet.shut]
    if len(names) + len(instances) > SEARCHED or not all(
            instance.movable for instance in instances):
        return None
    return fitting.fit(view_of(fleet, instances, names),
                       [i.instance_id for i in instances], names,
                       fitting.Effort(EFFORT))


def view_of(fleet, instances, names):
    """Return what concerns some instances and targets as a view."""
    groups = {g: fleet.groups[g] for i in instances for g in i.groups}
    views = {}
    for instance_id in ({m for g in groups.values() for m in g.members}
                        | {i.instance_id for i in instances}):
        instance = fleet.instances[instance_id]
        hosts = [instance.host] + [instance.goal] * bool(instance.goal)
        for n, name in enumerate(hosts):
            # One that is on its way counts on both hosts.
            views[instance_id + '+' * n] = model.InstanceView(
                instance_id, instance.project_id, name,
                Size(*instance.need), instance.groups,
                movable=instance.movable, only=instance.only)
    return model.CloudView(
        {name: model.HostView(
            name, Size(*fleet.hosts[name].room),
            Size(*fleet.hosts[name].total), fleet.hosts[name].standing)
         for name in names},
        views,
        {g.group_id: model.GroupView(
            g.group_id, anti_affinity=g.limit == 1, affinity=g.affinity,
            max_per_host=g.limit or 0, soft=g.soft)
         for g in groups.values()})
