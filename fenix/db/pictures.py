# SPDX-License-Identifier: Apache-2.0
"""A session as a whole, for the engine that owns it.

Only the owner of the present epoch writes; whoever lost a session learns it
by ``Fenced`` and has then written nothing.
"""

import collections
import dataclasses

import sqlalchemy as sa

from fenix import errors
from fenix.db import claims as claims_
from fenix.db import core
from fenix.db import kept_hosts
from fenix.db import models
from fenix.db import types

#: Tables in the order in which rows may refer to each other.
_ORDER = {table.name: place for place, table in
          enumerate(models.Base.metadata.sorted_tables)}

#: Rows that one statement changes.
TOGETHER = 500


@dataclasses.dataclass
class Rows:
    """A session and all that belongs to it."""

    session: models.Session
    hosts: list[models.Host]
    instances: list[models.Instance]
    asks: list[models.Ask]
    moves: list[models.Move]
    actions: list[models.ActionPlugin]
    runs: list[models.ActionRun]
    #: In the order of seq and position.
    events: list[models.Event]


def read(db, session_id, *events_where):
    """Read a session inside a transaction.

    :param events_where: which of its events
    :raises: SessionNotFound
    """
    session = db.get(models.Session, session_id)
    if session is None:
        raise errors.SessionNotFound()

    def rows(model, *where, order):
        return list(db.scalars(
            sa.select(model).where(model.session_id == session_id, *where)
            .order_by(*order, model.id)))

    return Rows(
        session=session,
        hosts=rows(models.Host,
                   order=[models.Host.position, models.Host.name]),
        instances=rows(models.Instance, order=[models.Instance.name]),
        asks=rows(models.Ask, order=[models.Ask.created_at]),
        moves=rows(models.Move, order=[models.Move.intended_at]),
        actions=rows(models.ActionPlugin,
                     order=[models.ActionPlugin.position]),
        runs=rows(models.ActionRun, order=[models.ActionRun.started_at]),
        events=rows(models.Event, *events_where,
                    order=[models.Event.seq, models.Event.position]))


@core.reader
def load(db, session_id):
    """Return the ``Rows`` of a session; of its events the unpublished ones.

    :raises: SessionNotFound
    """
    return read(db, session_id, models.Event.message_id.is_not(None),
                models.Event.published_at.is_(None))


@core.writer
def commit(db, session_id, owner, epoch, added=(), changed=(),
           consumed_replies=(), consumed_requests=(), claims=()):
    """Write what a turn of the owner has changed, all or nothing.

    :param added: new rows, of any model
    :param changed: (model, id, {attribute: value}) for each changed row
    :param consumed_replies: ids of replies that this acts on
    :param consumed_requests: ids of requests that this acts on
    :param claims: operations of ``fenix.db.claims``, in this order
    :raises: Fenced if another engine has taken the session, Busy and
        HostClaimed from claims; then nothing is written. DBDuplicateEntry
        (one of core.ERRORS) if all was written by an earlier attempt.
    """
    _fence(db, session_id, owner, epoch)
    for operation in claims:
        operation.execute(db, session_id)
    insert(db, added)
    _update(db, changed)
    for model, ids in ((models.Reply, consumed_replies),
                       (models.Request, consumed_requests)):
        if ids:
            db.execute(
                sa.update(model.__table__)
                .where(model.id.in_(list(ids)),
                       model.session_id == session_id)
                .values(consumed_at=types.utcnow()))


@core.writer
def remove(db, session_id, owner, epoch):
    """Delete a session, all that belongs to it, and its claims.

    The hosts that it leaves disabled are noted.

    :raises: Fenced if another engine has taken the session
    """
    _fence(db, session_id, owner, epoch)
    kept_hosts.note(db, session_id)
    claims_.release_all(db, session_id)
    db.execute(sa.delete(models.Session.__table__).where(
        models.Session.id == session_id))


def _fence(db, session_id, owner, epoch):
    """Lock the session for its owner, before anything else is written."""
    found = db.execute(
        sa.update(models.Session.__table__)
        .where(models.Session.id == session_id,
               models.Session.owner == owner, models.Session.epoch == epoch)
        .values(seq=models.Session.seq + 1))
    if found.rowcount != 1:
        raise errors.Fenced(f'session {session_id} is no longer of epoch '
                            f'{epoch} of engine {owner}')


def insert(db, added):
    rows = collections.defaultdict(list)
    for row in added:
        rows[type(row)].append({
            attribute.columns[0].key: getattr(row, attribute.key)
            for attribute in sa.inspect(type(row)).column_attrs})
    for model in sorted(rows, key=lambda model: _ORDER[model.__tablename__]):
        db.execute(sa.insert(model.__table__), rows[model])


def _update(db, changed):
    merged = collections.defaultdict(dict)
    for model, key, values in changed:
        merged[model, key].update(values)
    alike = collections.defaultdict(list)
    for (model, key), values in merged.items():
        alike[model, tuple(sorted(values))].append((key, values))
    for (model, names), rows in alike.items():
        if not names:
            continue
        columns = sa.inspect(model).columns
        table = model.__table__
        same, others = _by_values(names, rows)
        for values, keys in same:
            for place in range(0, len(keys), TOGETHER):
                db.execute(
                    sa.update(table)
                    .where(table.c.id.in_(keys[place:place + TOGETHER]))
                    .values({columns[name].key: value for name, value
                             in zip(names, values, strict=True)}))
        if not others:
            continue
        db.connection().execute(
            sa.update(table)
            .where(table.c.id == sa.bindparam('row_id'))
            .values({columns[name].key: sa.bindparam(f'new_{name}')
                     for name in names}),
            [{'row_id': key, **{f'new_{name}': values[name]
                                for name in names}}
             for key, values in others])


def _by_values(names, rows):
    """Part the rows that get the same values from those with their own.

    A statement for each row is what makes a large turn long.

    :param rows: (id, {attribute: value})
    :returns: ([(values, ids)], [(id, {attribute: value})])
    """
    found = collections.defaultdict(list)
    others = []
    for key, values in rows:
        try:
            found[tuple(values[name] for name in names)].append(
                (key, values))
        except TypeError:
            others.append((key, values))    # It has a list or an object.
    same = []
    for values, alike in found.items():
        if len(alike) > 1:
            same.append((values, [key for key, _ in alike]))
        else:
            others += alike
    return same, others
