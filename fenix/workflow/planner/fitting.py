# SPDX-License-Identifier: Apache-2.0
"""Where instances fit: largest first, then an exact search within bounds."""

import collections
import dataclasses
import functools

#: Looks (instance at host) that an exact search may take; some tenths of a
#: second. Whoever has not found a placement by then has none.
EFFORT = 300_000

#: More instances than that are placed largest first, and not searched.
MAX_SEARCHED = 60


class Effort:
    """What searching may still cost, shared by several searches."""

    def __init__(self, looks=EFFORT):
        self.looks = looks

    def spend(self, looks):
        """Take some; False when nothing is left."""
        self.looks -= looks
        return self.looks > 0


@dataclasses.dataclass(frozen=True)
class Unit:
    """Instances that hard affinity keeps together, mostly just one."""

    instances: tuple
    need: tuple[int, int, int]
    #: (group id, members in the unit, limit) of hard limits
    limits: tuple[tuple[str, int, int], ...]
    #: Groups whose rules are wishes.
    wishes: tuple
    #: Hosts that affinity and the instances' bonds leave, None for all.
    only: frozenset | None
    #: Hosts that the instances have to leave.
    sources: frozenset

    @functools.cached_property
    def alike(self):
        """Units with the same value are interchangeable."""
        return self.need, self.limits, self.only, self.sources


def units_of(view, instance_ids):
    """Put together what hard affinity keeps together, largest first."""
    moving = {i: view.instances[i] for i in sorted(set(instance_ids))}
    leader = {i: i for i in moving}

    def find(i):
        while leader[i] != i:
            i = leader[i]
        return i

    first = {}
    for instance_id, instance in moving.items():
        for group in view.groups_of(instance):
            if group.affinity and not group.soft:
                other = first.setdefault(group.group_id, instance_id)
                leader[find(instance_id)] = find(other)
    together = collections.defaultdict(list)
    for instance_id, instance in moving.items():
        together[find(instance_id)].append(instance)
    units = [_unit(view, instances, moving)
             for instances in together.values()]
    most = [max([unit.need[r] for unit in units] + [1]) for r in range(3)]
    return sorted(units, key=lambda unit: (
        -max(unit.need[r] / most[r] for r in range(3)),
        -sum(unit.need[r] / most[r] for r in range(3)),
        unit.instances[0].instance_id))


def _unit(view, instances, moving):
    counts = collections.Counter()
    wishes = {}
    only = None
    for instance in instances:
        if instance.only is not None:
            only = instance.only if only is None else only & instance.only
        for group in view.groups_of(instance):
            if group.soft:
                wishes[group.group_id] = group
                continue
            counts[group.group_id] += 1
            if group.affinity:
                hosts = frozenset(
                    other.host for other in view.members(group.group_id)
                    if other.instance_id not in moving
                    and other.host is not None)
                if hosts:
                    only = hosts if only is None else only & hosts
    return Unit(
        tuple(instances),
        (sum(i.size.vcpus for i in instances),
         sum(i.size.ram_mb for i in instances),
         sum(i.size.disk_gb for i in instances)),
        tuple((group_id, n, view.groups[group_id].limit)
              for group_id, n in sorted(counts.items())
              if view.groups[group_id].limit),
        tuple(wishes[group_id] for group_id in sorted(wishes)),
        only,
        frozenset(i.host for i in instances if i.host is not None))


