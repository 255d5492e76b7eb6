# SPDX-License-Identifier: Apache-2.0
"""Sessions, for administrators (CONTRACT.md 1.2)."""

from oslo_log import log as logging

from fenix import errors
from fenix import words
from fenix.api import admission
from fenix.api import views
from fenix.db import inbox
from fenix.db import models
from fenix.db import sessions

LOG = logging.getLogger(__name__)


def create(call):
    """Start a maintenance session."""
    wanted = admission.admit(call.body, call.conf)
    if sessions.count_unfinished() >= call.conf.api.max_sessions:
        raise errors.TooManySessions()
    session = models.Session(
        project_id=call.context.project_id, workflow=wanted.workflow,
        maintenance_at=wanted.start, meta=call.body['metadata'],
        wanted_hosts=wanted.hosts, other_hosts=wanted.other_hosts,
        settings=wanted.settings)
    sessions.create(session, wanted.hosts, [
        models.ActionPlugin(plugin=action['plugin'], type=action['type'],
                            meta=action.get('metadata') or {},
                            position=place)
        for place, action in enumerate(wanted.actions)])
    call.ring(session.id)
    LOG.info('Session %s was started', session.id)
    return {'session_id': session.id,
            'state': views.wire_state(call.conf, words.MAINTENANCE)}


def index(call):
    """List the ids of all sessions."""
    ids = sessions.ids()
    # Two clients, two names (CONTRACT.md section 6, 14).
    return {'sessions': ids, 'session_id': ids}


def get(call):
    """Tell how a session stands."""
    session = sessions.get(call.path['session'])
    return views.session(call.conf, session, inbox.asked(session.id))


def detail(call):
    """Tell all that is known of a session, and what it waits for."""
    rows = sessions.details(call.path['session'])
    return views.detail(call.conf, rows, inbox.asked(rows.session.id))


def events(call):
    """Return the timeline of a session."""
    rows = sessions.details(call.path['session'])
    return {'session_id': rows.session.id,
            'events': [views.event(row) for row in rows.events]}


def resume(call):
    """Continue a failed session where it stopped."""
    session = sessions.get(call.path['session'])
    asked = inbox.asked(session.id)
    if views.deleting(session, asked):
        raise errors.WrongState('The session is being deleted.')
    if session.state != words.MAINTENANCE_FAILED:
        raise errors.WrongState(
            'Only a session in MAINTENANCE_FAILED can be continued, and '
            f'this one is in {views.wire_state(call.conf, session.state)}. '
            'Its detail tells what it waits for; DELETE ends it.')
    if 'continue' not in asked:
        inbox.add_request(session.id, 'continue', dict(call.body))
    call.ring(session.id)
    LOG.info('Session %s is to be continued', session.id)
    return views.session(call.conf, session, asked)


def delete(call):
    """End a session; its hosts are given back as far as that is safe."""
    session = sessions.get(call.path['session'])
    if not views.deleting(session, inbox.asked(session.id)):
        inbox.add_request(session.id, 'delete')
    call.ring(session.id)
    LOG.info('Session %s is to be deleted', session.id)
    return {}
