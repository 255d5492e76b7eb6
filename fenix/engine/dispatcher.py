# SPDX-License-Identifier: Apache-2.0
"""Gives turns to the runners that have something to do.

A runner has a turn when it has got a message, or when a time comes that it
waits for. It is never in the hands of two threads: who is woken during a
turn has another one after it.
"""

import datetime
import queue
import threading
import time

from oslo_log import log as logging

from fenix import metrics

LOG = logging.getLogger(__name__)

#: Seconds until a thread that has nothing to do shows that it lives.
SIGN_OF_LIFE = 1.0
#: Seconds until the next turn of a runner whose turn broke.
BROKEN = datetime.timedelta(seconds=30)


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
        self._changed = threading.Condition()
        # A runner is in one of these at most; the set beside them says
        # who was woken during its turn.
        self._queued = set()
        self._running = set()
        self._timers = {}
        self._again = set()
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
        """Start to take turns."""
        for thread in self._threads:
            thread.start()

    def wake(self, runner):
        """Give a runner a turn as soon as a thread is free."""
        with self._changed:
            self._wake(runner)

    def healthy(self, patience):
        """Tell whether turns are taken: no thread is stuck for so long.

        :param patience: seconds that a turn may take
        """
        limit = time.monotonic() - patience
        return all(at > limit for at in list(self.alive_at.values()))

    def load(self):
        """Return (turns that wait, threads at work, threads)."""
        return (self._ready.qsize(), len(self._running),
                len(self._threads) - 1)

    def stop(self, timeout):
        """Take no more turns; those that go on are waited for.

        :param timeout: seconds that they have
        """
        self._stop.set()
        for _ in self._threads:
            self._ready.put(None)
        with self._changed:
            self._changed.notify_all()
        end = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0, end - time.monotonic()))

    def _wake(self, runner):
        if runner in self._running:
            self._again.add(runner)
        elif runner not in self._queued:
            self._timers.pop(runner, None)
            self._queued.add(runner)
            self._ready.put(runner)

    def _work(self, number):
        while not self._stop.is_set():
            self.alive_at[number] = time.monotonic()
            try:
                runner = self._ready.get(timeout=SIGN_OF_LIFE)
            except queue.Empty:
                continue
            if runner is not None and not self._stop.is_set():
                self._take_turn(runner)

    def _take_turn(self, runner):
        with self._changed:
            self._queued.discard(runner)
            self._running.add(runner)
        when = None
        try:
            with metrics.TURNS.time():
                runner.turn()
            if runner.ended:
                self.ended(runner)
            else:
                when = runner.next_wake
        except Exception:
            LOG.exception('a turn of session %s broke', runner.session_id)
            when = self.clock.now() + BROKEN
        with self._changed:
            self._running.discard(runner)
            again = runner in self._again
            self._again.discard(runner)
            if runner.ended:
                return
            if again or runner.has_messages:
                self._wake(runner)
            elif when is not None:
                self._timers[runner] = when
                self._changed.notify_all()

    def _watch_timers(self):
        while not self._stop.is_set():
            self.alive_at['timers'] = time.monotonic()
            with self._changed:
                try:
                    wait = self._wake_due()
                except Exception as error:
                    # The clock is the database's, which may be away.
                    LOG.warning('timers wait: %s', error)
                    wait = SIGN_OF_LIFE
                self._changed.wait(wait)

    def _wake_due(self):
        """Wake whose time has come; return the seconds until the next."""
        if not self._timers:
            return SIGN_OF_LIFE
        now = self.clock.now()
        for runner, when in list(self._timers.items()):
            if when <= now:
                self._wake(runner)
        due = min(self._timers.values(), default=None)
        if due is None:
            return SIGN_OF_LIFE
        return min(SIGN_OF_LIFE, (due - now).total_seconds())
