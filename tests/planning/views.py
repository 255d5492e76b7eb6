# SPDX-License-Identifier: Apache-2.0
"""Generated clouds as the planner sees them."""

from fenix.size import Size
from fenix.workflow.planner import model


def view_of(cloud):
    """Return a generated cloud as a view; all its hosts are to be done."""
    used = {}
    in_zone = {}
    for server in cloud.servers:
        used[server.host] = used.get(server.host, Size()) + size_of(server)
    for host in cloud.hosts:
        in_zone.setdefault(host.zone, set()).add(host.name)
    zone_of = {host.name: host.zone for host in cloud.hosts}
    hosts = {}
    for host in cloud.hosts:
        total = Size(host.vcpus, host.ram_mb, host.disk_gb)
        hosts[host.name] = model.HostView(
            host.name, total - used.get(host.name, Size()), total,
            zone=host.zone, aggregates=host.aggregates)
    bonds = {zone: frozenset(names) for zone, names in in_zone.items()}
    instances = {
        server.server_id: model.InstanceView(
            server.server_id, server.project_id, server.host,
            size_of(server),
            (server.group_id,) if server.group_id else (),
            only=bonds[zone_of[server.host]] if server.pinned else None,
            action=server.migration_type, lead_time=server.lead_time,
            asked=server.constrained)
        for server in cloud.servers}
    groups = {
        group.group_id: model.GroupView(
            group.group_id, anti_affinity=group.anti_affinity,
            affinity=group.affinity,
            max_per_host=group.max_per_host, soft=group.soft,
            max_impacted=group.max_impacted,
            recovery_time=group.recovery_time)
        for group in cloud.groups}
    return model.CloudView(hosts, instances, groups)


def size_of(server):
    return Size(server.vcpus, server.ram_mb, server.disk_gb)
