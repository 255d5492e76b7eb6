# SPDX-License-Identifier: Apache-2.0
"""The tables: what is true about every session.

Who writes what is in the architecture document: the API only inserts, and
keeps constraints; everything else of a session is written by the engine
that owns it. Outside ``fenix.db`` these objects are plain records, detached
from any database session: to set an attribute changes nothing but memory.
"""

import datetime

import sqlalchemy as sa
from sqlalchemy import orm

from fenix.db import types
from fenix.db.base import Base
from fenix.db.base import Id
from fenix.db.base import Name
from fenix.db.base import Time
from fenix.db.base import Word
from fenix.db.base import new_id  # noqa: F401 - for whoever makes records
from fenix.db.base import of_session
from fenix.db.base import primary_key


class Engine(Base):
    """One incarnation of an engine and its lease."""

    __tablename__ = 'engines'

    id: orm.Mapped[str] = primary_key()
    host: orm.Mapped[str]
    started_at: orm.Mapped[datetime.datetime]
    #: Until when it owns its sessions, by the database's clock.
    lease_until: orm.Mapped[datetime.datetime] = orm.mapped_column(
        Time, index=True)


class Session(Base):
    """A maintenance session: what was asked, and how far it is."""

    __tablename__ = 'sessions'

    id: orm.Mapped[str] = primary_key()
    #: Project of the administrator who started it.
    project_id: orm.Mapped[str]
    workflow: orm.Mapped[str]
    maintenance_at: orm.Mapped[datetime.datetime]
    #: What the projects are told of the session: scalars only.
    meta: orm.Mapped[dict] = orm.mapped_column('metadata', types.JSON)
    #: Host names asked for; empty: all that the cloud has.
    wanted_hosts: orm.Mapped[list]
    #: Host names that Nova does not know, and need not.
    other_hosts: orm.Mapped[list]
    #: Options of [workflow] and [planner] that this session sets itself.
    settings: orm.Mapped[dict]
    phase: orm.Mapped[str] = orm.mapped_column(Word, default='announce')
    #: As the administrator sees it (fenix.words).
    state: orm.Mapped[str] = orm.mapped_column(Word, default='MAINTENANCE')
    #: Why it failed, or is about to; None while all is well.
    reason: orm.Mapped[str | None] = orm.mapped_column(types.Text)
    percent_done: orm.Mapped[int] = orm.mapped_column(default=0)
    #: Opened anew by each continuation, for what had failed.
    round: orm.Mapped[int] = orm.mapped_column(default=0)
    #: Rounds of DOWN_SCALE so far, and what the last one is judged by.
    scale_in_round: orm.Mapped[int] = orm.mapped_column(default=0)
    scale_in_free: orm.Mapped[dict | None] = orm.mapped_column(types.JSON)
    deleting: orm.Mapped[bool] = orm.mapped_column(default=False)
    owner: orm.Mapped[str | None] = orm.mapped_column(Id, index=True)
    epoch: orm.Mapped[int] = orm.mapped_column(default=0)
    seq: orm.Mapped[int] = orm.mapped_column(default=0)
    #: X-Openstack-Request-Id of the API's request that made it.
    api_request: orm.Mapped[str | None] = orm.mapped_column(
        types.String(64))
    created_at: orm.Mapped[datetime.datetime]
    #: Set when nothing is left to do unless the administrator asks.
    finished_at: orm.Mapped[datetime.datetime | None]


#: What is said of a host that its session leaves disabled for good.
KEPT = 'kept'


