# SPDX-License-Identifier: Apache-2.0
"""What projects answered and administrators asked for, until acted on.

Rows are consumed by the transaction that acts on them
(``pictures.commit``). They become visible in any order, so nobody keeps a
place in it: what is not consumed is unread.
"""

import dataclasses

import oslo_db.exception
import sqlalchemy as sa

from fenix import context
from fenix import errors
from fenix import words
from fenix.db import core
from fenix.db import models
from fenix.db import types

#: Replies, and requests, that are read at once.
BATCH = 1000
#: Unread replies of a sender, a project on one URL. Even several managers
#: who all repeat themselves need few. Counted by sender, so that nobody takes
#: the place of another.
MOST_REPLIES = 100
#: Unread requests of a kind in a session: a report on each run of many hosts.
MOST_REQUESTS = 10_000


@dataclasses.dataclass(frozen=True)
class Standing:
    """What a project may answer about in a session."""

    #: Those of the instances asked for that are the project's.
    own: set[str]
    #: Whether the project has, or had, an instance in the session.
    known: bool
    #: Whether the session has ended and takes no answer to the question any
    #: more, not even once it is continued.
    late: bool
    #: The project's newest reply if nobody has read it yet, or None.
    newest: models.Reply | None
    #: The newest that was read, if all is answered since that it could be
    #: about, or None.
    settled: models.Reply | None


# Made once, as replies come in their thousands.
_SESSION = sa.select(
    models.Session.state,
    sa.and_(models.Session.finished_at.is_not(None),
            models.Session.deleting.is_(False)).label('ended')
).where(models.Session.id == sa.bindparam('session'))
_OF_PROJECT = (models.Instance.session_id == sa.bindparam('session'),
               models.Instance.project_id == sa.bindparam('project'))
_KNOWN_PROJECT = sa.select(sa.exists().where(*_OF_PROJECT))
_OWN = sa.select(models.Instance.instance_id).where(
    *_OF_PROJECT, models.Instance.gone.is_(False),
    models.Instance.instance_id.in_(sa.bindparam('named', expanding=True)))
_ASKED = sa.select(models.Ask.instance_ids).where(
    models.Ask.session_id == sa.bindparam('session'),
    models.Ask.project_id == sa.bindparam('project'),
    models.Ask.state.in_(models.UNANSWERED))
#: What an answer may still count for, as ``asking.take`` has it: who agreed to
#: MAINTENANCE may refuse it later.
_TAKES = sa.select(sa.exists().where(
    models.Ask.session_id == sa.bindparam('session'),
    models.Ask.project_id == sa.bindparam('project'),
    models.Ask.question == sa.bindparam('question'), sa.or_(
        models.Ask.state.in_(models.UNANSWERED),
        sa.and_(models.Ask.question == words.MAINTENANCE,
                models.Ask.state == 'acked'))))
_OF_SENDER = (models.Reply.session_id == sa.bindparam('session'),
              models.Reply.project_id == sa.bindparam('project'))
_OPEN = sa.exists().where(
    models.Ask.session_id == sa.bindparam('session'),
    models.Ask.project_id == sa.bindparam('project'),
    models.Ask.state.in_(models.UNANSWERED))
#: For replies on the project's URL, which may be about all of its questions,
#: and for those on the URLs of its instances.
_SENDERS = (
    (models.Reply.instance_id.is_(None), _OPEN),
    (models.Reply.instance_id == sa.bindparam('instance'), _OPEN.where(
        sa.or_(models.Ask.instance_id.is_(None),
               models.Ask.instance_id == sa.bindparam('instance')))))
_NEWEST, _NEWEST_OF_INSTANCE = (
    sa.select(models.Reply).where(
        *_OF_SENDER, instance, models.Reply.consumed_at.is_(None))
    .order_by(models.Reply.received_at.desc()).limit(1)
    for instance, _ in _SENDERS)
_SETTLED, _SETTLED_OF_INSTANCE = (
    sa.select(models.Reply).where(
        *_OF_SENDER, instance, models.Reply.consumed_at.is_not(None),
        sa.not_(still_open))
    .order_by(models.Reply.consumed_at.desc()).limit(1)
    for instance, still_open in _SENDERS)


