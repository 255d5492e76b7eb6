# SPDX-License-Identifier: Apache-2.0
"""Notifications to the message bus, where ceilometer takes them up.

oslo.messaging's own Notifier swallows every failure, so the outbox could
not rely on it: this sends the same message by the call below it, which
raises, and returns only when the broker has the message.

A broker that is frozen can hold that call for minutes. So it is made in a
thread of its own, and the caller waits for it no longer than it may.
"""

# It has to come before oslo.messaging, which would select eventlet.
from fenix import _threading  # noqa: F401

# isort: split
import collections
import socket
import threading
import time

import oslo_messaging
from oslo_log import log as logging

from fenix import errors
from fenix.notify.publishers import base

LOG = logging.getLogger(__name__)

#: Exchange, unless [DEFAULT] control_exchange says otherwise.
EXCHANGE = 'fenix'

#: Format of the driver "messaging": no envelope (CONTRACT.md 2.1).
VERSION = 1.0

#: Ends of sends that nobody has asked about yet.
KEPT = 1000

oslo_messaging.set_transport_defaults(EXCHANGE)


def send(transport, topic, notification):
    """Hand a notification to the broker; return when the broker has it.

    May block for long. The context is empty: with a project in it aodh
    would match the alarms of that project (CONTRACT.md 2.1).

    :raises Exception: whatever the driver raises, if it was not delivered
    """
    target = oslo_messaging.Target(topic=f'{topic}.info')
    # There is no public call that reports a failure.
    transport._send_notification(target, {}, notification.as_message(),
                                 version=VERSION, retry=0)


def _never_connected(exc):
    """Whether a send failed for want of a connection, so surely did."""
    while exc is not None:
        if isinstance(exc, ConnectionRefusedError | socket.gaierror):
            return True
        exc = exc.__cause__ or exc.__context__
    return False


class _Send:
    """A notification on its way through the sender's thread."""

    def __init__(self, notification):
        self.notification = notification
        self.done = threading.Event()
        self.error = None


class OsloPublisher(base.Publisher):
    """Sends notifications as oslo.messaging's driver ``messaging`` does.

    :param conf: the global ``cfg.CONF``; oslo.messaging works with no other
    """

    def __init__(self, conf):
        super().__init__(conf)
        self._transport = oslo_messaging.get_notification_transport(conf)
        self._topic = conf.notify.topic
        self._timeout = conf.notify.timeout
        self._changed = threading.Condition()
        self._queue = collections.deque()
        self._current = None
        #: Sends whose caller went away, by message id.
        self._late = collections.OrderedDict()
        self._failure = None
        self._stopping = False
        self._thread = threading.Thread(
            target=self._run, name='fenix-publisher', daemon=True)
        self._thread.start()

    def publish(self, notifications):
        for number, notification in enumerate(notifications):
            self._publish(notification, number)

    def health(self):
        """Return ``state`` (ready, sending, failing) and ``error``."""
        with self._changed:
            state = ('failing' if self._failure else
                     'sending' if self._current else 'ready')
            return {'state': state, 'error': self._failure}

    def stop(self, timeout=2.0):
        """Take nothing more, send what waits, close the connection.

        :param timeout: seconds after which all that is left to a daemon
            thread, as the broker holds it
        """
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(timeout)

    def _publish(self, notification, number):
        until = time.monotonic() + self._timeout
        pending = self._rejoin(notification)
        if pending and pending.done.wait(self._timeout) and pending.error:
            # The failure of long ago: the broker may well be back.
            pending = None
        pending = pending or self._enqueue(notification, number)
        if not pending.done.wait(max(0.0, until - time.monotonic())):
            uncertain = self._leave(pending)
            if uncertain is not None:
                raise errors.PublishError(
                    f'The message bus did not take {notification.event_type}'
                    f' within {self._timeout:g} seconds',
                    published=number, uncertain=uncertain)
        if pending.error:
            raise errors.PublishError(
                f'The message bus did not take {notification.event_type}: '
                f'{pending.error}',
                published=number, uncertain=not _never_connected(
                    pending.error)) from pending.error

    def _enqueue(self, notification, number):
        pending = _Send(notification)
        with self._changed:
            if self._stopping:
                raise errors.PublishError('The publisher is stopped',
                                          published=number)
            if self._current in self._late.values():
                # Others waited for it long enough: do not queue up behind.
                raise errors.PublishError(
                    'The message bus still holds an earlier notification',
                    published=number)
            self._queue.append(pending)
            self._changed.notify_all()
        return pending

    def _rejoin(self, notification):
        """Return the send of an earlier call that gave up waiting for it."""
        with self._changed:
            return self._late.pop(notification.message_id, None)

    def _leave(self, pending):
        """Give up waiting for a send.

        :returns: whether it may still arrive; None: it is done by now
        """
        with self._changed:
            if pending.done.is_set():
                return None
            self._failure = 'no answer'
            if pending in self._queue:
                self._queue.remove(pending)
                return False
            self._late[pending.notification.message_id] = pending
            while len(self._late) > KEPT:
                self._late.popitem(last=False)
            return True

    def _run(self):
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._stopping or self._queue)
                if not self._queue:
                    break
                pending = self._current = self._queue.popleft()
            try:
                send(self._transport, self._topic, pending.notification)
            except Exception as exc:
                pending.error = exc
            with self._changed:
                self._current = None
                self._failure = str(pending.error) if pending.error else None
                pending.done.set()
        try:
            self._transport.cleanup()
        except Exception:
            LOG.warning('The connection to the message bus did not close',
                        exc_info=True)
