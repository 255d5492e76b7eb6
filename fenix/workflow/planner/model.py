# SPDX-License-Identifier: Apache-2.0
"""What the planner knows of a cloud: plain data, one moment of it.

Times are seconds since an origin that the caller chooses.
"""

import collections
import dataclasses
import functools

from fenix import words
from fenix.size import Size

# Where a host stands in the session.
UNDONE = 'undone'
DONE = 'done'
#: It is not in the session.
OUTSIDE = 'outside'

#: The area of the hosts that are controllers too: one of them at a time.
CONTROLLERS = 'role', 'controller'

PREPARE = 'PREPARE_MAINTENANCE'
PLANNED = 'PLANNED_MAINTENANCE'


@dataclasses.dataclass(frozen=True)
class HostView:
    """A compute host."""

    name: str
    #: Total less everything that is allocated now.
    free: Size
    total: Size
    #: UNDONE, DONE or OUTSIDE
    standing: str = UNDONE
    #: May receive instances: up, and enabled or disabled only by us.
    open: bool = True
    #: Its availability zone; '' if it has none.
    zone: str = ''
    #: Names of its host aggregates.
    aggregates: tuple[str, ...] = ()
    #: Is a controller, too.
    controller: bool = False
    #: Another session has yet to empty it.
    leaving: bool = False

    @property
    def areas(self):
        """All areas of which only some hosts may be out at once.

        The zone, the first, and the aggregates share the limit
        ``zone_share``.
        """
        zone = (('zone', self.zone),) if self.zone else ()
        return (zone + tuple(('aggregate', name) for name in self.aggregates)
                + (CONTROLLERS,) * self.controller)


@dataclasses.dataclass(frozen=True)
class InstanceView:
    """An instance of any project."""

    instance_id: str
    project_id: str
    #: None for one that is on no host.
    host: str | None
    size: Size
    #: Ids of its groups; those that the view does not know bind nobody.
    groups: tuple[str, ...] = ()
    #: Has a floating address.
    floating: bool = False
    #: False: in a state in which Nova does not move it.
    movable: bool = True
    #: Why not, in words that go on after its id.
    fixed: str = 'cannot be moved in its state'
    #: The hosts that it is bound to, by its zone, aggregates or traits; None
    #: for all.
    only: frozenset[str] | None = None
    #: What will be done with it: MIGRATE, LIVE_MIGRATE or OWN_ACTION.
    action: str = words.MIGRATE
    #: Notice that its project wants before an impact.
    lead_time: float = 0
    #: Its project is asked before it is touched.
    asked: bool = False


@dataclasses.dataclass(frozen=True)
class GroupView:
    """A server group of Nova, or a group that a VNFM registered."""

    group_id: str
    anti_affinity: bool = False
    affinity: bool = False
    #: Members that one host may have; 0: as many as there are, but one if
    #: the group is anti-affine. Means nothing for an affine group.
    max_per_host: int = 0
    #: The rules of the group are wishes.
    soft: bool = False
    #: Members that may be impacted at once; 0 for any number.
    max_impacted: int = 0
    #: Pause between the end of an impact and the begin of the next one.
    recovery_time: float = 0

    @property
    def limit(self):
        """Members that one host may have, or None."""
        if self.affinity:
            return None
        return self.max_per_host or (1 if self.anti_affinity else None)

    @property
    def rule(self):
        """What the group asks for, for a human."""
        if self.affinity:
            return 'all members on one host'
        return f'at most {self.limit} on a host' if self.limit else ''


