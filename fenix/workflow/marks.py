# SPDX-License-Identifier: Apache-2.0
"""The mark of Fenix on hosts that it disabled, and the way to take it off.

While its session lives a mark is the session's own affair. Afterwards a host
may still carry one: kept on purpose, as a plug-in did not succeed on it, or
left over, as a request to disable it came late. An administrator releases it.
"""

import dataclasses
import uuid

from oslo_log import log as logging

from fenix.db import clock
from fenix.db import kept_hosts
from fenix.db import sessions
from fenix.notify import payloads
from fenix.notify.publishers import base as publishers
from fenix.words import MAINTENANCE_COMPLETE

LOG = logging.getLogger(__name__)

_PREFIX = 'fenix:'
#: Why a host is disabled while all goes well.
PLAIN = 'maintenance'


def mark(session_id):
    """Return the mark of a session: how Nova's disabled_reason begins."""
    return f'{_PREFIX}{session_id}'


@dataclasses.dataclass(frozen=True)
class Marked:
    """A host that is disabled and carries a mark."""

    host: str
    session_id: str
    #: What the reason says after the mark.
    why: str
    #: State of the session; None: it is no more, or done.
    state: str | None

    @property
    def on_purpose(self):
        """Whether somebody is meant to look at the host first."""
        return self.why not in ('', PLAIN)


def find(cloud):
    """Return the ``Marked`` hosts of a cloud, by name.

    :raises CloudError: the cloud could not be read
    """
    # The cloud first: whose mark is there has been in the database before.
    found = {}
    for service in cloud.services().values():
        reason = service.disabled_reason or ''
        if not service.enabled and reason.startswith(_PREFIX):
            found[service.name] = reason.removeprefix(
                _PREFIX).partition(' ')[::2]
    states = sessions.alive({session_id for session_id, _ in found.values()})
    return {host: Marked(host, session_id, why, states.get(session_id))
            for host, (session_id, why) in sorted(found.items())}


def release(cloud, marked, by):
    """Enable a host whose session is no more.

    :param by: who wants it, for the log
    :returns: whether it is enabled; False: another hand has disabled it
    :raises CloudRefused, CloudUnknown: it is not, or one has to look
    """
    if marked.state is not None:
        raise ValueError(f'session {marked.session_id} has it')
    enabled = cloud.enable(marked.host, mark(marked.session_id))
    LOG.info('host %s: release wanted by %s, its reason was "%s %s": %s',
             marked.host, by, mark(marked.session_id), marked.why,
             'enabled' if enabled else
             'another hand has disabled it, and it is left so')
    return enabled


def tell(conf, publisher, host):
    """Tell of a host that is enabled again whoever thinks it is not.

    :returns: how many notifications went out
    :raises PublishError: the rest may go out by another call; with the same
        message ids
    """
    told = 0
    for row in kept_hosts.of(host):
        if row.announced:
            notifications = _notifications(conf, row)
            publisher.publish(notifications)
            told += len(notifications)
        kept_hosts.forget(row.id)
    return told


def _notifications(conf, row):
    projects = dict.fromkeys(
        [row.project_id, *conf.notify.host_event_projects])
    now = clock.now()
    return [publishers.Notification(
        message_id=str(uuid.uuid5(uuid.UUID(row.id), project_id)),
        event_type=payloads.HOST, created=now,
        payload=payloads.host(
            session_id=row.session_id, project_id=project_id, host=row.host,
            state=MAINTENANCE_COMPLETE)) for project_id in projects]
