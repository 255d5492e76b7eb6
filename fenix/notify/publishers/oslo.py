# SPDX-License-Identifier: Apache-2.0
"""Notifications to the message bus, where ceilometer takes them up.

oslo.messaging's own Notifier swallows every failure, so the outbox could
not rely on it: this sends the same message by the call below it, which
raises, and returns only when the broker has the message. What many wait
for at once goes to RabbitMQ in bursts.

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
from fenix.notify.publishers import burst

LOG = logging.getLogger(__name__)

#: Exchange, unless [DEFAULT] control_exchange says otherwise.
EXCHANGE = 'fenix'

#: Format of the driver "messaging": no envelope (CONTRACT.md 2.1).
VERSION = 1.0

#: Ends of sends that nobody has asked about yet.
KEPT = 5000

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
    """A notification on its way through the sender's thread.

    :param call: what stands for the call of ``publish`` that it is of
    """

    def __init__(self, notification, call):
        self.notification = notification
        self.call = call
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
        self.at_once = burst.MOST if burst.possible(self._transport) else 1
        self._changed = threading.Condition()
        self._queue = collections.deque()
        #: What is with the broker, unconfirmed, in order.
        self._current = collections.deque()
        #: How many of these, from the last, are surely not out yet.
        self._unsent = 0
        #: Sends whose caller went away, by message id.
        self._late = collections.OrderedDict()
        self._failure = None
        self._stopping = False
        self._thread = threading.Thread(
            target=self._run, name='fenix-publisher', daemon=True)
        self._thread.start()

    def publish(self, notifications):
        notifications = collections.deque(notifications)
        number = 0
        while notifications:
            # One that another call left is waited for by itself.
            alone = self._rejoin(notifications[0])
            if alone is not None:
                self._publish([notifications.popleft()], number, alone)
                number += 1
                continue
            group = [notifications.popleft()]
            while notifications and not self._known(notifications[0]):
                group.append(notifications.popleft())
            self._publish(group, number)
            number += len(group)

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

    def _publish(self, group, number, late=None):
        """Publish notifications that go out one behind the other.

        :param number: of those that the call has published before
        :param late: the send of an earlier call, of the only one
        """
        until = time.monotonic() + self._timeout
        if late and late.done.wait(self._timeout) and late.error:
            # The failure of long ago: the broker may well be back.
            late = None
        sends = [late] if late else self._enqueue(group, number)
        for place, send_ in enumerate(sends):
            if not send_.done.wait(max(0.0, until - time.monotonic())):
                uncertain = self._leave(sends[place:])
                if uncertain is not None:
                    raise errors.PublishError(
                        'The message bus did not take '
                        f'{send_.notification.event_type} within '
                        f'{self._timeout:g} seconds',
                        published=number + place, uncertain=uncertain)
            if send_.error:
                raise errors.PublishError(
                    'The message bus did not take '
                    f'{send_.notification.event_type}: {send_.error}',
                    published=number + place,
                    uncertain=sum(_in_doubt(other) for other in sends[place:])
                ) from send_.error
            # Each has that long from when its turn came.
            until = time.monotonic() + self._timeout

    def _enqueue(self, group, number):
        call = object()
        sends = [_Send(notification, call) for notification in group]
        with self._changed:
            if self._stopping:
                raise errors.PublishError('The publisher is stopped',
                                          published=number)
            if any(send_.notification.message_id in self._late
                   for send_ in self._current):
                # Others waited for it long enough: do not queue up behind.
                raise errors.PublishError(
                    'The message bus still holds an earlier notification',
                    published=number)
            self._queue.extend(sends)
            self._changed.notify_all()
        return sends

    def _known(self, notification):
        """Tell whether an earlier call gave up waiting for a send."""
        with self._changed:
            return notification.message_id in self._late

    def _rejoin(self, notification):
        """Return the send of an earlier call that gave up waiting for it."""
        with self._changed:
            return self._late.pop(notification.message_id, None)

    def _leave(self, sends):
        """Give up waiting for sends.

        :returns: how many of them may still arrive; None: the first is done
            by now
        """
        with self._changed:
            if sends[0].done.is_set():
                return None
            self._failure = 'no answer'
            mine = set(sends)
            self._queue = collections.deque(
                send_ for send_ in self._queue if send_ not in mine)
            current = [send_ for send_ in self._current if send_ in mine]
            for send_ in current:
                self._late[send_.notification.message_id] = send_
            while len(self._late) > KEPT:
                self._late.popitem(last=False)
            return len(current)

    def _run(self):
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._stopping or self._queue)
                if not self._queue:
                    break
                while self._queue and len(self._current) < self.at_once:
                    self._current.append(self._queue.popleft())
                sends = list(self._current)
            error = None
            try:
                self._send([send_.notification for send_ in sends])
            except Exception as exc:
                error = exc
            self._over(error)
        try:
            self._transport.cleanup()
        except Exception:
            LOG.warning('The connection to the message bus did not close',
                        exc_info=True)

    def _send(self, notifications):
        total = len(notifications)
        if total == 1:
            self._unsent = 0
            send(self._transport, self._topic, notifications[0])
            return
        self._unsent = total

        def handed(number):
            self._unsent = min(self._unsent, total - number)

        def confirmed(number):
            with self._changed:
                while total - len(self._current) < number:
                    self._current.popleft().done.set()

        burst.send(self._transport, self._topic, notifications, handed,
                   confirmed)

    def _over(self, error):
        """Note how a burst ended, for those that are not confirmed yet."""
        with self._changed:
            self._failure = str(error) if error else None
            failed = list(self._current) if error else []
            tried = len(failed) - self._unsent
            calls = {send_.call for send_ in failed}
            # What waits behind one that failed must not overtake it.
            dropped = [send_ for send_ in self._queue if send_.call in calls]
            if dropped:
                self._queue = collections.deque(
                    send_ for send_ in self._queue
                    if send_.call not in calls)
            for send_ in failed[:tried]:
                send_.error = error
            for send_ in [*failed[tried:], *dropped]:
                send_.error = _NotSent(str(error))
            for send_ in [*self._current, *dropped]:
                send_.done.set()
            self._current.clear()


class _NotSent(Exception):
    """What comes behind one that failed was not sent.

    Nor was anything if there was no connection.
    """


def _in_doubt(send_):
    """Tell whether a notification may have gone out."""
    return send_.done.is_set() and send_.error is not None and not isinstance(
        send_.error, _NotSent) and not _never_connected(send_.error)
