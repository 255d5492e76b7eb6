# SPDX-License-Identifier: Apache-2.0
"""Hosts, their Nova services, and work on them."""

from fenix.sandbox.cloud import config
from fenix.sandbox.cloud import core
from fenix.sandbox.cloud import entities
from fenix.sandbox.cloud import errors


def _inventory(total, ratio, reserved):
    return {'total': total, 'reserved': reserved, 'min_unit': 1,
            'max_unit': total, 'step_size': 1, 'allocation_ratio': ratio}


def _room(inventory):
    """Return how much Placement gives of a resource."""
    return int((inventory['total'] - inventory['reserved'])
               * inventory['allocation_ratio'])


class Hosts(core.Core):
    """What an administrator does to hosts."""

    @core.operation
    def add_host(self, spec: config.HostConfig) -> entities.Host:
        """Put a host into the cloud."""
        inventory = {
            'VCPU': _inventory(
                spec.vcpus, spec.cpu_ratio, spec.reserved_vcpus),
            'MEMORY_MB': _inventory(
                spec.ram_mb, spec.ram_ratio, spec.reserved_ram_mb),
            'DISK_GB': _inventory(
                spec.disk_gb, spec.disk_ratio, spec.reserved_disk_gb)}
        host = entities.Host(
            next(self._numbers), self.new_id(), spec.name, spec.compute,
            spec.controller, spec.zone, inventory, cell=spec.cell,
            traits=tuple(spec.traits))
        binaries = []
        if spec.controller:
            binaries += ['nova-conductor', 'nova-scheduler']
        if spec.compute:
            binaries.append('nova-compute')
        for binary in binaries:
            host.services.append(entities.Service(
                next(self._numbers), self.new_id(), spec.name, binary,
                updated_at=self.now))
        service = host.nova_compute
        if service is not None and spec.disabled:
            service.disabled = True
            service.disabled_reason = spec.disabled_reason
        self.hosts[spec.name] = host
        self.allocations[spec.name] = {}
        self._record(
            'host.create', host=spec.name, vcpus=spec.vcpus,
            ram_mb=spec.ram_mb, disk_gb=spec.disk_gb, compute=spec.compute,
            controller=spec.controller, zone=spec.zone, room={
                'vcpus': _room(inventory['VCPU']),
                'ram_mb': _room(inventory['MEMORY_MB']),
                'disk_gb': _room(inventory['DISK_GB'])},
            status=service.status if service else 'enabled',
            reason=service.disabled_reason if service else None)
        return host

    @core.operation
    def add_flavor(self, spec: config.FlavorConfig) -> entities.Flavor:
        """Put a flavor into the cloud.

        :raises errors.Conflict: the id is taken
        """
        if spec.id in self.flavors:
            raise errors.Conflict(
                f'Flavor with ID {spec.id} already exists.')
        flavor = entities.Flavor(
            spec.id, spec.name, spec.vcpus, spec.ram_mb, spec.disk_gb,
            dict(spec.extra_specs))
        self.flavors[flavor.id] = flavor
        return flavor

    @core.operation
    def add_aggregate(self, name: str, hosts: list[str]):
        """Put hosts together in a host aggregate."""
        self.aggregates[name] = list(hosts)
        self._record('aggregate.create', aggregate=name, hosts=list(hosts))

    def services(self) -> list[entities.Service]:
        """All Nova services."""
        return [service for host in self.hosts.values()
                for service in host.services]

    def get_service(self, service_uuid: str) -> entities.Service:
        """The service of that UUID.

        :raises errors.NotFound: there is none
        """
        for service in self.services():
            if service.uuid == service_uuid:
                return service
        raise errors.NotFound(f'Service {service_uuid} could not be found.')

    def _compute_service(self, host_name):
        service = self.get_host(host_name).nova_compute
        if service is None:
            raise errors.NotFound(f'Could not find binary nova-compute on '
                                  f'host {host_name}.')
        return service

    @core.operation
    def disable(self, host: str, reason: str | None = None):
        """Disable the nova-compute of a host; again changes the reason.

        :raises errors.NotFound: no such host or no nova-compute on it
        """
        service = self._compute_service(host)
        before = service.status
        service.disabled = True
        service.disabled_reason = reason
        service.updated_at = self.now
        self._record('service.disable', host=host, reason=reason,
                     changed=before != 'disabled', before=before)

    @core.operation
    def enable(self, host: str):
        """Enable the nova-compute of a host.

        :raises errors.NotFound: no such host or no nova-compute on it
        """
        service = self._compute_service(host)
        before = service.status
        reason = service.disabled_reason
        service.disabled = False
        service.disabled_reason = None
        service.updated_at = self.now
        self._record('service.enable', host=host, reason=reason,
                     changed=before != 'enabled', before=before)

    @core.operation
    def force_down(self, host: str, forced_down: bool):
        """Set or unset ``forced_down`` of the nova-compute of a host."""
        service = self._compute_service(host)
        service.forced_down = forced_down
        service.updated_at = self.now
        self._note_host(self.hosts[host])

    @core.operation
    def set_alive(self, host: str, alive: bool):
        """Switch a host on or off; off, all its services are down."""
        self.get_host(host).alive = alive
        self._note_host(self.hosts[host])

    @core.operation
    def set_cell(self, cell: str, answers: bool):
        """Have Nova's API reach a cell, or not; all goes on within it."""
        (self.silent_cells.discard if answers
         else self.silent_cells.add)(cell)

    def _note_host(self, host):
        up = all(host.is_up(service) for service in host.services)
        if self._noted.get(host.name, (True,)) != (up,):
            self._noted[host.name] = (up,)
            self._record('service.state', host=host.name,
                         state='up' if up else 'down')

    @core.operation
    def start_work(self, host: str, session: str | None = None,
                   seconds: float | None = None,
                   run: str | None = None) -> entities.Work:
        """Work on a host; its services are down until it is done.

        :param seconds: how long; default as configured
        :param run: what the work is known by: once done it is not done
            again, as an upgrade finds that nothing is left to upgrade
        :returns: the work, whose ``done`` becomes True
        :raises errors.Conflict: something is on it, or it is worked on
        """
        found = self.get_host(host)
        if run is not None and run in found.runs:
            return entities.Work(host, session, run, done=True)
        if found.work is not None:
            raise errors.Conflict(f'{host} is being worked on.')
        servers = [server.id for server in self.servers_on(host)]
        if servers:
            raise errors.Conflict(
                f'There are servers on {host}: {", ".join(servers)}')
        moves = [migration.uuid for migration in self.migrations
                 if migration.unfinished and migration.touches(host)]
        if moves:
            raise errors.Conflict(
                f'Migrations go from or to {host}: {", ".join(moves)}')
        found.work = entities.Work(host, session, run)
        self._record('host.work.start', host=host, session=session)
        self._note_host(found)
        self._after(self.times.host if seconds is None else seconds,
                    self._end_work, found)
        return found.work

    def _end_work(self, host):
        work = host.work
        host.work = None
        work.done = True
        host.runs.add(work.run)
        self._record('host.work.end', host=host.name, session=work.session)
        self._note_host(host)
