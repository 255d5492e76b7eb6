# SPDX-License-Identifier: Apache-2.0
"""What a tenant asks Nova besides servers: flavors and server groups."""

from fenix.sandbox.cloud import config
from fenix.sandbox.cloud import errors
from fenix.sandbox.cloud import http
from fenix.sandbox.cloud import model as cloud_model
from fenix.sandbox.cloud.nova import common


class TenantApi:
    """``/flavors`` and ``/os-server-groups``."""

    def __init__(self, model: cloud_model.Model):
        self._model = model

    def routes(self):
        return [
            http.Route('GET', '/flavors', self.flavors),
            http.Route('POST', '/flavors', self.create_flavor),
            http.Route('GET', '/flavors/detail', self.flavor_details),
            http.Route('GET', '/flavors/<flavor_id>', self.flavor),
            http.Route('GET', '/flavors/<flavor_id>/os-extra_specs',
                      self.extra_specs),
            http.Route('GET', '/os-server-groups', self.groups),
            http.Route('POST', '/os-server-groups', self.create_group),
            http.Route('GET', '/os-server-groups/<group_id>', self.group),
            http.Route('DELETE', '/os-server-groups/<group_id>',
                      self.delete_group),
        ]

    # flavors

    @staticmethod
    def _flavor(request, flavor, detail=True):
        view = {'id': flavor.id, 'name': flavor.name, 'links': [
            {'rel': 'self', 'href':
             f'{request.host_url}compute/v2.1/flavors/{flavor.id}'}]}
        if detail:
            view.update({
                'vcpus': flavor.vcpus, 'ram': flavor.ram_mb,
                'disk': flavor.disk_gb, 'swap': '' if request.micro < 75
                else 0, 'OS-FLV-EXT-DATA:ephemeral': 0,
                'OS-FLV-DISABLED:disabled': False, 'rxtx_factor': 1.0,
                'os-flavor-access:is_public': True})
            if request.micro >= 55:
                view['description'] = None
            if request.micro >= 61:
                view['extra_specs'] = flavor.extra_specs
        return view

    def _flavors(self, request, detail):
        flavors, links = common.page(
            request, list(self._model.flavors.values()), 'flavors')
        return http.answer(common.listing('flavors', [
            self._flavor(request, flavor, detail) for flavor in flavors],
            links))

    def flavors(self, request):
        return self._flavors(request, False)

    def flavor_details(self, request):
        return self._flavors(request, True)

    def flavor(self, request, flavor_id):
        return http.answer({'flavor': self._flavor(
            request, self._model.get_flavor(flavor_id))})

    def extra_specs(self, request, flavor_id):
        return http.answer({'extra_specs': self._model.get_flavor(
            flavor_id).extra_specs})

    def create_flavor(self, request):
        common.need_admin(request)
        try:
            wanted = request.body()['flavor']
            flavor_id = str(wanted.get('id') or 'auto')
            if flavor_id == 'auto':
                flavor_id = self._model.new_id()
            spec = config.FlavorConfig(
                flavor_id, wanted['name'], int(wanted['vcpus']),
                int(wanted['ram']), int(wanted['disk']))
        except (KeyError, TypeError, ValueError):
            raise errors.BadRequest(
                'Invalid input for field flavor') from None
        return http.answer({'flavor': self._flavor(
            request, self._model.add_flavor(spec))})

    # server groups

    @staticmethod
    def _group(request, group):
        view = {'id': group.id, 'name': group.name,
                'members': list(group.members)}
        if request.micro >= 64:
            view['policy'] = group.policy
            view['rules'] = {}
            if group.policy == 'anti-affinity' and group.max_per_host > 1:
                view['rules']['max_server_per_host'] = group.max_per_host
        else:
            view['policies'] = [group.policy]
            view['metadata'] = {}
        if request.micro >= 13:
            view['project_id'] = group.project
            view['user_id'] = group.user
        return view

    def groups(self, request):
        me = common.caller(request)
        everybody = me.admin and 'all_projects' in request.args
        groups = [group for group in self._model.groups.values()
                  if everybody or group.project == me.project]
        try:
            start = int(request.args.get('offset', 0))
            limit = int(request.args.get('limit', common.MAX_LIMIT))
        except ValueError:
            raise errors.BadRequest('limit and offset are integers'
                                    ) from None
        return http.answer({'server_groups': [
            self._group(request, group)
            for group in groups[start:start + limit]]})

    def _find_group(self, request, group_id):
        group = self._model.get_group(group_id)
        me = common.caller(request)
        if not me.admin and group.project != me.project:
            raise errors.NotFound(
                f'Instance group {group_id} could not be found.')
        return group

    def group(self, request, group_id):
        return http.answer({'server_group': self._group(
            request, self._find_group(request, group_id))})

    def create_group(self, request):
        me = common.caller(request)
        try:
            wanted = request.body()['server_group']
            name = wanted['name']
            policy = (wanted['policy'] if request.micro >= 64
                      else wanted['policies'][0])
            limit = int((wanted.get('rules') or {}).get(
                'max_server_per_host', 1))
        except (IndexError, KeyError, TypeError, ValueError):
            raise errors.BadRequest(
                'Invalid input for field server_group') from None
        return http.answer({'server_group': self._group(
            request, self._model.create_group(
                name, me.project, policy, me.user, limit))})

    def delete_group(self, request, group_id):
        self._find_group(request, group_id)
        self._model.delete_group(group_id)
        return http.answer(status=204)
