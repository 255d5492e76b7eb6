# SPDX-License-Identifier: Apache-2.0
"""Who holds what across sessions: hosts, and shares of groups.

The operations are part of an owner's transaction (``pictures.commit``) or
of a new session's (``sessions.create``): ``execute`` runs inside it.
"""

import dataclasses

import oslo_db.exception
import sqlalchemy as sa

from fenix import errors
from fenix.db import core
from fenix.db import models
from fenix.db import types

HOST = 'host'
GROUP = 'group'

#: Seconds after which a group's free slot is forgotten.
_KEPT = 24 * 3600


class Busy(Exception):
    """A group can bear no further impact now; nothing was written.

    :ivar group_id: the group
    :ivar until: when its recovery ends (aware, UTC); None: whenever one of
        the instances that are impacted now is given back
    :ivar sessions: ids of the sessions whose claims are in the way
    """

    def __init__(self, group_id, until, sessions=()):
        super().__init__(f'group {group_id} is busy until '
                         f'{until or "a slot is released"}')
        self.group_id = group_id
        self.until = until
        self.sessions = frozenset(sessions)


@dataclasses.dataclass(frozen=True)
class HostClaims:
    """Keep hosts to one session.

    Harmless for those that the session has already.

    :raises: HostClaimed if another session has one of them
    """

    names: tuple

    def execute(self, db, session_id):
        """Run inside a transaction."""
        names = sorted(set(self.names))
        if not names:
            return
        taken = dict(db.execute(
            sa.select(models.Claim.key, models.Claim.session_id)
            .where(models.Claim.kind == HOST, models.Claim.key.in_(names))
            .order_by(models.Claim.key)).all())
        for name, other in taken.items():
            if other != session_id:
                raise errors.HostClaimed(
                    f'host {name} is in session {other}', field='hosts')
        _insert(db, [{'kind': HOST, 'key': name, 'slot': 0,
                      'session_id': session_id}
                     for name in names if name not in taken])


@dataclasses.dataclass(frozen=True)
class HostRelease:
    """Give hosts back; all of the session's if no names are given."""

    names: tuple | None = None

    def execute(self, db, session_id):
        """Run inside a transaction."""
        query = sa.delete(models.Claim).where(
            models.Claim.kind == HOST, models.Claim.session_id == session_id)
        if self.names is not None:
            query = query.where(models.Claim.key.in_(list(self.names)))
        db.execute(query)


@dataclasses.dataclass(frozen=True)
class GroupClaim:
    """Take one of the shares of a group that may be impacted at once.

    Harmless if the same session and instance has one already.

    :ivar group_id: the group
    :ivar limit: max_impacted_members of the group, at least 1
    :ivar holder: id of the instance that is to be impacted
    :raises: Busy while others have all shares, or the group recovers
    """

    group_id: str
    limit: int
    holder: str

    def execute(self, db, session_id):
        """Run inside a transaction."""
        now = db.scalar(sa.select(types.utcnow()))
        # Locked: what is found here stays so until the commit.
        rows = db.scalars(
            sa.select(models.Claim)
            .where(models.Claim.kind == GROUP,
                   models.Claim.key == self.group_id)
            .order_by(models.Claim.slot).with_for_update()
            .execution_options(populate_existing=True)).all()
        held = [row for row in rows if row.free_at is None]
        if any((row.session_id, row.holder) == (session_id, self.holder)
               for row in held):
            return
        recovering = [row for row in rows
                      if row.free_at is not None and row.free_at > now]
        if recovering:
            raise Busy(self.group_id, max(row.free_at for row in recovering),
                       [row.session_id for row in recovering])
        if len(held) >= self.limit:
            raise Busy(self.group_id, None, [row.session_id for row in held])
        slots = {row.slot for row in held}
        slot = min(set(range(self.limit)) - slots)
        if slot in {row.slot for row in rows}:
            taken = db.execute(
                sa.update(models.Claim.__table__)
                .where(models.Claim.kind == GROUP,
                       models.Claim.key == self.group_id,
                       models.Claim.slot == slot,
                       models.Claim.free_at.is_not(None))
                .values(session_id=session_id, holder=self.holder,
                        free_at=None))
            if taken.rowcount != 1:
                raise core.again(Busy(self.group_id, None))
        else:
            _insert(db, [{'kind': GROUP, 'key': self.group_id, 'slot': slot,
                          'session_id': session_id, 'holder': self.holder}])


@dataclasses.dataclass(frozen=True)
class GroupRelease:
    """End the impact on an instance of a group, which then recovers.

    :ivar group_id: the group
    :ivar holder: id of the instance
    :ivar recovery_time: seconds until the next impact may begin
    """

    group_id: str
    holder: str
    recovery_time: float

    def execute(self, db, session_id):
        """Run inside a transaction."""
        db.execute(
            sa.update(models.Claim.__table__)
            .where(models.Claim.kind == GROUP,
                   models.Claim.key == self.group_id,
                   models.Claim.session_id == session_id,
                   models.Claim.holder == self.holder,
                   models.Claim.free_at.is_(None))
            .values(free_at=types.seconds_from_now(self.recovery_time)))


@dataclasses.dataclass(frozen=True)
class HolderRelease:
    """End whatever impact a session has on an instance.

    Its group of now may not be the one whose share it has: its constraints
    may have changed, or gone when it was replaced.

    :ivar holder: id of the instance
    :ivar touched: False: nothing was done to it, nothing has to recover
    """

    holder: str
    touched: bool = True

    def execute(self, db, session_id):
        """Run inside a transaction."""
        _recover(db, session_id, models.Claim.holder == self.holder,
                 touched=self.touched)


def release_all(db, session_id):
    """Release what a session holds that goes away, inside a transaction."""
    HostRelease().execute(db, session_id)
    _recover(db, session_id)


def _recover(db, session_id, *where, touched=True):
    """Let groups recover, for as long as they are registered to need.

    :param touched: False: they need not
    """
    held = db.execute(
        sa.select(models.Claim.key, models.Claim.holder,
                  models.GroupConstraint.recovery_time)
        .outerjoin(models.GroupConstraint,
                   models.GroupConstraint.group_id == models.Claim.key)
        .where(models.Claim.session_id == session_id,
               models.Claim.kind == GROUP,
               models.Claim.free_at.is_(None), *where)
        .order_by(models.Claim.key, models.Claim.slot)).all()
    for group_id, holder, recovery_time in held:
        GroupRelease(
            group_id, holder, touched and recovery_time or 0).execute(
                db, session_id)


@core.reader
def hosts_of(db, session_id):
    """Return the names of the hosts that a session has claimed."""
    return list(db.scalars(
        sa.select(models.Claim.key)
        .where(models.Claim.session_id == session_id,
               models.Claim.kind == HOST)
        .order_by(models.Claim.key)))


@core.writer
def expire(db):
    """Forget the slots of groups that have been free for more than a day."""
    db.execute(sa.delete(models.Claim).where(
        models.Claim.kind == GROUP,
        models.Claim.free_at < types.seconds_from_now(-_KEPT)))


def _insert(db, rows):
    if not rows:
        return
    try:
        db.execute(sa.insert(models.Claim.__table__), rows)
    except oslo_db.exception.DBDuplicateEntry as error:
        # Somebody was faster. Who it was is seen by a new transaction.
        raise core.again(error) from error
