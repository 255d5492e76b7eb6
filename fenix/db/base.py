# SPDX-License-Identifier: Apache-2.0
"""What all tables have in common."""

import datetime
import functools
import uuid

import sqlalchemy as sa
from sqlalchemy import orm

from fenix.db import types

Id = types.String(36)
Name = types.String(255)
Word = types.String(32)
Time = types.UTCDateTime


def new_id():
    """Return a new id; made before the transaction that stores it.

    A repeated transaction then collides with itself instead of storing
    the same thing twice.
    """
    return str(uuid.uuid4())


class Base(orm.DeclarativeBase):
    """Base of all tables."""

    type_annotation_map = {datetime.datetime: Time, dict: types.JSON,
                           list: types.JSON, str: Name}

    # Compared byte by byte, as the other databases do and clouds mean it.
    __table_args__ = {'mysql_engine': 'InnoDB', 'mysql_charset': 'utf8mb4',
                      'mysql_collate': 'utf8mb4_bin'}

    def __init__(self, **values):
        """Make a record that is complete at once, id and defaults included.

        SQLAlchemy would fill in the defaults when it is stored: too late
        for who keeps it in memory, and a new id at each attempt.
        """
        defaults = _defaults(type(self))
        for name in values.keys() - defaults.keys():
            raise TypeError(f'{type(self).__name__} has no {name}')
        for name, default in defaults.items():
            if name in values:
                value = values[name]
            elif default is None:
                value = None
            else:
                value = (default.arg(None) if default.is_callable
                         else default.arg)
            setattr(self, name, value)


@functools.cache
def _defaults(model):
    """Return the default of each attribute of a model, or None."""
    return {column.key: column.columns[0].default
            for column in sa.inspect(model).column_attrs}


def primary_key():
    """A column for the id of a row."""
    return orm.mapped_column(Id, primary_key=True, default=new_id)


def of_session(index=True):
    """A column for the session that a row belongs to."""
    return orm.mapped_column(
        Id, sa.ForeignKey('sessions.id', ondelete='CASCADE'), index=index)
