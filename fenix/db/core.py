# SPDX-License-Identifier: Apache-2.0
"""The way to the database: transactions and their retries.

A query function is written with the database session as its first argument
and called without it::

    @core.reader
    def get(db, session_id):
        return db.get(models.Session, session_id)

    session = sessions.get(session_id)

One call is one transaction, so a query function never calls another one.
What it returns is detached: plain records in memory.
"""

import functools

import oslo_db.api
import oslo_db.exception
import sqlalchemy as sa
from oslo_db.sqlalchemy import enginefacade
from sqlalchemy import exc

from fenix import errors
from fenix.db import servers
from fenix.db import sqlite

#: What a query function may raise when the database fails it, besides the
#: errors that it documents.
ERRORS = (oslo_db.exception.DBError, exc.SQLAlchemyError)
#: Seconds that a lease lasts, where nobody says another.
LEASE_TIME = 10

_manager = enginefacade.transaction_context()
_configured = False


class _Scope:
    """What oslo.db hangs a transaction on; a new one for each call."""


def configure(conf, lease_time=LEASE_TIME):
    """Use the database that [database] of ``conf`` names from now on.

    Connections are opened by the first query, not here, so that a process
    may fork in between.

    :param lease_time: seconds that a lease lasts; a transaction that stands
        still is ended before others may take over what it has locked
    :raises: BadConfiguration if no database is named
    """
    global _manager, _configured
    if not conf.database.connection:
        raise errors.BadConfiguration(
            'No database is configured: set [database] connection, for '
            'example to mysql+pymysql://fenix:secret@controller/fenix or '
            'sqlite:////var/lib/fenix/fenix.sqlite')
    dispose()
    manager = enginefacade.transaction_context()
    settings = dict(conf.database.items())
    manager.configure(**{
        **settings, 'connection': _url(conf.database.connection),
        # The threads are native: none of them has to be let in.
        'sqlite_fk': True, 'thread_checkin': False})
    manager.append_on_engine_create(functools.partial(
        _prepare, durable=conf.database.sqlite_synchronous,
        lease_time=lease_time))
    _manager = manager
    _configured = True


def _url(text):
    url = sa.make_url(text)
    if url.get_backend_name() in ('mysql', 'mariadb'):
        # oslo.db asks for "utf8", which to MySQL means three bytes at most
        url = url.update_query_dict(
            {'charset': url.query.get('charset', 'utf8mb4')})
    return url.render_as_string(hide_password=False)


def configured():
    """Tell whether ``configure`` was called."""
    return _configured


def engine():
    """Return the SQLAlchemy engine, for migrations."""
    return _manager.writer.get_engine()


def dispose():
    """Close the connections that nobody uses; the next query opens anew."""
    _manager.dispose_pool()
    sqlite.close()


def _retried(function):
    # Outside the transaction: each attempt is a transaction of its own.
    return oslo_db.api.wrap_db_retry(
        max_retries=5, retry_interval=0.1, retry_on_deadlock=True)(function)


def reader(function):
    """Run a query function in a transaction that is only read in.

    :raises: any of ERRORS, and what the function itself raises
    """
    @_retried
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        with _manager.reader.using(_Scope()) as db:
            return function(db, *args, **kwargs)
    return wrapper


def writer(function):
    """Run a query function in a transaction, again after a deadlock.

    So the function must be able to run several times and do nothing but
    SQL. An exception rolls everything back.

    :raises: any of ERRORS, and what the function itself raises; after a
        lost connection the transaction may be committed or not
    """
    @_retried
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        token = sqlite.writing.set(True)
        try:
            with _manager.writer.using(_Scope()) as db:
                return function(db, *args, **kwargs)
        finally:
            sqlite.writing.reset(token)
    return wrapper


def again(error):
    """Return the exception that makes a writer start again from the front.

    :param error: raised instead when it has been tried often enough
    """
    return oslo_db.exception.RetryRequest(error)


def _prepare(engine, durable, lease_time):
    if engine.dialect.name == 'sqlite':
        sqlite.prepare(engine, durable)
    else:
        servers.prepare(engine, lease_time)
