# SPDX-License-Identifier: Apache-2.0
"""An engine without threads: ``world`` has it do one thing at a time."""

import collections

from fenix.engine import engine
from fenix.engine import executor

#: Seconds between the monotonic clocks of two engines.
APART = 3607


class Lane:
    """Stands for the threads of an executor."""

    def __init__(self, name, ranks, calls=None):
        self.calls = collections.deque()

    def put(self, call, rank=None, about=None):
        self.calls.append((call, about))

    def take_back(self, wanted):
        found = [about for _, about in self.calls if wanted(about)]
        self.calls = collections.deque(
            entry for entry in self.calls if not wanted(entry[1]))
        return found


class _Turns:
    """Stands for the dispatcher."""

    def __init__(self):
        self.ready = collections.deque()

    def wake(self, runner):
        if runner not in self.ready:
            self.ready.append(runner)

    def healthy(self, patience):
        return True


class Engine(engine.Engine):
    """An engine with everything below it.

    :ivar offset: seconds by which its monotonic clock is wrong
    :ivar asleep: (when to go on, greenlet) of what waits
    """

    def __init__(self, world, number):
        super().__init__(world.conf)
        self.world = world
        self.offset = APART * number
        self.cloud, self.publisher = world.cloud, world
        self.dispatcher = _Turns()
        self.executor = executor.Executor(
            executor.Calls(self.cloud, self.publisher, self.plugin),
            self.clock, self.may_change, self.dispatcher.wake, 1,
            at_once=200)
        self.asleep = []

    def plugin(self, name):
        return self.world.work

    @property
    def host(self):
        return 'here'

    @property
    def runners(self):
        return list(self._runners.values())

    @property
    def leased(self):
        """Seconds for which the lease is still valid."""
        return self._leased_until - self.world.monotonic(self)

    def renew(self, seconds):
        """Renew the lease for so long, as its thread would."""
        self._renew(seconds)

    def look(self):
        """Look for work soon."""
        self._look.set()

    def _own(self, engine_id, session_id, epoch):
        super()._own(engine_id, session_id, epoch)
        self.world.owned(session_id, epoch)

    def next_job(self):
        """Return what is to be done next, or None."""
        now = self.world.clock.now()
        for place, (when, job) in enumerate(self.asleep):
            if when <= now:
                del self.asleep[place]
                return job
        if self._look.is_set():
            return self._look_again
        if self.dispatcher.ready:
            return self._take_turn
        for lane in vars(self.executor).values():
            if isinstance(lane, Lane) and lane.calls:
                return lane.calls.popleft()[0]
        return None

    def _look_again(self):
        self._look.clear()
        self._look_for_work()

    def _take_turn(self):
        runner = self.dispatcher.ready.popleft()
        runner.turn()
        if runner.ended:
            self._drop(runner)
        elif runner.has_messages:
            self.dispatcher.wake(runner)

    def wake_due(self):
        """Give a turn to each runner whose time has come."""
        for runner in self.runners:
            if runner.next_wake and runner.next_wake <= (
                    self.world.clock.now()):
                self.dispatcher.wake(runner)

    def due(self):
        """Return the times at which there is something to do."""
        return [when for when, _ in self.asleep] + [
            runner.next_wake for runner in self.runners if runner.next_wake]