@core.reader
def standing(db, session_id, project_id, named, instance_id=None,
             question=None):
    """Tell what a project may answer about, and what it has just answered.

    One look however many instances there are. An instance that the project
    was asked about counts though it may be gone by now, replaced by its own
    action.

    :param named: the ids of the instances that the reply names
    :param instance_id: from the URL; None on the project's URL
    :param question: what the reply answers
    :returns: :class:`Standing`
    :raises: SessionNotFound
    """
    where = {'session': session_id, 'project': project_id}
    session = db.execute(_SESSION, where).first()
    if session is None:
        raise errors.SessionNotFound()
    own = set()
    if named:
        own.update(db.scalars(_OWN, {**where, 'named': list(named)}))
    if not own.issuperset(named):
        own.update(named.intersection(
            set().union(*db.scalars(_ASKED, where))))
    # One that has failed may be continued: what it asked counts then.
    late = session.ended and (
        session.state == words.MAINTENANCE_DONE
        or not db.scalar(_TAKES, {**where, 'question': question}))
    newest = _of_sender(db, _NEWEST, _NEWEST_OF_INSTANCE, where, instance_id)
    return Standing(
        own, bool(own) or db.scalar(_KNOWN_PROJECT, where), bool(late), newest,
        # Of the unread ones the engine has yet to say what they answer.
        _of_sender(db, _SETTLED, _SETTLED_OF_INSTANCE, where, instance_id)
        if newest is None else None)


def _of_sender(db, query, query_of_instance, where, instance_id):
    if instance_id is None:
        return db.scalars(query, where).first()
    return db.scalars(query_of_instance,
                      {**where, 'instance': instance_id}).first()


def repeats(newest, state, action=None, actions=None):
    """Tell whether a reply says what the newest one says.

    :param newest: a reply, or None

    Other arguments as for :func:`add_reply`.
    """
    return newest is not None and (
        newest.state, newest.action, newest.actions) == (
            state, action, dict(actions or {}))


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
    :raises: SessionNotFound, InboxFull
    """
    newest = _of_sender(
        db, _NEWEST, _NEWEST_OF_INSTANCE,
        {'session': session_id, 'project': project_id}, instance_id)
    if repeats(newest, state, action, actions):
        return newest.id
    if newest is not None:
        _check_room(db, models.Reply, MOST_REPLIES, session_id=session_id,
                    project_id=project_id, instance_id=instance_id)
    return _insert(
        db, models.Reply, id=reply_id or models.new_id(),
        session_id=session_id, project_id=project_id,
        instance_id=instance_id, state=state, action=action,
        actions=dict(actions or {}))


@core.writer
def add_request(db, session_id, kind, body=None, request_id=None):
    """Store what an administrator asks, unless it is the newest and unread.

    :param kind: continue, delete or report
    :param body: what belongs to it
    :param request_id: an id made before the call
    :returns: the id of the request, or of the unread one that is the same
    :raises: SessionNotFound, InboxFull
    """
    newest = db.scalars(
        sa.select(models.Request)
        .where(*_unread(models.Request, session_id=session_id, kind=kind))
        .order_by(models.Request.received_at.desc()).limit(1)).first()
    if newest is not None:
        if newest.body == dict(body or {}):
            return newest.id
        _check_room(db, models.Request, MOST_REQUESTS,
                    session_id=session_id, kind=kind)
    return _insert(db, models.Request, id=request_id or models.new_id(),
                   session_id=session_id, kind=kind, body=dict(body or {}))


@core.reader
def unread(db, session_id):
    """Return (replies, requests) not consumed yet, in order of arrival.

    Of each the first ``BATCH``: once they are consumed come the next.
    """
    return tuple(
        list(db.scalars(
            sa.select(model).where(*_unread(model, session_id=session_id))
            .order_by(model.received_at, model.id).limit(BATCH)))
        for model in (models.Reply, models.Request))


@core.reader
def asked(db, session_id):
    """Return the kinds of the requests that are not consumed yet."""
    return set(db.scalars(
        sa.select(models.Request.kind).distinct()
        .where(*_unread(models.Request, session_id=session_id))))


#: Made once, as engines ask it all the time.
_WITH_UNREAD = (
    sa.select(models.Session.id)
    .where(models.Session.owner == sa.bindparam('owner'), sa.or_(*(
        sa.exists().where(model.session_id == models.Session.id,
                          model.consumed_at.is_(None))
        for model in (models.Reply, models.Request))))
    .order_by(models.Session.created_at))


@core.reader
def sessions_with_unread(db, owner):
    """Return the ids of an engine's sessions with something unread."""
    return list(db.scalars(_WITH_UNREAD, {'owner': owner}))


def _unread(model, **values):
    """Return the conditions for what is unread and has these values."""
    return [model.consumed_at.is_(None), *(
        getattr(model, name) == value for name, value in values.items())]


def _check_room(db, model, most, **values):
    """Refuse more of what nobody reads.

    :param values: what is counted has these
    :raises: InboxFull
    """
    if db.scalar(sa.select(sa.func.count()).select_from(model)
                 .where(*_unread(model, **values))) >= most:
        raise errors.InboxFull()


def _insert(db, model, **values):
    try:
        db.execute(sa.insert(model.__table__).values(
            received_at=types.utcnow(), api_request=context.request_id(),
            **values))
    except oslo_db.exception.DBReferenceError as error:
        raise errors.SessionNotFound() from error
    return values['id']
