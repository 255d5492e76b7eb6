# SPDX-License-Identifier: Apache-2.0
"""What is expected to happen: a fleet's copy runs against the estimates."""

import dataclasses
import heapq
import itertools

from fenix import words
from fenix.size import Size
from fenix.workflow.planner import records
from fenix.workflow.planner.records import EPSILON

# Kinds of entries.
ASK = 'ask'
MOVE = 'move'
MAINTAIN = 'maintain'
SCALE_IN = 'scale in'


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """Something that is expected, from a time to another.

    ``host`` is the host that is asked for, emptied or maintained, ``target``
    where an instance moves to. ``question`` is what is asked, None if it was
    asked before; ``instances`` are those that are asked about, or given up;
    ``reason`` says why room has to be made.
    """

    kind: str
    host: str | None
    instance_id: str | None
    target: str | None
    start: float
    end: float
    question: str | None = None
    instances: tuple[str, ...] = ()
    reason: str = ''


@dataclasses.dataclass(frozen=True)
class Forecast:
    """The expected course of a session."""

    entries: list
    #: When the last host is done.
    end: float
    #: How many moves are still to begin or to end.
    moves: int
    #: Room to be given up, by project, and instances that would do.
    scale_in: dict
    given_up: tuple
    #: Questions about hosts still to be put.
    asks: int
    #: What stands in the way of the hosts that cannot be done, in words.
    obstacles: tuple
    #: Hosts in the order in which they begin.
    order: tuple

    @property
    def complete(self):
        return not self.obstacles


def forecast(fleet, now):
    """Run a copy of a fleet to its end."""
    return play(fleet.copy(), now)


def play(fleet, now):
    """Run a fleet itself to its end: nobody needs it any more."""
    return _Run(fleet, now).run()


class _Run:
    """A fleet on a virtual clock, where all goes as estimated."""

    def __init__(self, fleet, now):
        self.fleet = fleet
        self.now = self.end = now
        self.entries = []
        self.moves = self.asks = 0
        self.order = []
        self.scale_in = {}
        self.given_up = []
        self.ticket = itertools.count()
        self.events = []
        self._take_up()

    def _take_up(self):
        """Expect the ends of what is under way."""
        fleet = self.fleet
        for name in sorted(fleet.in_flight,
                           key=lambda name: fleet.hosts[name].turn):
            host = fleet.hosts[name]
            if host.step == records.OUT:
                self._maintain(host, max(self.now, host.back))
        for instance in fleet.instances.values():
            if instance.moving:
                self._move(instance, max(self.now, instance.ends))
        for name in sorted(fleet.awaiting):
            self._answer(fleet.hosts[name], fleet.hosts[name].asked_at)

    def run(self):
        fleet = self.fleet
        while True:
            orders = fleet.orders(self.now)
            if self._follow(orders):
                continue
            times = [event[0] for event in self.events[:1]]
            if orders.wake is not None:
                times.append(orders.wake)
            if not times:
                break
            self.now = max(self.now, min(times))
            while (self.events
                   and self.events[0][0] <= self.now + EPSILON):
                _time, _ticket, happen, what = heapq.heappop(self.events)
                happen(what)
        return Forecast(
            self.entries, self.end, self.moves, self.scale_in,
            tuple(self.given_up), self.asks, tuple(self._obstacles()),
            tuple(self.order))

    def _at(self, time, happen, what):
        heapq.heappush(self.events, (time, next(self.ticket), happen, what))

    def _follow(self, orders):
        """Do what may be done; tell whether there was anything."""
        fleet = self.fleet
        for ask in orders.ask:
            fleet.asked(ask.host, self.now)
            self.asks += 1
            self._answer(fleet.hosts[ask.host], self.now, ask.question)
        for name in orders.empty:
            fleet.emptying(name, self.now)
            self.order.append(name)
            self._if_empty(name)
        for instance_id, target in orders.moves:
            instance = fleet.instances[instance_id]
            fleet.move_started(instance_id, target, self.now)
            self._move(instance, instance.ends)
        if orders.room is not None and orders.room.instances:
            self._give_up(orders.room)
            return True
        return bool(orders.ask or orders.empty or orders.moves)

    def _answer(self, host, asked_at, question=None):
        ends = {}
        for instance_id in sorted(host.instances):
            instance = self.fleet.instances[instance_id]
            if instance.earliest is None:
                ends.setdefault(max(self.now, asked_at + instance.notice),
                                []).append(instance_id)
        for end, ids in sorted(ends.items()):
            self._at(end, self._agreed, ids)
        if ends:
            self.entries.append(Entry(
                ASK, host.name, None, None, asked_at, max(ends), question,
                tuple(itertools.chain.from_iterable(ends.values()))))

    def _agreed(self, ids):
        for instance_id in ids:
            self.fleet.agreed(instance_id, self.now)

    def _move(self, instance, end):
        self.moves += 1
        self.entries.append(Entry(
            MOVE, instance.host, instance.instance_id, instance.goal,
            self.now, end))
        self._at(end, self._moved, instance)

    def _moved(self, instance):
        source = instance.host
        self.fleet.move_ended(instance.instance_id, instance.goal, self.now)
        self._if_empty(source)

    def _if_empty(self, name):
        host = self.fleet.hosts[name]
        if host.step == records.EMPTYING and self.fleet.is_empty(name):
            self.fleet.out(name, self.now)
            self._maintain(host, host.back)

    def _maintain(self, host, end):
        self.entries.append(Entry(
            MAINTAIN, host.name, None, None, self.now, end))
        self._at(end, self._done, host.name)

    def _done(self, name):
        self.fleet.done(name, self.now)
        self.end = max(self.end, self.now)

    def _give_up(self, room):
        """Expect projects to scale in as far as it is needed."""
        for project, size in room.projects.items():
            self.scale_in[project] = self.scale_in.get(
                project, Size()) + size
        # They need as long for it as for an answer.
        end = self.now + max(self.fleet.instances[instance_id].notice
                             for instance_id in room.instances)
        self.entries.append(Entry(
            SCALE_IN, room.host, None, None, self.now, end,
            words.SCALE_IN, room.instances, room.reason))
        self.given_up += room.instances
        for instance_id in room.instances:
            self.fleet.gone(instance_id)
        self.now = end

    def _obstacles(self):
        fleet = self.fleet
        room = fleet.shortage
        if room is not None:
            yield room.reason
        for name in fleet.unfinished():
            if room is None or name != room.host:
                wait = fleet.why(name, self.now)
                if wait is not None:
                    yield f'host {name}: {wait.text}'