class Host(Base):
    """A host of a session and its step."""

    __tablename__ = 'hosts'
    __table_args__ = (sa.UniqueConstraint('session_id', 'name'),
                      Base.__table_args__)

    id: orm.Mapped[str] = primary_key()
    session_id: orm.Mapped[str] = of_session(index=False)
    name: orm.Mapped[str]
    is_compute: orm.Mapped[bool] = orm.mapped_column(default=False)
    is_controller: orm.Mapped[bool] = orm.mapped_column(default=False)
    step: orm.Mapped[str] = orm.mapped_column(Word, default='pending')
    #: The question its projects are asked: PREPARE_ or PLANNED_MAINTENANCE.
    question: orm.Mapped[str | None] = orm.mapped_column(Word)
    #: Who disabled it: 'us', 'before' (not us); 'asked': we are about to;
    #: 'explaining': us, and we are about to say why it stays so; KEPT: us,
    #: and it stays so; None: nobody.
    disabled: orm.Mapped[str | None] = orm.mapped_column(Word)
    #: Whether IN_MAINTENANCE was announced and not yet taken back.
    announced: orm.Mapped[bool] = orm.mapped_column(default=False)
    #: Why the step failed; None while it goes on.
    reason: orm.Mapped[str | None] = orm.mapped_column(types.Text)
    round: orm.Mapped[int] = orm.mapped_column(default=0)
    #: When the current step began; its deadlines count from here.
    step_at: orm.Mapped[datetime.datetime | None]
    #: Place in the order of the request, or of the cloud.
    position: orm.Mapped[int] = orm.mapped_column(default=0)
    #: For whom it waits, and why, in words, as it was last seen; None: for
    #: nobody, or nobody looked.
    waits_for: orm.Mapped[str | None] = orm.mapped_column(types.Text)
    waits_why: orm.Mapped[str | None] = orm.mapped_column(types.Text)


class Instance(Base):
    """An instance on a host of a session, as last observed."""

    __tablename__ = 'instances'
    __table_args__ = (
        sa.UniqueConstraint('session_id', 'instance_id'),
        sa.Index('instances_project', 'session_id', 'project_id'),
        Base.__table_args__)

    id: orm.Mapped[str] = primary_key()
    session_id: orm.Mapped[str] = of_session(index=False)
    instance_id: orm.Mapped[str] = orm.mapped_column(Id)
    project_id: orm.Mapped[str]
    name: orm.Mapped[str]
    host: orm.Mapped[str | None]
    vcpus: orm.Mapped[int]
    ram_mb: orm.Mapped[int]
    disk_gb: orm.Mapped[int]
    #: Nova server group, if any.
    group_id: orm.Mapped[str | None] = orm.mapped_column(Id)
    floating: orm.Mapped[bool] = orm.mapped_column(default=False)
    status: orm.Mapped[str] = orm.mapped_column(Word)
    task_state: orm.Mapped[str | None] = orm.mapped_column(types.String(64))
    #: No longer there when it was last looked for.
    gone: orm.Mapped[bool] = orm.mapped_column(default=False)
    #: For whom it waits, and why, in words, as it was last seen; None: for
    #: nobody, or nobody looked.
    waits_for: orm.Mapped[str | None] = orm.mapped_column(types.Text)
    waits_why: orm.Mapped[str | None] = orm.mapped_column(types.Text)


class Ask(Base):
    """One question to a project, or about one instance, and its answer."""

    __tablename__ = 'asks'
    __table_args__ = (
        sa.Index('asks_project', 'session_id', 'project_id'),
        # Each repeated reply is held against what it could still answer.
        sa.Index('asks_unanswered', 'session_id', 'project_id', 'state',
                 'instance_id'),
        Base.__table_args__)

    id: orm.Mapped[str] = primary_key()
    session_id: orm.Mapped[str] = of_session(index=False)
    #: MAINTENANCE, SCALE_IN, PREPARE_MAINTENANCE, PLANNED_MAINTENANCE or
    #: MAINTENANCE_COMPLETE (fenix.words: the inner names).
    question: orm.Mapped[str] = orm.mapped_column(Word)
    project_id: orm.Mapped[str]
    #: Host name, for questions about one host.
    host: orm.Mapped[str | None]
    #: For the per-instance form (CONTRACT.md 5.2); None: project and URL.
    instance_id: orm.Mapped[str | None] = orm.mapped_column(Id)
    round: orm.Mapped[int] = orm.mapped_column(default=0)
    #: waiting (not yet published), open, acked, nacked, expired,
    #: unsubscribed, withdrawn
    state: orm.Mapped[str] = orm.mapped_column(Word, default='waiting')
    #: Seconds that the project has, from the publication on.
    window: orm.Mapped[float] = orm.mapped_column(sa.Double)
    #: A fixed end of the window instead (MAINTENANCE).
    until: orm.Mapped[datetime.datetime | None]
    #: Ids of the instances that the question is about.
    instance_ids: orm.Mapped[list]
    published_at: orm.Mapped[datetime.datetime | None]
    reply_by: orm.Mapped[datetime.datetime | None]
    #: Its engine died while sending it, and it was not sent again.
    unsure: orm.Mapped[bool] = orm.mapped_column(default=False)
    answered_at: orm.Mapped[datetime.datetime | None]
    #: Chosen actions: {instance id: action}.
    actions: orm.Mapped[dict] = orm.mapped_column(types.JSON, default=dict)
    created_at: orm.Mapped[datetime.datetime]


