# SPDX-License-Identifier: Apache-2.0
"""What a session did to a cloud, by the cloud's own records."""

import collections
import time

#: Ends of migrations that went well.
WELL = frozenset(['confirmed', 'completed'])
#: Ends of migrations, well or not.
OVER = WELL | {'reverted', 'done', 'error', 'failed', 'cancelled'}
#: Seconds within which Placement agrees with Nova after the last change;
#: Nova's audit of a host mends what a server left that was deleted.
SETTLE = 90.0
#: What it takes to see servers that Nova has not reclaimed yet.
KEPT = {'status': 'SOFT_DELETED', 'soft_deleted': 1}
#: Migrations of a first page.
NEWEST = 50
LOOK = 1.0


class Cloud:
    """Reads of Nova and Placement.

    :param admin: a ``tenant.Client`` with the role admin
    :ivar others: ids of servers that are left alone
    """

    def __init__(self, admin):
        self._admin = admin
        self.narrow(None, ())

    def narrow(self, projects, others):
        """Leave servers alone that are of no concern, if there are many.

        :param projects: ids of those whose servers are, None for all
        :param others: ids of servers of others
        """
        self._projects = projects
        self.others = frozenset(others)

    def computes(self) -> dict[str, dict]:
        """Return the nova-compute services, by host."""
        found = self._admin.json('GET', 'compute', '/os-services',
                                 params={'binary': 'nova-compute'})
        return {each['host']: each for each in found['services']}

    def controllers(self) -> set[str]:
        """Return the hosts that run nova-conductor."""
        found = self._admin.json('GET', 'compute', '/os-services',
                                 params={'binary': 'nova-conductor'})
        return {each['host'] for each in found['services']}

    def aggregates(self) -> dict[str, list[str]]:
        """Return the hosts of each aggregate."""
        found = self._admin.json('GET', 'compute', '/os-aggregates')
        return {each['name']: sorted(each['hosts'])
                for each in found['aggregates']}

    def servers(self, **params) -> dict[str, dict]:
        """Return servers by id, of all projects if they are of a host.

        Those, too, that are deleted and keep their place for a while.
        """
        projects = [{}] if self._projects is None or params else [
            {'project_id': each} for each in self._projects]
        return {each['id']: each for of in projects for kept in ({}, KEPT)
                for each in self._admin.pages(
                    '/servers/detail', 'servers', all_tenants=1,
                    **of, **kept, **params)}

    def migrations(self, since: str) -> list[dict]:
        """Return migrations that changed since a time, oldest first."""
        found = self._admin.pages('/os-migrations', 'migrations',
                                  **{'changes-since': since})
        return sorted(found, key=lambda each: each['id'])

    def newest_migrations(self) -> list[dict]:
        """Return the first page of migrations, the newest."""
        return self._admin.json('GET', 'compute', '/os-migrations',
                                params={'limit': NEWEST})['migrations']

    def actions(self, server: str) -> list[str]:
        """Return the names of what was done to a server, oldest first."""
        found = self._admin.json(
            'GET', 'compute', f'/servers/{server}/os-instance-actions')
        return [each['action'] for each in found['instanceActions']][::-1]

    def consumers(self) -> dict[str, set[str]]:
        """Return who has allocations on each host."""
        found = self._placement('/resource_providers')['resource_providers']
        return {each['name']: set(self._placement(
            f'/resource_providers/{each["uuid"]}/allocations')['allocations'])
            - self.others for each in found}

    def what_is_on(self, host: str) -> list[str]:
        """Return what stands between a host and its maintenance."""
        if host not in self.computes():
            return []
        found = [f'server {each}' for each in self.servers(host=host)]
        found += [f'migration of {each["instance_uuid"]}'
                  for each in self._admin.pages(
                      '/os-migrations', 'migrations', host=host)
                  if each['status'] not in OVER]
        found += [f'allocation of {each}'
                  for each in self.consumers()[host]]
        if self.computes()[host]['status'] != 'disabled':
            found.append('it is enabled')
        return found

    def _placement(self, path):
        response = self._admin.call('GET', self._admin.url('placement', path))
        response.raise_for_status()
        return response.json()


