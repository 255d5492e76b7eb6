# SPDX-License-Identifier: Apache-2.0
"""Threads that make calls."""

import queue
import threading
import time

from oslo_log import log as logging

LOG = logging.getLogger(__name__)


class Lane:
    """Threads that make calls in the order in which they come.

    Daemons, unlike those of ``concurrent.futures``: a call that hangs does
    not keep the process from its end.
    """

    def __init__(self, name, threads):
        self._calls = queue.SimpleQueue()
        #: Names of the threads that make a call just now.
        self._busy = set()
        self._threads = [
            threading.Thread(target=self._work, daemon=True,
                             name=f'{name}-{number}')
            for number in range(threads)]
        for thread in self._threads:
            thread.start()

    def put(self, call):
        self._calls.put(call)

    def load(self):
        """Return (calls that wait, threads at work, threads)."""
        return self._calls.qsize(), len(self._busy), len(self._threads)

    def stop(self, end):
        """Wait until the calls that were put have ended, or it is time."""
        for _ in self._threads:
            self._calls.put(None)
        for thread in self._threads:
            thread.join(max(0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self):
        name = threading.current_thread().name
        while (call := self._calls.get()) is not None:
            self._busy.add(name)
            try:
                call()
            except Exception:
                LOG.exception('a call broke')
            finally:
                self._busy.discard(name)
