# SPDX-License-Identifier: Apache-2.0
"""A session in small: follows a fleet's orders on a virtual clock.

Things go otherwise than estimated as a test wants it: they take other times,
moves fail, projects are slow, refuse or scale in, instances come and go. What
happens is written down for :mod:`tests.planning.checker`.
"""

import dataclasses
import heapq
import itertools
import random

from fenix.size import Size
from fenix.workflow.planner import fleet as fleets
from fenix.workflow.planner import model


@dataclasses.dataclass(frozen=True)
class Luck:
    """How often things go otherwise, and by how much."""

    #: Times are estimates times 1/stretch .. stretch.
    stretch: float = 1.0
    #: Shares of moves, hosts and moves respectively.
    failed_moves: float = 0.0
    refusals: float = 0.0
    #: An instance appears or goes, for each move that ends.
    comings: float = 0.0
    goings: float = 0.0
    #: Another session impacts a group, for each move that ends.
    others: float = 0.0


class Stalled(Exception):
    """Nothing is to happen any more and hosts are not done."""


class Executor:
    """Runs one fleet to its end."""

    def __init__(self, view, limits, estimates, luck=None, seed=0,
                 make_fleet=fleets.Fleet):
        self.view = view
        self.limits = limits
        self.estimates = estimates
        self.luck = luck or Luck()
        self.chance = random.Random(seed)
        self.fleet = make_fleet(view, limits, estimates)
        self.now = 0.0
        self.events = []
        self.ticket = itertools.count()
        self.moves = 0
        self.new = itertools.count()
        #: (time, what, *details) for the checker.
        self.record = []
        #: What has to be left undone because a project refused for good.
        self.given_up = set()

    def run(self):
        """Run until nothing more happens.

        :returns: when the last host was done
        """
        end = 0.0
        while True:
            orders = self.fleet.orders(self.now)
            if self.follow(orders):
                continue
            times = [event[0] for event in self.events[:1]]
            if orders.wake is not None:
                times.append(orders.wake)
            if not times:
                return end
            if min(times) < self.now - 1e-6:
                raise Stalled(f'{min(times)} is before {self.now}')
            self.now = max(self.now, min(times))
            while self.events and self.events[0][0] <= self.now + 1e-6:
                _time, _ticket, happen, arguments = heapq.heappop(
                    self.events)
                happen(*arguments)
                if happen == self.done:
                    end = self.now

    def at(self, seconds, happen, *arguments):
        heapq.heappush(self.events, (
            self.now + seconds, next(self.ticket), happen, arguments))

    def note(self, what, *details):
        self.record.append((self.now, what, *details))

    def lasts(self, estimate):
        if self.luck.stretch == 1.0:
            return estimate
        return estimate * self.luck.stretch ** self.chance.uniform(-1, 1)

    def happens(self, share):
        return share > 0 and self.chance.random() < share

    def follow(self, orders):
        """Carry out what may be done; tell whether that was anything."""
        fleet = self.fleet
        for ask in orders.ask:
            self.note('ask', ask.host)
            fleet.asked(ask.host, self.now)
            if self.happens(self.luck.refusals):
                self.at(self.lasts(5.0), self.refuse, ask.host)
                continue
            for instance_id in sorted(fleet.hosts[ask.host].instances):
                instance = fleet.instances[instance_id]
                if instance.earliest is None:
                    self.at(self.lasts(instance.notice), self.agree,
                            instance_id, instance.host)
        for name in orders.empty:
            self.note('begin', name)
            fleet.emptying(name, self.now)
            self.out_if_empty(name)
        for instance_id, target in orders.moves:
            instance = fleet.instances[instance_id]
            self.note('move', instance_id, instance.host, target)
            self.moves += 1
            fleet.move_started(instance_id, target, self.now)
            self.at(self.lasts(instance.takes), self.moved, instance_id,
                    instance.host, target)
        if orders.room is not None and orders.room.instances:
            for instance_id in orders.room.instances:
                self.vanish(instance_id)
            return True
        return bool(orders.ask or orders.empty or orders.moves)

    def refuse(self, name):
        self.fleet.refused(name)
        self.note('refused', name)
        self.at(100.0, self.put_back, name)

    def put_back(self, name):
        self.fleet.put_back(name)

    def agree(self, instance_id, name):
        instance = self.fleet.instances.get(instance_id)
        if instance is not None and instance.host == name:
            self.note('agreed', instance_id, self.now)
            self.fleet.agreed(instance_id, self.now)

    def moved(self, instance_id, source, target):
        if instance_id not in self.fleet.instances:
            return
        if self.happens(self.luck.failed_moves):
            self.note('moved', instance_id, source)
            self.fleet.move_failed(instance_id, self.now)
            self.at(20.0, self.put_back, source)
        else:
            self.note('moved', instance_id, target)
            self.fleet.move_ended(instance_id, target, self.now)
            self.out_if_empty(source)
        self.something_else()

    def out_if_empty(self, name):
        host = self.fleet.hosts[name]
        if host.step == 'emptying' and self.fleet.is_empty(name):
            self.note('out', name)
            self.fleet.out(name, self.now)
            self.at(self.lasts(self.estimates.host), self.done, name)

    def done(self, name):
        self.note('done', name)
        self.fleet.done(name, self.now)

    def vanish(self, instance_id):
        instance = self.fleet.instances[instance_id]
        if instance.moving:
            return
        self.note('gone', instance_id)
        source = instance.host
        self.fleet.gone(instance_id)
        self.out_if_empty(source)

    def something_else(self):
        """Let something happen that nobody ordered."""
        fleet = self.fleet
        if self.happens(self.luck.goings) and fleet.instances:
            self.vanish(self.chance.choice(sorted(fleet.instances)))
        if self.happens(self.luck.comings):
            self.appear()
        if self.happens(self.luck.others) and fleet.groups:
            group_id = self.chance.choice(sorted(fleet.groups))
            until = self.now + self.chance.uniform(1, 60)
            # Who was asked for in this moment is not begun any more.
            self.note('busy', group_id, until)
            fleet.group_busy(group_id, until)

    def appear(self):
        """A new instance on a host that Nova would choose."""
        fleet = self.fleet
        size = Size(1, 1024, 1)
        names = [name for name, host in sorted(fleet.hosts.items())
                 if host.open and host.step in ('waiting', 'settled')
                 and all(room >= need for room, need in zip(
                     host.room, (1, 1024, 1), strict=True))]
        if not names:
            return
        view = model.InstanceView(
            f'new-{next(self.new)}', 'project-1',
            self.chance.choice(names), size, asked=self.happens(0.5),
            lead_time=10)
        self.note('appeared', view)
        fleet.appeared(view)
