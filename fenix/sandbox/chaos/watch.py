# SPDX-License-Identifier: Apache-2.0
"""Looks into the database, many times a second: who owns which session.

Fenix is not asked: this reads what it has committed.
"""

import collections
import contextlib
import dataclasses
import sqlite3
import threading
import time
from urllib import parse

from oslo_log import log as logging

from fenix.sandbox import database

LOG = logging.getLogger(__name__)

#: Seconds between two looks.
LOOK = 0.05

SELECT = """
SELECT sessions.id, engines.host, sessions.epoch, sessions.seq,
       sessions.finished_at, sessions.deleting
FROM sessions LEFT JOIN engines ON engines.id = sessions.owner"""
#: The engines that came last: those that live are among them.
SELECT_ENGINES = """
SELECT host FROM engines ORDER BY started_at DESC LIMIT 20"""


@dataclasses.dataclass(frozen=True)
class Row:
    """A session at one moment.

    :ivar owner: name of its engine, or None
    :ivar resting: nothing is left to do for the engines
    """

    owner: str | None
    epoch: int
    seq: int
    resting: bool


@dataclasses.dataclass
class _Waiting:
    engine: str
    epoch: int
    seq: int
    since: float


@dataclasses.dataclass(frozen=True)
class Takeover:
    """A session whose engine was killed, and which went on.

    :ivar seconds: from the kill to the first commit under a higher epoch
    :ivar outage: the database was away in between
    """

    session: str
    engine: str
    t: float
    seconds: float
    outage: bool


class Ledger:
    """Makes takeovers and recoveries out of looks and deaths.

    Thread-safe; the times are seconds since the epoch.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._last: dict[str, Row] = {}
        self._last_t = float('-inf')
        self._dead: dict[str, float] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._outages: list[list[float]] = []
        self._awaited: list[tuple[str, float]] = []
        self.takeovers: list[Takeover] = []
        #: Engines that have registered, and when that was seen.
        self.at_work: dict[str, float] = {}
        #: How often each engine was seen to write.
        self.commits: collections.Counter = collections.Counter()
        #: Seconds until Fenix wrote again: {kind of fault: [seconds]}.
        self.recoveries: dict[str, list[float]] = {}
        #: Sessions whose epoch or seq fell.
        self.fell: list[str] = []

    def died(self, engine: str, t: float):
        """Note the moment when an engine was killed."""
        with self._lock:
            self._dead[engine] = t

    def away(self, t: float):
        """Note that the database is gone."""
        with self._lock:
            self._outages.append([t, float('inf')])

    def back(self, t: float):
        """Note that the database serves again."""
        with self._lock:
            self._outages[-1][1] = t

    @property
    def orphans(self) -> int:
        """How many sessions wait for somebody to take them over."""
        with self._lock:
            return len(self._waiting)

    def await_commit(self, kind: str, t: float):
        """Measure the time from now until a session goes on."""
        with self._lock:
            self._awaited.append((kind, t))

    def recovered(self, kind: str, seconds: float):
        """Note a recovery that was measured elsewhere."""
        with self._lock:
            self.recoveries.setdefault(kind, []).append(seconds)

    def seen(self, t: float, rows: dict[str, Row], engines=()):
        """Take a look at all sessions, which was over at a moment.

        :param engines: names of those that came last
        """
        with self._lock:
            for engine in engines:
                self.at_work.setdefault(engine, t)
            committed = False
            for session, row in rows.items():
                last = self._last.get(session)
                if last is not None and row.seq > last.seq:
                    committed = True
                    self.commits[row.owner] += row.seq - last.seq
                if last is not None and (row.seq < last.seq
                                         or row.epoch < last.epoch):
                    self.fell.append(session)
                self._follow(t, session, row)
            for session in set(self._waiting) - set(rows):
                # Only an owner deletes: somebody took it over.
                self._taken(t, session)
            if committed:
                self._note_recoveries(t)
            self._last = rows
            self._last_t = t

    def _note_recoveries(self, t):
        left = []
        for kind, since in self._awaited:
            # What was committed since the last look may be older.
            if self._last_t >= since:
                self.recoveries.setdefault(kind, []).append(t - since)
            else:
                left.append((kind, since))
        self._awaited = left

    def _follow(self, t, session, row):
        waiting = self._waiting.get(session)
        if waiting is not None:
            if row.epoch == waiting.epoch:
                # The last that the dead one has written.
                waiting.seq = row.seq
            elif row.seq > waiting.seq:
                self._taken(t, session)
            if row.resting:
                self._waiting.pop(session, None)
        if row.owner in self._dead and not row.resting:
            known = self._waiting.get(session)
            if known is None or known.epoch != row.epoch:
                # Whoever took it over and died in turn starts anew.
                self._waiting[session] = _Waiting(
                    row.owner, row.epoch, row.seq, self._dead[row.owner])

    def _taken(self, t, session):
        waiting = self._waiting.pop(session)
        self.takeovers.append(Takeover(
            session, waiting.engine, waiting.since, t - waiting.since,
            any(start <= t and end >= waiting.since
                for start, end in self._outages)))


class Watch:
    """Looks all the time, in a thread.

    :param url: of the database of Fenix
    """

    def __init__(self, url: str, ledger: Ledger):
        self._url = url
        self._ledger = ledger
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True,
                                        name='chaos-watch')

    def start(self):
        self._thread.start()

    def stop(self):
        self._stopping.set()
        self._thread.join(10)

    def _run(self):
        while not self._stopping.wait(LOOK):
            try:
                with contextlib.closing(connect(self._url)) as connection:
                    while not self._stopping.wait(LOOK):
                        rows, engines = read(connection)
                        self._ledger.seen(time.time(), rows, engines)
            except Exception as error:
                # It is away, as it should be now and then.
                LOG.info('Nothing is seen: %s', error)


def connect(url: str):
    """Open a connection that sees what is committed, at each statement."""
    parts = parse.urlsplit(url)
    arguments = database.arguments(parts)
    name = parts.path.strip('/')
    if parts.scheme.startswith('sqlite'):
        return sqlite3.connect(f'file:{parts.path[1:]}?mode=ro', uri=True,
                               isolation_level=None, timeout=10)
    if parts.scheme.startswith('postgres'):
        import psycopg
        return psycopg.connect(dbname=name, autocommit=True,
                               connect_timeout=2, **arguments)
    import pymysql
    return pymysql.connect(database=name, autocommit=True, read_timeout=10,
                           connect_timeout=2, **arguments)


def read(connection) -> tuple[dict[str, Row], list[str]]:
    """Return all sessions by their ids, and the engines that came last."""
    with contextlib.closing(connection.cursor()) as cursor:
        cursor.execute(SELECT)
        rows = {session: Row(owner, epoch, seq,
                             finished is not None and not deleting)
                for session, owner, epoch, seq, finished, deleting
                in cursor.fetchall()}
        cursor.execute(SELECT_ENGINES)
        return rows, [name for name, in cursor.fetchall()]