class Room:
    """What the targets still take while a placement grows.

    Instances that move count where they are and where they go: they do so
    until their moves are confirmed, and so the moves may go in any order.
    """

    def __init__(self, view, units, targets):
        self.names = list(dict.fromkeys(targets))
        self.free = [(host.free.vcpus, host.free.ram_mb, host.free.disk_gb)
                     for host in (view.hosts[name] for name in self.names)]
        place = {name: i for i, name in enumerate(self.names)}
        self.counts = {}
        for unit in units:
            for group_id in ([limit[0] for limit in unit.limits]
                             + [wish.group_id for wish in unit.wishes]):
                if group_id not in self.counts:
                    counts = [0] * len(self.names)
                    for member in view.members(group_id):
                        if member.host in place:
                            counts[place[member.host]] += 1
                    self.counts[group_id] = counts
        self.placed = {}

    def allows(self, unit, i):
        """Tell whether the rules of groups let a unit onto target ``i``."""
        name = self.names[i]
        if name in unit.sources or (
                unit.only is not None and name not in unit.only):
            return False
        return all(self.counts[group_id][i] + n <= limit
                   for group_id, n, limit in unit.limits)

    def takes(self, unit, i):
        """Tell whether a unit may and can go onto target ``i``."""
        vcpus, ram, disk = unit.need
        free = self.free[i]
        # Nobody allocates 0 of something, so an instance without a disk
        # goes onto a host whose disk is overcommitted.
        return ((vcpus <= free[0] or not vcpus)
                and (ram <= free[1] or not ram)
                and (disk <= free[2] or not disk)
                and self.allows(unit, i))

    def able(self, unit):
        """Return the targets that a unit may and can go onto."""
        return [i for i in range(len(self.names)) if self.takes(unit, i)]

    def put(self, unit, i, sign=1):
        """Place a unit on target ``i``; ``sign`` -1 takes it back."""
        self.free[i] = tuple(free - sign * need for free, need
                             in zip(self.free[i], unit.need, strict=True))
        for group_id, n, _limit in unit.limits:
            self.counts[group_id][i] += sign * n
        for wish in unit.wishes:
            self.counts[wish.group_id][i] += sign * len(unit.instances)
        for instance in unit.instances:
            if sign > 0:
                self.placed[instance.instance_id] = self.names[i]
            else:
                del self.placed[instance.instance_id]

    def liked(self, unit, targets):
        """Order targets by the unit's wishes, then as they come."""
        if not unit.wishes:
            return targets
        return sorted(targets, key=lambda i: (self._against(unit, i), i))

    def _against(self, unit, i):
        points = 0
        for wish in unit.wishes:
            counts = self.counts[wish.group_id]
            if wish.affinity:
                points -= counts[i] > 0
            if wish.limit and counts[i] + len(unit.instances) > wish.limit:
                points += 1 + counts[i]
        return points

    def state(self, i):
        """Targets in the same state are interchangeable but for names."""
        return self.free[i], tuple(counts[i]
                                   for counts in self.counts.values())


def fit(view, instance_ids, targets, effort=None):
    """Place instances on targets.

    A placement keeps within the free VCPU, RAM and disk of each target,
    and within the hard rules of all groups as if the moves went in any
    order; wishes of soft groups are followed where that costs nothing else.
    An instance never stays where it is. Equal questions have equal answers.
    Up to about eight instances on eight hosts the answer is exact.

    :param targets: names of hosts, the best first
    :param effort: what the search may cost, for several of them
    :returns: host by instance id, or None if no placement was found
    """
    units = units_of(view, instance_ids)
    if not all(instance.movable
               for unit in units for instance in unit.instances):
        return None
    room = Room(view, units, targets)
    if greedy(units, room):
        return room.placed
    if len(units) > MAX_SEARCHED:
        return None
    room = Room(view, units, _useful(units, Room(view, units, targets)))
    if _enough(units, room) and _search(
            units, room, effort or Effort(), set()):
        return room.placed
    return None


def greedy(units, room):
    """Place units one after the other where they fit first.

    :returns: whether all are placed; it ends at the first that is not
    """
    for unit in units:
        for i in room.liked(unit, range(len(room.names))):
            if room.takes(unit, i):
                room.put(unit, i)
                break
        else:
            return False
    return True


def _useful(units, room):
    """Leave out targets that take nothing, and superfluous equal ones."""
    named = _named(units)
    kinds = list({unit.alike: unit for unit in units}.values())
    seen = collections.Counter()
    names = []
    for i, name in enumerate(room.names):
        if not any(room.takes(unit, i) for unit in kinds):
            continue
        state = room.state(i)
        if name not in named:
            seen[state] += 1
            if seen[state] > len(units):
                continue
        names.append(name)
    return names


def _enough(units, room):
    return all(
        sum(unit.need[r] for unit in units)
        <= sum(max(free[r], 0) for free in room.free) for r in range(3))


def _search(units, room, effort, failed):
    """Backtrack; the unit with the fewest targets left goes first.

    :param failed: what is known to lead nowhere: whether units can be placed
        depends on what the targets take, not on their names or on the way
        that led there
    """
    if not units:
        return True
    if not effort.spend(len(units) * len(room.names)):
        return False
    able = {}
    for unit in units:
        if unit.alike not in able:
            able[unit.alike] = room.able(unit)
            if not able[unit.alike]:
                return False
    named = _named(units)
    states = {i: (room.state(i), room.names[i] in named and room.names[i])
              for i in set().union(*able.values())}
    situation = (frozenset(collections.Counter(
        unit.alike for unit in units).items()), frozenset(
        collections.Counter(states.values()).items()))
    if situation in failed:
        return False
    fewest = min(range(len(units)),
                 key=lambda n: (len(able[units[n].alike]), n))
    unit = units[fewest]
    rest = units[:fewest] + units[fewest + 1:]
    tried = set()
    for i in room.liked(unit, able[unit.alike]):
        if states[i] in tried:
            continue
        tried.add(states[i])
        room.put(unit, i)
        if _search(rest, room, effort, failed):
            return True
        room.put(unit, i, -1)
        if effort.looks <= 0:
            return False
    failed.add(situation)
    return False


def _named(units):
    """Return the hosts that are not like others for one of the units."""
    return set().union(*[unit.sources | (unit.only or frozenset())
                         for unit in units])
