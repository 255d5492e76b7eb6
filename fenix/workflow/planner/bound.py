# SPDX-License-Identifier: Apache-2.0
"""The least time that any plan can take, and why.

A *plan* may move instances as often as it likes, also onto hosts that are
still to be done, in any order and to any host. It keeps to what sessions keep
to: a host is closed from the first move that empties it until it is done;
while it is in maintenance nothing is on it; a move takes at least its
estimated time, during which the instance counts on both hosts, by VCPU, memory
and disk; limits, groups and notice are respected. Hosts take the estimated
time. Each part below is proved in its docstring, the largest counts. Nothing
is assumed of targets, of fragmentation or of the order of hosts, and so no
part is lost when plans get cleverer.
"""

import dataclasses

from fenix.workflow.planner import model
from fenix.workflow.planner import records

#: The part's name for room that has to be made first.
ROOM = 'room to be made'


@dataclasses.dataclass(frozen=True)
class Bound:
    """No plan ends before ``seconds`` from its start."""

    seconds: float
    #: Seconds by what stands in the way.
    parts: dict
    #: The part that counts.
    binding: str


def bound(view, limits, estimates):
    """Return the :class:`Bound` of a session that begins now.

    :param view: the cloud at the start, less what projects give up
    """
    facts = _Facts(view, limits, estimates)
    parts = {'a host by itself': hosts_alone(facts),
             'hosts at once': at_once(facts, facts.undone,
                                      limits.hosts_at_once),
             'migration slots': slots(facts)}
    for area, names in facts.areas.items():
        most = limits.area_limit(area, len(names))
        if most < len(names):
            undone = [name for name in names if name in facts.host_time]
            parts[f'{area[0]} {area[1]}'] = at_once(facts, undone, most)
    for group_id in view.groups:
        chain = group_chain(facts, group_id)
        if chain:
            parts[f'group {group_id}'] = chain
    for r, name in enumerate(('VCPU', 'memory', 'disk')):
        places = room_for(facts, r)
        if places == 0:
            parts[ROOM] = to_be_made(facts)
        elif places is not None:
            parts[f'places by {name}'] = waves(facts, places, r)
            parts[f'room by {name}'] = work(facts, r)
    if ROOM in parts:
        # How much is given up is not known: room is no bound then.
        parts = {name: seconds for name, seconds in parts.items()
                 if not name.startswith(('places', 'room by'))}
    binding = max(parts, key=lambda name: parts[name])
    return Bound(parts[binding], parts, binding)


class _Facts:
    """What the parts share."""

    def __init__(self, view, limits, estimates):
        self.view = view
        self.limits = limits
        self.estimates = estimates
        self.undone = [host.name for host in view.hosts.values()
                       if host.standing == model.UNDONE]
        self.on = {name: view.on(name) for name in self.undone}
        self.host_time = dict.fromkeys(self.undone, estimates.host)
        self.takes = {
            i.instance_id: estimates.move(i.size, i.action)
            for i in view.instances.values()}
        self.need = {i.instance_id: records.numbers(i.size)
                     for i in view.instances.values()}
        self.areas = {}
        for host in view.hosts.values():
            for area in host.areas:
                self.areas.setdefault(area, []).append(host.name)
        #: What each host that counts can hold, by resource.
        self.holds = {}
        self.free = [0, 0, 0]
        for host in view.hosts.values():
            if host.standing != model.UNDONE and not host.open:
                continue
            load = [sum(self.need[i.instance_id][r]
                        for i in view.on(host.name)) for r in range(3)]
            free = records.numbers(host.free)
            self.holds[host.name] = [
                max(0, free[r] + load[r]) for r in range(3)]
            for r in range(3):
                self.free[r] += max(0, free[r])
        floor = records.numbers(limits.floor)
        self.free = [self.free[r] - floor[r] for r in range(3)]
        self.drain = {name: drain(self, name) for name in self.undone}

    def notice(self, instances):
        """Return when the first of some instances may be impacted."""
        return min((self.estimates.notice(i) for i in instances),
                   default=0.0)


