# SPDX-License-Identifier: Apache-2.0
"""The cloud as it was at each moment of a timeline."""

import dataclasses

from fenix.sandbox.verifier import asks
from fenix.sandbox.verifier import words

#: What Fenix writes first into the reason of what it disables.
MARK = 'fenix:'
#: Seconds after the return of the message bus within which what it had taken
#: before may be heard.
CATCH_UP = 15.0


@dataclasses.dataclass
class Host:
    """A host; ``disabled_by`` is None while it is enabled."""

    name: str
    compute: bool
    enabled: bool
    #: It was enabled when the timeline began.
    enabled_first: bool
    reason: str | None = None

    @property
    def ours(self) -> bool:
        """Whether Fenix disabled it: by its mark, or for no reason at all."""
        return not self.enabled and (
            not self.reason or self.reason.startswith(MARK))


@dataclasses.dataclass
class Server:
    """A server of the cloud."""

    id: str
    project: str
    host: str | None
    group: str | None
    state: str
    gone: bool = False
    #: When the last of its moves that ended well had started.
    moved_t: float = float('-inf')


@dataclasses.dataclass
class Move:
    """A migration from its acceptance to its end."""

    server: str
    source: str
    #: None until the scheduler chose it, if nobody named it.
    target: str | None
    live: bool
    t: float
    request_id: str | None = None
    confirmed: bool = False
    #: The server runs again; only its allocation on the source is left.
    over: bool = False

    def touches(self, host) -> bool:
        """Whether it goes from or to a host."""
        return host in (self.source, self.target)


@dataclasses.dataclass
class Group:
    """A server group of Nova."""

    id: str
    policy: str
    max_per_host: int
    members: set[str]


