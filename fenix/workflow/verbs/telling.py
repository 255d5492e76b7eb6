# SPDX-License-Identifier: Apache-2.0
"""Telling: states, hosts and notes, into timeline and outbox."""

from oslo_log import log as logging

from fenix import words
from fenix.db import constraints
from fenix.db import models
from fenix.notify import payloads
from fenix.workflow import states
from fenix.workflow.verbs import keeping

LOG = logging.getLogger(__name__)

#: Told again, these make today's clients act again (CONTRACT.md 5.4).
ONCE = frozenset([words.SCALE_IN, words.MAINTENANCE_COMPLETE])
HOST_EVENT = payloads.HOST


def publish(turn, event_type, payload, ask=None, once=False):
    """Put a notification into the outbox."""
    return turn.add(models.Event(
        event_type=event_type, payload=payload, message_id=models.new_id(),
        ask_id=ask and ask.id, once=once, created_at=turn.now))


def note(turn, text, level='note', **about):
    """Write into the timeline what no one but the administrator reads."""
    LOG.log(logging.WARNING if level == 'warning' else logging.INFO,
            'session %s: %s', turn.session.id, text)
    turn.add(models.Event(event_type=level, payload=dict(about, text=text),
                          created_at=turn.now))


def warn(turn, text, **about):
    """Write a warning into the timeline."""
    note(turn, text, 'warning', **about)


def session_state(turn, state):
    """Give the session a state and tell its administrator."""
    session = turn.session
    percent = (100 * turn.picture.through // len(turn.picture.hosts)
               if turn.picture.hosts else 0)
    if state == words.MAINTENANCE_DONE:
        percent = 100
    if session.state == state and session.percent_done == percent:
        return
    publish(turn, payloads.SESSION, payloads.session(
        session_id=session.id, project_id=session.project_id, state=state,
        previous_state=session.state, percent_done=percent,
        reason=session.reason, vocabulary=turn.conf.workflow.vocabulary))
    if session.state != state:
        LOG.info('session %s: %s -> %s%s', session.id, session.state, state,
                 f' ({session.reason})' if session.reason else '')
    turn.change(session, state=state, percent_done=percent)


def host_state(turn, host, state):
    """Tell infrastructure services that a host is out of use, or back."""
    turn.change(host, announced=state == words.IN_MAINTENANCE)
    projects = {turn.session.project_id: None}
    projects.update(dict.fromkeys(turn.conf.notify.host_event_projects))
    for project_id in projects:
        publish(turn, HOST_EVENT, payloads.host(
            session_id=turn.session.id, project_id=project_id,
            host=host.name, state=state))


def settle_host(turn, host):
    """Take back what nobody was told of a host yet.

    :returns: whether it is certain who was told; False while that goes out
    """
    waiting = [event for event in turn.picture.outbox
               if event.event_type == HOST_EVENT
               and event.payload['host'] == host.name]
    if not waiting or not host.announced:
        return True
    if turn.in_flight('publish', 'outbox'):
        return False
    if all(event.sending_at is None for event in waiting):
        for event in waiting:
            turn.change(event, message_id=None)
            turn.picture.outbox.remove(event)
        turn.change(host, announced=False)
    return True


def step(turn, host, after, reason=None):
    """Let a host go on to another step."""
    states.check(states.STEPS, host.step, after)
    LOG.info('session %s: host %s: %s -> %s', turn.session.id, host.name,
             host.step, after)
    if after in states.THROUGH:
        turn.picture.through += 1
        turn.bookings.need_not_empty(turn.session.id, host.name)
    turn.change(host, step=after, step_at=turn.now, reason=reason,
                waits_for=None, waits_why=None)
    keeping.stepped(turn, host)


def phase(turn, after):
    """Let the session go on to another phase."""
    states.check(states.PHASES, turn.session.phase, after)
    LOG.info('session %s: phase %s -> %s', turn.session.id,
             turn.session.phase, after)
    turn.change(turn.session, phase=after)


def vocabulary(turn, project_id):
    """Return the words in which a project is spoken to."""
    if project_id not in turn.vocabularies:
        turn.vocabularies[project_id] = payloads.vocabulary_of(
            turn.conf, project_id, constraints.registered(project_id))
    return turn.vocabularies[project_id]


def moved(turn, instance):
    """Tell a project that what it agreed to was done to an instance."""
    publish(turn, payloads.SCHEDULED, payloads.scheduled(
        session_id=turn.session.id, project_id=instance.project_id,
        question=words.INSTANCE_ACTION_DONE,
        vocabulary=vocabulary(turn, instance.project_id),
        public_url=turn.conf.api.public_url, meta=turn.session.meta,
        instance_id=instance.instance_id))
