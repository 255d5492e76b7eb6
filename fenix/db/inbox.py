# SPDX-License-Identifier: Apache-2.0
"""What projects answered and administrators asked for, until acted on.

Rows are consumed by the transaction that acts on them
(``pictures.commit``). They become visible in any order, so nobody keeps a
place in it: what is not consumed is unread.
"""

import oslo_db.exception
import sqlalchemy as sa

from fenix import errors
from fenix.db import core
from fenix.db import models
from fenix.db import types


@core.writer
def add_reply(db, session_id, project_id, state, action=None, actions=None,
              instance_id=None, reply_id=None):
    """Store a reply, unless the same is the newest one and unread.

    :param state: as it came, for example ACK_MAINTENANCE
    :param action: one action for all instances, or None
    :param actions: {instance id: action}
    :param instance_id: from the URL; None on the project's URL
    :param reply_id: an id made before the call
    :returns: the id of the reply, or of the unread one that is the same
    :raises: SessionNotFound
    """
    actions = dict(actions or {})
    newest = db.scalars(
        sa.select(models.Reply)
        .where(models.Reply.session_id == session_id,
               models.Reply.consumed_at.is_(None),
               models.Reply.project_id == project_id,
               models.Reply.instance_id == instance_id)
        .order_by(models.Reply.received_at.desc()).limit(1)).first()
    if newest is not None and (newest.state, newest.action,
                               newest.actions) == (state, action, actions):
        return newest.id
    return _insert(
        db, models.Reply, id=reply_id or models.new_id(),
        session_id=session_id, project_id=project_id,
        instance_id=instance_id, state=state, action=action, actions=actions)


@core.writer
def add_request(db, session_id, kind, body=None, request_id=None):
    """Store what an administrator asks of a session.

    :param kind: continue, delete or report
    :param body: what belongs to it
    :param request_id: an id made before the call
    :returns: the id of the request
    :raises: SessionNotFound
    """
    return _insert(db, models.Request, id=request_id or models.new_id(),
                   session_id=session_id, kind=kind, body=dict(body or {}))


@core.reader
def unread(db, session_id):
    """Return (replies, requests) not consumed yet, in order of arrival."""
    return tuple(
        list(db.scalars(
            sa.select(model)
            .where(model.session_id == session_id,
                   model.consumed_at.is_(None))
            .order_by(model.received_at, model.id)))
        for model in (models.Reply, models.Request))


@core.reader
def sessions_with_unread(db, owner):
    """Return the ids of an engine's sessions with something unread."""
    return list(db.scalars(
        sa.select(models.Session.id)
        .where(models.Session.owner == owner, sa.or_(*(
            sa.exists().where(model.session_id == models.Session.id,
                              model.consumed_at.is_(None))
            for model in (models.Reply, models.Request))))
        .order_by(models.Session.created_at)))


def _insert(db, model, **values):
    try:
        db.execute(sa.insert(model.__table__).values(
            received_at=types.utcnow(), **values))
    except oslo_db.exception.DBReferenceError as error:
        raise errors.SessionNotFound() from error
    return values['id']
