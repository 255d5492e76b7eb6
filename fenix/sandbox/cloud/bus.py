# SPDX-License-Identifier: Apache-2.0
"""Takes notifications from a message bus, as ceilometer's agent does."""

# Selects native threads; must come before oslo_messaging.
import fenix._threading  # noqa: F401  isort: skip

import threading
from typing import Any

import kombu
import oslo_messaging
from oslo_config import cfg
from oslo_log import log as logging

from fenix.sandbox.cloud import ceilometer

LOG = logging.getLogger(__name__)


class _Endpoint:
    """Hands every notification of priority info to ceilometer."""

    def __init__(self, agent):
        self._agent = agent

    def info(self, context: dict[str, Any], publisher_id: str,
             event_type: str, payload: Any, metadata: dict[str, Any]):
        """Called by oslo.messaging for each notification."""
        self._agent.notify(context, {
            'message_id': metadata['message_id'],
            'timestamp': metadata['timestamp'], 'priority': 'INFO',
            'publisher_id': publisher_id, 'event_type': event_type,
            'payload': payload})
        return oslo_messaging.NotificationResult.HANDLED


class Bus:
    """Listens at a transport.

    :param transport_url: of the bus, such as ``rabbit://…``
    :param agent: takes what arrives
    :param topic: of the notifications
    :param durable: whether what waits there outlives the bus
    :ivar ready: set when it listens
    """

    def __init__(self, transport_url: str, agent: ceilometer.Ceilometer,
                 topic: str, durable: bool = False):
        self._url = transport_url
        self._topic = topic
        self._durable = durable
        self._agent = agent
        self._listener = None
        self._overridden = False
        self._stopped = threading.Event()
        self.ready = threading.Event()

    def start(self):
        """Listen, in a thread: while the broker is down, this blocks."""
        threading.Thread(target=self._run, name='sandbox-bus',
                         daemon=True).start()

    def _run(self):
        transport = oslo_messaging.get_notification_transport(
            cfg.CONF, url=self._url)
        if self._durable:
            # Registered by now, and read when it connects.
            cfg.CONF.set_override('amqp_durable_queues', True,
                                  'oslo_messaging_rabbit')
            self._overridden = True
        listener = oslo_messaging.get_notification_listener(
            transport, [oslo_messaging.Target(topic=self._topic)],
            [_Endpoint(self._agent)])
        # One at a time: what is told in order arrives in order.
        listener.start(override_pool_size=1)
        self._listener = listener
        LOG.info('Listening for notifications')
        self.ready.set()
        if self._stopped.is_set():
            listener.stop()

    def stop(self):
        """Listen no more, and leave no queue behind."""
        self._stopped.set()
        if self._listener is not None:
            self._listener.stop()
            self._listener.wait()
            self._remove_queue()
        if self._overridden:
            cfg.CONF.clear_override('amqp_durable_queues',
                                    'oslo_messaging_rabbit')

    def _remove_queue(self):
        kind, _, rest = self._url.partition('://')
        if kind != 'rabbit':
            return
        try:
            with kombu.Connection(f'amqp://{rest}',
                                  connect_timeout=2) as connection:
                connection.default_channel.queue_delete(
                    f'{self._topic}.info')
        except Exception as error:
            # It is empty, and nobody else knows its name.
            LOG.warning('A queue is left behind: %s', error)
