# SPDX-License-Identifier: Apache-2.0
"""Where a server may go: Nova's filters, as far as a maintenance meets them.

Checked against nova.scheduler.filters and, for the last word on
anti-affinity, nova.compute.manager._validate_instance_group_policy.
"""

from fenix.sandbox.cloud import core
from fenix.sandbox.cloud import entities
from fenix.sandbox.cloud import errors


class Scheduler(core.Core):
    """Filters hosts and picks one."""

    def members_on(self, group: entities.Group, host: str,
                   but: str | None = None) -> set[str]:
        """Members of a group that count on a host.

        One that moves counts on both hosts until the move is over.

        :param but: id of a server that does not count
        """
        moving = {migration.server for migration in self.migrations
                  if migration.unfinished and migration.touches(host)}
        found = set()
        for member in group.members:
            server = self.servers.get(member)
            if server is None or server.deleted or member == but:
                continue
            if server.host == host or member in moving:
                found.add(member)
        return found

    def refusal(self, host: entities.Host, server: entities.Server,
                flavor: entities.Flavor) -> str | None:
        """Why a host cannot take a server, or None if it can."""
        service = host.nova_compute
        if service is None:
            return 'not a compute host'
        if service.disabled:
            return 'disabled'
        if not host.is_up(service):
            return 'down'
        used = self.usage(host.name)
        for name, amount in flavor.resources().items():
            if used[name] + amount > self.capacity(host.name, name):
                return f'not enough {name}'
        return (self._bond_refusal(host, flavor)
                or self._group_refusal(host, server))

    def _bond_refusal(self, host, flavor):
        """Traits, and aggregates by AggregateInstanceExtraSpecsFilter."""
        told = {(key, value) for name, hosts in self.aggregates.items()
                if host.name in hosts for key, value
                in self.properties.get(name, {}).items()}
        for name, value in flavor.extra_specs.items():
            scope, _, key = name.partition(':')
            if scope == 'aggregate_instance_extra_specs' and (
                    (key, value) not in told):
                return f'no aggregate with {key}={value}'
            if scope == 'trait' and (
                    value == ('forbidden' if key in host.traits
                              else 'required')):
                return f'trait {key} is {value}'
        return None

    def _group_refusal(self, host, server):
        if server.group is None:
            return None
        group = self.groups.get(server.group)
        if group is None:
            return None
        if group.policy == 'anti-affinity':
            there = self.members_on(group, host.name, but=server.id)
            if len(there) >= group.max_per_host:
                return 'anti-affinity'
        elif group.policy == 'affinity':
            # The server's own host is among them, as in Nova: a member of
            # such a group does not get away from where the group is.
            hosts = {member.host for member in map(
                self.servers.get, group.members)
                if member is not None and not member.deleted and member.host}
            if hosts and host.name not in hosts:
                return 'affinity'
        return None

    def pick(self, server: entities.Server, flavor: entities.Flavor,
             named: str | None = None, but: str | None = None,
             zone: str | None = None) -> entities.Host:
        """The host for a server.

        :param named: the only host that may be taken
        :param but: the host that may not be taken
        :raises errors.NoValidHost: there is none
        """
        candidates = []
        reasons = []
        for host in self.hosts.values():
            if host.name == but or named not in (None, host.name):
                continue
            if zone not in (None, host.zone):
                continue
            if but is not None and host.cell != self.hosts[but].cell:
                continue    # Nova moves nothing between cells.
            reason = self.refusal(host, server, flavor)
            if reason is None:
                candidates.append(host)
            elif host.nova_compute is not None:
                reasons.append(f'{host.name}: {reason}')
        if not candidates:
            raise errors.NoValidHost('; '.join(reasons))
        return min(candidates,
                   key=lambda host: self._weight(host, server))

    def _weight(self, host, server):
        """Soft groups first, then the host with most memory free."""
        together = 0
        group = self.groups.get(server.group) if server.group else None
        if group is not None and group.policy.startswith('soft-'):
            there = len(self.members_on(group, host.name, but=server.id))
            together = there if 'anti' in group.policy else -there
        free = (self.capacity(host.name, 'MEMORY_MB')
                - self.usage(host.name)['MEMORY_MB'])
        return together, -free, host.name
