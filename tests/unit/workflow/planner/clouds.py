# SPDX-License-Identifier: Apache-2.0
"""Clouds for the planner's tests, and the rules written a second time."""

import itertools

from hypothesis import strategies as st

from fenix.size import Size
from fenix.workflow.planner import model


def small(vcpus):
    """Return a size that grows in all resources alike."""
    return Size(vcpus, vcpus * 1024, vcpus * 10)


def cloud(hosts, instances, groups=()):
    """Build a view.

    :param hosts: {name: (VCPUs in all, standing[, open])}
    :param instances: {id: (host, VCPUs[, fields of InstanceView])}
    :param groups: fields of GroupView by id
    """
    used = dict.fromkeys(hosts, 0)
    views = {}
    for instance_id, (host, vcpus, *more) in instances.items():
        used[host] += vcpus
        views[instance_id] = model.InstanceView(
            instance_id, 'project', host, small(vcpus),
            **(more[0] if more else {}))
    return model.CloudView(
        {name: model.HostView(name, small(total - used[name]), small(total),
                              *more)
         for name, (total, *more) in hosts.items()},
        views,
        {group_id: model.GroupView(group_id, **fields)
         for group_id, fields in dict(groups).items()})


@st.composite
def clouds(draw):
    """Draw a cloud of up to five hosts and nine instances."""
    names = [f'h{n}' for n in range(draw(st.integers(2, 5)))]
    groups = {}
    for n in range(draw(st.integers(0, 2))):
        kind = draw(st.sampled_from(
            ['anti', 'anti', 'affinity', 'limit', 'soft']))
        groups[f'g{n}'] = model.GroupView(
            f'g{n}', anti_affinity=kind in ('anti', 'soft'),
            affinity=kind == 'affinity',
            max_per_host=draw(st.integers(0, 2)), soft=kind == 'soft')
    instances = {}
    used = dict.fromkeys(names, Size())
    for n in range(draw(st.integers(0, 9))):
        host = draw(st.sampled_from(names))
        size = Size(draw(st.integers(1, 4)), draw(st.integers(1, 4)) * 512,
                    draw(st.integers(0, 2)) * 10)
        used[host] += size
        instances[f'i{n}'] = model.InstanceView(
            f'i{n}', 'project', host, size,
            tuple(draw(st.lists(st.sampled_from(sorted(groups)), max_size=2))
                  if groups else ()),
            floating=draw(st.booleans()),
            movable=draw(st.integers(0, 9)) > 0)
    hosts = {}
    for name in names:
        # A little may be overcommitted, as after a change of a ratio.
        free = Size(draw(st.integers(-1, 6)), draw(st.integers(0, 6)) * 512,
                    draw(st.integers(-1, 4)) * 10)
        hosts[name] = model.HostView(
            name, free, used[name] + free,
            draw(st.sampled_from(
                [model.UNDONE, model.UNDONE, model.DONE, model.OUTSIDE])),
            draw(st.integers(0, 4)) > 0)
    return model.CloudView(hosts, instances, groups)


def broken(view, placed):
    """Say which rule a placement breaks, None if it keeps all.

    Written from the rules, and not from the planner: instances count where
    they are and where they go.
    """
    needs = {}
    for instance_id, target in placed.items():
        instance = view.instances[instance_id]
        if target == instance.host:
            return f'{instance_id} stays'
        if not instance.movable:
            return f'{instance_id} is not movable'
        needs.setdefault(target, []).append(instance.size)
    for target, sizes in needs.items():
        for resource in ('vcpus', 'ram_mb', 'disk_gb'):
            need = sum(getattr(size, resource) for size in sizes)
            if need and need > getattr(view.hosts[target].free, resource):
                return f'{target} has not enough {resource}'
    for group in view.groups.values():
        if group.soft:
            continue
        members = {i: view.instances[i] for i in view.instances
                   if group.group_id in view.instances[i].groups}
        goals = {placed[i] for i in members if i in placed}
        if group.affinity:
            stay = {member.host for i, member in members.items()
                    if i not in placed}
            if len(goals) > 1 or (goals and stay and not goals & stay):
                return f'{group.group_id} is torn apart'
            continue
        limit = group.max_per_host or (1 if group.anti_affinity else 99)
        for goal in goals:
            count = (sum(member.host == goal for member in members.values())
                     + sum(placed.get(i) == goal for i in members))
            if count > limit:
                return f'{group.group_id} has {count} on {goal}'
    return None


def brute_force(view, instance_ids, targets):
    """Return whether any placement at all keeps the rules."""
    return any(
        broken(view, dict(zip(instance_ids, choice, strict=True))) is None
        for choice in itertools.product(targets, repeat=len(instance_ids)))
