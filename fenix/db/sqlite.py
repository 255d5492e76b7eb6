# SPDX-License-Identifier: Apache-2.0
"""What SQLite needs to serve several threads and processes well."""

import contextvars
import datetime
import os
import sqlite3
import threading

import sqlalchemy as sa

#: Set while a transaction is begun that writes.
writing = contextvars.ContextVar('writing', default=False)

_lock = threading.Lock()
_kept = {}


def prepare(engine, durable):
    """Set up an engine, before its first connection.

    :param durable: whether what is committed survives a power failure
    """
    @sa.event.listens_for(engine, 'connect')
    def on_connect(connection, record):
        connection.execute('PRAGMA busy_timeout=10000')
        connection.execute('PRAGMA journal_mode=WAL')
        if durable:
            connection.execute('PRAGMA synchronous=FULL')
        connection.create_function('utc_after', 1, _utc_after)
        _keep_open(engine.url.database)

    @sa.event.listens_for(engine, 'begin')
    def on_begin(connection):
        # A transaction that reads first and writes later fails when
        # another one wrote in between, without waiting. oslo.db has begun
        # already, and there is no way to come before it.
        if writing.get():
            connection.exec_driver_sql('COMMIT')
            connection.exec_driver_sql('BEGIN IMMEDIATE')


def _utc_after(seconds):
    """Return the time so many seconds from now.

    SQLite's own clock counts milliseconds, in which two replies may come.
    All six digits are written, as SQLAlchemy stores them, so that comparing
    the texts compares the times.
    """
    when = (datetime.datetime.now(datetime.UTC)
            + datetime.timedelta(seconds=seconds))
    return when.replace(tzinfo=None).isoformat(' ', 'microseconds')


def _keep_open(path):
    """Keep one connection open, which never writes.

    oslo.db opens one for each transaction; and whenever the last one is
    closed, SQLite moves all of the log into the database and deletes it,
    which takes longer than the transaction.
    """
    if not path or path == ':memory:' or path in _kept:
        return
    with _lock:
        if path not in _kept:
            connection = sqlite3.connect(path, check_same_thread=False)
            # Only who has read takes part in the log
            connection.execute('SELECT * FROM sqlite_master').fetchall()
            _kept[path] = connection


def close():
    """Close what is kept open; the next transaction opens it anew."""
    with _lock:
        while _kept:
            _kept.popitem()[1].close()


# A child must not inherit open files of SQLite: their locks stay behind.
os.register_at_fork(before=close)
