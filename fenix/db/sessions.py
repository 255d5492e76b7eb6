# SPDX-License-Identifier: Apache-2.0
"""Sessions as the API sees them: it creates them, and reads."""

import sqlalchemy as sa

from fenix import context
from fenix import errors
from fenix import words
from fenix.db import claims
from fenix.db import core
from fenix.db import models
from fenix.db import pictures
from fenix.db import types


@core.writer
def create(db, session, claims_hosts=(), actions=()):
    """Store a new session with its action plug-ins and host claims.

    Sets ``created_at`` and ``api_request`` of the session.

    :param session: a ``models.Session``
    :param claims_hosts: names of the hosts that no other session may have
    :param actions: a list of ``models.ActionPlugin``
    :raises: HostClaimed if another session has one of the hosts
    """
    claims.HostClaims(tuple(claims_hosts)).execute(db, session.id)
    session.created_at = db.scalar(sa.select(types.utcnow()))
    session.api_request = context.request_id()
    for action in actions:
        action.session_id = session.id
    pictures.insert(db, [session, *actions])


@core.reader
def get(db, session_id):
    """Return a session.

    :raises: SessionNotFound
    """
    return _get(db, session_id)


@core.reader
def ids(db):
    """Return the ids of all sessions, the oldest first."""
    return list(db.scalars(
        sa.select(models.Session.id)
        .order_by(models.Session.created_at, models.Session.id)))


@core.reader
def details(db, session_id):
    """Return the ``pictures.Rows`` of a session with its whole timeline.

    :raises: SessionNotFound
    """
    return pictures.read(db, session_id)


@core.reader
def instances_of_project(db, session_id, project_id):
    """Return the instances of a project that are still there.

    :raises: SessionNotFound
    """
    _get(db, session_id)
    return list(db.scalars(
        sa.select(models.Instance)
        .where(models.Instance.session_id == session_id,
               models.Instance.project_id == project_id,
               models.Instance.gone.is_(False))
        .order_by(models.Instance.name, models.Instance.instance_id)))


@core.reader
def open_asks(db, session_id, project_id):
    """Return the asks that wait for an answer of a project, oldest first.

    Those count too whose publication is not recorded yet: a project may be
    faster than the record.

    :raises: SessionNotFound
    """
    _get(db, session_id)
    return list(db.scalars(
        sa.select(models.Ask)
        .where(models.Ask.session_id == session_id,
               models.Ask.project_id == project_id,
               models.Ask.state.in_(models.UNANSWERED))
        .order_by(models.Ask.created_at, models.Ask.id)))


@core.reader
def knows_project(db, session_id, project_id):
    """Tell whether a project has, or had, an instance in a session.

    :raises: SessionNotFound
    """
    _get(db, session_id)
    return db.scalar(sa.select(sa.exists().where(
        models.Instance.session_id == session_id,
        models.Instance.project_id == project_id)))


@core.reader
def alive(db, session_ids):
    """Return {id: state} of those sessions that are there and not done."""
    return dict(db.execute(
        sa.select(models.Session.id, models.Session.state)
        .where(models.Session.id.in_(list(session_ids)), sa.or_(
            models.Session.state != words.MAINTENANCE_DONE,
            models.Session.deleting))).all())


@core.reader
def count_unfinished(db):
    """Return how many sessions are not over.

    One that failed is not: it keeps its hosts until somebody ends it.
    """
    return db.scalar(
        sa.select(sa.func.count()).select_from(models.Session)
        .where(sa.or_(models.Session.finished_at.is_(None),
                      models.Session.state == words.MAINTENANCE_FAILED)))


def _get(db, session_id):
    session = db.get(models.Session, session_id)
    if session is None:
        raise errors.SessionNotFound()
    return session
