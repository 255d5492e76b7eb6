# SPDX-License-Identifier: Apache-2.0
"""The least time in which a small cloud can be done, proved by CP-SAT.

The model knows nothing of the planner. An instance may move twice: to a host
that is yet to be done, and from there again. Times are whole seconds.
"""

import collections
import dataclasses

from ortools.sat.python import cp_model

from fenix.workflow.planner import model as views

RESOURCES = ('vcpus', 'ram_mb', 'disk_gb')


@dataclasses.dataclass(frozen=True)
class Optimum:
    """What the solver found."""

    #: The least time that is known to be possible; None if none was found.
    seconds: int | None
    #: No plan takes less.
    at_least: int
    proved: bool


class Problem:
    """One cloud as constraints."""

    def __init__(self, view, limits, estimates, horizon, twice=True):
        self.view = view
        self.limits = limits
        self.estimates = estimates
        self.horizon = horizon
        self.twice = twice
        self.cp = cp_model.CpModel()
        self.names = sorted(view.hosts)
        self.undone = [name for name in self.names
                       if view.hosts[name].standing == views.UNDONE]
        #: Intervals with demands that share something, by what they share.
        self.shares = collections.defaultdict(list)
        self.impacts = collections.defaultdict(list)
        self.away = {}
        self.moves = collections.defaultdict(list)
        self.floored = [resource for resource in RESOURCES
                        if getattr(limits.floor, resource)]
        self.end = self.time('end')
        self.hosts()
        for instance_id in sorted(view.instances):
            instance = view.instances[instance_id]
            if instance.host in self.out:
                self.instance(instance)
            else:
                self.stays(instance, instance.host, 0, self.horizon, None)
        self.groups()
        self.all_room()
        self.capacities()
        self.alike()
        self.cp.minimize(self.end)

    def time(self, name):
        return self.cp.new_int_var(0, self.horizon, name)

    def hosts(self):
        work = round(self.estimates.host)
        self.begin, self.out, self.done = {}, {}, {}
        for name in self.undone:
            self.begin[name] = self.time(f'begin {name}')
            self.out[name] = self.time(f'out {name}')
            self.done[name] = self.out[name] + work
            self.cp.add(self.begin[name] <= self.out[name])
            self.cp.add(self.end >= self.done[name])
            length = self.time(f'flight {name}')
            flight = self.cp.new_interval_var(
                self.begin[name], length, self.done[name], f'flight {name}')
            if self.limits.hosts_at_once:
                self.shares['flight', ''].append((flight, 1))
            for area in self.view.hosts[name].areas:
                if self.limits.zone_share < 1:
                    self.shares['area', area].append((flight, 1))
            for resource in self.floored:
                self.shares['floor', resource].append(
                    (flight, self.holds(name, resource)))
            away = self.cp.new_fixed_size_interval_var(
                self.out[name], work, f'away {name}')
            self.away[name] = away
            for resource in RESOURCES:
                self.shares[resource, name].append(
                    (away, self.holds(name, resource)))

    def holds(self, name, resource):
        host = self.view.hosts[name]
        return max(0, getattr(host.free, resource) + sum(
            getattr(i.size, resource) for i in self.view.on(name)))

    def stays(self, instance, name, start, end, present, closes=None):
        """Let an instance be on a host from a time to another.

        :param closes: when the host begins to be emptied, None if it stays
            open; its free room does not count from then on
        """
        label = f'{instance.instance_id} on {name}'
        stay = self.interval(label, start, end, present)
        for resource in self.floored:
            need = getattr(instance.size, resource)
            if need:
                self.shares['floor', resource].append((
                    stay if closes is None else self.interval(
                        f'{label}, open', start, closes, present), need))
        for resource in RESOURCES:
            need = getattr(instance.size, resource)
            if need:
                self.shares[resource, name].append((stay, need))
        for group in self.view.groups_of(instance):
            if not group.soft and group.limit:
                self.shares['spread', (group.group_id, name)].append(
                    (stay, 1))

    def interval(self, label, start, end, present):
        length = self.time(label)
        if present is None:
            return self.cp.new_interval_var(start, length, end, label)
        return self.cp.new_optional_interval_var(
            start, length, end, present, label)

    def targets(self, instance, sources):
        return [name for name in self.names
                if name not in sources
                and (instance.only is None or name in instance.only)]

    def instance(self, instance):
        cp = self.cp
        key = instance.instance_id
        takes = round(self.estimates.move(instance.size, instance.action))
        start = self.time(f'{key} starts')
        cp.add(start >= round(self.estimates.notice(instance)))
        self.leaves(instance, instance.host, start, takes, None)
        self.stays(instance, instance.host, 0, start + takes, None,
                   self.begin[instance.host])
        self.impacts[key].append((start, takes, None))
        firsts = []
        for name in self.targets(instance, {instance.host}):
            first = cp.new_bool_var(f'{key} to {name}')
            firsts.append(first)
            self.arrives(name, start, takes, first)
            if name not in self.out:
                self.stays(instance, name, start, self.horizon, first)
                continue
            # It comes when the host is done and stays, or before the host
            # begins, and then leaves again.
            again = cp.new_bool_var(f'{key} leaves {name}')
            cp.add_implication(again, first)
            cp.add(start >= self.done[name]).only_enforce_if(
                first, again.negated())
            cp.add(start + takes <= self.begin[name]).only_enforce_if(again)
            leave = self.time(f'{key} away from {name}')
            until = self.time(f'{key} until {name}')
            cp.add(until == self.horizon).only_enforce_if(again.negated())
            cp.add(until == leave + takes).only_enforce_if(again)
            closes = self.time(f'{key} on {name} until it closes')
            cp.add(closes == self.horizon).only_enforce_if(again.negated())
            cp.add(closes == self.begin[name]).only_enforce_if(again)
            self.stays(instance, name, start, until, first, closes)
            if not self.twice:
                cp.add(again == 0)
                continue
            cp.add(leave >= start + takes).only_enforce_if(again)
            self.leaves(instance, name, leave, takes, again)
            self.impacts[key].append((leave, takes, again))
            seconds = []
            for last in self.targets(instance, {name}):
                second = cp.new_bool_var(f'{key} {name} to {last}')
                seconds.append(second)
                self.arrives(last, leave, takes, second)
                if last in self.out:
                    cp.add(leave >= self.done[last]).only_enforce_if(second)
                self.stays(instance, last, leave, self.horizon, second)
            cp.add(sum(seconds) == 1).only_enforce_if(again)
            cp.add(sum(seconds) == 0).only_enforce_if(again.negated())
        cp.add_exactly_one(firsts)

    def leaves(self, instance, name, start, takes, present):
        """Let a move leave a host that is being emptied."""
        bounds = [self.cp.add(start >= self.begin[name]),
                  self.cp.add(start + takes <= self.out[name])]
        if present is None:
            move = self.cp.new_fixed_size_interval_var(start, takes, '')
        else:
            for bound in bounds:
                bound.only_enforce_if(present)
            move = self.cp.new_optional_fixed_size_interval_var(
                start, takes, present, '')
        self.moves[instance.instance_id].append(move)
        if self.limits.moves_at_once:
            self.shares['moves', ''].append((move, 1))
        if self.limits.moves_per_source:
            self.shares['source', name].append((move, 1))
        for group in self.view.groups_of(instance):
            if group.max_impacted:
                self.shares['impact', group.group_id].append((move, 1))

    def arrives(self, name, start, takes, present):
        if self.limits.moves_per_target:
            self.shares['target', name].append((
                self.cp.new_optional_fixed_size_interval_var(
                    start, takes, present, ''), 1))

    def groups(self):
        """Between the end of an impact and the next one a group recovers."""
        for group in self.view.groups.values():
            pause = round(group.recovery_time)
            if not pause:
                continue
            moves = [move for i in self.view.members(group.group_id)
                     for move in self.impacts[i.instance_id]]
            for n, (one, takes, there) in enumerate(moves):
                for other, its, here in moves[n + 1:]:
                    self.apart(one, takes, other, its, pause,
                               [b for b in (there, here) if b is not None])

    def apart(self, one, takes, other, its, pause, present):
        before = self.cp.new_bool_var('')
        after = self.cp.new_bool_var('')
        together = self.cp.new_bool_var('')
        self.cp.add_exactly_one(before, after, together)
        self.cp.add(one + takes + pause <= other).only_enforce_if(
            before, *present)
        self.cp.add(other + its + pause <= one).only_enforce_if(
            after, *present)
        self.cp.add(other < one + takes).only_enforce_if(together, *present)
        self.cp.add(one < other + its).only_enforce_if(together, *present)

    def all_room(self):
        """What all hosts have free holds what is out and what moves.

        It follows from the capacities of the hosts, and helps the solver.
        """
        for resource in RESOURCES:
            need = {i.instance_id: getattr(i.size, resource)
                    for i in self.view.instances.values()}
            free = sum(self.holds(name, resource)
                       for name in self.names) - sum(need.values())
            uses = [(away, self.holds(name, resource))
                    for name, away in self.away.items()]
            for key, moves in self.moves.items():
                uses += [(move, need[key]) for move in moves if need[key]]
            self.cp.add_cumulative([move for move, _ in uses],
                                   [size for _, size in uses], free)

    def capacities(self):
        for (what, key), uses in self.shares.items():
            if what in RESOURCES:
                most = self.holds(key, what)
            elif what == 'spread':
                most = self.view.groups[key[0]].limit
            elif what == 'floor':
                most = sum(self.holds(name, key) for name in self.names
                           ) - getattr(self.limits.floor, key)
            elif what == 'impact':
                most = self.view.groups[key].max_impacted
            elif what == 'area':
                size = sum(key in host.areas
                           for host in self.view.hosts.values())
                most = max(1, int(self.limits.zone_share * size + 1e-9))
            else:
                most = getattr(self.limits, {
                    'flight': 'hosts_at_once', 'moves': 'moves_at_once',
                    'source': 'moves_per_source',
                    'target': 'moves_per_target'}[what])
            self.cp.add_cumulative([interval for interval, _ in uses],
                                   [need for _, need in uses], most)

    def alike(self):
        """Of what is alike, hosts or instances, the first goes first."""
        last = {}
        bound = {name for i in self.view.instances.values()
                 for name in i.only or ()}
        for name in self.undone:
            host = self.view.hosts[name]
            if self.view.on(name) or name in bound:
                continue
            kind = host.total, host.free, host.areas
            if kind in last:
                self.cp.add(self.out[last[kind]] <= self.out[name])
            last[kind] = name
        last = {}
        for key in sorted(self.view.instances):
            instance = self.view.instances[key]
            if instance.host not in self.out:
                continue
            kind = dataclasses.replace(instance, instance_id='')
            if kind in last:
                self.cp.add(self.impacts[last[kind]][0][0]
                            <= self.impacts[key][0][0])
            last[kind] = key


def solve(view, limits, estimates, horizon, seconds=20.0, twice=True,
          workers=2):
    """Look for the least time.

    :param horizon: a time in which it can be done
    :param seconds: that the solver has, on a machine of its own: a busy one
        takes longer, and finds the same
    """
    problem = Problem(view, limits, estimates, int(horizon), twice)
    solver = cp_model.CpSolver()
    solver.parameters.max_deterministic_time = seconds
    solver.parameters.num_workers = workers
    status = solver.solve(problem.cp)
    found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    return Optimum(
        round(solver.objective_value) if found else None,
        round(solver.best_objective_bound),
        status == cp_model.OPTIMAL)
