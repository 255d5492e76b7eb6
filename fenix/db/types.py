# SPDX-License-Identifier: Apache-2.0
"""Column types and SQL functions that mean the same on each database."""

import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.ext import compiler
from sqlalchemy.sql import functions


def storable(value):
    """Return a text, or what JSON can hold, without what databases refuse.

    That is NUL (PostgreSQL) and halves of surrogate pairs (all of them).
    Programs print the one, JSON of a client may hold either.
    """
    if isinstance(value, str):
        if value.isascii() and '\0' not in value:
            return value
        return value.replace('\0', '\ufffd').encode(
            'utf-8', 'replace').decode()
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return value


class _Storable(sa.types.TypeDecorator):

    def process_bind_param(self, value, dialect):
        return storable(value)


class JSON(_Storable):
    """Lists, mappings and scalars."""

    impl = sa.JSON
    cache_ok = True


class String(_Storable):
    """A short text."""

    impl = sa.String
    cache_ok = True


class Text(_Storable):
    """A long text: 64 KB on MySQL."""

    impl = sa.Text
    cache_ok = True


class LongText(_Storable):
    """A very long text: 16 MB on MySQL."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect):
        if dialect.name in ('mysql', 'mariadb'):
            return dialect.type_descriptor(mysql.MEDIUMTEXT())
        return dialect.type_descriptor(sa.Text())


class UTCDateTime(sa.types.TypeDecorator):
    """An aware UTC datetime with microseconds."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect):
        if dialect.name in ('mysql', 'mariadb'):
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(sa.DateTime())

    def process_bind_param(self, value, dialect):
        if value is None:
            return None
        return value.astimezone(datetime.UTC).replace(tzinfo=None)

    def process_result_value(self, value, dialect):
        return value and value.replace(tzinfo=datetime.UTC)


class utcnow(functions.FunctionElement):
    """The database's own clock: the time of the statement, in UTC."""

    type = UTCDateTime()
    inherit_cache = True


@compiler.compiles(utcnow, 'sqlite')
def _sqlite_now(element, compiler, **kw):
    return 'utc_after(0)'   # fenix.db.sqlite gives it to each connection


@compiler.compiles(utcnow, 'mysql', 'mariadb')
def _mysql_now(element, compiler, **kw):
    return 'UTC_TIMESTAMP(6)'


@compiler.compiles(utcnow, 'postgresql')
def _postgresql_now(element, compiler, **kw):
    # now() would be the time at which the transaction began
    return "(clock_timestamp() AT TIME ZONE 'UTC')"


class seconds_from_now(functions.FunctionElement):
    """The database's time so many seconds from now; ago if negative."""

    type = UTCDateTime()
    inherit_cache = True

    def __init__(self, seconds):
        super().__init__(sa.literal(seconds, sa.Double()))


@compiler.compiles(seconds_from_now, 'sqlite')
def _sqlite_from_now(element, compiler, **kw):
    return f'utc_after({_seconds(element, compiler, kw)})'


@compiler.compiles(seconds_from_now, 'mysql', 'mariadb')
def _mysql_from_now(element, compiler, **kw):
    return ('TIMESTAMPADD(MICROSECOND, '
            f'1000000 * {_seconds(element, compiler, kw)}, '
            f'{_mysql_now(element, compiler)})')


@compiler.compiles(seconds_from_now, 'postgresql')
def _postgresql_from_now(element, compiler, **kw):
    return (f'({_postgresql_now(element, compiler)} + '
            f"{_seconds(element, compiler, kw)} * interval '1 second')")


def _seconds(element, compiler, kw):
    return compiler.process(element.clauses, **kw)