#: States of an ask that has no answer yet.
UNANSWERED = ('waiting', 'open')
#: States of a move that has not ended.
MOVING = ('intended', 'requested', 'unknown', 'confirming')


class Move(Base):
    """One move of an instance off a host: intent, request, outcome."""

    __tablename__ = 'moves'

    id: orm.Mapped[str] = primary_key()
    session_id: orm.Mapped[str] = of_session()
    instance_id: orm.Mapped[str] = orm.mapped_column(Id)
    project_id: orm.Mapped[str]
    #: MIGRATE, LIVE_MIGRATE or OWN_ACTION
    action: orm.Mapped[str] = orm.mapped_column(Word)
    source: orm.Mapped[str]
    #: Named by us; None for OWN_ACTION.
    target: orm.Mapped[str | None]
    round: orm.Mapped[int] = orm.mapped_column(default=0)
    #: intended (the request may be on its way), requested (Nova took it),
    #: unknown (no answer: look, do not resend), confirming, done, failed,
    #: refused (its target did not take it; nobody touched the instance)
    state: orm.Mapped[str] = orm.mapped_column(Word, default='intended')
    #: Request id of the newest Nova instance action before ours.
    before: orm.Mapped[str | None] = orm.mapped_column(types.String(64))
    #: Request id of ours, once known.
    request_id: orm.Mapped[str | None] = orm.mapped_column(types.String(64))
    attempts: orm.Mapped[int] = orm.mapped_column(default=0)
    reason: orm.Mapped[str | None] = orm.mapped_column(types.Text)
    #: When the newest request was intended.
    intended_at: orm.Mapped[datetime.datetime]
    #: When the confirmation was intended, for a cold migration.
    confirm_at: orm.Mapped[datetime.datetime | None]
    deadline: orm.Mapped[datetime.datetime]
    ended_at: orm.Mapped[datetime.datetime | None]


class ActionPlugin(Base):
    """An action plug-in that the administrator asked for."""

    __tablename__ = 'action_plugins'

    id: orm.Mapped[str] = primary_key()
    session_id: orm.Mapped[str] = of_session()
    plugin: orm.Mapped[str]
    #: pre, host, compute, controller or post
    type: orm.Mapped[str] = orm.mapped_column(Word)
    meta: orm.Mapped[dict] = orm.mapped_column('metadata', types.JSON)
    position: orm.Mapped[int] = orm.mapped_column(default=0)


