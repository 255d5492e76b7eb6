# SPDX-License-Identifier: Apache-2.0
"""Rule 1: a host in maintenance is disabled and proved empty."""

from fenix.sandbox.verifier import rule


class EmptyHosts(rule.Rule):
    """Checked when IN_MAINTENANCE is told and when work on a host starts.

    A notification that the bus had taken and kept, while it was away, tells
    of a moment that has passed; the start of the work counts then.

    An allocation in Placement belongs to a server on the host, or to one
    that has not left it for good: both are looked at.
    """

    number = 1

    def __init__(self, story, world, slack):
        super().__init__(story, world, slack)
        self._seen: set[str] = set()

    def after(self, line):
        if line['what'] == 'host.work.start':
            self._check(line, line['host'], 'work started')
        elif (line['what'] == 'notify'
                and line['event_type'] == 'maintenance.host'
                and line['payload'].get('state') == 'IN_MAINTENANCE'
                and line['message_id'] not in self._seen):
            self._seen.add(line['message_id'])
            if line['t'] < self.world.late_until:
                return
            self._check(line, line['payload']['host'], 'IN_MAINTENANCE')

    def _check(self, line, name, event):
        host = self.world.hosts.get(name)
        if host is None or not host.compute:
            return
        if host.enabled:
            self.breach(line, name, f'{event} while nova-compute is enabled')
        for server in self.world.servers_on(name):
            self.breach(line, name, f'{event} with server {server.id} '
                                    f'({server.state}) on it')
        for move in self.world.moves_at(name):
            self.breach(line, name, f'{event} during the move of '
                                    f'{move.server} from {move.source} to '
                                    f'{move.target}')
