# SPDX-License-Identifier: Apache-2.0
"""Observing: what the cloud says of hosts and instances, into the picture."""

from fenix.db import models
from fenix.workflow import states
from fenix.workflow.planner import model as plan
from fenix.workflow.verbs import moving

#: States in which Nova moves no instance, and which do not pass by
#: themselves. Others are waited for.
STUCK = frozenset(['ERROR', 'RESCUE', 'SHELVED', 'SUSPENDED', 'UNKNOWN'])
#: States of an instance that has no place on a host any more.
OFF_HOST = frozenset(['SHELVED_OFFLOADED', 'DELETED', 'SOFT_DELETED'])


def survey(turn, after):
    """Return the whole cloud as it was at ``after`` or later, or None."""
    return turn.read('survey', None, after)


def look_at_host(turn, host, after):
    """Return what is on a host at ``after`` or later, or None."""
    return turn.read('look_at_host', host.name, after)


def absorb(turn, kind, key, answer):
    """Note what an answer of the cloud says about instances, as it comes."""
    if kind == 'survey':
        _note_survey(turn, answer)
    elif kind == 'look_at_host':
        _note_host(turn, key, answer)
    elif kind == 'look_at_server':
        _note_look(turn, key, answer)


def _note_survey(turn, found):
    for server in found.servers.values():
        note_server(turn, server)
    for row in turn.picture.instances.values():
        if row.instance_id not in found.servers and not row.gone:
            _note_gone(turn, row)


def _note_host(turn, name, look):
    here = {server.instance_id for server in look.servers}
    for server in look.servers:
        note_server(turn, server)
    for row in turn.picture.instances_on(name):
        if row.instance_id not in here:
            # Gone, or elsewhere: the next look at it will tell.
            turn.change(row, host=None)


def _note_look(turn, instance_id, look):
    if look.server is not None:
        note_server(turn, look.server)
    elif instance_id in turn.picture.instances:
        _note_gone(turn, turn.picture.instances[instance_id])


def _note_gone(turn, row):
    turn.change(row, gone=True, host=None)
    moving.recovered(turn, row)


def note_server(turn, server):
    """Note an instance as Nova shows it."""
    picture = turn.picture
    known = picture.instances.get(server.instance_id)
    values = {
        'host': server.host, 'status': server.status,
        'task_state': server.task_state, 'vcpus': server.size.vcpus,
        'ram_mb': server.size.ram_mb, 'disk_gb': server.size.disk_gb,
        'group_id': server.group_id, 'floating': server.floating,
        'gone': server.status in OFF_HOST}
    if known is not None:
        turn.change(known, **values)
        moving.recovered(turn, known)
    elif server.host in picture.hosts:
        turn.add(models.Instance(
            instance_id=server.instance_id, project_id=server.project_id,
            name=server.name, **values))


def view(turn, found):
    """Return a survey as the planner wants it.

    A host may receive instances when Nova would place some there: it is up
    and enabled.
    """
    picture = turn.picture
    hosts = {}
    for name, capacity in found.capacities.items():
        service = found.hosts.get(name)
        if service is None:
            continue
        row = picture.hosts.get(name)
        standing = ('outside' if row is None or row.step == states.SKIPPED
                    else 'done' if row.step == states.DONE else 'undone')
        hosts[name] = plan.HostView(
            name=name, free=capacity.free, total=capacity.total,
            standing=standing, open=service.up and service.enabled)
    constrained, limits = turn.constraints(found.servers, {
        server.instance_id: server.project_id
        for server in found.servers.values()})
    groups = {group.group_id: plan.GroupView(
        group_id=group.group_id,
        anti_affinity='anti' in group.policy,
        affinity='anti' not in group.policy,
        max_per_host=group.max_per_host,
        soft=group.policy.startswith('soft'))
        for group in found.groups.values()}
    for group_id, limit in limits.items():
        groups[group_id] = _limited(groups.get(group_id), limit)
    instances = {}
    for server in found.servers.values():
        if server.host is None or server.status in OFF_HOST:
            continue
        own = [server.group_id, getattr(
            constrained.get(server.instance_id), 'group_id', None)]
        instances[server.instance_id] = plan.InstanceView(
            instance_id=server.instance_id, project_id=server.project_id,
            host=server.host, size=server.size,
            groups=tuple(dict.fromkeys(
                group for group in own if group in groups)),
            floating=server.floating,
            # Nova lets no member of an affinity group leave its host.
            movable=server.status not in STUCK and not any(
                groups[group].affinity and not groups[group].soft
                for group in own if group in groups))
    return plan.CloudView(hosts=hosts, instances=instances, groups=groups)


def _limited(group, limit):
    """Return a group with what its VNFM registered: the stricter counts."""
    allowed = [count for count in (
        limit.max_instances_per_host, int(limit.anti_affinity_group),
        0 if group is None or group.soft else group.limit or 0) if count]
    return plan.GroupView(
        group_id=limit.group_id,
        anti_affinity=bool(allowed) or bool(group and group.anti_affinity),
        affinity=bool(group and group.affinity),
        max_per_host=min(allowed, default=0),
        soft=not allowed and bool(group and group.soft))
