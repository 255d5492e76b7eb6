# SPDX-License-Identifier: Apache-2.0
"""How large the engines of a run got."""

import contextlib
import time

from fenix.sandbox import processes

#: Seconds between two looks.
LOOK = 1.0
#: Memory that an engine may have, in MB.
MEMORY_MB = 300
#: Threads that an engine may have besides those that watch commands. With
#: the default options it starts 46 for turns and calls, a dozen for its loops,
#: and the library of the message bus some for each of its connections.
THREADS = 100


class Sizes:
    """The most that any engine had, of those that were looked at.

    :param commands: how many run at once at most on the hosts; each has a
        thread that watches it
    :ivar memory_mb: memory of its own and what it shares with the nursery;
        not that of commands, which for a moment look as large as the engine
        that starts them
    :ivar threads: threads
    """

    def __init__(self, commands: int):
        self._threads_bar = THREADS + commands
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
                                     processes.peak_mb(pid))
                self.threads = max(self.threads, processes.threads(pid))

    def figures(self) -> dict:
        """Return them by name, with their bars."""
        return {'peak_mb': round(self.memory_mb, 1),
                'peak_mb_bar': MEMORY_MB, 'threads': self.threads,
                'threads_bar': self._threads_bar}
