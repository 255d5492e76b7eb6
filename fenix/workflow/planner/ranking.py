# SPDX-License-Identifier: Apache-2.0
"""The order in which hosts are maintained and instances leave a host."""

import collections
import dataclasses
import math

from fenix.workflow.planner import records


def chain(fleet, group, members=None):
    """Return how long a group's impacts take one after the other.

    :param members: how many; None for those on hosts yet to be done
    """
    takes = [fleet.instances[i].takes for i in group.members
             if fleet.hosts[fleet.instances[i].host].step != records.SETTLED]
    if members is None:
        members = len(takes)
    if not members or not takes:
        return 0.0
    each = sum(takes) / len(takes) + group.recovery
    rounds = math.ceil(members / group.max_impacted) if (
        group.max_impacted) else 1
    return rounds * each


def drain_time(fleet, host):
    """Return how long emptying a host takes if nothing stands in its way."""
    instances = [fleet.instances[i] for i in host.instances]
    if not instances:
        return 0.0
    slots = fleet.limits.moves_per_source or len(instances)
    least = max(max(i.takes for i in instances),
                sum(i.takes for i in instances) / slots)
    own = {}
    for instance in instances:
        for group_id in instance.groups:
            if fleet.groups[group_id].paced:
                own.setdefault(group_id, []).append(instance.takes)
    for group_id, takes in own.items():
        group = fleet.groups[group_id]
        if group.max_impacted:
            least = max(least, sum(takes) / group.max_impacted
                        + group.recovery * (
                            math.ceil(len(takes) / group.max_impacted) - 1))
    return least


def order_of(fleet, given):
    """Return the undone hosts in the order in which they should be begun.

    Empty ones come first. Then the longest chains: a host whose instances
    belong to a group that has long to go must not come last. Then what is
    long to empty, as work that is begun early leaves no long tail. Hosts
    whose instances have floating addresses or little on them make no
    difference here; names settle what is equal.
    """
    undone = {name: host for name, host in fleet.hosts.items()
              if host.step == records.WAITING}
    chains = {group_id: chain(fleet, group)
              for group_id, group in fleet.groups.items() if group.paced}

    def key(name):
        host = undone[name]
        longest = max([chains.get(group_id, 0.0) for i in host.instances
                       for group_id in fleet.instances[i].groups] + [0.0])
        return (bool(host.instances), -longest, -drain_time(fleet, host),
                name)

    first = [name for name in dict.fromkeys(given) if name in undone]
    rest = sorted(undone.keys() - set(first), key=key)
    return first + _mixed(fleet, rest)


def _mixed(fleet, names):
    """Let areas take turns, if few of their hosts go at once.

    None of them is then left with more at the end than may go at once.
    """
    if not fleet.areas_bind:
        return names
    sizes = collections.Counter(
        area for name in names for area in fleet.hosts[name].areas)
    seen = collections.Counter()
    place = {}
    for name in names:
        areas = fleet.hosts[name].areas
        seen.update(areas)
        place[name] = max([
            (sizes[area] / fleet.area_most[area], seen[area] / sizes[area])
            for area in areas], default=(0, 0))[1]
    empty = {name: not fleet.hosts[name].instances for name in names}
    return sorted(names, key=lambda name: (not empty[name], place[name]))


def urgency(fleet, host):
    """Return the instances on a host, the most urgent to move first."""
    def key(instance_id):
        instance = fleet.instances[instance_id]
        rank = max([len(fleet.groups[g].members)
                    * (instance.takes + fleet.groups[g].recovery)
                    / (fleet.groups[g].max_impacted or math.inf)
                    for g in instance.groups] + [0.0])
        return -rank, -instance.takes, instance_id
    return sorted(host.instances, key=key)


@dataclasses.dataclass(frozen=True, slots=True)
class Hold:
    """How a group would hold up a host, and until when it is so."""

    seconds: float
    group_id: str | None = None
    #: Up to how many members in hand it may be otherwise.
    in_hand: int = 0
    #: From when on it may be otherwise although as many are in hand.
    until: float = math.inf


def delay(fleet, host, now):
    """Estimate how long groups would hold up a host begun now."""
    return hold(fleet, host, now).seconds


def paces(fleet, host):
    """Return and note what paces the moves from a host.

    :returns: for each membership of an instance in a group that has a pace:
        the group, members before it on the host, seconds of a turn
    """
    found = []
    own = collections.Counter()
    for instance_id in host.instances:
        instance = fleet.instances[instance_id]
        for group_id in instance.groups:
            group = fleet.groups[group_id]
            if group.paced:
                found.append((group, own[group_id],
                              instance.takes + group.recovery))
                own[group_id] += 1
    host.paces = tuple(found)
    return host.paces


def hold(fleet, host, now, patience=0.0):
    """Tell which group would hold up a host begun now the longest.

    :param patience: seconds that it may last; what is said of the end of the
        hold holds for longer ones only
    :returns: :class:`Hold`
    """
    longest = 0.0
    worst = None
    for pace in host.paces or paces(fleet, host):
        group, before, each = pace
        wait = (group.in_hand + before) // group.max_impacted * each if (
            group.max_impacted) else 0.0
        if group.free_at > now:
            wait += group.free_at - now
        if wait > longest:
            longest = wait
            worst = pace
    if worst is None:
        return Hold(0.0)
    group, before, each = worst
    in_turn = (group.in_hand + before) // group.max_impacted * each if (
        group.max_impacted) else 0.0
    if in_turn <= patience:
        # The group recovers, and each member less shortens what follows.
        return Hold(longest, group.group_id, group.in_hand - 1,
                    group.free_at + in_turn - patience)
    rounds = int((patience + records.EPSILON) // each)
    return Hold(longest, group.group_id,
                (rounds + 1) * group.max_impacted - 1 - before)
