# SPDX-License-Identifier: Apache-2.0
"""The cloud's time, lock, ids and books: what the rest is built on."""

import collections.abc
import functools
import heapq
import itertools
import random
import threading
import time
import uuid
from typing import Any

from fenix.sandbox.cloud import config
from fenix.sandbox.cloud import entities
from fenix.sandbox.cloud import errors
from fenix.sandbox.cloud import faults


def operation(method):
    """A request: under the lock, and after all that was due before it."""
    @functools.wraps(method)
    def inner(self, *args, **kwargs):
        with self.lock:
            self.advance()
            return method(self, *args, **kwargs)
    return inner


class Timer:
    """Something that will happen."""

    def __init__(self, due: float, call: collections.abc.Callable[[], None]):
        self.due = due
        self.call = call
        self.cancelled = False


def nothing_recorded(what: str, **fields: Any):
    """A model without a timeline."""


class Core:
    """Time and books of a cloud; ``model.Model`` is the whole.

    :param clock: gives the time in seconds since the epoch
    :param record: told of every change of state: ``record(what, t=…, **)``
    :param times: how long things take
    :param seed: makes ids and jitter repeatable
    :ivar lock: held while anything of the model is read or changed
    :ivar changed: notified when a timer was set or something happened
    :ivar now: the time of what is happening, seconds since the epoch
    """

    def __init__(self, clock: collections.abc.Callable[[], float] = time.time,
                 record: collections.abc.Callable | None = None,
                 times: config.Times | None = None, seed: int | None = None):
        self.clock = clock
        self.times = times or config.Times()
        self.faults = faults.ModelFaults()
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.now = clock()
        self.hosts: dict[str, entities.Host] = {}
        #: Names of the hosts in each host aggregate.
        self.aggregates: dict[str, list[str]] = {}
        self.flavors: dict[str, entities.Flavor] = {}
        self.groups: dict[str, entities.Group] = {}
        self.servers: dict[str, entities.Server] = {}
        self.migrations: list[entities.Migration] = []
        #: host name -> consumer -> resource class -> amount
        self.allocations: dict[str, dict[str, dict[str, int]]] = {}
        #: Cells that Nova's API does not reach.
        self.silent_cells: set[str] = set()
        self._record_line = record or nothing_recorded
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._numbers = itertools.count(1)
        self._order = itertools.count()
        self._heap: list[tuple[float, int, Timer]] = []
        self._timers: dict[str, Timer] = {}
        self._noted: dict[str, tuple] = {}
        self._advancing = False

    # time

    def advance(self, now: float | None = None):
        """Let all happen that is due, in the order in which it is due.

        :param now: seconds since the epoch; default: what the clock says
        """
        with self.lock:
            if self._advancing:
                return
            now = self.clock() if now is None else now
            self._advancing = True
            happened = False
            try:
                while self._heap and self._heap[0][0] <= now:
                    timer = heapq.heappop(self._heap)[2]
                    if not timer.cancelled:
                        self.now = max(self.now, timer.due)
                        timer.call()
                        happened = True
            finally:
                self._advancing = False
            self.now = max(self.now, now)
            if happened:
                self.changed.notify_all()

    def next_due(self) -> float | None:
        """When the next thing will happen, seconds since the epoch."""
        with self.lock:
            while self._heap and self._heap[0][2].cancelled:
                heapq.heappop(self._heap)
            return self._heap[0][0] if self._heap else None

    def _after(self, seconds, function, *args) -> Timer:
        spread = self.times.jitter * (2 * self._random.random() - 1)
        timer = Timer(self.now + max(0.0, seconds * (1 + spread)),
                      functools.partial(function, *args))
        heapq.heappush(self._heap, (timer.due, next(self._order), timer))
        self.changed.notify_all()
        return timer

    def _server_after(self, server, seconds, function, *args):
        """The one thing that is under way with a server: its next step."""
        self._timers[server.id] = self._after(
            seconds, function, server, *args)

    def _cancel(self, server):
        timer = self._timers.pop(server.id, None)
        if timer is not None:
            timer.cancelled = True

    # ids and records

    def new_id(self) -> str:
        """A UUID; repeatable with a seed."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def new_request_id(self) -> str:
        return f'req-{self.new_id()}'

    def _record(self, what, **fields):
        self._record_line(what, t=self.now, **fields)

    def _note(self, server):
        """Tell of a server whose state changed; Nova's ``updated``."""
        server.updated = self.now
        state = (server.status, server.task_state, server.host)
        if self._noted.get(server.id) != state:
            self._noted[server.id] = state
            self._record('server.state', server=server.id,
                         project=server.project, host=server.host,
                         state=server.status, task_state=server.task_state)

    # look-ups

    def get_server(self, server_id: str, deleted: bool = False
                   ) -> entities.Server:
        """The server of that id.

        :raises errors.NotFound: there is none
        """
        server = self.servers.get(server_id)
        if server is None or (server.deleted and not deleted):
            raise errors.NotFound(
                f'Instance {server_id} could not be found.')
        return server

    def get_host(self, name: str) -> entities.Host:
        """The host of that name.

        :raises errors.NotFound: there is none
        """
        try:
            return self.hosts[name]
        except KeyError:
            raise errors.NotFound(
                f'Host {name} could not be found.') from None

    def get_flavor(self, flavor_id: str) -> entities.Flavor:
        """The flavor of that id.

        :raises errors.NotFound: there is none
        """
        try:
            return self.flavors[flavor_id]
        except KeyError:
            raise errors.NotFound(
                f'Flavor {flavor_id} could not be found.') from None

    def get_group(self, group_id: str) -> entities.Group:
        """The server group of that id.

        :raises errors.NotFound: there is none
        """
        try:
            return self.groups[group_id]
        except KeyError:
            raise errors.NotFound(
                f'Instance group {group_id} could not be found.') from None

    def is_silent(self, host: str | None) -> bool:
        """Whether a host is in a cell that Nova's API does not reach."""
        return host is not None and (
            self.hosts[host].cell in self.silent_cells)

    def unfinished_migrations(self, server_id: str | None = None
                              ) -> list[entities.Migration]:
        """Migrations under way or not confirmed, oldest first."""
        return [migration for migration in self.migrations
                if migration.unfinished
                and server_id in (None, migration.server)]

    def servers_on(self, host: str) -> list[entities.Server]:
        """The servers that Nova says are on a host, in creation order."""
        return [server for server in self.servers.values()
                if server.host == host and not server.deleted]

    # the books of Placement

    def usage(self, host: str) -> dict[str, int]:
        """Resources used of a host, by resource class."""
        used = dict.fromkeys(self.hosts[host].inventory, 0)
        for resources in self.allocations[host].values():
            for name, amount in resources.items():
                used[name] += amount
        return used

    def capacity(self, host: str, name: str) -> int:
        """What of a resource class may be allocated at all."""
        inventory = self.hosts[host].inventory[name]
        return int((inventory['total'] - inventory['reserved'])
                   * inventory['allocation_ratio'])

    def consumer_host(self, consumer: str) -> str | None:
        """The host from which a consumer has its allocation, or None."""
        for host, consumers in self.allocations.items():
            if consumer in consumers:
                return host
        return None

    def _allocate(self, consumer, host, flavor):
        self.allocations[host][consumer] = flavor.resources()
        self.hosts[host].generation += 1

    def _free(self, consumer):
        host = self.consumer_host(consumer)
        if host is not None:
            del self.allocations[host][consumer]
            self.hosts[host].generation += 1

    # instance actions

    def _start_action(self, server, action, request_id, caller
                      ) -> entities.Action:
        started = entities.Action(
            action, server.id, request_id, caller.user, caller.project,
            self.now, self.now)
        server.actions.append(started)
        return started

    def _start_event(self, action, name, host=None):
        action.updated = self.now
        action.events.append(entities.ActionEvent(name, host, self.now))

    def _end_event(self, action, error=None):
        """Close the action's open event; an error marks the action too."""
        action.updated = self.now
        if action.events and action.events[-1].finish is None:
            event = action.events[-1]
            event.finish = self.now
            event.result = 'Error' if error else 'Success'
            event.details = error
        if error:
            action.message = 'Error'

    def _set_fault(self, server, message, code=500):
        server.fault = {'code': code, 'created': self.now,
                        'message': message}
