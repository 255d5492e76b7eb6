# SPDX-License-Identifier: Apache-2.0
"""Nova's front: versions, microversions, callers, one request at a time."""

import re

from fenix.sandbox.cloud import errors
from fenix.sandbox.cloud import http
from fenix.sandbox.cloud import identity
from fenix.sandbox.cloud import model as cloud_model
from fenix.sandbox.cloud.nova import admin
from fenix.sandbox.cloud.nova import servers
from fenix.sandbox.cloud.nova import tenant

MAX_MICRO = 96
_KEYS = {400: 'badRequest', 401: 'unauthorized', 403: 'forbidden',
         404: 'itemNotFound', 405: 'badMethod', 406: 'computeFault',
         409: 'conflictingRequest', 503: 'serviceUnavailable'}


class Nova(http.GuardedService):
    """The compute service.

    :param record: told of each request that names a server
    """

    name = 'nova'
    prefix = '/compute'

    def __init__(self, tokens: identity.Identity, model: cloud_model.Model,
                 record):
        super().__init__(tokens)
        self._model = model
        self._record = record
        self._parts = [servers.ServersApi(model), tenant.TenantApi(model),
                       admin.AdminApi(model)]

    def routes(self):
        return [http.Route('GET', '/', self.versions),
                http.Route('GET', '/v2.1', self.version),
                *(route._replace(path=f'/v2.1{route.path}')
                  for part in self._parts for route in part.routes())]

    def handle(self, request, handler, values):
        if handler in (self.versions, self.version):
            return handler(request)
        server = values.get('server_id') or request.args.get(
            'instance_uuid')
        if server is not None:
            self._record('request', method=request.method,
                         path=request.path, server=server,
                         action=request.action(), request_id=request.id)
        self.authenticate(request)
        if request.token.project is None:
            raise errors.Unauthorized('The token has no project.')
        request.micro = self._microversion(request)
        with self._model.lock:
            self._model.advance()
            response = handler(request, **values)
        version = f'2.{request.micro}'
        response.headers['OpenStack-API-Version'] = f'compute {version}'
        response.headers['X-OpenStack-Nova-API-Version'] = version
        response.headers['Vary'] = (
            'OpenStack-API-Version, X-OpenStack-Nova-API-Version')
        response.headers['x-compute-request-id'] = request.id
        return response

    @staticmethod
    def _microversion(request):
        """:raises errors.NotAcceptable: not between 2.1 and 2.96."""
        asked = request.headers.get('X-OpenStack-Nova-API-Version', '2.1')
        for part in request.headers.get('OpenStack-API-Version',
                                        '').split(','):
            service, _, version = part.strip().partition(' ')
            if service == 'compute':
                asked = version.strip()
        if asked == 'latest':
            return MAX_MICRO
        match = re.fullmatch(r'(\d+)\.(\d+)', asked)
        if match is None:
            raise errors.BadRequest(
                f'API Version String {asked} is of invalid format.')
        major, minor = int(match[1]), int(match[2])
        if major != 2 or not 1 <= minor <= MAX_MICRO:
            raise errors.NotAcceptable(
                f'Version {asked} is not supported by the API. Minimum is '
                f'2.1 and maximum is 2.{MAX_MICRO}.')
        return minor

    def fault(self, code, message):
        if code == 401:
            return super().fault(code, message)
        return http.answer({_KEYS.get(code, 'computeFault'): {
            'code': code, 'message': message}}, code)

    def _version(self, request):
        return {'id': 'v2.1', 'status': 'CURRENT',
                'version': f'2.{MAX_MICRO}', 'min_version': '2.1',
                'updated': '2013-07-23T11:33:21Z',
                'links': [{'rel': 'self', 'href':
                           f'{request.host_url}compute/v2.1/'}]}

    def versions(self, request):
        return http.answer({'versions': [self._version(request)]})

    def version(self, request):
        view = self._version(request)
        view['media-types'] = [{
            'base': 'application/json',
            'type': 'application/vnd.openstack.compute+json;version=2.1'}]
        return http.answer({'version': view})
