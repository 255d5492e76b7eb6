# SPDX-License-Identifier: Apache-2.0
"""Rule 3, too: never more at once than the administrator allows.

``hosts_at_once``, ``moves_at_once``, ``moves_per_source``,
``moves_per_target``, ``zone_share`` (of zones and of aggregates) and the floor
that stays free, as far as the session itself sets them: what stands in the
configuration is not seen from outside.
"""

import collections
import math

from fenix.sandbox.verifier import rule
from fenix.sandbox.verifier import world as worlds

#: Resources: how a session calls what stays free, and how hosts and servers
#: call what they have.
FLOOR = {'free_vcpus': 'vcpus', 'free_ram_mb': 'ram_mb',
         'free_disk_gb': 'disk_gb'}


class Limits(rule.Rule):
    """Checked when a move starts, and when a host goes into maintenance.

    A host is in hand from the first move off it, or from its maintenance if
    nothing was on it, until it is given back or its session fails.
    """

    number = 3

    def __init__(self, story, world, slack):
        super().__init__(story, world, slack)
        #: What sessions set: {session: {name: number}}.
        self._settings: dict[str, dict] = {}
        #: Hosts in hand: {host: session}.
        self._in_hand: dict[str, str] = {}
        #: When that began.
        self._since: dict[str, float] = {}
        #: Zones and aggregates: {(kind, name): hosts in it}.
        self._areas: dict[tuple, set[str]] = collections.defaultdict(set)
        #: What hosts have, and servers need: {name or id: line}.
        self._sizes: dict[str, dict] = {}
        #: When somebody else last took room.
        self._taken_t = float('-inf')

    def after(self, line):
        match line['what']:
            case 'host.create':
                if line.get('zone'):
                    self._areas['zone', line['zone']].add(line['host'])
                self._sizes[line['host']] = line.get('room') or line
            case 'aggregate.create':
                self._areas['aggregate', line['aggregate']].update(
                    line['hosts'])
            case 'server.create' | 'resize.start' | 'server.unshelve':
                if line['what'] == 'server.create':
                    self._sizes[line['server']] = line
                self._taken_t = line['t']
            case 'session':
                self._told_of_session(line)
            case 'service.enable':
                self._in_hand.pop(line['host'], None)
            case 'migrate.start' | 'live-migrate.start':
                self._started(line)
            case 'notify' if line['event_type'] == 'maintenance.host':
                payload = line['payload']
                if payload['state'] == 'IN_MAINTENANCE':
                    self._take(line, payload['host'], payload['session_id'])
                else:
                    self._in_hand.pop(payload['host'], None)

    def _told_of_session(self, line):
        session = line.get('session')
        if line['method'] == 'POST' and line.get('code') == 200:
            body = line.get('body') or {}
            self._settings[session] = {**body, **(body.get('settings') or {})}
        elif line['method'] == 'DELETE' or line.get('state') == (
                'MAINTENANCE_FAILED'):
            self._in_hand = {host: owner for host, owner
                             in self._in_hand.items() if owner != session}

    def _started(self, line):
        host = self.world.hosts.get(line['source'])
        if host is None or host.enabled or not (host.reason or '').startswith(
                worlds.MARK):
            return      # Not ours.
        session = host.reason[len(worlds.MARK):].split()[0]
        settings = self._settings.get(session, {})
        self._take(line, host.name, session)
        moves = [move for move in self.world.moves.values() if not move.over]
        for name, found, what in (
                ('moves_at_once', moves, 'moves'),
                ('moves_per_source', [
                    move for move in moves if move.source == line['source']],
                 f'moves off {line["source"]}'),
                ('moves_per_target', [
                    move for move in moves
                    if move.target and move.target == line.get('target')],
                 f'moves to {line.get("target")}')):
            limit = settings.get(name) or 0
            if 0 < limit < len(found):
                self.breach(line, session, f'{len(found)} {what} at once, '
                                           f'{limit} allowed')
        self._floor(line, host.name, session, settings)

    def _take(self, line, host, session):
        """Note that a host is in hand, and see whether it may be."""
        if host in self._in_hand:
            return
        self._in_hand[host] = session
        self._since[host] = line['t']
        settings = self._settings.get(session, {})
        own = {name for name, owner in self._in_hand.items()
               if owner == session}
        limit = settings.get('hosts_at_once') or 0
        if 0 < limit < len(own):
            self.breach(line, session, f'{len(own)} hosts at once, '
                                       f'{limit} allowed')
        share = settings.get('zone_share', 1)
        for (kind, name), hosts in self._areas.items():
            if host not in hosts or share >= 1:
                continue
            there = {each for each in hosts & self.world.hosts.keys()
                     if self.world.hosts[each].compute}
            limit = max(1, math.floor(share * len(there) + 1e-9))
            if len(own & there) > limit:
                self.breach(
                    line, session, f'{len(own & there)} of {len(there)} '
                    f'hosts of {kind} {name} at once, {limit} allowed')

    def _floor(self, line, host, session, settings):
        """Check what stays free on all hosts that are in use.

        What others take after a host was begun with is not held against it.
        """
        wanted = {kind: settings.get(name) or 0
                  for name, kind in FLOOR.items() if settings.get(name)}
        if not wanted or self._taken_t > self._since[host]:
            return
        for kind, least in wanted.items():
            free = self._free(kind)
            if free < least:
                self.breach(line, session, f'{free} {kind} stay free, '
                                           f'{least} are to')

    def _free(self, kind):
        used = {name: self._sizes[name][kind]
                for name, host in self.world.hosts.items()
                if host.compute and name not in self._in_hand
                and (host.enabled or host.ours)}
        free = sum(used.values())
        for server in self.world.servers.values():
            if server.gone or server.id not in self._sizes:
                continue
            places = len(self.world.hosts_of(server.id) & used.keys())
            free -= places * self._sizes[server.id][kind]
        return free
