# SPDX-License-Identifier: Apache-2.0
"""Many notifications to RabbitMQ before it has confirmed the first of them.

oslo.messaging waits for the broker's confirmation of each message before it
takes the next one: a way there and back each time, to the disks of a quorum
queue and all. Here they go out one behind the other over one channel, which
keeps their order, and only then the confirmations are waited for.

This goes below oslo.messaging's public calls, to its connections, and through
them to those of py-amqp; so the connection is the one that the configuration
asks for. The tests compare what arrives with what arrives the other way. A
version of them that has other calls there gets one message after another.
"""

import functools

import kombu
import oslo_messaging
from kombu.transport import pyamqp
from oslo_messaging._drivers import amqp
from oslo_messaging._drivers import common
from oslo_messaging._drivers import impl_rabbit

#: Messages that may be unconfirmed. What an accident leaves in doubt is no
#: more than that.
MOST = 200
#: What is called below the public calls, by who has it.
_CALLS = {
    amqp: ('_add_unique_id', 'pack_context'),
    impl_rabbit.RabbitDriver: ('_get_connection', '_get_exchange'),
    impl_rabbit.Connection: (
        '_ensure_publishing', '_publish_and_creates_default_queue',
        'set_transport_socket_timeout'),
    pyamqp.Channel: ('_basic_publish',)}


def possible(transport):
    """Tell whether a transport can do this: RabbitMQ's can."""
    return isinstance(
        getattr(transport, '_driver', None), impl_rabbit.RabbitDriver
    ) and all(hasattr(owner, name)
              for owner, names in _CALLS.items() for name in names)


def send(transport, topic, notifications, handed, confirmed):
    """Hand notifications to the broker; return when it has them all.

    May block for long, as ``fenix.notify.publishers.oslo.send``.

    :param notifications: MOST at most
    :param handed: called with how many, from the first, may be out from now
        on, before each is written
    :param confirmed: called with how many, from the first, the broker has,
        each time when that changes
    :raises Exception: whatever the driver raises. What was handed over and
        not confirmed may have arrived; if it did, in order, unless the broker
        has refused one of them. All the rest did not
    """
    driver = transport._driver
    target = oslo_messaging.Target(topic=f'{topic}.info')
    messages = [_packed(notification) for notification in notifications]
    with driver._get_connection(common.PURPOSE_SEND, 0) as connection:
        connection._ensure_publishing(
            functools.partial(_send, connection, handed, confirmed),
            kombu.entity.Exchange(
                name=driver._get_exchange(target), type='topic',
                durable=connection.durable,
                auto_delete=connection.amqp_auto_delete),
            messages, routing_key=target.topic, retry=0)


def _packed(notification):
    """Return the message that the driver would make of a notification."""
    message = notification.as_message()
    amqp._add_unique_id(message)
    amqp.pack_context(message, {})
    return message


def _send(connection, handed, confirmed, exchange, messages, topic, *others):
    """Send messages over the channel of a connection that is ours for now."""
    def publish(number, message):
        handed(number)
        connection._publish_and_creates_default_queue(
            exchange, message, topic, *others)

    count = _Count(confirmed)
    channel = connection.channel
    channel.events['basic_ack'].add(count.acked)
    channel.events['basic_nack'].add(count.refused)
    try:
        # The usual way: that a connection is broken shows before the rest
        # is in doubt, and the driver makes queue and exchange, and sees to
        # it that the channel confirms.
        publish(1, messages[0])
        waits = channel.basic_publish
        channel.basic_publish = channel._basic_publish
        try:
            for number, message in enumerate(messages[1:], 2):
                publish(number, message)
        finally:
            channel.basic_publish = waits
        connection.set_transport_socket_timeout()
        while count.number < len(messages):
            channel.connection.drain_events()
    finally:
        channel.events['basic_ack'].discard(count.acked)
        channel.events['basic_nack'].discard(count.refused)


class _Count:
    """How many messages are confirmed, from the first without a gap.

    :param changed: called with that number when it has grown
    """

    def __init__(self, changed):
        self.number = 0
        self._changed = changed
        #: The broker's number of the first message.
        self._first = None
        #: Of those that are confirmed behind a gap.
        self._behind = set()

    def acked(self, tag, multiple):
        if self._first is None:
            self._first = tag
        place = tag - self._first + 1
        if multiple:
            self.number = max(self.number, place)
        else:
            self._behind.add(place)
        before = self.number
        while self.number + 1 in self._behind:
            self.number += 1
            self._behind.discard(self.number)
        if multiple or self.number > before:
            self._changed(self.number)

    def refused(self, tag, multiple):
        raise oslo_messaging.MessageDeliveryFailure(
            'The message bus has refused a notification')
