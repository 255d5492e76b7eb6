# SPDX-License-Identifier: Apache-2.0
"""Where the sessions of an engine are going to put their instances.

Between the choice of a target and the moment when Placement counts it lie a
question, its answer and a request to Nova. Sessions that look at the same
survey meanwhile would all choose the same target, and Nova refuse all but one
of them: the more sessions, the more moves in vain.

Nothing depends on it: it is in memory, and sessions of other engines are not
in it. Who is too late for a target is refused by Nova, and looks for another.
An instance that has to leave its host takes what others have booked if there
is nothing else: its host does not fail for what may never be taken.
"""

import collections
import dataclasses
import datetime
import threading

from fenix.size import Size

#: How long after a move has ended its room is still taken off the surveys
#: that do not show it yet.
KEPT = datetime.timedelta(minutes=2)


@dataclasses.dataclass(frozen=True)
class Booking:
    """Room that an instance is to have.

    :ivar source: the host that it leaves
    :ivar ended: when it had come to its target, or None
    """

    source: str
    target: str
    size: Size
    ended: datetime.datetime | None = None


class Bookings:
    """The bookings of all sessions of an engine.

    :ivar choosing: held by who chooses targets until they are booked
    """

    def __init__(self):
        self.choosing = threading.RLock()
        #: {session id: {instance id: Booking}}
        self._of = collections.defaultdict(dict)
        #: {session id: names of the hosts that it has yet to empty}
        self._to_empty = {}

    def book(self, session_id, instance_id, booking):
        """Book room for an instance, instead of what it had before."""
        with self.choosing:
            self._of[session_id][instance_id] = booking

    def arrived(self, session_id, instance_id, now):
        """Note that an instance has the room that was booked for it."""
        with self.choosing:
            booking = self._of[session_id].get(instance_id)
            if booking is not None:
                self._of[session_id][instance_id] = dataclasses.replace(
                    booking, ended=now)

    def cancel(self, session_id, source, instance_id=None):
        """Give back the room for instances of a host that are not there yet.

        :param instance_id: only this one
        """
        with self.choosing:
            mine = self._of[session_id]
            for key, booking in list(mine.items()):
                if booking.source == source and booking.ended is None and (
                        instance_id in (None, key)):
                    del mine[key]

    def will_empty(self, session_id, hosts):
        """Note which hosts a session has yet to empty.

        :param hosts: their names, all of them
        """
        with self.choosing:
            self._to_empty[session_id] = set(hosts)

    def need_not_empty(self, session_id, host):
        """Note that a session is through with a host."""
        with self.choosing:
            self._to_empty.get(session_id, set()).discard(host)

    def to_be_emptied(self, session_id):
        """Return the names of the hosts that others have yet to empty."""
        with self.choosing:
            return frozenset().union(*(
                hosts for other, hosts in self._to_empty.items()
                if other != session_id))

    def drop(self, session_id):
        """Forget all bookings of a session, and its hosts."""
        with self.choosing:
            self._of.pop(session_id, None)
            self._to_empty.pop(session_id, None)

    def taken(self, session_id, survey, since):
        """Return the room that others have booked and a survey does not show.

        :param survey: ``clouds.base.Survey``
        :param since: when it began
        :returns: {host: ``Size``}
        """
        found = {}
        with self.choosing:
            for other, booked in self._of.items():
                if other == session_id:
                    continue
                for key, booking in list(booked.items()):
                    if booking.ended and booking.ended < since - KEPT:
                        del booked[key]
                    elif _counts(key, booking, survey, since):
                        found[booking.target] = found.get(
                            booking.target, Size()) + booking.size
        return found


def _counts(instance_id, booking, survey, since):
    capacity = survey.capacities.get(booking.target)
    return capacity is not None and (
        booking.ended is None or booking.ended >= since) and (
            instance_id not in capacity.consumers)
