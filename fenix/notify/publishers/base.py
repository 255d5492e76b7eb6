# SPDX-License-Identifier: Apache-2.0
"""What carries notifications out of Fenix."""

import abc
import dataclasses
import datetime
from collections.abc import Sequence

from stevedore import driver

PUBLISHER_ID = 'fenix'


@dataclasses.dataclass(frozen=True)
class Notification:
    """One notification, as the outbox keeps it."""

    #: Stays the same when it is sent again.
    message_id: str
    #: maintenance.scheduled, maintenance.host or maintenance.session
    event_type: str
    payload: dict
    #: When it was decided; aware.
    created: datetime.datetime

    def as_message(self):
        """Return the message that oslo.messaging's Notifier would make."""
        created = self.created.astimezone(datetime.UTC)
        return {'message_id': self.message_id,
                'publisher_id': PUBLISHER_ID,
                'event_type': self.event_type,
                'priority': 'INFO',
                'payload': self.payload,
                'timestamp': str(created.replace(tzinfo=None))}


class Publisher(abc.ABC):
    """A way out for notifications. Thread-safe.

    Made in the process that publishes, after any fork.

    :param conf: the configuration, ``fenix.conf.CONF``
    :ivar at_once: how many notifications a call is given at most. Before
        each call the engine makes sure that the session is still its own; so
        that is more than one only where many are hardly slower than one
    """

    at_once = 1

    def __init__(self, conf):
        self.conf = conf

    @abc.abstractmethod
    def publish(self, notifications: Sequence[Notification]) -> None:
        """Hand over notifications, in order, until one fails.

        Returns when the receiver has them all; blocks for each at most
        ``[notify] timeout``.

        :raises PublishError: with ``published``, the number that surely
            went out, and ``uncertain``, how many of the next ones may
            have. The caller publishes again from there, with the same
            message ids
        """

    def health(self) -> dict:
        """Return how it is doing, for people: at least ``state``."""
        return {'state': 'ready'}

    def stop(self) -> None:  # noqa: B027 - most have nothing to stop
        """Let go of connections; returns soon, whatever the receiver does."""


def load(conf) -> Publisher:
    """Return the publisher that ``[notify] publisher`` names."""
    return driver.DriverManager(
        'fenix.publishers', conf.notify.publisher, invoke_on_load=True,
        invoke_args=(conf,)).driver
