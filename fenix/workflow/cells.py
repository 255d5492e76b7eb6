# SPDX-License-Identifier: Apache-2.0
"""Which hosts are in different cells of Nova.

Nova moves no instance from one cell to another, and its API does not tell
which host is in which. Two things do: an administrator, with the property
``fenix_cell`` of aggregates, and moves: where one was made, its hosts are in
one cell; a host that Nova does not find where an instance is, is in another.
"""

import collections


class Cells:
    """What is known of the cells of hosts."""

    def __init__(self):
        #: Another host of the same cell, or itself: a forest.
        self._leader = {}
        #: By leader: all hosts that are known to be in its cell.
        self._members = {}
        #: By leader: leaders that are known to be in other cells.
        self._others = collections.defaultdict(set)

    def together(self, one, other):
        """Note that two hosts are in one cell."""
        one, other = self._lead(one), self._lead(other)
        if one == other:
            return
        self._leader[other] = one
        self._members[one] |= self._members.pop(other)
        for third in self._others.pop(other, ()):
            self._others[third].discard(other)
            self.apart(one, third)

    def apart(self, one, other):
        """Note that two hosts are in different cells."""
        one, other = self._lead(one), self._lead(other)
        if one != other:
            self._others[one].add(other)
            self._others[other].add(one)

    def elsewhere(self, host):
        """Return the hosts that are known to be in other cells than one."""
        if host not in self._leader:
            return frozenset()
        return frozenset().union(*(
            self._members[other]
            for other in self._others.get(self._lead(host), ())))

    def _lead(self, host):
        if host not in self._leader:
            self._leader[host] = host
            self._members[host] = {host}
        while self._leader[host] != host:
            self._leader[host] = self._leader[self._leader[host]]
            host = self._leader[host]
        return host
