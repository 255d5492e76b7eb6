# SPDX-License-Identifier: Apache-2.0
"""How servers, actions and migrations look, by microversion.

Checked against nova.api.openstack.compute.views.servers and
nova.api.openstack.compute.{instance_actions,migrations}.
"""

import hashlib
from typing import Any

from fenix.sandbox.cloud import entities
from fenix.sandbox.cloud import http
from fenix.sandbox.cloud import model as cloud_model
from fenix.sandbox.cloud.nova import common


def host_id(server_project: str, host: str | None) -> str:
    """What a tenant sees instead of the name of a host."""
    if not host:
        return ''
    return hashlib.sha224((server_project + host).encode()).hexdigest()


def _links(request, collection, thing_id):
    base = request.host_url + 'compute'
    return [{'rel': 'self',
             'href': f'{base}/v2.1/{collection}/{thing_id}'},
            {'rel': 'bookmark', 'href': f'{base}/{collection}/{thing_id}'}]


def basic_server(request: http.Request, server: entities.Server
                 ) -> dict[str, Any]:
    """A server in a list without details."""
    return {'id': server.id, 'name': server.name,
            'links': _links(request, 'servers', server.id)}


def unknown_server(request: http.Request, server: entities.Server,
                   details: bool) -> dict[str, Any]:
    """What Nova's own database has of a server in a silent cell."""
    view = {'id': server.id, 'status': 'UNKNOWN',
            'links': _links(request, 'servers', server.id)}
    if details:
        view['tenant_id'] = server.project
        view['created'] = common.iso(server.created)
    return view


def _addresses(server):
    if server.vm_state == 'building' or not server.fixed_address:
        return {}
    mac = f'fa:16:3e:00:{server.number // 256 % 256:02x}:' \
          f'{server.number % 256:02x}'
    return {'private': [
        {'addr': address, 'version': 4, 'OS-EXT-IPS:type': kind,
         'OS-EXT-IPS-MAC:mac_addr': mac}
        for kind, address in [('fixed', server.fixed_address)] + [
            ('floating', address) for address in server.floating]]}


def _flavor(request, flavor):
    if request.micro < 47:
        return {'id': flavor.id,
                'links': _links(request, 'flavors', flavor.id)[1:]}
    return {'vcpus': flavor.vcpus, 'ram': flavor.ram_mb,
            'disk': flavor.disk_gb, 'ephemeral': 0, 'swap': 0,
            'original_name': flavor.name, 'extra_specs': flavor.extra_specs}


def _host_status(model, server):
    if server.host is None:
        return ''
    host = model.hosts[server.host]
    service = host.nova_compute
    if not host.is_up(service):
        return 'DOWN' if service.forced_down else 'UNKNOWN'
    return 'MAINTENANCE' if service.disabled else 'UP'


def server(model: cloud_model.Model, request: http.Request,
           shown: entities.Server, groups: bool = False) -> dict[str, Any]:
    """A server with all details.

    :param groups: with its server groups (from 2.71, but not in lists)
    """
    view = {
        'id': shown.id, 'name': shown.name, 'status': shown.status,
        'tenant_id': shown.project, 'user_id': shown.user or '',
        'metadata': shown.metadata,
        'hostId': host_id(shown.project, shown.host),
        'image': {'id': shown.image, 'links': _links(
            request, 'images', shown.image)[1:]} if shown.image else '',
        'flavor': _flavor(request, shown.flavor),
        'created': common.iso(shown.created),
        'updated': common.iso(shown.updated),
        'addresses': _addresses(shown), 'accessIPv4': '', 'accessIPv6': '',
        'links': _links(request, 'servers', shown.id),
        'OS-DCF:diskConfig': 'MANUAL', 'config_drive': '', 'key_name': None,
        'OS-EXT-AZ:availability_zone':
            model.hosts[shown.host].zone if shown.host else '',
        'OS-SRV-USG:launched_at': common.stamp(shown.launched),
        'OS-SRV-USG:terminated_at': common.stamp(shown.terminated),
        'OS-EXT-STS:task_state': shown.task_state,
        'OS-EXT-STS:vm_state': shown.vm_state,
        'OS-EXT-STS:power_state': shown.power_state,
        'os-extended-volumes:volumes_attached': [],
        'security_groups': [{'name': 'default'}],
    }
    if shown.status in ('ERROR', 'DELETED') and shown.fault:
        view['fault'] = dict(shown.fault,
                             created=common.iso(shown.fault['created']))
    if shown.status in ('ACTIVE', 'BUILD', 'RESIZE', 'VERIFY_RESIZE',
                        'MIGRATING'):
        view['progress'] = 0
    _newer(model, request, shown, view)
    if groups and request.micro >= 71:
        view['server_groups'] = [
            group.id for group in model.groups.values()
            if shown.id in group.members]
    return view


