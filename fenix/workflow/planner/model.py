# SPDX-License-Identifier: Apache-2.0
"""What the planner knows of a cloud: plain data, one moment of it."""

import collections
import dataclasses
import functools

from fenix.size import Size

# Where a host stands in the session.
UNDONE = 'undone'
DONE = 'done'
#: It is not in the session.
OUTSIDE = 'outside'

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

    def standing_as(self, host, standing):
        """Return the view with another standing of one host."""
        hosts = dict(self.hosts)
        hosts[host] = dataclasses.replace(hosts[host], standing=standing)
        return CloudView(hosts, self.instances, self.groups)


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
