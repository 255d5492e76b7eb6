# SPDX-License-Identifier: Apache-2.0
"""Keystone v3 over HTTP."""

import datetime

from fenix.sandbox.cloud import errors
from fenix.sandbox.cloud import http
from fenix.sandbox.cloud import identity


def _time(seconds):
    when = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return when.strftime('%Y-%m-%dT%H:%M:%S.%fZ')


class Keystone(http.GuardedService):
    """Tokens, and lists of users, projects, services and endpoints."""

    name = 'keystone'
    prefix = '/identity'

    def routes(self):
        return [
            http.Route('GET', '/', self.versions),
            http.Route('GET', '/v3', self.version),
            http.Route('POST', '/v3/auth/tokens', self.issue),
            http.Route('GET', '/v3/auth/tokens', self.validate),
            http.Route('DELETE', '/v3/auth/tokens', self.revoke),
            http.Route('GET', '/v3/auth/catalog', self.catalog),
            http.Route('GET', '/v3/auth/projects', self.own_projects),
            http.Route('GET', '/v3/users', self.users),
            http.Route('GET', '/v3/users/<thing_id>', self.user),
            http.Route('GET', '/v3/projects', self.projects),
            http.Route('GET', '/v3/projects/<thing_id>', self.project),
            http.Route('GET', '/v3/services', self.services),
            http.Route('GET', '/v3/services/<thing_id>', self.service),
            http.Route('GET', '/v3/endpoints', self.endpoints),
            http.Route('GET', '/v3/endpoints/<thing_id>', self.endpoint),
        ]

    def fault(self, code, message):
        response = http.answer({'error': {
            'code': code, 'title': 'Unauthorized' if code == 401 else 'Error',
            'message': message}}, code)
        if code == 401:
            response.headers['WWW-Authenticate'] = 'Keystone'
        return response

    # versions

    def _version(self, request):
        return {'id': 'v3.14', 'status': 'stable',
                'updated': '2020-04-07T00:00:00Z',
                'links': [{'rel': 'self', 'href':
                           f'{request.host_url}identity/v3/'}],
                'media-types': [{
                    'base': 'application/json',
                    'type': 'application/vnd.openstack.identity-v3+json'}]}

    def versions(self, request):
        return http.answer(
            {'versions': {'values': [self._version(request)]}}, 300)

    def version(self, request):
        return http.answer({'version': self._version(request)})

    # tokens

    def _token(self, token, catalog=True):
        body = {
            'methods': ['password'], 'audit_ids': [token.id[-22:]],
            'issued_at': _time(token.issued),
            'expires_at': _time(token.expires),
            'user': {'id': token.user.id, 'name': token.user.name,
                     'domain': identity.DOMAIN, 'password_expires_at': None}}
        if token.project is not None:
            body['is_domain'] = False
            body['project'] = {'id': token.project.id,
                               'name': token.project.name,
                               'domain': identity.DOMAIN}
            body['roles'] = [{'id': role, 'name': role}
                             for role in token.roles]
            if catalog:
                body['catalog'] = self._tokens.catalog()
        return {'token': body}

    def issue(self, request):
        try:
            auth = request.body()['auth']
        except (KeyError, TypeError):
            raise errors.BadRequest(
                'Expecting to find auth in request body.') from None
        token = self._tokens.issue(auth)
        return http.answer(self._token(token, 'nocatalog' not in
                                       request.args), 201,
                           {'X-Subject-Token': token.id})

    def _subject(self, request):
        self.authenticate(request)
        subject = request.headers.get('X-Subject-Token', '')
        try:
            return self._tokens.check(
                subject, expired='allow_expired' in request.args)
        except errors.Unauthorized:
            raise errors.NotFound('Could not find token.') from None

    def validate(self, request):
        token = self._subject(request)
        return http.answer(
            self._token(token, 'nocatalog' not in request.args),
            headers={'X-Subject-Token': token.id})

    def revoke(self, request):
        self._tokens.revoke(self._subject(request).id)
        return http.answer(status=204)

    def catalog(self, request):
        self.authenticate(request)
        return http.answer({'catalog': self._tokens.catalog(),
                            'links': {'self': request.url}})

    def own_projects(self, request):
        self.authenticate(request)
        return self._list(request, 'projects', [
            self._named(project, 'projects', request)
            for project in self._tokens.projects.values()
            if project.id in request.token.user.roles])

    # lists

    @staticmethod
    def _named(thing, kind, request):
        return {'id': thing.id, 'name': thing.name, 'enabled': True,
                'domain_id': identity.DOMAIN['id'],
                'links': {'self': f'{request.host_url}identity/v3/{kind}/'
                                  f'{thing.id}'}}

    @staticmethod
    def _list(request, kind, things):
        for key, wanted in request.args.items():
            things = [thing for thing in things
                      if str(thing.get(key, wanted)) == wanted]
        return http.answer({kind: things, 'links': {
            'self': request.url, 'previous': None, 'next': None}})

    def _all(self, request, kind):
        self.authenticate(request)
        if kind in ('users', 'projects'):
            things = getattr(self._tokens, kind).values()
            return [self._named(thing, kind, request) for thing in things]
        self.admin_only(request)
        return getattr(self._tokens, kind)()

    def _one(self, request, kind, thing_id):
        for thing in self._all(request, kind):
            if thing['id'] == thing_id:
                return http.answer({kind[:-1]: thing})
        raise errors.NotFound(f'Could not find {kind[:-1]}: {thing_id}.')

    def users(self, request):
        self.authenticate(request)
        self.admin_only(request)
        return self._list(request, 'users', self._all(request, 'users'))

    def user(self, request, thing_id):
        return self._one(request, 'users', thing_id)

    def projects(self, request):
        self.authenticate(request)
        self.admin_only(request)
        return self._list(request, 'projects',
                          self._all(request, 'projects'))

    def project(self, request, thing_id):
        return self._one(request, 'projects', thing_id)

    def services(self, request):
        return self._list(request, 'services',
                          self._all(request, 'services'))

    def service(self, request, thing_id):
        return self._one(request, 'services', thing_id)

    def endpoints(self, request):
        return self._list(request, 'endpoints',
                          self._all(request, 'endpoints'))

    def endpoint(self, request, thing_id):
        return self._one(request, 'endpoints', thing_id)
