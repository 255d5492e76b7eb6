# SPDX-License-Identifier: Apache-2.0
"""What is read of Nova and Placement."""

import collections

from novaclient import exceptions as nova_exceptions

from fenix import errors
from fenix.clouds import base
from fenix.clouds.openstack import groups as groups_api
from fenix.clouds.openstack import nova as nova_api
from fenix.clouds.openstack import placement as placement_api
from fenix.clouds.openstack import views
from fenix.clouds.openstack.failures import reading

#: Instance actions that are looked at, and how many of them in detail.
ACTIONS = 10
DETAILED = 2
#: Servers that Nova is asked for at once. It works for 6 to 9 ms on each: a
#: page as long as it would give by itself may take longer than ``[nova]
#: timeout`` when it has more to do, and so would every other try.
PAGE = 250


class Reads:
    """The half of the interface that changes nothing.

    :param nova: ``nova.Nova``
    :param adapter: a keystoneauth adapter for Placement
    """

    def __init__(self, nova, adapter):
        self._nova = nova
        self._placement = placement_api.Placement(adapter)
        self._groups = groups_api.Groups(nova)
        # Root providers of each host. A host keeps them for its life, so
        # they are asked for again only when a host is not found in here.
        self._roots = {}

    @reading
    def survey(self) -> base.Survey:
        """As ``base.Cloud.survey``.

        Of a cell that does not answer, Nova leaves out all servers but in
        the first page of a list. So the hosts are listed before and after:
        there it shows, or the host is missing.
        """
        nova = self._nova.client
        before = views.services(nova.services.list())
        # One that was deleted keeps its place until Nova reclaims it.
        servers = self._servers() + self._servers(
            status='SOFT_DELETED', soft_deleted=1)
        groups, group_of = self._groups.list([each.id for each in servers])
        capacities = self._capacities(before)
        hosts = views.in_aggregates(
            views.services(nova.services.list()), nova.aggregates.list())
        for host in before.values():
            if host.is_compute and host.name not in hosts:
                raise errors.CloudError(
                    f'Nova does not list host {host.name} any more, as if '
                    'its cell did not answer')
        servers = {each.id: views.server(each, group_of[each.id])
                   for each in servers}
        return base.Survey(
            hosts=views.with_traits(hosts, self._roots, self._having(
                {server.bonds for server in servers.values()})),
            capacities=capacities, groups=groups, servers=servers)

    @reading
    def services(self) -> dict[str, base.HostService]:
        """As ``base.Cloud.services``."""
        return views.services(self._nova.client.services.list())

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
        service = self._known_service(host)
        if not service.is_compute:
            return base.HostLook(service=service, servers=(),
                                 migrating=frozenset(),
                                 consumers=frozenset())
        servers = self._servers(host=host, soft_deleted=1)
        migrating = self._migrating(host)
        consumers = self._consumers(host)
        if not servers:
            # Of a cell that does not answer, these lists are empty too.
            service = self._known_service(host)
        group_of = self._groups.of([each.id for each in servers])
        return base.HostLook(
            service=service, migrating=migrating, consumers=consumers,
            servers=tuple(views.server(each, group_of[each.id])
                          for each in servers))

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
        except nova_exceptions.NotFound as error:
            if instance_id not in str(error):
                # Not Nova said so, but a proxy that has lost Nova: the
                # server may be as well as ever.
                raise
            return base.ServerLook(server=None)
        server = views.server(found, self._group_of(found))
        return base.ServerLook(
            server=server,
            actions=tuple(
                views.action(entry, events, idle=not server.task_state)
                for entry, events in actions),
            migration=views.migration(migrations[0]) if migrations else None)

    def _servers(self, **search):
        """Return the servers of all projects that fit, from all pages."""
        def fetch(**page):
            return views.known(self._nova.client.servers.list(
                search_opts={'all_tenants': 1, **search}, limit=PAGE,
                **page))

        return nova_api.pages(fetch)

    def _known_service(self, host):
        service = self._service(host)
        if service is None:
            raise errors.CloudError(f'Nova knows no host {host}')
        return service

    def _service(self, host):
        found = self._nova.client.services.list(host=host)
        return views.services(found).get(host)

    def _capacities(self, hosts):
        self._find_roots()
        return self._placement.capacities({
            host: roots for host, roots in self._roots.items()
            if host in hosts})

    def _having(self, bonds):
        """Ask who has the traits that are named in bonds."""
        return self._placement.having({
            trait for bond in bonds
            for trait in bond.required | bond.forbidden})

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

    def _group_of(self, server):
        if self._nova.has('2.71'):
            return next(iter(server.server_groups), None)
        return self._groups.of([server.id])[server.id]

    def _events(self, instance_id, entry):
        found = self._nova.client.instance_action.get(
            instance_id, entry.request_id)
        return found.events
