# SPDX-License-Identifier: Apache-2.0
"""Gives turns to the runners that have something to do.

A runner has a turn when it has got a message, or when a time comes that it
waits for.
"""

import heapq
import itertools
import queue
import threading
import time

from oslo_log import log as logging

LOG = logging.getLogger(__name__)


class Dispatcher:
    """Threads that take the turns of runners.

    :param clock: tells the database's time
    :param ended: called with a runner that needs no more turns
    :param threads: how many turns are taken at once
    """

    def __init__(self, clock, ended, threads):
        self.clock = clock
        self.ended = ended
        self._ready = queue.SimpleQueue()
        self._queued = set()
        self._timers = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._stop = threading.Event()
        #: When each thread last showed a sign of life (monotonic).
        self.alive_at = {}
        self._threads = [
            threading.Thread(target=self._work, args=(number,), daemon=True,
                             name=f'fenix-runner-{number}')
            for number in range(threads)]
        self._threads.append(threading.Thread(
            target=self._watch_timers, daemon=True, name='fenix-timers'))

    def start(self):
        for thread in self._threads:
            thread.start()

    def wake(self, runner):
        """Give a runner a turn as soon as a thread is free."""
        with self._changed:
            if runner in self._queued:
                return
            self._queued.add(runner)
        self._ready.put(runner)

    def healthy(self, patience):
        """Tell whether turns are taken: no thread is stuck for so long."""
        limit = time.monotonic() - patience
        return all(at > limit for at in self.alive_at.values())

    def stop(self, timeout):
        """Take no more turns; those that go on are waited for."""
        self._stop.set()
        for _ in self._threads:
            self._ready.put(None)
        with self._changed:
            self._changed.notify_all()
        end = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0, end - time.monotonic()))

    def _work(self, number):
        while not self._stop.is_set():
            self.alive_at[number] = time.monotonic()
            try:
                runner = self._ready.get(timeout=1)
            except queue.Empty:
                continue
            if runner is None:
                return
            with self._changed:
                self._queued.discard(runner)
            runner.turn()
            if runner.ended:
                self.ended(runner)
            elif runner.has_messages:
                self.wake(runner)
            else:
                self._set_timer(runner)

    def _set_timer(self, runner):
        when = runner.next_wake
        if when is None:
            return
        with self._changed:
            heapq.heappush(
                self._timers, (when, next(self._order), runner))
            self._changed.notify()

    def _watch_timers(self):
        while not self._stop.is_set():
            with self._changed:
                now = self.clock.now()
                due = []
                while self._timers and self._timers[0][0] <= now:
                    due.append(heapq.heappop(self._timers)[2])
                if not due:
                    wait = (min(1, (self._timers[0][0]
                                    - now).total_seconds())
                            if self._timers else 1)
                    self._changed.wait(wait)
            for runner in due:
                when = runner.next_wake
                if when is not None and when <= now:
                    self.wake(runner)
