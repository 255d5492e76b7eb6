# SPDX-License-Identifier: Apache-2.0
"""What is read of Nova and Placement."""

import collections

from novaclient import exceptions as nova_exceptions

from fenix import errors
from fenix.clouds import base
from fenix.clouds.openstack import nova as nova_api
from fenix.clouds.openstack import placement as placement_api
from fenix.clouds.openstack import views
from fenix.clouds.openstack.failures import reading

#: Instance actions that are looked at, and how many of them in detail.
ACTIONS = 10
DETAILED = 2

#: Server groups in a page: they have no marker, only an offset.
GROUPS = 1000


class Reads:
    """The half of the interface that changes nothing.

    :param nova: ``nova.Nova``
    :param adapter: a keystoneauth adapter for Placement
    """

    def __init__(self, nova, adapter):
        self._nova = nova
        self._placement = placement_api.Placement(adapter)
        # Root providers of each host. A host keeps them for its life, so
        # they are asked for again only when a host is not found in here.
        self._roots = {}

    @reading
    def survey(self) -> base.Survey:
        """As ``base.Cloud.survey``."""
        nova = self._nova.client
        hosts = views.services(nova.services.list())
        groups = {found.id: views.group(found) for found in self._groups()}
        group_of = {member: group.group_id for group in groups.values()
                    for member in group.members}
        servers = nova.servers.list(search_opts={'all_tenants': 1}, limit=-1)
        return base.Survey(
            hosts=hosts, capacities=self._capacities(hosts), groups=groups,
            servers={found.id: views.server(found, group_of.get(found.id))
                     for found in servers})

    @reading
    def service(self, host) -> base.HostService | None:
        """As ``base.Cloud.service``."""
        return self._service(host)

    @reading
    def look_at_host(self, host) -> base.HostLook:
        """As ``base.Cloud.look_at_host``.

        Allocations are read last: an instance that is on its way in has
        them before it has the host, and loses them after it. Of a server
        that was deleted while it migrated, Nova may leave some behind for a
        minute, until the host's next audit.
        """
        service = self._service(host)
        if service is None:
            raise errors.CloudError(f'Nova knows no host {host}')
        if not service.is_compute:
            return base.HostLook(service=service, servers=(),
                                 migrating=frozenset(),
                                 consumers=frozenset())
        servers = self._nova.client.servers.list(
            search_opts={'all_tenants': 1, 'host': host}, limit=-1)
        return base.HostLook(
            service=service, migrating=self._migrating(host),
            consumers=self._consumers(host),
            servers=tuple(views.server(found) for found in servers))

    @reading
    def look_at_server(self, instance_id) -> base.ServerLook:
        """As ``base.Cloud.look_at_server``.

        The server is read last. So what it shows is at least as new as
        what is told of its actions and its migration.
        """
        nova = self._nova.client
        try:
            actions = [
                (entry, self._events(instance_id, entry)
                 if number < DETAILED else None)
                for number, entry in enumerate(nova.instance_action.list(
                    instance_id, limit=ACTIONS))]
            migrations = nova.migrations.list(instance_uuid=instance_id,
                                              limit=1)
            found = nova.servers.get(instance_id)
        except nova_exceptions.NotFound:
            return base.ServerLook(server=None)
        server = views.server(found)
        return base.ServerLook(
            server=server,
            actions=tuple(
                views.action(entry, events, idle=not server.task_state)
                for entry, events in actions),
            migration=views.migration(migrations[0]) if migrations else None)

    def _service(self, host):
        found = self._nova.client.services.list(host=host)
        return views.services(found).get(host)

    def _groups(self):
        fetch = self._nova.client.server_groups.list
        found = page = fetch(all_projects=True, limit=GROUPS)
        while page:
            page = fetch(all_projects=True, limit=GROUPS, offset=len(found))
            found.extend(page)
        return found

    def _capacities(self, hosts):
        self._find_roots()
        trees = self._placement.trees()
        return {
            host: self._placement.capacity(host, [
                provider for root in roots
                for provider in trees.get(root, ())])
            for host, roots in self._roots.items() if host in hosts}

    def _find_roots(self):
        """Map hosts to providers: a hypervisor's id is its provider's."""
        roots = collections.defaultdict(list)
        for found in self._nova.hypervisors():
            roots[found.service['host']].append(found.id)
        self._roots = dict(roots)

    def _consumers(self, host):
        if host not in self._roots:
            self._find_roots()
        providers = [
            provider for root in self._roots.get(host, ())
            for tree in self._placement.trees(root).values()
            for provider in tree]
        return self._placement.consumers(providers)

    def _migrating(self, host):
        found = nova_api.pages(self._nova.client.migrations.list,
                               marker='uuid', host=host)
        return frozenset(record.instance_uuid for record in found
                         if views.unfinished(record))

    def _events(self, instance_id, entry):
        found = self._nova.client.instance_action.get(
            instance_id, entry.request_id)
        return found.events
