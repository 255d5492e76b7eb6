# SPDX-License-Identifier: Apache-2.0
"""How things stand over all sessions, in a few numbers.

For whoever watches: each process that can read the database sees the same.
"""

import dataclasses

import sqlalchemy as sa

from fenix.db import core
from fenix.db import leases
from fenix.db import models
from fenix.db import types


@dataclasses.dataclass(frozen=True)
class Figures:
    """The numbers of one moment, by the database's clock."""

    #: {state as in fenix.words: sessions}
    sessions: dict[str, int]
    #: Sessions that need an owner and have none.
    unowned: int
    asks_open: int
    moves_in_flight: int
    #: Replies and requests that no engine has acted on yet.
    unread: int
    #: Notifications that are not out.
    outbox: int
    #: Seconds that the oldest of them waits; 0 if there is none.
    outbox_age: float
    #: Of the engines that live: (host, seconds left of the lease, sessions).
    engines: list[tuple[str, float, int]]


@core.reader
def read(db):
    """Return the ``Figures`` of now."""
    now = db.scalar(sa.select(types.utcnow()))
    active = sa.select(models.Session.id).where(
        models.Session.finished_at.is_(None))

    def number(model, *where):
        return db.scalar(
            sa.select(sa.func.count()).select_from(model).where(*where))

    depth, oldest = db.execute(
        sa.select(sa.func.count(), sa.func.min(models.Event.created_at))
        .where(models.Event.published_at.is_(None),
               models.Event.message_id.is_not(None))).one()
    owned = dict(db.execute(
        sa.select(models.Session.owner, sa.func.count())
        .where(models.Session.owner.is_not(None))
        .group_by(models.Session.owner)).all())
    engines = db.execute(
        sa.select(models.Engine.id, models.Engine.host,
                  models.Engine.lease_until)
        .where(models.Engine.lease_until > types.utcnow())
        .order_by(models.Engine.host, models.Engine.started_at)).all()
    return Figures(
        sessions=dict(db.execute(
            sa.select(models.Session.state, sa.func.count())
            .group_by(models.Session.state)).all()),
        unowned=number(models.Session, leases.ownerless(), leases.to_do()),
        asks_open=number(
            models.Ask, models.Ask.session_id.in_(active),
            models.Ask.state.in_(models.UNANSWERED)),
        moves_in_flight=number(
            models.Move, models.Move.session_id.in_(active),
            models.Move.state.in_(models.MOVING)),
        unread=number(
            models.Reply, models.Reply.session_id.in_(active),
            models.Reply.consumed_at.is_(None)) + number(
                models.Request, models.Request.session_id.in_(
                    sa.select(models.Session.id)),
                models.Request.consumed_at.is_(None)),
        outbox=depth,
        outbox_age=(max(0.0, (now - oldest).total_seconds())
                    if oldest else 0.0),
        engines=[(host, max(0.0, (until - now).total_seconds()),
                  owned.get(key, 0)) for key, host, until in engines])
