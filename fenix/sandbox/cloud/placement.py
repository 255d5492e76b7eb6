# SPDX-License-Identifier: Apache-2.0
"""Placement over HTTP: providers, inventories, usages, allocations."""

import re

from fenix.sandbox.cloud import errors
from fenix.sandbox.cloud import http
from fenix.sandbox.cloud import identity
from fenix.sandbox.cloud import model as cloud_model

MAX_MICRO = 39
_FILTERS = {'name', 'uuid', 'member_of', 'resources', 'in_tree', 'required'}


class Placement(http.GuardedService):
    """What is read of Placement; only Nova would write."""

    name = 'placement'
    prefix = '/placement'

    def __init__(self, tokens: identity.Identity, model: cloud_model.Model):
        super().__init__(tokens)
        self._model = model

    def routes(self):
        one = '/resource_providers/<uuid>'
        return [
            http.Route('GET', '/', self.versions),
            http.Route('GET', '/resource_providers', self.providers),
            http.Route('GET', one, self.provider),
            http.Route('GET', f'{one}/inventories', self.inventories),
            http.Route('GET', f'{one}/usages', self.usages),
            http.Route('GET', f'{one}/allocations',
                       self.provider_allocations),
            http.Route('GET', f'{one}/traits', self.traits),
            http.Route('GET', '/allocations/<consumer>', self.allocations),
        ]

    def handle(self, request, handler, values):
        if handler == self.versions:
            return handler(request)
        self.authenticate(request)
        if not set(request.token.roles) & {'admin', 'service'}:
            raise errors.Forbidden('Access was denied to this resource.')
        request.micro = self._microversion(request)
        with self._model.lock:
            self._model.advance()
            response = handler(request, **values)
        response.headers['OpenStack-API-Version'] = (
            f'placement 1.{request.micro}')
        response.headers['Vary'] = 'OpenStack-API-Version'
        return response

    @staticmethod
    def _microversion(request):
        """:raises errors.NotAcceptable: not between 1.0 and 1.39."""
        for part in request.headers.get('OpenStack-API-Version',
                                        '').split(','):
            service, _, version = part.strip().partition(' ')
            if service != 'placement':
                continue
            if version.strip() == 'latest':
                return MAX_MICRO
            match = re.fullmatch(r'1\.(\d+)', version.strip())
            if match is None or int(match[1]) > MAX_MICRO:
                raise errors.NotAcceptable(
                    f'Unacceptable version header: {version}')
            return int(match[1])
        return 0

    def fault(self, code, message):
        if code == 401:
            return super().fault(code, message)
        return http.answer({'errors': [{
            'status': code, 'title': 'Error', 'detail': message}]}, code)

    def versions(self, request):
        return http.answer({'versions': [{
            'id': 'v1.0', 'max_version': f'1.{MAX_MICRO}',
            'min_version': '1.0', 'status': 'CURRENT',
            'links': [{'rel': 'self', 'href': ''}]}]})

    # providers

    def _provider(self, request, host):
        path = f'/placement/resource_providers/{host.uuid}'
        rels = ['inventories', 'usages']
        if request.micro >= 1:
            rels.append('aggregates')
        if request.micro >= 6:
            rels.append('traits')
        if request.micro >= 11:
            rels.append('allocations')
        view = {'uuid': host.uuid, 'name': host.name,
                'generation': host.generation,
                'links': [{'rel': 'self', 'href': path}] + [
                    {'rel': rel, 'href': f'{path}/{rel}'} for rel in rels]}
        if request.micro >= 14:
            view['parent_provider_uuid'] = None
            view['root_provider_uuid'] = host.uuid
        return view

    def _fits(self, host, resources):
        """Whether a host has room for ``VCPU:2,MEMORY_MB:512``."""
        used = self._model.usage(host.name)
        try:
            for part in resources.split(','):
                name, _, amount = part.partition(':')
                if used[name] + int(amount) > self._model.capacity(
                        host.name, name):
                    return False
        except (KeyError, ValueError):
            raise errors.BadRequest(
                f'Badly formed resources parameter: {resources}') from None
        return True

    def providers(self, request):
        args = request.args
        if set(args) - _FILTERS or (
                'required' in args and request.micro < 18):
            raise errors.BadRequest('Invalid query string parameters.')
        hosts = [
            host for host in self._model.hosts.values() if host.compute
            and args.get('name', host.name) == host.name
            and args.get('uuid', host.uuid) == host.uuid
            and args.get('in_tree', host.uuid) == host.uuid
            and set(args.get('required', '').split(',')) <= {
                '', *self._traits(host)}
            and ('resources' not in args
                 or self._fits(host, args['resources']))]
        return http.answer({'resource_providers': [
            self._provider(request, host) for host in hosts]})

    def _find(self, uuid):
        for host in self._model.hosts.values():
            if host.compute and host.uuid == uuid:
                return host
        raise errors.NotFound(f'No resource provider with uuid {uuid} found')

    def provider(self, request, uuid):
        return http.answer(self._provider(request, self._find(uuid)))

    def inventories(self, request, uuid):
        host = self._find(uuid)
        return http.answer({'inventories': host.inventory,
                            'resource_provider_generation': host.generation})

    def usages(self, request, uuid):
        host = self._find(uuid)
        return http.answer({'usages': self._model.usage(host.name),
                            'resource_provider_generation': host.generation})

    def traits(self, request, uuid):
        host = self._find(uuid)
        return http.answer({
            'traits': self._traits(host),
            'resource_provider_generation': host.generation})

    @staticmethod
    def _traits(host):
        disabled = host.nova_compute.disabled
        return [*host.traits, *['COMPUTE_STATUS_DISABLED'] * disabled]

    # allocations

    def provider_allocations(self, request, uuid):
        host = self._find(uuid)
        allocations = {}
        for consumer, resources in self._model.allocations[
                host.name].items():
            allocations[consumer] = {'resources': resources}
            if request.micro >= 28:
                allocations[consumer]['consumer_generation'] = 1
        return http.answer({
            'allocations': allocations,
            'resource_provider_generation': host.generation})

    def allocations(self, request, consumer):
        name = self._model.consumer_host(consumer)
        if name is None:
            return http.answer({'allocations': {}})
        host = self._model.hosts[name]
        body = {'allocations': {host.uuid: {
            'resources': self._model.allocations[name][consumer],
            'generation': host.generation}}}
        server = self._model.servers.get(consumer)
        kind = 'INSTANCE'
        if server is None:
            kind = 'MIGRATION'
            server = self._model.servers[next(
                migration.server for migration in self._model.migrations
                if migration.uuid == consumer)]
        if request.micro >= 12:
            body['project_id'] = server.project
            body['user_id'] = server.user
        if request.micro >= 28:
            body['consumer_generation'] = 1
        if request.micro >= 38:
            body['consumer_type'] = kind
        return http.answer(body)
