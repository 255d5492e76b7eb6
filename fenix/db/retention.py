# SPDX-License-Identifier: Apache-2.0
"""Sessions that are done: kept for a while, then deleted.

Only what is done, told and asked for nothing goes. A failed session holds
its hosts and waits for its administrator, however long.

Any number of processes may do this at once, and die in the middle: each
transaction first locks its session and finds it unchanged, or does nothing.
"""

import collections

import sqlalchemy as sa

from fenix import words
from fenix.db import claims
from fenix.db import core
from fenix.db import leases
from fenix.db import models

#: Rows of a table that one transaction deletes, where they may be many.
BATCH = 1000

_PARTS = (models.Host, models.Instance, models.Ask, models.Move,
          models.ActionPlugin, models.ActionRun, models.Reply,
          models.Request, models.Event)
#: What nobody needs to understand the rest, and may be very many.
_BULK = (models.Event, models.Reply)


def purge(before, limit):
    """Delete sessions that were done before a time, the oldest first.

    :param before: aware
    :param limit: how many at most
    :returns: a Counter of the rows deleted, by table
    """
    deleted = collections.Counter()
    for session_id, epoch in _candidates(before, limit):
        for model in _BULK:
            while number := _thin(session_id, epoch, model):
                deleted[model.__tablename__] += number
        deleted += _delete(session_id, epoch)
    return deleted


@core.reader
def count(db, before, limit):
    """Return what ``purge`` would delete, as a Counter of rows by table."""
    ids = [session_id for session_id, _ in _find(db, before, limit)]
    counted = collections.Counter(sessions=len(ids))
    for model in _PARTS:
        for start in range(0, len(ids), BATCH):
            counted[model.__tablename__] += _rows(
                db, model, ids[start:start + BATCH])
    return +counted


@core.reader
def kept(db, before):
    """Return how many sessions that old are kept, by the reason."""
    def number(*where):
        return db.scalar(
            sa.select(sa.func.count()).select_from(models.Session)
            .where(models.Session.finished_at < before, *where))

    done = models.Session.state == words.MAINTENANCE_DONE
    return {'failed': number(sa.not_(done)),
            'in_use': number(done, sa.not_(_unused()))}


def _unused():
    """No engine has it, nothing is to be told, nobody asks for anything."""
    return sa.and_(leases.ownerless(), sa.not_(leases.to_do()))


@core.reader
def _candidates(db, before, limit):
    return _find(db, before, limit)


def _find(db, before, limit):
    return db.execute(
        sa.select(models.Session.id, models.Session.epoch)
        .where(models.Session.state == words.MAINTENANCE_DONE,
               models.Session.finished_at < before, _unused())
        .order_by(models.Session.finished_at).limit(limit)).all()


@core.writer
def _thin(db, session_id, epoch, model):
    """Delete a batch of a session's rows; return how many that were."""
    if not _lock(db, session_id, epoch):
        return 0
    ids = list(db.scalars(
        sa.select(model.id).where(model.session_id == session_id)
        .limit(BATCH)))
    if ids:
        db.execute(sa.delete(model.__table__).where(model.id.in_(ids)))
    return len(ids)


@core.writer
def _delete(db, session_id, epoch):
    """Delete a session and all that is left of it; return what that was."""
    if not _lock(db, session_id, epoch):
        return collections.Counter()
    deleted = collections.Counter({
        model.__tablename__: _rows(db, model, [session_id])
        for model in _PARTS}, sessions=1)
    claims.release_all(db, session_id)
    db.execute(sa.delete(models.Session.__table__).where(
        models.Session.id == session_id))
    return deleted


def _lock(db, session_id, epoch):
    """Lock a session; false if somebody took it or has deleted it."""
    return db.execute(
        sa.update(models.Session.__table__)
        .where(models.Session.id == session_id,
               models.Session.epoch == epoch, _unused())
        .values(seq=models.Session.seq + 1)).rowcount == 1


def _rows(db, model, session_ids):
    return db.scalar(sa.select(sa.func.count()).select_from(model).where(
        model.session_id.in_(session_ids)))