def parallel(jobs, machines):
    """Return the least time that jobs take on so many machines.

    All jobs fit into machines x time, and the longest fits into the time. Of
    the k x machines + 1 longest jobs, some machine does at least k + 1, which
    take no less than the k + 1 shortest of them.
    """
    jobs = sorted(jobs, reverse=True)
    if not jobs:
        return 0.0
    if not machines or machines >= len(jobs):
        return jobs[0]
    least = max(jobs[0], sum(jobs) / machines)
    for k in range(1, (len(jobs) - 1) // machines + 1):
        last = k * machines + 1
        least = max(least, sum(jobs[last - k - 1:last]))
    return least


def paced(takes, group):
    """Return the least time from the first impact to the end of the last.

    With ``max_impacted`` slots, an impact claims a slot while it lasts and
    for ``recovery_time`` after it; the last recovery may lie beyond the end.
    So the claims are jobs on as many machines. Without ``max_impacted`` all
    may be impacted together.
    """
    if not takes:
        return 0.0
    if not group.max_impacted:
        return max(takes)
    rest = group.recovery_time
    return max(max(takes), parallel(
        [time + rest for time in takes], group.max_impacted) - rest)


def drain(facts, name):
    """Return the least time from the first to the last move off a host.

    Every instance that is on the host at the beginning leaves it, by a move
    of its own; these share the host's migration slots, and members of a
    group keep the group's pace.
    """
    instances = facts.on[name]
    if not instances:
        return 0.0
    takes = [facts.takes[i.instance_id] for i in instances]
    least = parallel(takes, facts.limits.moves_per_source)
    least = max(least, parallel(takes, facts.limits.moves_at_once))
    by_group = {}
    for instance in instances:
        for group in facts.view.groups_of(instance):
            by_group.setdefault(group.group_id, []).append(
                facts.takes[instance.instance_id])
    for group_id, some in by_group.items():
        least = max(least, paced(some, facts.view.groups[group_id]))
    return least


def hosts_alone(facts):
    """Each host is given notice, emptied and worked on, in this order.

    No move begins before its own notice is over.
    """
    least = 0.0
    for name in facts.undone:
        instances = facts.on[name]
        before = max([facts.notice(instances) + facts.drain[name]] + [
            facts.estimates.notice(i) + facts.takes[i.instance_id]
            for i in instances])
        least = max(least, before + facts.host_time[name])
    return least


def at_once(facts, names, most):
    """Some hosts, of which only so many may be in flight.

    A host is in flight from the first move that empties it until it is done:
    the drain time and the time of the work, at least. These are jobs on as
    many machines. If none of the hosts is empty, the first job begins when
    the shortest notice is over.
    """
    if not names:
        return 0.0
    first = 0.0 if any(not facts.on[name] for name in names) else (
        facts.notice(i for name in names for i in facts.on[name]))
    return first + parallel(
        [facts.drain[name] + facts.host_time[name] for name in names], most)


def slots(facts):
    """All first moves share the migration slots, then a host is worked on.

    Moves at once are limited in total, or by the hosts in flight, each of
    which has so many for its source. After the last first move, the host
    that it left needs its work.
    """
    moving = [i for name in facts.undone for i in facts.on[name]]
    if not moving:
        return 0.0
    most = facts.limits.moves_at_once
    if facts.limits.moves_per_source and facts.limits.hosts_at_once:
        each = facts.limits.moves_per_source * facts.limits.hosts_at_once
        most = min(most, each) if most else each
    return facts.notice(moving) + parallel(
        [facts.takes[i.instance_id] for i in moving], most
    ) + facts.estimates.host


def group_chain(facts, group_id):
    """The members on undone hosts are impacted at the group's pace.

    Notice for the first comes before, the work on the last one's host after.
    """
    group = facts.view.groups[group_id]
    if not group.max_impacted:
        return 0.0
    members = [i for i in facts.view.members(group_id)
               if i.host in facts.host_time]
    if not members:
        return 0.0
    return facts.notice(members) + paced(
        [facts.takes[i.instance_id] for i in members], group
    ) + facts.estimates.host


def room_for(facts, r):
    """Return how many hosts can be out at once, by one resource.

    What is free in all must hold what the hosts that are out hold no more:
    a host of capacity C that is in maintenance takes C of what is free. So
    does one whose last leaving move has begun: nothing comes any more, and
    what is still on it counts on its target, too. Hosts that can hold nothing
    of the resource need no room. None: any number.
    """
    sizes = sorted(facts.holds[name][r] for name in _holding(facts, r))
    left = facts.free[r]
    places = 0
    for size in sizes:
        left -= size
        if left < 0:
            return places
        places += 1
    return None


def _holding(facts, r):
    """Return the hosts to be done that can hold some of a resource."""
    return [name for name in facts.undone if facts.holds[name][r]]


def waves(facts, places, r):
    """Hosts take turns on as many places as there is room for.

    A host holds its place during its work, and one that was not empty from
    the begin of the last move off it: some instance's move, if not one of
    its own. See :func:`room_for`.
    """
    shortest = min(facts.takes.values(), default=0.0)
    return parallel([facts.estimates.host + shortest * bool(facts.on[name])
                     for name in _holding(facts, r)], places)


def work(facts, r):
    """All that room is needed for, over the room that there is.

    At every instant, what hosts can hold, less those in maintenance, is what
    instances need, twice while they move, and what is free; of the free
    room, the floor is never used. Summed over the time T that a plan takes::

        T x (free - floor) >= sum of capacity x work on the host
                              + sum of need x first move
                              + room that lies idle while hosts are emptied

    The last: a host gets rid of at most ``moves_per_source`` instances at a
    time. So tau seconds before its maintenance, what is on it is moved away
    in this time but for what is under way already: at most
    ``moves_per_source x (largest + tau / slowness)``, where slowness is the
    fewest seconds that a move takes for a unit of its need. This holds for
    whoever is on the host at that time. What the host can hold beyond that
    is idle, and no part of the floor, since the host is closed: it has been
    so since it held as much as in the beginning, at least.

    There is free room: at least one host has a place, see :func:`room_for`.
    """
    free = facts.free[r]
    needed = 0.0
    for name in facts.undone:
        needed += facts.holds[name][r] * facts.estimates.host
        for instance in facts.on[name]:
            needed += (facts.need[instance.instance_id][r]
                       * facts.takes[instance.instance_id])
    each = facts.limits.moves_per_source
    rates = [facts.takes[i] / need[r]
             for i, need in facts.need.items() if need[r]]
    if each and rates:
        slowness = min(rates)
        largest = max(need[r] for need in facts.need.values())
        for name in facts.undone:
            load = sum(facts.need[i.instance_id][r] for i in facts.on[name])
            window = (load / each - largest) * slowness
            if window > 0:
                idle = facts.holds[name][r] - each * largest
                needed += window * (idle - each * window / (2 * slowness))
    return needed / free


def to_be_made(facts):
    """Nothing can be emptied before projects have scaled in.

    Not even the smallest host that is to be done fits into all that is free:
    at least an answer is waited for, and a host worked on.
    """
    return (facts.estimates.reply or 0.0) + facts.estimates.host
