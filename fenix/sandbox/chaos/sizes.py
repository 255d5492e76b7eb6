# SPDX-License-Identifier: Apache-2.0
"""How large the engines of a run got."""

import contextlib
import time

from fenix.sandbox import processes

#: Seconds between two looks.
LOOK = 1.0


class Sizes:
    """The most that any engine had, of those that were looked at.

    :ivar memory_mb: memory of its own and what it shares with the nursery
    :ivar threads: threads
    """

    def __init__(self):
        self.memory_mb = 0.0
        self.threads = 0
        self._looked = 0.0

    def look(self, pids):
        """Look at processes, if it is time to; some may be gone."""
        if time.monotonic() < self._looked + LOOK:
            return
        self._looked = time.monotonic()
        for pid in pids:
            with contextlib.suppress(OSError):
                self.memory_mb = max(self.memory_mb,
                                     processes.memory_mb(pid) or 0)
                self.threads = max(self.threads, processes.threads(pid))

    def figures(self) -> dict:
        """Return them by name."""
        return {'peak_mb': round(self.memory_mb, 1), 'threads': self.threads}
