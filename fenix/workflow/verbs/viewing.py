# SPDX-License-Identifier: Apache-2.0
"""The cloud, its rules and a session's limits, as the planner takes them."""

import collections
import dataclasses

from fenix import words
from fenix.size import Size
from fenix.workflow import states
from fenix.workflow import turn as turns
from fenix.workflow.planner import model
from fenix.workflow.verbs import ways


class Places:
    """The hosts to which Nova moves an instance at all.

    :param hosts: {name: whatever has ``zone``}
    :param services: {name: ``clouds.base.HostService``}
    :param cells: ``fenix.workflow.cells.Cells``
    """

    def __init__(self, hosts, services, cells):
        self._names = frozenset(hosts)
        self._cells = cells
        self._zones = collections.defaultdict(set)
        self._by_cell = collections.defaultdict(set)
        self._cell_of = {}
        for name, host in hosts.items():
            self._zones[host.zone].add(name)
            cell = services[name].cell
            if cell:
                self._cell_of[name] = cell
                self._by_cell[cell].add(name)
        self._services = services
        self._fitting = {}
        self._known = {}
        self._same = {}

    def open_to(self, host, zone, bonds):
        """Return the names of the hosts, or None for all.

        :param host: where the instance is
        :param zone: the availability zone that it has to stay in, or None
        :param bonds: ``clouds.base.Bonds``
        """
        key = host, zone, bonds
        if key not in self._known:
            found = self._find(host, zone, bonds)
            # The same for most hosts, and long in a large cloud.
            self._known[key] = found and self._same.setdefault(found, found)
        return self._known[key]

    def _find(self, host, zone, bonds):
        away = set(self._cells.elsewhere(host))
        if host in self._cell_of:
            away.update(*(names for cell, names in self._by_cell.items()
                          if cell != self._cell_of[host]))
        bound = [names for names in self._bound(bonds) if host in names]
        if zone is None and not away and not bound:
            return None
        inside = self._names if zone is None else self._zones.get(zone, ())
        return frozenset(inside).intersection(*bound) - away

    def _bound(self, bonds):
        """Yield for each bond the names of the hosts that fit it.

        The host of an instance may not be among them. Then it became
        different since, or Nova does not go by that bond: that some filter
        of its scheduler is in use is told nowhere. So it is left to Nova.
        """
        for bond in bonds.properties:
            key, values = bond
            yield self._fit(bond, lambda host, key=key, values=values: any(
                (key, value) in host.properties for value in values))
        for trait in bonds.required:
            yield self._fit((trait, True), lambda host, trait=trait: (
                trait in host.traits))
        for trait in bonds.forbidden:
            yield self._fit((trait, False), lambda host, trait=trait: (
                trait not in host.root_traits))

    def _fit(self, bond, fits):
        if bond not in self._fitting:
            self._fitting[bond] = frozenset(
                name for name in self._names if fits(self._services[name]))
        return self._fitting[bond]


def places(turn, found):
    """Return the ``Places`` of a survey, as the session knows its cells."""
    return Places({name: found.hosts[name] for name in found.capacities
                   if name in found.hosts}, found.hosts, turn.picture.cells)


