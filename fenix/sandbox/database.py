# SPDX-License-Identifier: Apache-2.0
"""A database of its own for a run, on a server that is there already."""

import collections.abc
import contextlib
import secrets
from urllib import parse


class DatabaseError(Exception):
    """No database can be made there."""


@contextlib.contextmanager
def fresh(url: str) -> collections.abc.Iterator[str]:
    """Make an empty database on a server, and remove it at the end.

    :param url: as SQLAlchemy has it; its database is only connected to
    :returns: the URL of the new database; an SQLite file is used as it is
    :raises DatabaseError: this kind of server is not known, or it refuses
    """
    parts = parse.urlsplit(url)
    kind = parts.scheme.partition('+')[0]
    if kind == 'sqlite':
        yield url
        return
    name = f'fenix_sandbox_{secrets.token_hex(4)}'
    if kind in ('mysql', 'mariadb'):
        execute, charset = _mysql, ' CHARACTER SET utf8mb4'
    elif kind in ('postgresql', 'postgres'):
        execute, charset = _postgresql, ''
    else:
        raise DatabaseError(f'{kind} is not known: use mysql+pymysql, '
                            f'postgresql+psycopg or sqlite')
    execute(parts, f'CREATE DATABASE {name}{charset}')
    try:
        yield parse.urlunsplit(parts._replace(path=f'/{name}'))
    finally:
        force = ' WITH (FORCE)' if execute is _postgresql else ''
        execute(parts, f'DROP DATABASE {name}{force}')


def arguments(parts) -> dict:
    """Return how to connect, as both drivers take it."""
    found = {'host': parts.hostname, 'port': parts.port,
             'user': parts.username and parse.unquote(parts.username),
             'password': parts.password and parse.unquote(parts.password)}
    return {name: value for name, value in found.items() if value}


def _mysql(parts, statement):
    # Only a run that uses it needs the driver.
    import pymysql
    query = dict(parse.parse_qsl(parts.query))
    try:
        with contextlib.closing(pymysql.connect(
                unix_socket=query.get('unix_socket'),
                **arguments(parts))) as connection:
            connection.cursor().execute(statement)
    except pymysql.Error as error:
        raise DatabaseError(f'{statement}: {error}') from error


def _postgresql(parts, statement):
    import psycopg
    query = dict(parse.parse_qsl(parts.query))
    where = {'dbname': parts.path.strip('/') or 'postgres', **query,
             **arguments(parts)}
    try:
        with contextlib.closing(psycopg.connect(
                autocommit=True, **where)) as connection:
            connection.execute(statement)
    except psycopg.Error as error:
        raise DatabaseError(f'{statement}: {error}') from error
