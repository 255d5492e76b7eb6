# SPDX-License-Identifier: Apache-2.0
"""What happened in the sandbox, one JSON object a line."""

import collections.abc
import json
import threading
import time
from typing import Any

from oslo_log import log as logging

LOG = logging.getLogger(__name__)


class Timeline:
    """Keeps and writes the lines, and tells those who want to know.

    Safe to use from any thread. A subscriber is called with the line (a
    dict) in the thread that records, so it must be quick.
    """

    def __init__(self, path: str | None = None,
                 clock: collections.abc.Callable[[], float] = time.time):
        self.lines: list[dict[str, Any]] = []
        self._clock = clock
        self._lock = threading.Lock()
        self._subscribers: list[collections.abc.Callable] = []
        self._stream = None
        if path is not None:
            self._stream = open(path, 'w', encoding='utf-8')  # noqa: SIM115

    def subscribe(self, callback: collections.abc.Callable[[dict], None]):
        """Call this with each line that comes from now on."""
        self._subscribers.append(callback)

    def record(self, what: str, t: float | None = None, **fields: Any):
        """Add a line.

        :param what: what happened
        :param t: when, in seconds since the epoch; default now
        """
        line = {'t': self._clock() if t is None else t, 'what': what}
        line.update(fields)
        with self._lock:
            self.lines.append(line)
            if self._stream is not None:
                self._stream.write(json.dumps(line, default=str) + '\n')
                self._stream.flush()
        for callback in self._subscribers:
            try:
                callback(line)
            except Exception:
                LOG.exception('A subscriber of the timeline failed')

    def close(self):
        """Write the last line and close the file; later lines are kept."""
        self.record('end')
        with self._lock:
            if self._stream is not None:
                self._stream.close()
                self._stream = None
