# SPDX-License-Identifier: Apache-2.0
"""Finds what an executed plan broke. It shares no code with the planner.

It replays a record of what happened on the cloud as it was, and holds every
rule at every instant.
"""

import collections

SLACK = 1e-4
RESOURCES = ('vcpus', 'ram_mb', 'disk_gb')


class Checker:
    """Replays a record."""

    def __init__(self, view, limits):
        self.view = view
        self.limits = limits
        self.instances = dict(view.instances)
        self.at = {i: v.host for i, v in view.instances.items()}
        #: Where each moving instance comes from and goes to.
        self.moving = {}
        self.agreed = {}
        self.flight = set()
        self.out = set()
        self.maintained = collections.Counter()
        self.ended = collections.defaultdict(list)
        self.busy = {}
        self.uninvited = collections.Counter()
        self.found = []

    def check(self, record):
        """Return what was broken, one sentence for each breach."""
        for now, what, *details in record:
            self.now = now
            getattr(self, 'on_' + what)(*details)
        return self.found

    def breach(self, text):
        self.found.append(f'{self.now:.2f}: {text}')

    # What happened

    def on_ask(self, name):
        pass

    def on_refused(self, name):
        self.flight.discard(name)

    def on_agreed(self, instance_id, earliest):
        self.agreed[instance_id] = earliest

    def on_busy(self, group_id, until):
        self.busy[group_id] = max(until, self.busy_until(group_id))

    def agreed_to(self, instance_id):
        return not self.instances[instance_id].asked or (
            self.agreed.get(instance_id, float('inf')) <= self.now + SLACK)

    def busy_until(self, group_id):
        return self.busy.get(group_id, float('-inf'))

    def on_begin(self, name):
        if name in self.flight:
            self.breach(f'{name} begins twice')
        self.flight.add(name)
        most = self.limits.hosts_at_once
        if most and len(self.flight) > most:
            self.breach(f'{len(self.flight)} hosts in flight')
        host = self.view.hosts[name]
        if self.limits.zone_share < 1:
            for area in host.areas:
                every = [h.name for h in self.view.hosts.values()
                         if area in h.areas]
                share = len(self.flight & set(every))
                if share > max(1, self.limits.zone_share * len(every)
                               + SLACK):
                    self.breach(f'{share} of {len(every)} of {area} out')
        if sum(self.view.hosts[name].controller for name in self.flight) > 1:
            self.breach('more than one controller out')
        self.floor()

    def floor(self):
        for resource in RESOURCES:
            least = getattr(self.limits.floor, resource)
            if least:
                # What Nova placed there meanwhile is not our doing.
                free = self.uninvited[resource] + sum(
                    self.free(h.name, resource)
                    for h in self.view.hosts.values()
                    if h.name not in self.flight and h.open)
                if free < least:
                    self.breach(f'{free} {resource} free, floor is {least}')

    def on_move(self, instance_id, source, target):
        instance = self.instances[instance_id]
        if self.at[instance_id] != source or instance_id in self.moving:
            self.breach(f'{instance_id} is not on {source}, or moves')
        if source == target:
            self.breach(f'{instance_id} stays')
        if source not in self.flight or source in self.out:
            self.breach(f'{instance_id} is moved for nothing')
        if target in self.flight:
            self.breach(f'{instance_id} moves to {target}, in flight')
        if not instance.movable:
            self.breach(f'{instance_id} cannot be moved')
        if instance.only is not None and target not in instance.only:
            self.breach(f'{instance_id} is bound, and moves to {target}')
        if not self.agreed_to(instance_id):
            self.breach(f'{instance_id} is moved without agreement')
        self.moving[instance_id] = source, target
        for resource in RESOURCES:
            if getattr(instance.size, resource) and (
                    self.free(target, resource) < 0):
                self.breach(f'{resource} of {target} does not suffice')
        self.count()
        for group_id in instance.groups:
            self.group(instance_id, self.view.groups[group_id], target)
        self.floor()

    def count(self):
        limits = self.limits
        sources = collections.Counter(s for s, _t in self.moving.values())
        targets = collections.Counter(t for _s, t in self.moving.values())
        for what, most, count in (
                ('moves', limits.moves_at_once, len(self.moving)),
                ('moves from a host', limits.moves_per_source,
                 max(sources.values())),
                ('moves to a host', limits.moves_per_target,
                 max(targets.values()))):
            if most and count > most:
                self.breach(f'{count} {what} at once, {most} allowed')

    def group(self, instance_id, group, target):
        members = [i for i, v in self.instances.items()
                   if group.group_id in v.groups]
        impacted = [i for i in members if i in self.moving]
        if group.max_impacted and len(impacted) > group.max_impacted:
            self.breach(f'{len(impacted)} of {group.group_id} impacted')
        for other, end in self.ended[group.group_id]:
            if end + group.recovery_time > self.now + SLACK:
                self.breach(f'{group.group_id} has not recovered from '
                            f'{other}')
        if self.busy_until(group.group_id) > self.now + SLACK:
            self.breach(f'{group.group_id} is impacted by others')
        if group.soft:
            return
        where = [place for i in members for place in self.places(i)]
        if group.affinity:
            return
        most = group.max_per_host or (1 if group.anti_affinity else None)
        if most and where.count(target) > most:
            self.breach(f'{where.count(target)} of {group.group_id} on '
                        f'{target}')

    def on_moved(self, instance_id, name):
        source, _target = self.moving.pop(instance_id)
        self.at[instance_id] = name
        for group_id in self.instances[instance_id].groups:
            self.ended[group_id].append((instance_id, self.now))
        if name != source:
            self.agreed.pop(instance_id, None)

    def on_out(self, name):
        self.out.add(name)
        self.maintained[name] += 1
        if self.maintained[name] > 1:
            self.breach(f'{name} is maintained twice')
        if name not in self.flight:
            self.breach(f'{name} is out and did not begin')
        here = [i for i in self.instances if name in self.places(i)]
        if here:
            self.breach(f'{here} on {name} while it is out')

    def on_done(self, name):
        if name not in self.out:
            self.breach(f'{name} is back without having been out')
        self.out.discard(name)
        self.flight.discard(name)

    def on_gone(self, instance_id):
        del self.at[instance_id]
        del self.instances[instance_id]
        self.moving.pop(instance_id, None)

    def on_appeared(self, view):
        self.instances[view.instance_id] = view
        self.at[view.instance_id] = view.host
        for resource in RESOURCES:
            self.uninvited[resource] += getattr(view.size, resource)

    # What follows

    def places(self, instance_id):
        if instance_id in self.moving:
            return self.moving[instance_id]
        return (self.at[instance_id],)

    def free(self, name, resource):
        """Return what is free on a host now."""
        host = self.view.hosts[name]
        free = getattr(host.free, resource)
        free += sum(getattr(i.size, resource) for i in self.view.on(name))
        for instance_id, instance in self.instances.items():
            if name in self.places(instance_id):
                free -= getattr(instance.size, resource)
        return free