def view(turn, found, where=None, booked=True):
    """Return a survey as the planner wants it.

    A host may receive instances when Nova would place some there: it is up
    and enabled. Of the instances only those are shown whose projects have
    some on the session's hosts: groups are a project's own, so others count
    only by the room that they take, which a small session in a large cloud
    need not look at one by one. What other sessions have booked is no room.

    :param where: its ``Places``, if they are known already
    :param booked: False: what others have booked is room all the same
    """
    where = where or places(turn, found)
    picture = turn.picture
    servers = _concerned(turn, found)
    taken = turn.bookings.taken(
        turn.session.id, found,
        turn.memory.readings['survey', None].at) if booked else {}
    leaving = turn.bookings.to_be_emptied(turn.session.id)
    hosts = {}
    for name, capacity in found.capacities.items():
        service = found.hosts.get(name)
        if service is None:
            continue
        row = picture.hosts.get(name)
        standing = ('outside' if row is None or row.step == states.SKIPPED
                    else 'done' if row.step == states.DONE else 'undone')
        hosts[name] = model.HostView(
            name=name, total=capacity.total,
            free=(capacity.free - taken[name] if name in taken
                  else capacity.free),
            standing=standing, open=service.up and service.enabled,
            zone=service.zone, aggregates=service.aggregates,
            controller=service.is_controller, leaving=name in leaving)
    constrained, _ = turn.constraints(
        [server.instance_id for server in servers],
        {server.instance_id: server.project_id for server in servers})
    groups = {group.group_id: model.GroupView(
        group_id=group.group_id,
        anti_affinity='anti' in group.policy,
        affinity='anti' not in group.policy,
        max_per_host=group.max_per_host,
        soft=group.policy.startswith('soft'))
        for group in found.groups.values()}
    for limit in _registered(turn, found, constrained):
        groups[limit.group_id] = _limited(groups.get(limit.group_id), limit)
    return model.CloudView(hosts=hosts, groups=groups, instances={
        server.instance_id: instance(
            turn, server, constrained.get(server.instance_id), groups, where)
        for server in servers})


def _concerned(turn, found):
    """Return the servers on hosts of the projects that a session concerns."""
    on_hosts = [server for server in found.servers.values()
                if server.host is not None
                and server.status not in ways.OFF_HOST]
    projects = {server.project_id for server in on_hosts
                if server.host in turn.picture.hosts}
    projects.update(turn.picture.projects())
    return [server for server in on_hosts if server.project_id in projects]


def _registered(turn, found, constrained):
    """Yield the groups that a project registered for its own instances.

    Not under the id of another project's Nova server group, whose members
    they would bind.
    """
    limits = {limit.group_id: limit for limit in map(
        turn.group_of, constrained.values()) if limit is not None}
    for group_id, limit in limits.items():
        group = found.groups.get(group_id)
        if group is None or group.project_id == limit.project_id:
            yield limit


def bound(turn, owners):
    """Return what VNFMs registered for the groups of instances.

    :param owners: {instance id: project id}
    :returns: {instance id: values}, None for those that are in no group
    """
    constrained, _ = turn.constraints(list(owners), owners)
    groups = {key: turn.group_of(row) for key, row in constrained.items()}
    return dict.fromkeys(owners) | {
        key: (group.group_id, group.anti_affinity_group,
              group.max_instances_per_host, group.max_impacted_members,
              group.recovery_time)
        for key, group in groups.items() if group is not None}


def targets(turn, found, where):
    """Return ``Targets``, with what is registered for all on them.

    Who is there already may be, or become, a member of the same group.

    :param found: a survey
    :param where: {instance id: host}
    """
    hosts = set(where.values())
    owners = {key: server.project_id for key, server in found.servers.items()
              if key in where or server.host in hosts}
    return turns.Targets(where, owners, bound(turn, owners))


def all_up(found, survey):
    """Return a view as if all that is down were up.

    :param survey: of which it is a view
    """
    return dataclasses.replace(found, hosts={
        name: dataclasses.replace(host, open=survey.hosts[name].enabled)
        for name, host in found.hosts.items()})


def moved(found, targets):
    """Return a view as if instances had arrived where they are going.

    What their groups allow on those hosts is taken; their room is counted
    by Placement.

    :param targets: {instance id: host, or None if that is not known}
    """
    instances = dict(found.instances)
    for key in instances.keys() & targets.keys():
        instances[key] = dataclasses.replace(
            instances[key], host=targets[key] or instances[key].host)
    return dataclasses.replace(found, instances=instances)


