# SPDX-License-Identifier: Apache-2.0
"""What a turn reads of the database besides the picture."""

from fenix import words
from fenix.db import constraints
from fenix.db import inbox


def unread(session_id):
    """Return (replies, requests) to be taken now, in order of arrival.

    A session that is continued looks at once for windows that are over. So
    that waits for the replies that came before; a deletion does not.
    """
    replies, requests = inbox.unread(session_id)
    if len(replies) >= inbox.BATCH:
        requests = [request for request in requests
                    if request.kind == 'delete']
    return replies, requests


def more(consumed):
    """Tell whether more may be unread than what was just read.

    :param consumed: as of ``unread``
    """
    return any(len(rows) >= inbox.BATCH for rows in consumed)


def in_time(turn, replies):
    """Tell whether replies may be unread that came before a window ended.

    Then no step may see yet that it has.

    :param replies: what was just read, in order of arrival
    """
    if len(replies) < inbox.BATCH:
        return False
    return any(
        ask.reply_by is not None
        and replies[-1].received_at <= ask.reply_by <= turn.now
        for ask in (*turn.picture.unanswered.values(),
                    # These can still be refused after they were agreed to.
                    *turn.picture.asks_to(words.MAINTENANCE)))


def constraints_of(instance_ids):
    """Return what is registered for instances, and for their groups."""
    instances = constraints.of_instances(instance_ids)
    groups = constraints.of_groups({
        row.group_id for row in instances.values()
        if row.group_id is not None})
    return instances, groups