class ActionRun(Base):
    """One run of an action plug-in, on a host or for the session."""

    __tablename__ = 'action_runs'

    id: orm.Mapped[str] = primary_key()
    session_id: orm.Mapped[str] = of_session()
    action_id: orm.Mapped[str] = orm.mapped_column(Id)
    plugin: orm.Mapped[str]
    #: None for pre and post.
    host: orm.Mapped[str | None]
    round: orm.Mapped[int] = orm.mapped_column(default=0)
    #: running, done, failed or skipped
    state: orm.Mapped[str] = orm.mapped_column(Word, default='running')
    output: orm.Mapped[str] = orm.mapped_column(
        types.LongText, default='')
    reason: orm.Mapped[str | None] = orm.mapped_column(types.Text)
    attempts: orm.Mapped[int] = orm.mapped_column(default=0)
    started_at: orm.Mapped[datetime.datetime]
    ended_at: orm.Mapped[datetime.datetime | None]


class PlanRequest(Base):
    """Somebody wants to know how a session would go, or goes on.

    Any engine answers it; whoever asked takes the row away.
    """

    __tablename__ = 'plan_requests'

    id: orm.Mapped[str] = primary_key()
    #: A running session; None for one that is not there.
    session_id: orm.Mapped[str | None] = orm.mapped_column(Id)
    #: workflow, maintenance_at (seconds since the epoch), hosts,
    #: other_hosts and settings of one that is not there
    body: orm.Mapped[dict] = orm.mapped_column(types.JSON, default=dict)
    created_at: orm.Mapped[datetime.datetime]
    #: The engine that works on it.
    taken_by: orm.Mapped[str | None] = orm.mapped_column(Id)
    #: The plan; {"problem": why there is none}.
    answer: orm.Mapped[dict | None] = orm.mapped_column(types.JSON)


class Reply(Base):
    """What a project answered, as it arrived."""

    __tablename__ = 'replies'
    __table_args__ = (
        sa.Index('replies_inbox', 'session_id', 'consumed_at'),
        # Each reply is compared with the newest unread one of its sender.
        sa.Index('replies_sender', 'session_id', 'project_id', 'instance_id',
                 'consumed_at'),
        Base.__table_args__)

    id: orm.Mapped[str] = primary_key()
    session_id: orm.Mapped[str] = of_session(index=False)
    project_id: orm.Mapped[str]
    #: From the URL; None on the project's URL.
    instance_id: orm.Mapped[str | None] = orm.mapped_column(Id)
    #: As it came, for example ACK_MAINTENANCE.
    state: orm.Mapped[str]
    #: One action for all, and actions by instance id.
    action: orm.Mapped[str | None] = orm.mapped_column(types.String(64))
    actions: orm.Mapped[dict]
    #: X-Openstack-Request-Id of the API's request that brought it.
    api_request: orm.Mapped[str | None] = orm.mapped_column(
        types.String(64))
    received_at: orm.Mapped[datetime.datetime] = orm.mapped_column(
        Time, index=True)
    consumed_at: orm.Mapped[datetime.datetime | None]


class Request(Base):
    """What an administrator asks of a session that exists."""

    __tablename__ = 'requests'
    __table_args__ = (
        sa.Index('requests_inbox', 'session_id', 'consumed_at'),
        Base.__table_args__)

    id: orm.Mapped[str] = primary_key()
    session_id: orm.Mapped[str] = of_session(index=False)
    #: continue, delete or report (on an action run)
    kind: orm.Mapped[str] = orm.mapped_column(Word)
    body: orm.Mapped[dict]
    #: X-Openstack-Request-Id of the API's request that brought it.
    api_request: orm.Mapped[str | None] = orm.mapped_column(
        types.String(64))
    received_at: orm.Mapped[datetime.datetime]
    consumed_at: orm.Mapped[datetime.datetime | None]


