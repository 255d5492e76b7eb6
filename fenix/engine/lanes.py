# SPDX-License-Identifier: Apache-2.0
"""Threads that make calls."""

import collections
import itertools
import threading
import time

from oslo_log import log as logging

LOG = logging.getLogger(__name__)

#: Whose call it is: of a session that is deleted or let go, of one that has
#: failed, of any other.
DELETED, FAILED, OTHERS = range(3)


def rank(picture):
    """Return whose the calls of a session are.

    :param picture: of the session; None: it is let go
    """
    if picture is None or picture.session.deleting:
        return DELETED
    return OTHERS if picture.session.reason is None else FAILED


class Calls:
    """Calls that wait: those of ``DELETED`` first, all others as they came."""

    def __init__(self):
        self._waiting = [collections.deque() for _ in range(OTHERS + 1)]
        self._numbers = itertools.count()
        self._ended = False
        lock = threading.Lock()
        #: Where those wait who take calls up to a rank.
        self._come = [threading.Condition(lock) for _ in self._waiting]

    def put(self, call, rank, about=None):
        """Let a call wait.

        :param about: what ``take_back`` knows it by
        """
        with self._come[rank]:
            self._waiting[rank].append((next(self._numbers), call, about))
            for come in self._come[rank:]:
                come.notify()

    def take_back(self, wanted):
        """Let calls wait no more.

        :param wanted: tells of what a call is about whether it is one
        :returns: what they were about, in the order in which they came
        """
        found = []
        with self._come[OTHERS]:
            for waiting in self._waiting:
                kept = []
                for entry in waiting:
                    (found if wanted(entry[2]) else kept).append(entry)
                waiting.clear()
                waiting.extend(kept)
        return [about for _, _, about in sorted(
            found, key=lambda entry: entry[0])]

    def get(self, rank):
        """Wait for a call of a rank, or one before it, and return it.

        :returns: None: there are no more, and will be none
        """
        with self._come[rank]:
            while True:
                found = self._first(rank)
                if found:
                    return found.popleft()[1]
                if self._ended:
                    return None
                self._come[rank].wait()

    def _first(self, rank):
        if self._waiting[DELETED]:
            return self._waiting[DELETED]
        return min(filter(None, self._waiting[:rank + 1]), default=None,
                   key=lambda calls: calls[0][0])

    def end(self):
        """Let those who wait go once there are no more."""
        with self._come[OTHERS]:
            self._ended = True
            for come in self._come:
                come.notify_all()

    def count(self, rank):
        """Return how many wait, of a rank or one before it."""
        return sum(map(len, self._waiting[:rank + 1]))


class Lane:
    """Threads that make calls.

    Daemons, unlike those of ``concurrent.futures``: a call that hangs does
    not keep the process from its end.

    :param ranks: for each thread the last rank of the calls that it makes
    :param calls: ``Calls``; by default those of this lane alone
    """

    def __init__(self, name, ranks, calls=None):
        self.calls = calls or Calls()
        self._last = max(ranks)
        #: Names of the threads that make a call just now.
        self._busy = set()
        self._threads = [
            threading.Thread(target=self._work, args=(rank,), daemon=True,
                             name=f'{name}-{number}')
            for number, rank in enumerate(ranks)]
        for thread in self._threads:
            thread.start()

    def put(self, call, rank=OTHERS, about=None):
        self.calls.put(call, rank, about)

    def take_back(self, wanted):
        return self.calls.take_back(wanted)

    def load(self):
        """Return (calls that wait, threads at work, threads)."""
        return (self.calls.count(self._last), len(self._busy),
                len(self._threads))

    def stop(self, end):
        """Wait until the calls that were put have ended, or it is time."""
        self.calls.end()
        for thread in self._threads:
            thread.join(max(0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self, rank):
        name = threading.current_thread().name
        while (call := self.calls.get(rank)) is not None:
            self._busy.add(name)
            try:
                call()
            except Exception:
                LOG.exception('a call broke')
            finally:
                self._busy.discard(name)
