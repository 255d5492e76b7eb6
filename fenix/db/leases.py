# SPDX-License-Identifier: Apache-2.0
"""Which engine owns which session.

An engine has a lease that it renews; while it is valid nobody takes its
sessions. All times are the database's, compared by the database.
"""

import math

import sqlalchemy as sa

from fenix.db import core
from fenix.db import models
from fenix.db import types

#: Seconds after which the row of a dead engine is forgotten.
_KEPT = 24 * 3600


@core.writer
def register(db, engine_id, host, lease_time):
    """Let an engine in.

    :param engine_id: a new id for each incarnation
    :param host: where it runs
    :param lease_time: seconds that its lease is valid
    """
    db.execute(sa.insert(models.Engine.__table__).values(
        id=engine_id, host=host, started_at=types.utcnow(),
        lease_until=types.seconds_from_now(lease_time)))


@core.writer
def renew(db, engine_id, lease_time):
    """Renew a lease that is still valid.

    :param lease_time: seconds from now
    :returns: False if it had run out: the engine may have lost its
        sessions, and must register anew under another id
    """
    return db.execute(
        sa.update(models.Engine.__table__)
        .where(models.Engine.id == engine_id, _valid())
        .values(lease_until=types.seconds_from_now(lease_time))
    ).rowcount == 1


@core.writer
def release(db, engine_id):
    """Give up all sessions of an engine that ends, and its lease."""
    db.execute(sa.update(models.Session.__table__)
               .where(models.Session.owner == engine_id)
               .values(owner=None))
    db.execute(sa.delete(models.Engine.__table__)
               .where(models.Engine.id == engine_id))


def take(engine_id, limit):
    """Become the owner of sessions that need one.

    Takes no more than makes the engine's fair share of all that have
    something to do, and nothing if its lease has run out.

    :param limit: how many sessions the engine may own at most
    :returns: [(session id, epoch)] of those taken by this call
    """
    return [(session_id, epoch + 1)
            for session_id, epoch in _candidates(engine_id, limit)
            if _take(engine_id, session_id, epoch)]


@core.writer
def give_up(db, session_id, owner, epoch):
    """Let another engine have a session.

    :returns: whether it was the owner's in that epoch
    """
    return db.execute(
        sa.update(models.Session.__table__)
        .where(models.Session.id == session_id,
               models.Session.owner == owner, models.Session.epoch == epoch)
        .values(owner=None)).rowcount == 1


@core.reader
def owned(db, engine_id):
    """Return [(session id, epoch)] of the sessions of an engine."""
    return [tuple(row) for row in db.execute(
        sa.select(models.Session.id, models.Session.epoch)
        .where(models.Session.owner == engine_id)
        .order_by(models.Session.created_at))]


@core.writer
def purge(db):
    """Forget the engines whose leases ran out more than a day ago."""
    db.execute(sa.delete(models.Engine.__table__).where(
        models.Engine.lease_until < types.seconds_from_now(-_KEPT)))


def _valid():
    return models.Engine.lease_until > types.utcnow()


def _alive(engine_id):
    return sa.exists().where(models.Engine.id == engine_id, _valid())


def _ownerless():
    return sa.or_(models.Session.owner.is_(None),
                  sa.not_(_alive(models.Session.owner)))


def _to_do():
    """Sessions that are not over, or have something to tell, or are asked.

    What finished a session and what tells it are one transaction: an owner
    may die before it is told.
    """
    return sa.or_(
        models.Session.finished_at.is_(None), models.Session.deleting,
        models.Session.id.in_(sa.select(models.Event.session_id).where(
            models.Event.published_at.is_(None),
            models.Event.message_id.is_not(None))),
        sa.exists().where(models.Request.session_id == models.Session.id,
                          models.Request.consumed_at.is_(None)))


@core.reader
def _candidates(db, engine_id, limit):
    """Return [(session id, epoch)] of what the engine should try to take."""
    engines = db.scalar(
        sa.select(sa.func.count()).select_from(models.Engine)
        .where(_valid()))
    if not db.scalar(sa.select(_alive(engine_id))):
        return []
    active, mine = db.execute(
        sa.select(sa.func.count(), sa.func.count(
            sa.case((models.Session.owner == engine_id, 1))))
        .select_from(models.Session).where(_to_do())).one()
    room = min(limit, math.ceil(active / max(1, engines))) - mine
    if room <= 0:
        return []
    return db.execute(
        sa.select(models.Session.id, models.Session.epoch)
        .where(_ownerless(), _to_do())
        .order_by(models.Session.created_at).limit(room)).all()


@core.writer
def _take(db, engine_id, session_id, epoch):
    return db.execute(
        sa.update(models.Session.__table__)
        .where(models.Session.id == session_id,
               models.Session.epoch == epoch,
               _ownerless(), _alive(engine_id))
        .values(owner=engine_id, epoch=epoch + 1)).rowcount == 1
