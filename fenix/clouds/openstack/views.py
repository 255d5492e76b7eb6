# SPDX-License-Identifier: Apache-2.0
"""What Nova says, in the words of ``fenix.clouds.base``."""

import dataclasses

from fenix import errors
from fenix.clouds import base
from fenix.clouds.openstack import bonds
from fenix.size import Size

COMPUTE = 'nova-compute'
CONDUCTOR = 'nova-conductor'

#: The property of aggregates that says in which cell their hosts are; of
#: its cells Nova tells nothing.
CELL = 'fenix_cell'
#: What Nova says of things in a cell that it cannot reach.
UNKNOWN = 'UNKNOWN'

#: A migration in one of these is over: Nova's own list of 2026.2
#: (``migration_get_in_progress_by_host_and_node``). 'finished' is not one:
#: a cold migration in it waits for its confirmation.
FINAL = frozenset(['confirmed', 'reverted', 'completed', 'done', 'error',
                   'failed', 'cancelled'])

#: Events in which Nova looks whether a target takes an instance, and in
#: which nothing is done to it.
SCHEDULING = frozenset([
    'conductor_migrate_server', 'conductor_live_migrate_instance',
    'compute_check_can_live_migrate_destination',
    'compute_check_can_live_migrate_source'])


def known(found) -> list:
    """Return services or servers of a list, if Nova knows how they are.

    :raises: CloudError if some are in a cell that Nova does not reach
    """
    for each in found:
        if each.status == UNKNOWN:
            what = (f'host {each.host}' if hasattr(each, 'binary')
                    else f'server {each.id}')
            raise errors.CloudError(
                f'The cell of {what} does not answer: what is there is not '
                'known')
    return found


def services(found) -> dict[str, base.HostService]:
    """Return the hosts that a list of Nova's services makes up.

    Hosts without nova-compute and nova-conductor are none.
    """
    by_host = {}
    for service in known(found):
        by_host.setdefault(service.host, []).append(service)
    hosts = {}
    for name, members in by_host.items():
        compute = [s for s in members if s.binary == COMPUTE]
        controller = any(s.binary == CONDUCTOR for s in members)
        if compute or controller:
            hosts[name] = base.HostService(
                name=name, is_compute=bool(compute),
                is_controller=controller,
                enabled=all(s.status == 'enabled' for s in compute),
                disabled_reason=compute[0].disabled_reason
                if compute else None,
                up=all(s.state == 'up' and not s.forced_down
                       for s in members),
                zone=compute[0].zone if compute else '')
    return hosts


def in_aggregates(hosts, aggregates) -> dict[str, base.HostService]:
    """Return hosts with the aggregates that they are in.

    These tell their properties and their cells.
    """
    names = {name: [] for name in hosts}
    properties = {name: set() for name in hosts}
    cells = {}
    for aggregate in aggregates:
        cell = (aggregate.to_dict().get('metadata') or {}).get(CELL)
        for name in aggregate.hosts:
            if name in names:
                names[name].append(aggregate.name)
                properties[name] |= bonds.properties(aggregate)
                if cell:
                    cells[name] = cell
    return {name: dataclasses.replace(
        host, aggregates=tuple(sorted(names[name])),
        cell=cells.get(name, ''), properties=frozenset(properties[name]))
        for name, host in hosts.items()}


def with_traits(hosts, roots, having) -> dict[str, base.HostService]:
    """Return hosts with their traits.

    :param roots: {host: ids of its root providers}
    :param having: {trait: {root: whether it has the trait itself}}
    """
    if not having:
        return hosts
    return {name: dataclasses.replace(
        host,
        traits=frozenset(
            trait for trait, trees in having.items()
            if any(root in trees for root in roots.get(name, ()))),
        root_traits=frozenset(
            trait for trait, trees in having.items()
            if any(trees.get(root) for root in roots.get(name, ()))))
        for name, host in hosts.items()}


def server(found, group_id) -> base.Server:
    """Return a server of Nova's as an instance.

    :param group_id: its server group or None
    """
    known([found])
    return base.Server(
        instance_id=found.id, project_id=found.tenant_id, name=found.name,
        host=getattr(found, 'OS-EXT-SRV-ATTR:host'),
        size=_size(found.flavor, boots_from_volume=not found.image),
        status=found.status,
        task_state=getattr(found, 'OS-EXT-STS:task_state'),
        group_id=group_id,
        floating=any(address.get('OS-EXT-IPS:type') == 'floating'
                     for network in found.addresses.values()
                     for address in network),
        locked=found.locked,
        # Since 2.96, and null for one that may go to any zone.
        pinned_zone=getattr(found, 'pinned_availability_zone', None),
        # A policy of Nova's may hide the extra specs.
        bonds=bonds.bonds(found.flavor.get('extra_specs')),
        fault=getattr(found, 'fault', {}).get('message'))


def _size(flavor, boots_from_volume) -> Size:
    """Return what Nova asks Placement for."""
    swap_mb = flavor.get('swap') or 0
    disk = 0 if boots_from_volume else flavor['disk']
    return Size(vcpus=flavor['vcpus'], ram_mb=flavor['ram'],
                disk_gb=disk + flavor.get('ephemeral', 0)
                + (swap_mb + 1023) // 1024)


def group(found) -> base.Group:
    """Return a server group; without a rule, or before 2.64, one per host."""
    policy = getattr(found, 'policy', None) or found.policies[0]
    rules = getattr(found, 'rules', {})
    limit = rules.get('max_server_per_host', 1)
    return base.Group(
        group_id=found.id, project_id=found.project_id, policy=policy,
        max_per_host=limit if policy == 'anti-affinity' else 0,
        members=frozenset(found.members))


def migration(found) -> base.Migration:
    """Return a record of Nova's migrations."""
    return base.Migration(
        migration_id=found.uuid, type=found.migration_type,
        status=found.status, source=found.source_compute,
        target=found.dest_compute, unfinished=unfinished(found))


def unfinished(found) -> bool:
    """Tell whether a migration record is of one that is not over."""
    return found.status not in FINAL


def action(found, events, idle) -> base.InstanceAction:
    """Return an entry of the instance action log.

    That its events have ended means that no part of Nova works on it at the
    moment; the next part may be about to begin. The server and the
    migration tell whether it is over.

    :param events: its events, or None if they were not asked for: then an
        action counts as ended, because Nova began other ones after it
    :param idle: the server, read after the events, was in no task. An
        action without events has not begun if it is, and otherwise is one
        that has none.
    """
    bad = [e for e in events or () if e['result'] == 'Error']
    reasons = [f"{e['event']}: {e['details']}" for e in bad
               if e.get('details')]
    return base.InstanceAction(
        request_id=found.request_id, action=found.action,
        message='; '.join(reasons) or found.message,
        finished=events is None or all(e['finish_time'] for e in events)
        and (bool(events) or idle),
        # Nova's only message is the word Error.
        failed=bool(bad or found.message),
        unplaced=bool(bad) and all(
            e['event'] in SCHEDULING for e in bad))
