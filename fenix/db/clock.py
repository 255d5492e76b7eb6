# SPDX-License-Identifier: Apache-2.0
"""The one clock: the database's.

Deadlines, leases and wake-ups are compared with it, so that the clocks of
the hosts may differ.
"""

import datetime
import time

import sqlalchemy as sa

from fenix.db import core
from fenix.db import types

#: Seconds after which an answer says too little of the time.
SLOW = 0.5


@core.reader
def now(db):
    """Return the time of the database (aware, UTC)."""
    return db.scalar(sa.select(types.utcnow()))


@core.reader
def _zero(db):
    """Return what the database's clock showed when monotonic was zero."""
    db.connection()  # a new connection takes its time: not while we measure
    before = time.monotonic()
    there = db.scalar(sa.select(types.utcnow()))
    after = time.monotonic()
    return there - datetime.timedelta(seconds=(before + after) / 2)


class DatabaseClock:
    """The database's time without asking it each time.

    May be used by several threads. Wrong by half a round trip, and by what
    the clocks drift apart between two calls of ``sync``.
    """

    def __init__(self):
        self._zero = None

    def sync(self):
        """Compare the clocks; once at first, then now and again.

        A slow answer tells little, and is used only if there is no other.

        :raises: any of core.ERRORS; the clock then goes on as before
        """
        before = time.monotonic()
        zero = _zero()
        if self._zero is None or time.monotonic() - before < SLOW:
            self._zero = zero

    def now(self):
        """Return the time of the database as far as known (aware, UTC)."""
        if self._zero is None:
            self.sync()
        return self._zero + datetime.timedelta(seconds=time.monotonic())
