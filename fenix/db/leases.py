# SPDX-License-Identifier: Apache-2.0
"""Which engine owns which session.

An engine has a lease that it renews; while it is valid nobody takes its
sessions. All times are the database's, compared by the database.
"""

import functools
import math

import sqlalchemy as sa

from fenix import metrics
from fenix.db import core
from fenix.db import models
from fenix.db import types

#: Seconds after which the row of a dead engine is forgotten.
_KEPT = 24 * 3600
#: Seconds after the end of its owner's lease at which a session is left
#: over: anybody takes it, whatever his share.
_LEFT_OVER = 0.5


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
    something to do, but for what nobody took in time from a dead engine:
    among those who share may be others who died since. Takes nothing if
    its lease has run out.

    :param limit: how many sessions the engine may own at most
    :returns: [(session id, epoch)] of those taken by this call
    """
    taken = []
    for session_id, epoch, owner in _candidates(engine_id, limit):
        if _take(engine_id, session_id, epoch):
            taken.append((session_id, epoch + 1))
            metrics.TAKEN.inc()
            metrics.TAKEOVERS.inc(owner is not None)
    return taken


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


_OWNED = (sa.select(models.Session.id, models.Session.epoch)
          .where(models.Session.owner == sa.bindparam('engine'))
          .order_by(models.Session.created_at))


@core.reader
def owned(db, engine_id):
    """Return [(session id, epoch)] of the sessions of an engine."""
    return [tuple(row) for row in db.execute(_OWNED, {'engine': engine_id})]


@core.writer
def purge(db):
    """Forget the engines whose leases ran out more than a day ago."""
    db.execute(sa.delete(models.Engine.__table__).where(
        models.Engine.lease_until < types.seconds_from_now(-_KEPT)))


def _valid():
    return models.Engine.lease_until > types.utcnow()


def alive(engine_id):
    """Return the condition that an engine's lease is valid."""
    return sa.exists().where(models.Engine.id == engine_id, _valid())


def _left_over(seconds):
    return sa.exists().where(
        models.Engine.id == models.Session.owner,
        models.Engine.lease_until < types.seconds_from_now(-seconds))


def ownerless():
    """Return the condition that no living engine owns a session."""
    return sa.or_(models.Session.owner.is_(None),
                  sa.not_(alive(models.Session.owner)))


def to_do():
    """Return the condition that a session needs an owner.

    It is not over, or has something to tell, or is asked for something.
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


@functools.cache
def _wanted(left_over):
    """Return what selects the sessions that need an owner, the oldest first.

    Engines ask this several times a second, and nearly always nothing does:
    so it is one statement, made once.

    :param left_over: seconds since the end of its owner's lease at which
        one is left over
    """
    return (
        sa.select(models.Session.id, models.Session.epoch,
                  models.Session.owner,
                  _left_over(left_over).label('left_over'))
        .where(ownerless(), to_do()).order_by(models.Session.created_at))


#: What an engine's share of the sessions follows from.
_SHARES = sa.select(
    alive(sa.bindparam('engine')).label('alive'),
    sa.select(sa.func.count()).select_from(models.Engine).where(_valid())
    .scalar_subquery().label('engines'),
    sa.func.count().label('active'),
    sa.func.count(sa.case((models.Session.owner == sa.bindparam('engine'), 1)))
    .label('mine')).select_from(models.Session).where(to_do())


@core.reader
def _candidates(db, engine_id, limit):
    """Return what the engine should try to take.

    :returns: [(session id, epoch, owner whose lease ran out, or None)]
    """
    wanted = db.execute(_wanted(_LEFT_OVER)).all()
    if not wanted:
        return []
    found = db.execute(_SHARES, {'engine': engine_id}).one()
    if not found.alive:
        return []
    room = limit - found.mine
    share = math.ceil(found.active / max(1, found.engines)) - found.mine
    fair = wanted[:max(0, min(room, share))]
    left_over = [row for row in wanted[len(fair):] if row.left_over]
    return [row[:3] for row in
            fair + left_over[:max(0, room - len(fair))]]


@core.writer
def _take(db, engine_id, session_id, epoch):
    return db.execute(
        sa.update(models.Session.__table__)
        .where(models.Session.id == session_id,
               models.Session.epoch == epoch,
               ownerless(), alive(engine_id))
        .values(owner=engine_id, epoch=epoch + 1)).rowcount == 1