@dataclasses.dataclass(frozen=True)
class CloudView:
    """The compute hosts of a cloud with all that is on them.

    A view is never changed: :meth:`moved` and :meth:`standing_as` return
    others.
    """

    hosts: dict[str, HostView]
    instances: dict[str, InstanceView]
    groups: dict[str, GroupView] = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def _by_host(self):
        found = collections.defaultdict(list)
        for instance_id in sorted(self.instances):
            instance = self.instances[instance_id]
            found[instance.host].append(instance)
        return {host: tuple(instances) for host, instances in found.items()}

    @functools.cached_property
    def _members(self):
        found = collections.defaultdict(list)
        for instance_id in sorted(self.instances):
            for group_id in set(self.instances[instance_id].groups):
                found[group_id].append(self.instances[instance_id])
        return {group: tuple(members) for group, members in found.items()}

    def on(self, host):
        """Return the instances on a host, by id."""
        return self._by_host.get(host, ())

    def members(self, group_id):
        """Return the instances of a group, by id."""
        return self._members.get(group_id, ())

    def groups_of(self, instance):
        """Return the groups of an instance that the view knows, by id."""
        return [self.groups[group_id]
                for group_id in sorted(set(instance.groups))
                if group_id in self.groups]

    def moved(self, targets):
        """Return the view as it will be after moves.

        :param targets: the new host of each instance that moves
        """
        hosts = dict(self.hosts)
        instances = dict(self.instances)
        for instance_id, target in targets.items():
            instance = instances[instance_id]
            for name, sign in ((instance.host, 1), (target, -1)):
                if name in hosts:
                    free = hosts[name].free
                    free = (free + instance.size if sign > 0
                            else free - instance.size)
                    hosts[name] = dataclasses.replace(hosts[name], free=free)
            instances[instance_id] = dataclasses.replace(
                instance, host=target)
        return CloudView(hosts, instances, self.groups)

    def without(self, instance_ids):
        """Return the view as it is once some instances are gone."""
        gone = set(instance_ids)
        hosts = dict(self.hosts)
        for instance_id in gone:
            instance = self.instances[instance_id]
            if instance.host in hosts:
                host = hosts[instance.host]
                hosts[host.name] = dataclasses.replace(
                    host, free=host.free + instance.size)
        return CloudView(hosts, {
            instance_id: instance for instance_id, instance
            in self.instances.items() if instance_id not in gone},
            self.groups)

    def standing_as(self, host, standing):
        """Return the view with another standing of one host."""
        hosts = dict(self.hosts)
        hosts[host] = dataclasses.replace(hosts[host], standing=standing)
        return CloudView(hosts, self.instances, self.groups)


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a session may do at once; 0 stands for no limit."""

    #: Hosts that are being emptied or are in maintenance.
    hosts_at_once: int = 0
    moves_at_once: int = 0
    moves_per_source: int = 0
    moves_per_target: int = 0
    #: Share of the hosts of a zone, and of an aggregate, that may be emptied
    #: or in maintenance at once: 0 to 1, but one host always.
    zone_share: float = 1.0
    #: What stays free on the hosts that may receive instances.
    floor: Size = Size()

    def area_limit(self, area, hosts):
        """Return how many of the hosts of an area may be out at once."""
        share = 0 if area == CONTROLLERS else self.zone_share
        return max(1, int(share * hosts + 1e-9))


@dataclasses.dataclass(frozen=True)
class Estimates:
    """How long things take, in seconds."""

    #: The work on a host, from when it is empty until it is back.
    host: float = 900.0
    #: Until a project has agreed; None: it uses up its lead time.
    reply: float | None = None
    #: Confirming a cold migration.
    confirm: float = 0.0
    #: Begin and end of a move, by action; other actions take the longest.
    base: dict[str, float] = dataclasses.field(default_factory=lambda: {
        words.MIGRATE: 20.0, words.LIVE_MIGRATE: 5.0,
        words.OWN_ACTION: 30.0})
    #: Copying, by GB of memory.
    per_gb: dict[str, float] = dataclasses.field(default_factory=lambda: {
        words.MIGRATE: 0.0, words.LIVE_MIGRATE: 1.0,
        words.OWN_ACTION: 0.0})

    def move(self, size, action):
        """Return how long an instance counts on two hosts."""
        base = self.base.get(action, max(self.base.values()))
        each = self.per_gb.get(action, max(self.per_gb.values()))
        confirm = self.confirm if action == words.MIGRATE else 0
        return base + each * size.ram_mb / 1024 + confirm

    def notice(self, instance):
        """Return how long before a move its question must be put."""
        if not instance.asked:
            return 0.0
        return instance.lead_time if self.reply is None else self.reply


@dataclasses.dataclass(frozen=True)
class Start:
    """The host whose turn it is."""

    host: str
    #: PLANNED or PREPARE
    question: str
    #: Where each of its instances fits; empty for an empty host.
    targets: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class NeedRoom:
    """No host can be emptied as things stand."""

    #: The one that is closest to it.
    host: str
    #: What it lacks; nothing if room is not what stands in its way.
    missing: Size
    #: For a human.
    reason: str
    #: Instances whose scaling in is enough, the fewest and smallest.
    instances: tuple[str, ...] = ()
    #: How much room of each project that is.
    projects: dict[str, Size] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Ask:
    """The projects with instances on a host should be asked."""

    host: str
    #: PLANNED, or PREPARE if its instances may go to hosts not yet done
    question: str = PLANNED


@dataclasses.dataclass(frozen=True)
class Wait:
    """Why a host or an instance is not on its way."""

    #: For whom or what: ids or names, ``words.HOSTS_IN_HAND``, '' for
    #: nothing in particular.
    waits_for: str
    #: For a human; the same as long as nothing but time has passed.
    reason: str
    #: Seconds that it still takes, if that is known.
    seconds: float | None = None

    @property
    def text(self):
        """The reason, and how long it still takes."""
        if self.seconds is None:
            return self.reason
        return f'{self.reason} for about {self.seconds:.0f} s'


@dataclasses.dataclass(frozen=True)
class Orders:
    """What may be done now."""

    ask: tuple[Ask, ...] = ()
    #: Hosts that may be emptied, or are empty and may go into maintenance.
    empty: tuple[str, ...] = ()
    #: (instance id, target) of moves that may start.
    moves: tuple[tuple[str, str], ...] = ()
    #: Nothing can go on without it.
    room: NeedRoom | None = None
    #: When something changes by itself.
    wake: float | None = None