def instance(turn, server, constraint, groups, where):
    """Return an instance as the planner takes it.

    :param constraint: its ``InstanceConstraint``, or None
    :param groups: {group id: whatever has ``affinity``, ``soft`` and
        ``max_impacted``}
    :param where: ``Places``
    """
    own = [server.group_id] if server.group_id in groups else []
    limit = turn.group_of(constraint)
    if limit is not None and limit.group_id in groups and (
            limit.group_id not in own
            # Else it is a Nova server group of another project.
            and groups[limit.group_id].max_impacted):
        own.append(limit.group_id)
    action = usual_action(turn, constraint)
    fixed = ways.stands_in_the_way(server, action) or next((
        f'cannot be moved: Nova keeps the members of its affinity group '
        f'{group} together' for group in own
        # Nova lets no member of an affinity group leave its host.
        if groups[group].affinity and not groups[group].soft), '')
    return model.InstanceView(
        instance_id=server.instance_id, project_id=server.project_id,
        host=server.host, size=server.size, groups=tuple(own),
        floating=server.floating,
        movable=not fixed, fixed=fixed,
        only=where.open_to(server.host, server.pinned_zone, server.bonds),
        action=ways.way(server.status, action) or action,
        lead_time=max(constraint.lead_time if constraint else 0,
                      turn.option('reply_time')),
        asked=server.host in turn.picture.hosts)


def stuck(turn, found):
    """Yield the instances on hosts to come that are in no state to move.

    :param found: a survey
    :returns: ``clouds.base.Server``, and words that go on after its id
    """
    hosts = {row.name for row in turn.picture.hosts.values()
             if row.step not in states.THROUGH}
    servers = [server for key, server in sorted(found.servers.items())
               if server.host in hosts and server.status in ways.REMEDIES]
    constrained, _ = turn.constraints(
        [server.instance_id for server in servers],
        {server.instance_id: server.project_id for server in servers})
    for server in servers:
        why = ways.stands_in_the_way(server, usual_action(
            turn, constrained.get(server.instance_id)))
        if why is not None:
            yield server, why


def usual_action(turn, constraint):
    """Return what is done to an instance when its project does not choose.

    A live migration that interrupts it for longer than goes unnoticed is no
    better than a cold one, which its project is prepared for.

    :param constraint: its ``InstanceConstraint``, or None
    """
    if constraint is None:
        return turn.option('default_action')
    if constraint.migration_type == words.LIVE_MIGRATE and (
            constraint.max_interruption_time
            < turn.option('live_interruption')):
        return words.MIGRATE
    return constraint.migration_type


def _limited(group, limit):
    """Return a group with what its VNFM registered: the stricter counts."""
    allowed = [count for count in (
        limit.max_instances_per_host, int(limit.anti_affinity_group),
        0 if group is None or group.soft else group.limit or 0) if count]
    return model.GroupView(
        group_id=limit.group_id,
        anti_affinity=bool(allowed) or bool(group and group.anti_affinity),
        affinity=bool(group and group.affinity),
        max_per_host=min(allowed, default=0),
        soft=not allowed and bool(group and group.soft),
        max_impacted=max(1, limit.max_impacted_members),
        recovery_time=limit.recovery_time)


def limits(option):
    """Return what a session may do at once.

    :param option: a function that returns an option by its name
    """
    return model.Limits(
        **{name: option(name) for name in (
            'hosts_at_once', 'moves_at_once', 'moves_per_source',
            'moves_per_target', 'zone_share')},
        floor=Size(*[option(name) for name in (
            'free_vcpus', 'free_ram_mb', 'free_disk_gb')]))


def estimates(option):
    """Return how long things take in a session, in seconds.

    :param option: a function that returns an option by its name
    """
    return model.Estimates(
        host=option('host_time'), confirm=option('confirm_time'),
        base={words.MIGRATE: option('migration_time'),
              words.LIVE_MIGRATE: option('live_migration_time'),
              words.OWN_ACTION: option('own_action_time')},
        per_gb={words.MIGRATE: option('migration_time_per_gb'),
                words.LIVE_MIGRATE: option('live_migration_time_per_gb'),
                words.OWN_ACTION: 0.0})
