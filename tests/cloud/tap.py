# SPDX-License-Identifier: Apache-2.0
"""Notifications as they pass on the message bus."""

import datetime
import json
import secrets
import threading

import kombu
from oslo_log import log as logging

LOG = logging.getLogger(__name__)

#: Where Fenix publishes: exchange and routing key.
EXCHANGE, KEY = 'fenix', 'notifications.info'
#: Seconds without a message after which it looks whether to stop.
LOOK = 0.5


class Tap:
    """A queue of its own, bound to what Fenix publishes.

    What it misses while the bus is away, whoever gets the alarm shows it.

    :param transport_url: of the bus
    :ivar timeline: where notifications are written down, or None
    """

    def __init__(self, transport_url: str):
        self._url = transport_url.replace('rabbit://', 'amqp://', 1)
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.timeline = None
        self._queue = kombu.Queue(
            f'fenix-tap-{secrets.token_hex(4)}', kombu.Exchange(
                EXCHANGE, 'topic', durable=False), KEY, durable=False)
        self._lock = threading.Lock()
        self._seen: set[str] = set()

    def start(self):
        """Listen, in a thread.

        :raises TimeoutError: the bus is away
        """
        self._thread.start()
        if not self._ready.wait(30):
            raise TimeoutError('the message bus does not answer')

    def stop(self):
        """Listen no more, and leave no queue behind."""
        self._stopping.set()
        self._thread.join()

    def _run(self):
        while not self._stopping.is_set():
            try:
                self._listen()
            except Exception as error:
                LOG.warning('The bus is away: %s', error)
                self._stopping.wait(1)

    def _listen(self):
        with kombu.Connection(self._url, connect_timeout=5) as connection:
            queue = self._queue(connection.default_channel)
            queue.declare()
            with connection.Consumer(queue, callbacks=[self._take]):
                self._ready.set()
                while not self._stopping.is_set():
                    try:
                        connection.drain_events(timeout=LOOK)
                    except TimeoutError:
                        continue
            queue.delete()

    def _take(self, body, message):
        message.ack()
        if isinstance(body, str | bytes):
            body = json.loads(body)
        if 'oslo.message' in body:
            body = json.loads(body['oslo.message'])
        self.note(body['event_type'], body['message_id'], body['payload'],
                  body.get('_context_project_id'))

    def note_alarm(self, alarm):
        """Write down what an alarm tells, in case that it was missed.

        It may be late, so it counts from when it was made.
        """
        self.note(alarm.event_type, alarm.message_id, {
            name: value.isoformat(sep=' ') if isinstance(
                value, datetime.datetime) else value
            for name, value in alarm.traits.items()},
            at=alarm.generated and alarm.generated.timestamp())

    def note(self, event_type, message_id, payload, context_project=None,
             at=None):
        """Write a notification down, unless this is the second to tell."""
        with self._lock:
            if message_id in self._seen or self.timeline is None:
                return
            self._seen.add(message_id)
        self.timeline.record(
            'notify', event_type=event_type, message_id=message_id,
            payload=payload, context_project=context_project, t=at)
