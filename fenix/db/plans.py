# SPDX-License-Identifier: Apache-2.0
"""Plans that are asked for: the API asks, an engine answers.

They are no part of any session: nothing is lost if a row is.
"""

import sqlalchemy as sa

from fenix import errors
from fenix.db import core
from fenix.db import leases
from fenix.db import models
from fenix.db import types

#: Requests that may wait at once; more are refused.
MOST = 20
#: Seconds after which nobody waits for an answer any more.
KEPT = 900


def _fresh():
    return models.PlanRequest.created_at > types.seconds_from_now(-KEPT)


def _free(engine_id):
    # An engine makes one plan after the other: when it looks for the next
    # one, what it has still taken it could not answer.
    return sa.or_(models.PlanRequest.taken_by.is_(None),
                  models.PlanRequest.taken_by == engine_id,
                  sa.not_(leases.alive(models.PlanRequest.taken_by)))


#: Made once, as engines ask it all the time.
_WAITING = (
    sa.select(models.PlanRequest.id)
    .where(models.PlanRequest.answer.is_(None), _fresh(),
           _free(sa.bindparam('engine_id')))
    .order_by(models.PlanRequest.created_at))


@core.writer
def ask(db, body, session_id=None, plan_id=None):
    """Ask for a plan.

    :param session_id: of a running session; None for that of ``body``
    :param plan_id: an id made before the call
    :returns: its id
    :raises: SessionNotFound; Unavailable if too many wait already
    """
    if session_id is not None and db.get(models.Session, session_id) is None:
        raise errors.SessionNotFound()
    waiting = db.scalar(
        sa.select(sa.func.count()).select_from(models.PlanRequest)
        .where(models.PlanRequest.answer.is_(None), _fresh()))
    if waiting >= MOST:
        raise errors.Unavailable(
            f'{waiting} plans are waited for already; try again later.')
    plan_id = plan_id or models.new_id()
    db.execute(sa.insert(models.PlanRequest.__table__).values(
        id=plan_id, session_id=session_id, body=body, answer=sa.null(),
        created_at=types.utcnow()))
    return plan_id


@core.reader
def answer_to(db, plan_id):
    """Return the answer to a request, None while there is none."""
    return db.scalar(sa.select(models.PlanRequest.answer)
                     .where(models.PlanRequest.id == plan_id))


@core.writer
def forget(db, plan_id):
    """Take a request away."""
    db.execute(sa.delete(models.PlanRequest.__table__)
               .where(models.PlanRequest.id == plan_id))


@core.reader
def _waiting(db, engine_id):
    return list(db.scalars(_WAITING, {'engine_id': engine_id}))


@core.writer
def _take(db, plan_id, engine_id):
    if db.execute(
            sa.update(models.PlanRequest.__table__)
            .where(models.PlanRequest.id == plan_id,
                   models.PlanRequest.answer.is_(None), _free(engine_id))
            .values(taken_by=engine_id)).rowcount != 1:
        return None
    return db.get(models.PlanRequest, plan_id)


def take(engine_id):
    """Return a request that is this engine's to answer from now on, or None.

    One whose engine died is free again, and so is one that this engine took
    and could not answer.
    """
    for plan_id in _waiting(engine_id):
        request = _take(plan_id, engine_id)
        if request is not None:
            return request
    return None


@core.writer
def answer(db, plan_id, engine_id, found):
    """Answer a request, unless another engine has it by now."""
    db.execute(
        sa.update(models.PlanRequest.__table__)
        .where(models.PlanRequest.id == plan_id,
               models.PlanRequest.taken_by == engine_id)
        .values(answer=found))


@core.writer
def expire(db):
    """Forget what nobody waits for any more."""
    db.execute(sa.delete(models.PlanRequest.__table__).where(
        sa.not_(_fresh())))
