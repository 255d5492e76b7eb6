# SPDX-License-Identifier: Apache-2.0
"""Who listens on the message bus."""

import kombu


def consumers(transport_url: str, queue: str) -> int:
    """Return how many processes listen to a queue.

    :raises OSError: the bus does not answer
    """
    connection = kombu.Connection(
        transport_url.replace('rabbit:', 'amqp:', 1), connect_timeout=5)
    try:
        found = connection.channel().queue_declare(queue, passive=True)
        return found.consumer_count
    except connection.channel_errors:
        return 0    # There is no such queue yet.
    except connection.connection_errors as exc:
        raise OSError(str(exc)) from exc
    finally:
        connection.release()