class World:
    """Hosts, servers, unfinished moves, groups, constraints and questions.

    :param story: the timeline as a whole
    """

    def __init__(self, story):
        self.story = story
        self.hosts: dict[str, Host] = {}
        self.servers: dict[str, Server] = {}
        self.moves: dict[str, Move] = {}
        self.groups: dict[str, Group] = {}
        self.instance_constraints: dict[str, dict] = {}
        self.group_constraints: dict[str, dict] = {}
        self.asks = asks.Book()
        #: When the last impact on a server was over.
        self.impact_ended: dict[str, float] = {}
        #: What was registered then for its groups: {server: {group: body}}.
        self.impact_on: dict[str, dict[str, dict]] = {}
        #: Until when notifications may be late, since the bus was away.
        self.late_until = float('-inf')

    # What is where

    def servers_on(self, host) -> list[Server]:
        """Return what is on a host, whoever owns it, in whatever state."""
        return [server for server in self.servers.values()
                if server.host == host and not server.gone]

    def moves_at(self, host) -> list[Move]:
        """Return the unfinished moves to or from a host."""
        return [move for move in self.moves.values() if move.touches(host)]

    def hosts_of(self, server_id) -> set[str]:
        """Return the hosts on which a server counts: two while it moves."""
        server = self.servers[server_id]
        hosts = {server.host}
        move = self.moves.get(server_id)
        if move is not None:
            hosts |= {move.source, move.target}
        return hosts - {None}

    def impacted(self, server_id) -> bool:
        """Tell whether a server is out of service, or about to be."""
        server = self.servers.get(server_id)
        if server is None or server.gone:
            return False
        move = self.moves.get(server_id)
        return (move is not None and not move.over
                or server.state == 'ERROR')

    def members(self, group_id) -> set[str]:
        """Return the servers in a group, by constraints and by Nova."""
        found = {server for server, body in self.instance_constraints.items()
                 if body.get('group_id') == group_id}
        if group_id in self.groups:
            found |= self.groups[group_id].members
        return {server for server in found if server in self.servers
                and not self.servers[server].gone}

    def groups_of(self, server_id) -> set[str]:
        """Return the groups of a server, by constraints and by Nova."""
        found = {self.instance_constraints.get(server_id, {}).get('group_id'),
                 self.servers[server_id].group}
        return {group for group in found if group}

    # What happened

    def apply(self, line):
        """Let a line take effect."""
        server_id = line.get('server')
        was_impacted = server_id and self.impacted(server_id)
        what = line['what'].replace('.', '_').replace('-', '_')
        method = getattr(self, f'_on_{what}', None)
        if method is not None:
            method(line)
        if was_impacted and not self.impacted(server_id) and (
                line.get('placed', True)):
            # Who found no place was never touched.
            self.impact_ended[server_id] = line['t']
            self.impact_on[server_id] = {
                group: self.group_constraints.get(group, {})
                for group in self.groups_of(server_id)}

    def _on_bus_away(self, line):
        self.late_until = float('inf')

    def _on_bus_back(self, line):
        self.late_until = line['t'] + CATCH_UP

    def _on_host_create(self, line):
        enabled = line.get('status', 'enabled') == 'enabled'
        self.hosts[line['host']] = Host(
            line['host'], line.get('compute', True), enabled, enabled,
            line.get('reason'))

    def _on_group_create(self, line):
        self.groups[line['group']] = Group(
            line['group'], line['policy'], line.get('max_per_host') or 1,
            set(line.get('members') or ()))

    def _on_server_create(self, line):
        self.servers[line['server']] = Server(
            line['server'], line['project'], line.get('host'),
            line.get('group'), line.get('state') or 'BUILD')
        if line.get('group') in self.groups:
            self.groups[line['group']].members.add(line['server'])

    def _on_server_delete(self, line):
        if line['server'] in self.servers:
            self.servers[line['server']].gone = True
        self.moves.pop(line['server'], None)

    def _on_server_state(self, line):
        server = self.servers.get(line['server'])
        if server is None:
            return
        server.state = line['state']
        server.host = (None if server.state == 'SHELVED_OFFLOADED'
                       else line.get('host') or server.host)
        move = self.moves.get(server.id)
        if move is not None and server.state in (
                'ACTIVE', 'SHUTOFF', 'PAUSED'):
            move.over = move.confirmed or (
                move.live and server.host == move.target)

    def _started(self, line):
        self.moves[line['server']] = Move(
            line['server'], line['source'], line.get('target'),
            line['what'].startswith('live'), line['t'],
            line.get('request_id'))

    _on_migrate_start = _started
    _on_resize_start = _started
    _on_live_migrate_start = _started

    def _arrived(self, line):
        self.servers[line['server']].host = line['target']
        if line['server'] in self.moves:
            self.moves[line['server']].target = line['target']

    _on_migrate_verify = _arrived
    _on_resize_verify = _arrived

    def _confirmed(self, line):
        if line['server'] in self.moves:
            self.moves[line['server']].confirmed = True

    _on_migrate_confirm = _confirmed
    _on_resize_confirm = _confirmed

    def _stopped(self, line) -> Move | None:
        move = self.moves.get(line['server'])
        if move is None or move.request_id != line.get('request_id'):
            return None
        return self.moves.pop(line['server'])

    _on_migrate_error = _stopped
    _on_resize_error = _stopped
    _on_live_migrate_error = _stopped

    def _ended(self, line):
        move = self._stopped(line)
        if move is not None:
            server = self.servers[line['server']]
            server.host = line['target']
            server.moved_t = move.t

    _on_migrate_end = _ended
    _on_resize_end = _ended
    _on_live_migrate_end = _ended

    def _on_service_disable(self, line):
        host = self.hosts[line['host']]
        host.enabled = False
        host.reason = line.get('reason')

    def _on_service_enable(self, line):
        host = self.hosts[line['host']]
        host.enabled = True
        host.reason = None

    def _on_constraint(self, line):
        if line.get('code') not in (200, 204):
            return
        table = (self.group_constraints if line['kind'] == 'group'
                 else self.instance_constraints)
        if line['method'] == 'DELETE':
            table.pop(line['id'], None)
        else:
            table[line['id']] = line.get('body') or {}

    def _on_notify(self, line):
        if line['event_type'] == 'maintenance.scheduled':
            self.asks.published(line)

    def _on_reply(self, line):
        if line.get('code') == 200:
            question, agreed = words.reply(line.get('state'))
            self.asks.answered(line, question, agreed)
