# SPDX-License-Identifier: Apache-2.0
"""Hosts, instances and groups as they change while a session runs."""

import dataclasses

from fenix.workflow.planner import model

# Steps of a host.
WAITING = 'waiting'
#: It may be emptied, and nobody has said yet that it is.
STARTING = 'starting'
EMPTYING = 'emptying'
#: In maintenance.
OUT = 'out'
#: It is done, or not in the session.
SETTLED = 'settled'
#: It is not to be chosen.
LEFT_OUT = 'left out'

IN_FLIGHT = (STARTING, EMPTYING, OUT)

#: Times closer than that are the same.
EPSILON = 1e-6


def numbers(size):
    """Return a size as a tuple, which is quicker to count with."""
    return size.vcpus, size.ram_mb, size.disk_gb


@dataclasses.dataclass(slots=True)
class Host:
    """A host, its room and where it stands."""

    name: str
    total: tuple
    #: What is free and kept for nobody, by resource.
    room: list
    standing: str
    open: bool
    areas: tuple
    step: str
    #: Ids of the instances on it, those that are leaving among them; in a
    #: dict, as sets have another order in each process.
    instances: dict
    #: What they need together.
    load: list = dataclasses.field(default_factory=lambda: [0, 0, 0])
    #: Ids of instances that wait for their move, the most urgent first.
    waiting: list = dataclasses.field(default_factory=list)
    #: Moves under way or offered, from it and to it.
    leaving: int = 0
    coming: int = 0
    #: Instances that are to move to it: room is kept for them.
    expected: int = 0
    #: Place in the order in which hosts began to be emptied.
    turn: int = 0
    #: When its maintenance is expected to end.
    back: float | None = None
    asked_at: float | None = None
    #: Instances whose projects have yet to agree.
    unanswered: int = 0
    #: From when on all its instances may be impacted.
    ready_at: float = 0.0
    #: What :func:`~fenix.workflow.planner.ranking.paces` made of its
    #: instances, None if that is out of date.
    paces: tuple | None = None

    def hold(self, instance, sign):
        """Let an instance be on the host (1), or no longer (-1)."""
        if sign > 0:
            self.instances[instance.instance_id] = None
        else:
            del self.instances[instance.instance_id]
        for r in range(3):
            self.load[r] += sign * instance.need[r]
        self.paces = None

    def copy(self):
        other = dataclasses.replace(self)
        other.room = list(self.room)
        other.instances = dict(self.instances)
        other.load = list(self.load)
        other.waiting = list(self.waiting)
        other.paces = None      # It knows the groups of this fleet.
        return other


@dataclasses.dataclass(slots=True)
class Instance:
    """An instance and how far its move is."""

    instance_id: str
    project_id: str
    host: str
    need: tuple
    #: Ids of the groups that the fleet knows.
    groups: tuple
    movable: bool
    only: frozenset | None
    action: str
    #: Seconds that its move takes.
    takes: float
    #: Seconds before a move that its question must be put.
    notice: float
    asked: bool
    #: From when on it may be impacted; None: its project has not agreed.
    earliest: float | None
    #: The host whose room is kept for it.
    goal: str | None = None
    #: Its move was offered, or is under way.
    offered: bool = False
    moving: bool = False
    ends: float | None = None
    #: Its last move failed; it waits until its host is put back.
    failed: bool = False
    #: Why it is not movable, in words that go on after its id.
    fixed: str = ''

    def copy(self):
        return dataclasses.replace(self)


@dataclasses.dataclass(slots=True)
class Group:
    """A group, who of it is impacted and where its members are."""

    group_id: str
    limit: int | None
    affinity: bool
    soft: bool
    max_impacted: int
    recovery: float
    members: dict
    #: Members by host; one that moves, or for which room is kept, counts on
    #: both hosts.
    counts: dict = dataclasses.field(default_factory=dict)
    impacted: set = dataclasses.field(default_factory=set)
    #: The next impact begins no earlier.
    free_at: float = float('-inf')
    #: Ids of the other sessions for which ``free_at`` is waited for.
    held_by: tuple = ()
    #: Hosts with instances that wait for the group.
    waiters: set = dataclasses.field(default_factory=set)
    #: Members on hosts that are being emptied, not yet moved.
    queued: int = 0

    def copy(self):
        other = dataclasses.replace(self)
        for name in ('members', 'counts', 'impacted', 'waiters'):
            setattr(other, name, getattr(self, name).copy())
        return other

    def count(self, host, change):
        self.counts[host] = self.counts.get(host, 0) + change

    @property
    def paced(self):
        """Whether impacts of members have to wait for each other."""
        return self.max_impacted > 0 or self.recovery > 0

    @property
    def in_hand(self):
        """How many members are impacted or will be soon."""
        return self.queued + len(self.impacted)

    def full(self):
        return 0 < self.max_impacted <= len(self.impacted)


def instance_of(view, groups, estimates):
    """Make the record of an instance."""
    return Instance(
        view.instance_id, view.project_id, view.host, numbers(view.size),
        tuple(g for g in dict.fromkeys(view.groups) if g in groups),
        view.movable, view.only, view.action,
        estimates.move(view.size, view.action), estimates.notice(view),
        view.asked, None if view.asked else float('-inf'),
        fixed=view.fixed)


def records_of(view, estimates):
    """Make the records of a whole view.

    :returns: hosts, instances and groups, each by id
    """
    hosts = {
        host.name: Host(
            host.name, numbers(host.total), list(numbers(host.free)),
            host.standing, host.open, host.areas,
            WAITING if host.standing == model.UNDONE else SETTLED, {})
        for host in view.hosts.values()}
    groups = {
        group.group_id: Group(
            group.group_id, group.limit, group.affinity, group.soft,
            group.max_impacted, group.recovery_time, {})
        for group in view.groups.values()}
    instances = {}
    for instance in view.instances.values():
        if instance.host not in hosts:
            continue
        record = instance_of(instance, groups, estimates)
        instances[record.instance_id] = record
        hosts[record.host].hold(record, 1)
        for group_id in record.groups:
            groups[group_id].members[record.instance_id] = None
            groups[group_id].count(record.host, 1)
    return hosts, instances, groups
