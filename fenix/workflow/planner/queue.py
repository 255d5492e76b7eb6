# SPDX-License-Identifier: Apache-2.0
"""The hosts that may begin as far as projects go, in their order.

Thousands may wait for their turn, and each event asks who is next. So hosts
that cannot be next are set aside with what stands in their way, and are not
looked at before that has changed: notice that ends, an aggregate of which
enough are out, a group that holds them up. Of the others, the first one that
is small enough is found without looking at all before it.
"""

import heapq
import math

from fenix.workflow.planner.records import EPSILON


class Line:
    """Numbers in a row, some of them missing."""

    __slots__ = ('_first', '_least')

    def __init__(self, length):
        self._first = 1 << max(0, length - 1).bit_length()
        #: The least number below each node of a binary tree, whose leaves
        #: begin at ``_first``; the children of n are 2n and 2n + 1.
        self._least = [math.inf] * (2 * self._first)

    def copy(self):
        """Return a line that goes its own way from here."""
        other = Line.__new__(Line)
        other._first = self._first
        other._least = self._least.copy()
        return other

    def put(self, n, number=math.inf):
        """Put a number at place ``n``, or take it away."""
        least = self._least
        n += self._first
        least[n] = number
        while n > 1:
            n >>= 1
            number = min(least[2 * n], least[2 * n + 1])
            if least[n] == number:
                break
            least[n] = number

    def find(self, most, start=0):
        """Return the first place from ``start`` on with a number up to most.

        None if there is none; in time that grows with the logarithm of the
        length of the line.
        """
        least = self._least
        n = self._first + start
        if start >= self._first:
            return None
        while least[n] > most:
            while n & 1:
                n >>= 1     # A right child: nothing is behind it up there.
            if not n:
                return None
            n += 1
        while n < self._first:
            n *= 2
            n += least[n] > most
        return n - self._first


class Queue:
    """Hosts that may begin, each either in line or set aside."""

    def __init__(self, hosts, scarcest):
        """Make an empty queue.

        :param hosts: all hosts that may ever be in it, in their order
        :param scarcest: the resource by which they are small
        """
        self.scarcest = scarcest
        #: Rank, zone and place in the line of its zone, by name.
        self.place = {}
        #: (rank, name) of hosts by zone.
        self.zones = {}
        for rank, host in enumerate(hosts):
            zone = self.zones.setdefault(host.areas[:1], [])
            self.place[host.name] = rank, host.areas[:1], len(zone)
            zone.append((rank, host.name))
        self.lines = {zone: Line(len(names))
                      for zone, names in self.zones.items()}
        #: What the hosts that are in the queue need.
        self.load = {}
        #: Hosts that groups hold up, by rank.
        self.held = Line(len(self.place))
        self.names = [host.name for host in hosts]
        #: What a host that is set aside waits for.
        self.aside = {}
        self.by_area = {}
        #: Up to how many members in hand a host is held up no more.
        self.by_group = {}
        #: (time, name), those that do not wait for it any more among them.
        self.by_time = []
        #: Groups that may hold up fewer hosts than before.
        self.eased = set()

    def copy(self):
        """Return a queue that goes its own way from here."""
        other = Queue.__new__(Queue)
        other.__dict__.update(self.__dict__)
        other.lines = {zone: line.copy() for zone, line in self.lines.items()}
        for name in ('load', 'held', 'aside', 'by_time', 'eased'):
            setattr(other, name, getattr(self, name).copy())
        for name in ('by_area', 'by_group'):
            setattr(other, name, {key: dict(names) for key, names
                                  in getattr(self, name).items()})
        return other

    def __contains__(self, name):
        return name in self.load

    # What changes

    def add(self, host):
        """Let a host stand in line, or stand there with another load."""
        self._no_longer_aside(host.name)
        self.load[host.name] = load = host.load[self.scarcest]
        _rank, zone, n = self.place[host.name]
        self.lines[zone].put(n, load)

    def drop(self, name):
        """Let a host go."""
        if self.load.pop(name, None) is not None:
            self._no_longer_aside(name)
            _rank, zone, n = self.place[name]
            self.lines[zone].put(n)

    def change(self, host):
        """Look again at a host: what is on it has changed."""
        if host.name in self.load:
            self.add(host)

    def wake(self, name):
        """Let a host that was set aside stand in line again."""
        self._no_longer_aside(name)
        _rank, zone, n = self.place[name]
        self.lines[zone].put(n, self.load[name])

    def wake_area(self, area):
        """One host of an area fewer is out."""
        for name in list(self.by_area.get(area, ())):
            self.wake(name)

    def ease(self, group_id):
        """A group has fewer members in hand: it may hold up fewer hosts."""
        if group_id in self.by_group:
            self.eased.add(group_id)

    def catch_up(self, groups, now):
        """Let stand in line who was set aside until now."""
        for group_id in self.eased:
            in_hand = groups[group_id].in_hand
            for name, most in list(self.by_group.get(group_id, {}).items()):
                if in_hand <= most:
                    self.wake(name)
        self.eased.clear()
        while self.by_time and self.by_time[0][0] <= now + EPSILON:
            time, name = heapq.heappop(self.by_time)
            if self.aside.get(name, (None, None, None))[2] == time:
                self.wake(name)

    # Setting aside

    def until(self, name, time):
        """Set a host aside until a time."""
        self._set_aside(name, None, None, time)

    def until_area(self, name, area):
        """Set a host aside until fewer hosts of an area are out."""
        self._set_aside(name, area, None, math.inf)
        self.by_area.setdefault(area, {})[name] = None

    def until_group(self, name, hold):
        """Set a host aside that a group holds up.

        :param hold: :class:`~fenix.workflow.planner.ranking.Hold`
        """
        self._set_aside(name, None, hold.group_id, hold.until)
        self.by_group.setdefault(hold.group_id, {})[name] = hold.in_hand
        self.held.put(self.place[name][0], self.load[name])

    def _set_aside(self, name, area, group_id, time):
        _rank, zone, n = self.place[name]
        self.lines[zone].put(n)
        self.aside[name] = area, group_id, time
        if time < math.inf:
            heapq.heappush(self.by_time, (time, name))

    def _no_longer_aside(self, name):
        known = self.aside.pop(name, None)
        if known is None:
            return
        area, group_id, _time = known
        if area is not None:
            del self.by_area[area][name]
        if group_id is not None:
            del self.by_group[group_id][name]
            if not self.by_group[group_id]:
                del self.by_group[group_id]
            self.held.put(self.place[name][0])

    # Questions

    def small(self, room, skipped):
        """Go through the hosts in line that are small enough, in order.

        Meanwhile the caller may set hosts aside and drop them.

        :param room: returns how much they may need by now
        :param skipped: zones (or what is first of a host's areas) of which
            no host is wanted any more; the caller may add some
        """
        heads = []

        def next_of(zone, start):
            n = self.lines[zone].find(room(), start)
            if n is not None:
                heapq.heappush(heads, (self.zones[zone][n][0], n, zone))

        for zone in self.zones:
            next_of(zone, 0)
        while heads:
            _rank, n, zone = heapq.heappop(heads)
            name = self.zones[zone][n][1]
            if zone in skipped:
                continue
            if (name not in self.aside
                    and self.load.get(name, math.inf) <= room()):
                yield name
            next_of(zone, n + 1)

    def held_up(self, most):
        """Return the hosts that groups hold up and that are small enough."""
        found = []
        n = self.held.find(most)
        while n is not None:
            found.append(self.names[n])
            n = self.held.find(most, n + 1)
        return found