def _newer(model, request, shown, view):
    """What came with microversions, and what only an admin sees."""
    if request.token.is_admin:
        view['OS-EXT-SRV-ATTR:host'] = shown.host
        view['OS-EXT-SRV-ATTR:hypervisor_hostname'] = shown.host
        view['OS-EXT-SRV-ATTR:instance_name'] = (
            f'instance-{shown.number:08x}')
        if request.micro >= 3:
            view['OS-EXT-SRV-ATTR:hostname'] = shown.name
        if request.micro >= 16:
            view['host_status'] = _host_status(model, shown)
    if request.micro >= 9:
        view['locked'] = shown.locked
    if request.micro >= 19:
        view['description'] = None
    if request.micro >= 26:
        view['tags'] = []
    if request.micro >= 63:
        view['trusted_image_certificates'] = None
    if request.micro >= 73:
        view['locked_reason'] = shown.locked_reason
    if request.micro >= 96:
        view['pinned_availability_zone'] = shown.zone_asked


def action(request: http.Request, shown: entities.Action,
           events: bool = False) -> dict[str, Any]:
    """An instance action, with its events if asked for."""
    view = {'action': shown.action, 'instance_uuid': shown.server,
            'request_id': shown.request_id, 'user_id': shown.user,
            'project_id': shown.project,
            'start_time': common.stamp(shown.start),
            'message': shown.message}
    if request.micro >= 58:
        view['updated_at'] = common.stamp(shown.updated)
    admin = request.token.is_admin
    if events and (admin or request.micro >= 51):
        view['events'] = [
            _event(request, shown, event) for event in shown.events]
    return view


def _event(request, shown, event):
    view = {'event': event.event, 'result': event.result,
            'start_time': common.stamp(event.start),
            'finish_time': common.stamp(event.finish)}
    if request.token.is_admin:
        view['traceback'] = event.details
    if request.micro >= 62:
        view['hostId'] = host_id(shown.project or '', event.host)
        if request.token.is_admin:
            view['host'] = event.host
    if request.micro >= 84 and request.token.is_admin:
        view['details'] = event.details
    return view


def migration(request: http.Request, shown: entities.Migration
              ) -> dict[str, Any]:
    """A migration in the list of all."""
    view = {'id': shown.id, 'instance_uuid': shown.server,
            'status': shown.status, 'source_compute': shown.source,
            'source_node': shown.source, 'dest_compute': shown.dest,
            'dest_node': shown.dest, 'dest_host': None,
            'old_instance_type_id': 1, 'new_instance_type_id': 1,
            'created_at': common.stamp(shown.created),
            'updated_at': common.stamp(shown.updated)}
    if request.micro >= 23:
        view['migration_type'] = shown.type
    if request.micro >= 59:
        view['uuid'] = shown.uuid
    if request.micro >= 80:
        view['user_id'] = shown.user
        view['project_id'] = shown.project
    return view


def server_migration(request: http.Request, shown: entities.Migration
                     ) -> dict[str, Any]:
    """A live migration in the list of one server."""
    view = {'id': shown.id, 'server_uuid': shown.server,
            'status': shown.status, 'source_compute': shown.source,
            'source_node': shown.source, 'dest_compute': shown.dest,
            'dest_node': shown.dest, 'dest_host': None,
            'created_at': common.stamp(shown.created),
            'updated_at': common.stamp(shown.updated)}
    for what in ('memory', 'disk'):
        for part in ('total', 'processed', 'remaining'):
            view[f'{what}_{part}_bytes'] = None
    if request.micro >= 59:
        view['uuid'] = shown.uuid
    if request.micro >= 80:
        view['user_id'] = shown.user
        view['project_id'] = shown.project
    return view
