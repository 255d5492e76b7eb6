# SPDX-License-Identifier: Apache-2.0
"""The sandbox's cloud model as a cloud driver, without HTTP."""

import dataclasses

from fenix import errors
from fenix.clouds import base
from fenix.clouds import permission
from fenix.clouds.openstack import bonds
from fenix.clouds.openstack import effects
from fenix.sandbox.cloud import errors as model_errors
from fenix.size import Size


class ModelCloud(base.Cloud):
    """``fenix.sandbox.cloud.model.Model`` behind the interface of drivers.

    :ivar subscribed: projects with an alarm that can fire
    :ivar fault: called with the name of an effect before it is made; may
        raise
    :ivar cells: {host: cell} as an administrator tells it
    :ivar send: called with the name of a request that changes something and
        a function that makes it; what lies between engine and cloud
    """

    def __init__(self, model):
        self.model = model
        self.subscribed = set()
        self.cells = {}
        self.fault = lambda kind: None
        self.send = lambda kind, request: request()

    def _server(self, server):
        return base.Server(
            instance_id=server.id, project_id=server.project,
            name=server.name, host=server.host,
            size=Size(server.flavor.vcpus, server.flavor.ram_mb,
                      server.flavor.disk_gb),
            status=server.status, task_state=server.task_state,
            group_id=server.group, floating=bool(server.floating),
            pinned_zone=server.zone_asked,
            bonds=bonds.bonds(server.flavor.extra_specs),
            fault=server.fault and server.fault['message'])

    def _reach(self, *hosts):
        """As the driver: of a silent cell nothing is told."""
        for host in hosts:
            if self.model.is_silent(host):
                raise errors.CloudError(f'The cell of host {host} does not '
                                        'answer')

    def service(self, host):
        if host not in self.model.hosts:
            return None
        self._reach(host)
        found = self.model.hosts[host]
        compute = found.nova_compute
        return base.HostService(
            name=host, is_compute=found.compute,
            is_controller=found.controller,
            enabled=compute is None or not compute.disabled,
            disabled_reason=compute and compute.disabled_reason,
            up=all(found.is_up(service) for service in found.services),
            zone=found.zone, cell=self.cells.get(host, ''),
            properties=frozenset(
                told for name, hosts in self.model.aggregates.items()
                if host in hosts for told
                in self.model.properties.get(name, {}).items()),
            traits=frozenset(found.traits),
            root_traits=frozenset(found.traits))

    def _surveyed(self, host):
        """As the driver: only a survey tells of aggregates."""
        return dataclasses.replace(self.service(host), aggregates=tuple(
            sorted(name for name, hosts in self.model.aggregates.items()
                   if host in hosts)))

    def services(self):
        return {name: self.service(name) for name in self.model.hosts}

    def survey(self):
        self.model.advance()
        self._reach(*self.model.hosts)
        capacities = {}
        for name, host in self.model.hosts.items():
            if host.compute:
                used = self.model.usage(name)
                capacities[name] = base.Capacity(
                    host=name, total=Size(*(
                        self.model.capacity(name, kind) for kind in (
                            'VCPU', 'MEMORY_MB', 'DISK_GB'))),
                    used=Size(used['VCPU'], used['MEMORY_MB'],
                              used['DISK_GB']),
                    consumers=frozenset(self.model.allocations[name]))
        return base.Survey(
            hosts={name: self._surveyed(name) for name in self.model.hosts},
            capacities=capacities,
            servers={server.id: self._server(server)
                     for server in self.model.servers.values()
                     if not server.deleted},
            groups={group.id: base.Group(
                group_id=group.id, project_id=group.project,
                policy=group.policy, max_per_host=group.max_per_host,
                members=frozenset(group.members))
                for group in self.model.groups.values()})

    def look_at_host(self, host):
        self.model.advance()
        return base.HostLook(
            service=self.service(host),
            servers=tuple(map(self._server, self.model.servers_on(host))),
            migrating=frozenset(
                migration.server for migration
                in self.model.unfinished_migrations()
                if migration.touches(host)),
            consumers=frozenset(self.model.allocations[host]))

    def look_at_server(self, instance_id):
        self.model.advance()
        server = self.model.servers.get(instance_id)
        if server is None or server.deleted:
            return base.ServerLook(server=None)
        self._reach(server.host)
        mine = [migration for migration in self.model.migrations
                if migration.server == instance_id]
        return base.ServerLook(
            server=self._server(server),
            actions=tuple(base.InstanceAction(
                request_id=action.request_id, action=action.action,
                message=action.message,
                finished=bool(action.events) and all(
                    event.finish is not None for event in action.events),
                failed=any(event.result == 'Error'
                           for event in action.events),
                unplaced=any(
                    event.result == 'Error' and event.event.startswith(
                        'conductor') for event in action.events))
                for action in reversed(server.actions)),
            migration=mine and base.Migration(
                migration_id=mine[-1].uuid, type=mine[-1].type,
                status=mine[-1].status, source=mine[-1].source,
                target=mine[-1].dest, unfinished=mine[-1].unfinished)
            or None)

    def subscriptions(self, event_type):
        return [base.Subscription(project_id, live=True)
                for project_id in sorted(self.subscribed)]

    def _request(self, kind, call, *args):
        def request():
            permission.check()      # As the driver does, last of all.
            try:
                return call(*args)
            except model_errors.NoValidHost as error:
                raise errors.TargetRefused(str(error)) from error
            except model_errors.CloudError as error:
                if effects.AWAY in str(error):
                    raise errors.CloudUnknown(str(error)) from error
                if 'host' in str(error) and error.code == 400:
                    raise errors.OtherCell(str(error)) from error
                raise errors.CloudRefused(str(error)) from error
        return self.send(kind, request)

    def _compute(self, host, kind):
        """Look at a host's service, as the driver does before a change."""
        self.fault(kind)
        service = self.model.hosts[host].nova_compute
        return service.disabled, service.disabled_reason or ''

    def disable(self, host, reason):
        disabled, known = self._compute(host, 'disable')
        if disabled:
            return 'us' if known.startswith(reason.split()[0]) else 'before'
        self._request('disable', self.model.disable, host, reason)
        return 'us'

    def enable(self, host, mark):
        disabled, known = self._compute(host, 'enable')
        if not disabled:
            return True
        if not known.startswith(mark):
            return False
        self._request('enable', self.model.enable, host)
        return True

    def set_reason(self, host, reason, mark):
        disabled, known = self._compute(host, 'set_reason')
        if disabled and known.startswith(mark) and known != reason:
            self._request('set_reason', self.model.disable, host, reason)

    def migrate(self, instance_id, target):
        self.fault('migrate')
        return self._request('migrate', self.model.migrate, instance_id,
                             target).request_id

    def live_migrate(self, instance_id, target):
        self.fault('live_migrate')
        return self._request('live_migrate', self.model.live_migrate,
                             instance_id, target).request_id

    def confirm(self, instance_id):
        self.fault('confirm')
        self._request('confirm', self.model.confirm, instance_id)
