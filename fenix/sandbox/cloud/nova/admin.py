# SPDX-License-Identifier: Apache-2.0
"""What an administrator asks Nova: services, hypervisors, migrations."""

from typing import Any

from fenix.sandbox.cloud import errors
from fenix.sandbox.cloud import http
from fenix.sandbox.cloud import model as cloud_model
from fenix.sandbox.cloud.nova import common
from fenix.sandbox.cloud.nova import views


class AdminApi:
    """Everything here is for admins only, but the list of zones."""

    def __init__(self, model: cloud_model.Model):
        self._model = model

    def routes(self):
        return [
            http.Route('GET', '/os-services', self.services),
            http.Route('PUT', '/os-services/<service_id>',
                      self.update_service),
            http.Route('GET', '/os-migrations', self.migrations),
            http.Route('GET', '/os-hypervisors', self.hypervisors),
            http.Route('GET', '/os-hypervisors/detail',
                      self.hypervisor_details),
            http.Route('GET', '/os-hypervisors/<hypervisor_id>',
                      self.hypervisor),
            http.Route('GET', '/os-aggregates', self.aggregates),
            http.Route('GET', '/os-availability-zone', self.zones),
            http.Route('GET', '/os-availability-zone/detail',
                      self.zone_details),
        ]

    # services

    def _service(self, request, service):
        host = self._model.hosts[service.host]
        up = host.is_up(service)
        view = {
            'id': service.uuid if request.micro >= 53 else service.id,
            'host': service.host, 'binary': service.binary,
            'zone': host.zone if service.binary == 'nova-compute'
            else 'internal',
            'status': service.status, 'state': 'up' if up else 'down',
            'disabled_reason': service.disabled_reason,
            # A living service reports all the time.
            'updated_at': common.stamp(
                self._model.now if up else service.updated_at)}
        if request.micro >= 11:
            view['forced_down'] = service.forced_down
        return view

    def services(self, request):
        common.need_admin(request)
        wanted = {key: request.args[key] for key in ('host', 'binary')
                  if request.args.get(key)}
        return http.answer({'services': [
            {'host': service.host, 'binary': service.binary,
             'status': 'UNKNOWN'} if self._model.is_silent(service.host)
            else self._service(request, service)
            for service in self._model.services()
            if self._shows(request, service) and all(
                getattr(service, key) == value
                for key, value in wanted.items())]})

    def _shows(self, request, service):
        """Whether a list has a service: of silent cells little is known."""
        return not self._model.is_silent(service.host) or (
            request.micro >= 69 and service.binary == 'nova-compute')

    def update_service(self, request, service_id):
        common.need_admin(request)
        body = request.body()
        if request.micro < 53:
            return self._update_old(request, service_id, body)
        service = self._model.get_service(service_id)
        self._check_binary(service.binary)
        status, reason = body.get('status'), body.get('disabled_reason')
        if status is None and 'forced_down' not in body:
            raise errors.BadRequest(
                "No updates were requested. Fields 'status' or "
                "'forced_down' should be specified.")
        if status == 'enabled' and reason:
            raise errors.BadRequest("Specifying 'disabled_reason' with "
                                    "status 'enabled' is invalid.")
        if status == 'enabled':
            self._model.enable(service.host)
        elif status == 'disabled':
            self._model.disable(service.host, reason)
        elif status is not None:
            raise errors.BadRequest('Invalid input for field status')
        if 'forced_down' in body:
            self._model.force_down(service.host,
                                   common.true(str(body['forced_down'])))
        return http.answer({'service': self._service(request, service)})

    @staticmethod
    def _check_binary(binary):
        if binary != 'nova-compute':
            raise errors.BadRequest(
                f'Updating a {binary} service is not supported. Only '
                f'nova-compute services can be updated.')

    def _update_old(self, request, verb, body):
        """As it was before 2.53: the verb in the path."""
        if verb not in ('enable', 'disable', 'disable-log-reason',
                        'force-down'):
            raise errors.NotFound('Unknown action')
        try:
            host, binary = body['host'], body['binary']
            self._check_binary(binary)
            answer = {'host': host, 'binary': binary}
            if verb == 'enable':
                self._model.enable(host)
                answer['status'] = 'enabled'
            elif verb == 'force-down':
                answer['forced_down'] = common.true(str(body['forced_down']))
                self._model.force_down(host, answer['forced_down'])
            else:
                reason = None
                if verb == 'disable-log-reason':
                    reason = answer['disabled_reason'] = body[
                        'disabled_reason']
                self._model.disable(host, reason)
                answer['status'] = 'disabled'
        except KeyError as error:
            raise errors.BadRequest(f'Missing {error} field') from None
        return http.answer({'service': answer})

    # migrations

    def migrations(self, request):
        common.need_admin(request)
        args = request.args
        found = [migration for migration in reversed(self._model.migrations)
                 if not self._model.is_silent(migration.source)]
        for key, field in (('instance_uuid', 'server'),
                           ('source_compute', 'source'),
                           ('status', 'status'),
                           ('migration_type', 'type')):
            if args.get(key):
                found = [migration for migration in found
                         if getattr(migration, field) == args[key]]
        if args.get('host'):
            found = [migration for migration in found
                     if migration.touches(args['host'])]
        links = []
        if request.micro >= 59:
            if 'changes-since' in args:
                since = common.seconds(args['changes-since'])
                found = [migration for migration in found
                         if migration.updated >= since]
            found, links = common.page(request, found, 'migrations',
                                       lambda migration: migration.uuid)
        return http.answer(common.listing('migrations', [
            views.migration(request, migration) for migration in found],
            links))

    # hypervisors

    def _hypervisor(self, request, host, detail) -> dict[str, Any]:
        service = host.nova_compute
        uuids = request.micro >= 53
        view: dict[str, Any] = {
            'id': host.uuid if uuids else host.id,
            'hypervisor_hostname': host.name, 'status': service.status,
            'state': 'up' if host.is_up(service) else 'down'}
        if common.true(request.args.get('with_servers')) and uuids:
            view['servers'] = [
                {'uuid': server.id, 'name': f'instance-{server.number:08x}'}
                for server in self._model.servers_on(host.name)]
        if not detail:
            return view
        view.update({
            'hypervisor_type': 'fake', 'hypervisor_version': 1000,
            'host_ip': '127.0.0.1',
            'service': {'id': service.uuid if uuids else service.id,
                        'host': host.name,
                        'disabled_reason': service.disabled_reason}})
        if request.micro >= 88:
            view['uptime'] = None
        else:
            view.update(self._sizes(host))
        return view

    def _sizes(self, host):
        total = {name: inventory['total']
                 for name, inventory in host.inventory.items()}
        used = self._model.usage(host.name)
        return {
            'vcpus': total['VCPU'], 'vcpus_used': used['VCPU'],
            'memory_mb': total['MEMORY_MB'],
            'memory_mb_used': used['MEMORY_MB'],
            'free_ram_mb': total['MEMORY_MB'] - used['MEMORY_MB'],
            'local_gb': total['DISK_GB'], 'local_gb_used': used['DISK_GB'],
            'free_disk_gb': total['DISK_GB'] - used['DISK_GB'],
            'disk_available_least': total['DISK_GB'] - used['DISK_GB'],
            'running_vms': len(self._model.servers_on(host.name)),
            'current_workload': 0, 'cpu_info': {}}

    def _hypervisors(self, request, detail):
        common.need_admin(request)
        for cell in self._model.silent_cells:
            raise errors.CellSilent(cell)
        pattern = request.args.get('hypervisor_hostname_pattern', '')
        hosts = [host for host in self._model.hosts.values()
                 if host.compute and pattern in host.name]
        if pattern and not hosts:
            raise errors.NotFound(
                f"No hypervisor matching '{pattern}' could be found.")
        hosts, links = common.page(request, hosts, 'hypervisors',
                                   lambda host: host.uuid)
        return http.answer(common.listing('hypervisors', [
            self._hypervisor(request, host, detail) for host in hosts],
            links))

    def hypervisors(self, request):
        return self._hypervisors(request, False)

    def hypervisor_details(self, request):
        return self._hypervisors(request, True)

    def hypervisor(self, request, hypervisor_id):
        common.need_admin(request)
        for host in self._model.hosts.values():
            if host.compute and hypervisor_id in (host.uuid, str(host.id)):
                return http.answer({'hypervisor': self._hypervisor(
                    request, host, True)})
        raise errors.NotFound(
            f"Hypervisor with ID '{hypervisor_id}' could not be found.")

    # aggregates and zones

    def aggregates(self, request):
        common.need_admin(request)
        return http.answer({'aggregates': [
            {'id': number, 'name': name, 'hosts': hosts, 'metadata': {},
             'availability_zone': None, 'deleted': False}
            for number, (name, hosts)
            in enumerate(self._model.aggregates.items(), 1)]})

    def _zones(self, detail):
        zones: dict[str, dict[str, Any]] = {}
        for host in self._model.hosts.values():
            if host.compute:
                zones.setdefault(host.zone, {})[host.name] = {
                    'nova-compute': {
                        'available': host.is_up(host.nova_compute),
                        'active': not host.nova_compute.disabled,
                        'updated_at': common.stamp(self._model.now)}}
        return http.answer({'availabilityZoneInfo': [
            {'zoneName': zone, 'zoneState': {'available': True},
             'hosts': hosts if detail else None}
            for zone, hosts in zones.items()]})

    def zones(self, request):
        return self._zones(False)

    def zone_details(self, request):
        common.need_admin(request)
        return self._zones(True)