def audit(cloud: Cloud, since: str, pairs, before, skipped=(),
          faults: bool = False) -> dict[str, list[str]]:
    """Look for what should not be; empty lists are good.

    :param since: when the session began, as Nova takes it
    :param pairs: ids of servers that have to be apart, two by two
    :param before: the servers that were on hosts that are done now, and
        their hosts
    :param skipped: hosts that are disabled, and not by us
    :param faults: whether something was made to fail: then a move may take
        more than one try
    :returns: what was found, by the name of the rule
    """
    migrations = cloud.migrations(since)
    bad = [each for each in migrations if each['status'] not in WELL]
    good = [each for each in migrations if each['status'] in WELL]
    return {
        'hosts enabled and up': [
            f'{host}: {each["status"]} {each["state"]} '
            f'{each["disabled_reason"]}'
            for host, each in cloud.computes().items() if host not in skipped
            and (each['status'], each['state']) != ('enabled', 'up')],
        'all servers run': [
            f'{each["name"]}: {each["status"]}'
            for each in cloud.servers().values()
            if each['status'] != 'ACTIVE'],
        'pairs apart': _apart(cloud, pairs),
        'every host was emptied': _left(cloud, good, before),
        'migrations ended well': [
            f'{each["instance_uuid"]} {each["source_compute"]} -> '
            f'{each["dest_compute"]}: {each["status"]}'
            for each in bad if not faults],
        'off each host once': [
            f'{server} off {host}: {count} times'
            for (server, host), count in collections.Counter(
                (each['instance_uuid'], each['source_compute'])
                for each in good).items() if count > 1],
        'one request for each move': _requests(cloud, migrations, faults),
        'Placement agrees': _placement(cloud)}


def moves(cloud: Cloud, since: str) -> int:
    """Return how many migrations went well."""
    return sum(each['status'] in WELL for each in cloud.migrations(since))


def _apart(cloud, pairs):
    servers = cloud.servers()
    hosts = [[servers[each]['OS-EXT-SRV-ATTR:host'] for each in pair]
             for pair in pairs]
    return [f'both on {first}' for first, second in hosts if first == second]


def outside(cloud: Cloud, bound) -> list[str]:
    """Return servers that are on no host of those where they belong.

    :param bound: pairs of servers and their hosts
    """
    there = cloud.servers()
    return [f'{there[server]["name"]} is on {host}'
            for servers, hosts in bound for server in servers
            if (host := there[server]['OS-EXT-SRV-ATTR:host']) not in hosts]


def other_ways(cloud: Cloud, since: str,
               ways: dict[str, str | None]) -> list[str]:
    """Return migrations of another kind than was chosen.

    :param ways: the kind for each server, as Nova calls it; None: nobody
        but its owner moves it
    """
    return [f'{each["instance_uuid"]}: {each["migration_type"]}, not '
            f'{ways[each["instance_uuid"]]}'
            for each in cloud.migrations(since)
            if each['migration_type'] != ways.get(
                each['instance_uuid'], each['migration_type'])]


def unknown(cloud: Cloud, servers) -> list[str]:
    """Return what is not both in Nova and with the managers."""
    names = {server: each['name']
             for server, each in cloud.servers().items()}
    return [names.get(server, server)
            for server in sorted(names.keys() ^ set(servers))]


def _left(cloud, good, before):
    """Return servers that never left the host that they were on."""
    left = {(each['instance_uuid'], each['source_compute'])
            for each in good}
    servers = cloud.servers()
    return [f'{servers[server]["name"]} never left {host}'
            for server, host in before.items()
            if server in servers and (server, host) not in left]


def _requests(cloud, migrations, faults):
    """Compare what was asked of servers with the migrations they had.

    Nova keeps a request that it refused, and one that it could not carry
    out, as an action without a migration.
    """
    wrong = []
    by_server = collections.defaultdict(list)
    for each in migrations:
        by_server[each['instance_uuid']].append(
            (each['migration_type'], each['status']))
    for server, had in by_server.items():
        done = collections.Counter(cloud.actions(server))
        types = [kind for kind, _ in had]
        wanted = {'migrate': types.count('migration'),
                  'confirmResize': had.count(('migration', 'confirmed')),
                  'live-migration': types.count('live-migration')}
        wrong += [f'{server}: {done[name]} of {name}, {count} expected'
                  for name, count in wanted.items() if done[name] != count
                  and not (faults and done[name] > count)]
    return wrong


def _placement(cloud):
    deadline = time.monotonic() + SETTLE
    while True:
        on = collections.defaultdict(set)
        for server, each in cloud.servers().items():
            on[each['OS-EXT-SRV-ATTR:host']].add(server)
        wrong = [f'{host}: {sorted(consumers ^ on[host])}'
                 for host, consumers in cloud.consumers().items()
                 if consumers != on[host]]
        if not wrong or time.monotonic() > deadline:
            return wrong
        time.sleep(LOOK)
