# SPDX-License-Identifier: Apache-2.0
"""The hosts of a session while it runs: what happened, and what may follow.

A fleet is told what happens (:meth:`Fleet.done`, :meth:`Fleet.move_ended`,
...) and answers what may be done now (:meth:`Fleet.orders`). An event costs
what it touches; an order that was given stands, and is repeated, until it is
carried out or taken back.
"""

import bisect
import collections
import heapq
import operator

from fenix.workflow.planner import begin
from fenix.workflow.planner import model
from fenix.workflow.planner import moves
from fenix.workflow.planner import queue
from fenix.workflow.planner import ranking
from fenix.workflow.planner import reasons
from fenix.workflow.planner import records
from fenix.workflow.planner import rooms
from fenix.workflow.planner.records import EPSILON
from fenix.workflow.planner.records import IN_FLIGHT


class Fleet:
    """What a session knows of its hosts, and whom it has in hand."""

    def __init__(self, view, limits, estimates, now=0.0, order=None,
                 early=False):
        """Take over a cloud as it stands.

        :param order: names of undone hosts, the first to be maintained
            first, even if groups hold it up; others follow in an order that
            keeps chains short
        :param early: whether scattered room is brought together while hosts
            are in flight, too
        """
        self.strict = bool(order)
        self.early = early
        self.limits = limits
        self.estimates = estimates
        self.hosts, self.instances, self.groups = records.records_of(
            view, estimates)
        self.rooms = rooms.Rooms(self.hosts, self.instances)
        self.floored = any(records.numbers(limits.floor))
        sizes = collections.Counter(
            area for host in self.hosts.values() for area in host.areas)
        self.area_most = {area: limits.area_limit(area, size)
                          for area, size in sizes.items()}
        #: Whether not all hosts of some area may be out at once.
        self.areas_bind = any(most < sizes[area] for area, most
                              in self.area_most.items())
        #: Whether it counts in which zone room is.
        self.zoned = sum(kind == 'zone' for kind, _name in sizes) > 1 and any(
            i.only is not None for i in self.instances.values())
        self.shut = set()
        self.order = ranking.order_of(self, order or ())
        self.rank = {name: n for n, name in enumerate(self.order)}
        self.unasked = list(self.order)
        #: The hosts that may begin as far as projects go.
        self.queue = queue.Queue([self.hosts[name] for name in self.order],
                                 self.rooms.scarcest)
        self.awaiting = set()
        #: Hosts in the queue whose projects had been asked.
        self.answered = set()
        self.target_waiters = {}
        #: Hosts with instances that wait because room has to stay free.
        self.floor_waiters = set()
        #: What instances need that came since.
        self.came = (0, 0, 0)
        self.stuck = False
        self.in_flight = set()
        self.area_out = {}
        self.moving = 0
        self.turns = 0
        self.starting = {}
        self.offered = {}
        self.to_ask = {}
        self.homeless = set()
        self.dirty = []
        self.dirty_names = set()
        self.timers = []
        #: Whether another host may have become able to begin.
        self.look = True
        self.shortage = None
        self.longest_notice = max(
            [i.notice for i in self.instances.values()], default=0.0)
        self.cycle = max(1.0, estimates.host + sum(
            ranking.drain_time(self, self.hosts[name])
            for name in self.order) / max(1, len(self.order)))
        for host in self.hosts.values():
            self.rooms.add(host)
            if host.step == records.WAITING:
                self.reckon(host, now)

    def copy(self):
        """Return a fleet that goes its own way from here."""
        other = Fleet.__new__(Fleet)
        other.__dict__.update(self.__dict__)
        for name in ('hosts', 'instances', 'groups'):
            setattr(other, name, {
                key: record.copy() for key, record
                in getattr(self, name).items()})
        for name in ('rooms', 'shut', 'unasked', 'queue', 'awaiting',
                     'answered', 'in_flight', 'area_out', 'starting',
                     'offered', 'to_ask', 'homeless', 'floor_waiters', 'dirty',
                     'dirty_names', 'timers'):
            setattr(other, name, getattr(self, name).copy())
        other.target_waiters = {
            name: set(hosts) for name, hosts in self.target_waiters.items()}
        return other

    # Questions

    def orders(self, now):
        """Return what may be done now."""
        while self.timers and self.timers[0][0] <= now + EPSILON:
            _at, kind, key = heapq.heappop(self.timers)
            if kind == 'group':
                self._wake_group(key)
            elif kind == 'host':
                self.touch(key)
            else:
                self.look = True
        if self.look:
            self.look = False
            self.shortage = None
            self.wake_floor()
            begin.begin(self, now)
            begin.ask(self)
        moves.offer(self, now)
        self.shortage = begin.shortage(self, now)
        return model.Orders(
            ask=tuple(self.to_ask.values()), empty=tuple(self.starting),
            moves=tuple(self.offered.items()), room=self.shortage,
            wake=self.timers[0][0] if self.timers else None)

    def why(self, key, now):
        """Say why a host or an instance is not on its way.

        :returns: :class:`model.Wait`, None for one that waits for nothing
        """
        return reasons.why(self, key, now)

    def is_empty(self, name):
        """Tell whether nothing is on a host, nor on its way to it."""
        host = self.hosts[name]
        return not host.instances and not host.coming

    def unfinished(self):
        """Return the names of the hosts of the session that are not done."""
        return [name for name in self.order
                if self.hosts[name].standing == model.UNDONE]

    # Events: projects

    def asked(self, name, now):
        """The questions about the instances on a host were put."""
        host = self.hosts[name]
        self.to_ask.pop(name, None)
        host.asked_at = now
        if host.unanswered:
            self.awaiting.add(name)

    def agreed(self, instance_id, earliest):
        """A project agreed to an impact from a time on."""
        instance = self.instances.get(instance_id)
        if instance is None:
            return
        host = self.hosts[instance.host]
        if instance.earliest is None:
            host.unanswered -= 1
        instance.earliest = earliest
        if host.step == records.WAITING:
            if not host.unanswered:
                self.reckon(host, float('-inf'))
        elif host.step in IN_FLIGHT:
            self.at(earliest, 'host', host.name)
            self.touch(host.name)

    def refused(self, name):
        """A host is left out: a project refused, or something failed."""
        host = self.hosts[name]
        self._withdraw(host)
        host.step = records.LEFT_OUT
        self._forget(host)

    def put_back(self, name):
        """A host that was left out may be chosen again."""
        host = self.hosts[name]
        for instance_id in host.instances:
            self.instances[instance_id].failed = False
        if host.step in IN_FLIGHT:
            self.touch(name)
            self.look = True
        if host.step != records.LEFT_OUT:
            return
        host.step = records.WAITING
        if host.unanswered:
            host.asked_at = None
        bisect.insort(self.unasked, name, key=self.rank.get)
        self.reckon(host, host.ready_at)

    def group_busy(self, group_id, until, held_by=()):
        """A group can bear nothing more until then.

        :param held_by: ids of the other sessions that impact it
        """
        group = self.groups.get(group_id)
        if group is None:
            return
        group.free_at = max(group.free_at, until)
        group.held_by = tuple(sorted(held_by))
        for instance_id in list(group.impacted):
            instance = self.instances[instance_id]
            if instance.offered and not instance.moving:
                moves.take_back(self, instance)
        self.at(until, 'group', group_id)

    # Events: hosts

    def emptying(self, name, now):
        """A host is being emptied."""
        host = self.hosts[name]
        self.starting.pop(name, None)
        if host.step not in IN_FLIGHT:
            self.take(host)
        host.step = records.EMPTYING
        self.touch(name)

    def out(self, name, now, until=None):
        """A host went into maintenance."""
        self.emptying(name, now)
        host = self.hosts[name]
        host.step = records.OUT
        host.back = now + self.estimates.host if until is None else until

    def done(self, name, now):
        """A host is back from maintenance."""
        host = self.hosts[name]
        self._forget(host)
        host.standing = model.DONE
        host.step = records.SETTLED
        host.open = True
        self.shut.discard(name)
        self.rooms.remove(host)
        self.rooms.add(host)
        self.look = True

    def closed(self, name):
        """A host takes no instances for now."""
        self.shut.add(name)
        for instance in list(self.instances.values()):
            if instance.goal == name and not instance.moving:
                moves.take_back(self, instance)
                self.release(instance)
                self.homeless.add(instance.instance_id)
        self.look = True

    # Events: instances

    def move_started(self, instance_id, target, now, expected_end=None):
        """A move was requested: the instance is impacted."""
        moves.started(self, self.instances[instance_id], target, now,
                      expected_end)

    def move_ended(self, instance_id, host, now):
        """A move ended; the instance is on ``host`` and confirmed."""
        moves.ended(self, self.instances[instance_id], host, now)

    def move_failed(self, instance_id, now):
        """A move failed; it is not tried again before ``put_back``."""
        instance = self.instances[instance_id]
        instance.failed = True
        moves.ended(self, instance, instance.host, now)

    moved_elsewhere = move_ended

    def appeared(self, view):
        """An instance is new on a host."""
        if view.host not in self.hosts or view.instance_id in self.instances:
            return
        instance = records.instance_of(view, self.groups, self.estimates)
        self.instances[instance.instance_id] = instance
        for group_id in instance.groups:
            self.groups[group_id].members[instance.instance_id] = None
            self.groups[group_id].count(instance.host, 1)
        host = self.hosts[instance.host]
        self.rooms.change(host, instance.need, -1)
        self.came = tuple(map(operator.add, self.came, instance.need))
        moves.join(self, instance, host)

    def gone(self, instance_id):
        """An instance was deleted."""
        instance = self.instances.get(instance_id)
        if instance is not None:
            moves.vanish(self, instance)
            self.look = True

    # What the parts of the planner share

    def at(self, time, kind, key):
        """Look again at something at a time."""
        heapq.heappush(self.timers, (time, kind, key))

    def touch(self, name):
        """Look at the waiting moves of a host at the next question."""
        if name not in self.dirty_names:
            self.dirty_names.add(name)
            heapq.heappush(self.dirty, (self.hosts[name].turn, name))

    def wake_floor(self):
        """Look again at what waits because room has to stay free."""
        for name in self.floor_waiters:
            self.touch(name)
        self.floor_waiters.clear()

    def _wake_group(self, group_id):
        group = self.groups[group_id]
        for name in group.waiters:
            self.touch(name)
        group.waiters.clear()

    def hold(self, instance, host):
        """Keep room on a host for an instance."""
        instance.goal = host.name
        host.expected += 1
        self.homeless.discard(instance.instance_id)
        self.rooms.change(host, instance.need, -1)
        self.rooms.keep(instance.need, 1)
        for group_id in instance.groups:
            self.groups[group_id].count(host.name, 1)

    def release(self, instance):
        """Give the room back that was kept for an instance."""
        if instance.goal is None:
            return
        host = self.hosts[instance.goal]
        host.expected -= 1
        self.rooms.change(host, instance.need, 1)
        self.rooms.keep(instance.need, -1)
        for group_id in instance.groups:
            self.groups[group_id].count(host.name, -1)
        instance.goal = None

    def take(self, host):
        """Begin with a host: it counts against the limits from now on."""
        self.drop_ready(host)
        self.awaiting.discard(host.name)
        self.to_ask.pop(host.name, None)
        self.rooms.remove(host)
        self.in_flight.add(host.name)
        for area in host.areas:
            self.area_out[area] = self.area_out.get(area, 0) + 1
        self.turns += 1
        host.turn = self.turns
        host.step = records.STARTING
        host.waiting = ranking.urgency(self, host)
        for instance_id in host.waiting:
            for group_id in self.instances[instance_id].groups:
                self.groups[group_id].queued += 1
            if self.instances[instance_id].goal is None:
                self.homeless.add(instance_id)
        self.touch(host.name)

    def dequeue(self, instance):
        """An instance does not wait for its move any more."""
        for group_id in instance.groups:
            self.groups[group_id].queued -= 1
            self.queue.ease(group_id)

    def drop_ready(self, host):
        self.queue.drop(host.name)
        self.answered.discard(host.name)

    def reckon(self, host, now):
        """Note whether a host that waits may begin, as far as projects go."""
        if host.step != records.WAITING:
            return
        self.drop_ready(host)
        host.unanswered = sum(self.instances[i].earliest is None
                              for i in host.instances)
        if host.unanswered:
            return
        self.awaiting.discard(host.name)
        host.ready_at = max([self.instances[i].earliest
                             for i in host.instances], default=now)
        self.set_ready(host)
        if host.ready_at > now:
            self.at(host.ready_at, 'look', host.name)

    def set_ready(self, host):
        self.queue.add(host)
        if host.asked_at is not None:
            self.answered.add(host.name)
        self.look = True

    def _withdraw(self, host):
        """Take back what was ordered for a host and has not begun."""
        for instance_id in host.instances:
            instance = self.instances[instance_id]
            moves.take_back(self, instance)
            if not instance.moving:
                self.release(instance)
            self.homeless.discard(instance_id)
        for instance_id in host.waiting:
            self.dequeue(self.instances[instance_id])
        host.waiting = []

    def _forget(self, host):
        """Let a host go: it counts against no limit any more."""
        self.drop_ready(host)
        self.awaiting.discard(host.name)
        self.to_ask.pop(host.name, None)
        self.starting.pop(host.name, None)
        host.back = None
        if host.name in self.in_flight:
            self.in_flight.discard(host.name)
            for area in host.areas:
                self.area_out[area] -= 1
                self.queue.wake_area(area)
            if host.step == records.LEFT_OUT:
                self.rooms.add(host)
        self.look = True