class Event(Base):
    """Timeline and outbox in one."""

    __tablename__ = 'events'
    __table_args__ = (
        sa.Index('events_order', 'session_id', 'seq', 'position'),
        sa.Index('events_unpublished', 'published_at', 'message_id'),
        Base.__table_args__)

    id: orm.Mapped[str] = primary_key()
    session_id: orm.Mapped[str] = of_session(index=False)
    #: The session's seq of the transaction, and the place within it.
    seq: orm.Mapped[int]
    position: orm.Mapped[int]
    #: maintenance.scheduled, .host or .session for a notification;
    #: "warning" or "note" for what only the timeline keeps.
    event_type: orm.Mapped[str] = orm.mapped_column(types.String(64))
    payload: orm.Mapped[dict]
    #: None: not to be published. Stays the same when sent again.
    message_id: orm.Mapped[str | None] = orm.mapped_column(Id)
    #: The ask whose window starts when this is published.
    ask_id: orm.Mapped[str | None] = orm.mapped_column(Id)
    #: Not sent again when found half sent: clients act on it each time.
    once: orm.Mapped[bool] = orm.mapped_column(default=False)
    #: X-Openstack-Request-Id of the API's request that led to it.
    api_request: orm.Mapped[str | None] = orm.mapped_column(
        types.String(64))
    created_at: orm.Mapped[datetime.datetime]
    sending_at: orm.Mapped[datetime.datetime | None]
    published_at: orm.Mapped[datetime.datetime | None]


class Claim(Base):
    """Who holds what across sessions.

    ``host``/name/0 keeps a host to one session; ``group``/id/n is one of
    the instances of a group that may be impacted at once.
    """

    __tablename__ = 'claims'

    kind: orm.Mapped[str] = orm.mapped_column(Word, primary_key=True)
    key: orm.Mapped[str] = orm.mapped_column(Name, primary_key=True)
    slot: orm.Mapped[int] = orm.mapped_column(
        primary_key=True, autoincrement=False)
    session_id: orm.Mapped[str] = orm.mapped_column(Id, index=True)
    #: The instance that holds a group's slot.
    holder: orm.Mapped[str | None] = orm.mapped_column(Id)
    #: Set when the impact ended: free from then on (recovery_time).
    free_at: orm.Mapped[datetime.datetime | None]


class KeptHost(Base):
    """A host that stayed disabled, with our mark, when its session went."""

    __tablename__ = 'kept_hosts'

    id: orm.Mapped[str] = primary_key()
    host: orm.Mapped[str] = orm.mapped_column(index=True)
    #: Which is no more.
    session_id: orm.Mapped[str] = orm.mapped_column(Id)
    #: Of the administrator of that session.
    project_id: orm.Mapped[str]
    #: Whether IN_MAINTENANCE was announced and not yet taken back.
    announced: orm.Mapped[bool]
    kept_at: orm.Mapped[datetime.datetime]


class InstanceConstraint(Base):
    """What a VNFM registered for an instance (ETSI NFV FEAT03)."""

    __tablename__ = 'instance_constraints'

    instance_id: orm.Mapped[str] = orm.mapped_column(
        types.String(64), primary_key=True)
    #: From the token, never from the body (CONTRACT.md 1.4 rule 4).
    project_id: orm.Mapped[str] = orm.mapped_column(Name, index=True)
    group_id: orm.Mapped[str | None] = orm.mapped_column(types.String(64))
    instance_name: orm.Mapped[str | None]
    #: Seconds.
    max_interruption_time: orm.Mapped[int]
    migration_type: orm.Mapped[str] = orm.mapped_column(Word)
    resource_mitigation: orm.Mapped[bool]
    #: Seconds.
    lead_time: orm.Mapped[int]
    updated_at: orm.Mapped[datetime.datetime]


class GroupConstraint(Base):
    """What a VNFM registered for an instance group (ETSI NFV FEAT03)."""

    __tablename__ = 'group_constraints'

    group_id: orm.Mapped[str] = orm.mapped_column(
        types.String(64), primary_key=True)
    project_id: orm.Mapped[str] = orm.mapped_column(Name, index=True)
    group_name: orm.Mapped[str | None]
    anti_affinity_group: orm.Mapped[bool]
    #: 0: no limit.
    max_instances_per_host: orm.Mapped[int]
    max_impacted_members: orm.Mapped[int]
    #: Seconds.
    recovery_time: orm.Mapped[int]
    resource_mitigation: orm.Mapped[bool]
    updated_at: orm.Mapped[datetime.datetime]
