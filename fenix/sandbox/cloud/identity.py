# SPDX-License-Identifier: Apache-2.0
"""Users, projects, tokens and the catalogue: Keystone without HTTP."""

import collections.abc
import dataclasses
import secrets
import threading
import uuid
from typing import Any

from fenix.sandbox.cloud import config
from fenix.sandbox.cloud import errors

DOMAIN = {'id': 'default', 'name': 'Default'}

#: Names and types of the services, as in a DevStack.
SERVICES = {'identity': 'keystone', 'compute': 'nova',
            'placement': 'placement', 'alarming': 'aodh',
            'maintenance': 'fenix'}
INTERFACES = ('public', 'internal', 'admin')


def _stable_id(kind, name):
    """The same id in each run, 32 hex digits as Keystone's are."""
    return uuid.uuid5(uuid.NAMESPACE_DNS, f'{kind}.{name}.sandbox').hex


@dataclasses.dataclass(frozen=True)
class Project:
    """A project of the default domain."""

    id: str
    name: str


@dataclasses.dataclass(frozen=True)
class User:
    """A user of the default domain; roles by project id."""

    id: str
    name: str
    password: str
    roles: dict[str, tuple[str, ...]]


@dataclasses.dataclass(frozen=True)
class Token:
    """Who somebody is; times in seconds since the epoch."""

    id: str
    user: User
    project: Project | None
    issued: float
    expires: float

    @property
    def roles(self) -> tuple[str, ...]:
        if self.project is None:
            return ()
        return self.user.roles.get(self.project.id, ())

    @property
    def is_admin(self) -> bool:
        return 'admin' in self.roles


class Identity:
    """Knows the users, gives and checks tokens. Thread-safe."""

    def __init__(self, users: list[config.UserConfig],
                 clock: collections.abc.Callable[[], float],
                 lifetime: float, region: str):
        self.region = region
        self.projects: dict[str, Project] = {}
        self.users: dict[str, User] = {}
        self._clock = clock
        self._lifetime = lifetime
        self._lock = threading.Lock()
        self._tokens: dict[str, Token] = {}
        self._urls: dict[str, str] = {}
        for user in users:
            self.add_user(user)

    def add_project(self, name: str) -> Project:
        """The project of that name, made if need be."""
        project = Project(_stable_id('project', name), name)
        return self.projects.setdefault(project.id, project)

    def add_user(self, user: config.UserConfig) -> User:
        """A user with roles in one project; again: in one more."""
        project = self.add_project(user.project)
        user_id = _stable_id('user', user.name)
        known = self.users.get(user_id)
        roles = dict(known.roles) if known else {}
        roles[project.id] = tuple(user.roles)
        self.users[user_id] = User(user_id, user.name, user.password, roles)
        return self.users[user_id]

    def project_id(self, name: str) -> str:
        """The id of the project of that name.

        :raises errors.NotFound: there is none
        """
        return self._find(self.projects, {'name': name}).id

    def set_endpoint(self, service_type: str, url: str):
        """Say where a service is."""
        self._urls[service_type] = url

    def endpoints(self) -> list[dict[str, Any]]:
        """The endpoints, as Keystone lists them."""
        found = []
        for kind, url in sorted(self._urls.items()):
            for interface in INTERFACES:
                found.append({
                    'id': _stable_id('endpoint', f'{interface}.{kind}'),
                    'interface': interface, 'region': self.region,
                    'region_id': self.region, 'url': url, 'enabled': True,
                    'service_id': _stable_id('service', kind)})
        return found

    def services(self) -> list[dict[str, Any]]:
        """The services, as Keystone lists them."""
        return [{'id': _stable_id('service', kind), 'type': kind,
                 'name': SERVICES.get(kind, kind), 'enabled': True}
                for kind in sorted(self._urls)]

    def catalog(self) -> list[dict[str, Any]]:
        """The catalogue in a token."""
        endpoints = self.endpoints()
        keys = ('id', 'interface', 'region', 'region_id', 'url')
        return [{
            'id': service['id'], 'type': service['type'],
            'name': service['name'],
            'endpoints': [{key: endpoint[key] for key in keys}
                          for endpoint in endpoints
                          if endpoint['service_id'] == service['id']],
        } for service in self.services()]

    # tokens

    def issue(self, auth: dict[str, Any]) -> Token:
        """A token for a body of ``POST /v3/auth/tokens``.

        :raises errors.BadRequest: it is none
        :raises errors.Unauthorized: wrong user, password or project
        """
        try:
            methods = auth['identity']['methods']
            scope = auth.get('scope')
            if 'password' in methods:
                user = self._by_password(auth['identity']['password'])
            elif 'token' in methods:
                user = self.check(auth['identity']['token']['id']).user
            else:
                raise errors.Unauthorized('Attempted to authenticate with '
                                          'an unsupported method.')
            project = self._scope(user, scope)
        except (AttributeError, KeyError, TypeError):
            raise errors.BadRequest(
                'Expecting to find identity.password.user in auth.'
            ) from None
        now = self._clock()
        token = Token(f'sandbox-{secrets.token_urlsafe(32)}', user, project,
                      now, now + self._lifetime)
        with self._lock:
            self._tokens = {
                key: value for key, value in self._tokens.items()
                if value.expires > now - self._lifetime}
            self._tokens[token.id] = token
        return token

    def _by_password(self, password):
        wanted = password['user']
        try:
            self._check_domain(wanted)
            user = self._find(self.users, wanted)
        except errors.NotFound:
            user = None
        if user is None or not secrets.compare_digest(
                user.password.encode(), str(wanted['password']).encode()):
            raise errors.Unauthorized(
                'The request you have made requires authentication.')
        return user

    def _scope(self, user, scope):
        if not scope or scope == 'unscoped' or 'unscoped' in scope:
            return None
        try:
            self._check_domain(scope['project'])
            project = self._find(self.projects, scope['project'])
        except errors.NotFound:
            project = None
        if project is None or project.id not in user.roles:
            raise errors.Unauthorized(
                f'User {user.id} has no access to that project.')
        return project

    @staticmethod
    def _check_domain(wanted):
        domain = wanted.get('domain') or DOMAIN
        for key, value in DOMAIN.items():
            if domain.get(key, value) != value:
                raise errors.NotFound('Could not find domain.')

    @staticmethod
    def _find(things, wanted):
        if 'id' in wanted:
            found = things.get(wanted['id'])
        else:
            found = next((thing for thing in things.values()
                          if thing.name == wanted['name']), None)
        if found is None:
            raise errors.NotFound('Could not find it.')
        return found

    def check(self, token_id: str, expired: bool = False) -> Token:
        """The token of that id.

        :param expired: take one that is no longer valid too
        :raises errors.Unauthorized: there is none
        """
        with self._lock:
            token = self._tokens.get(token_id)
        if token is None or (token.expires <= self._clock()
                             and not expired):
            raise errors.Unauthorized(
                'The request you have made requires authentication.')
        return token

    def revoke(self, token_id: str):
        """Make a token invalid; an unknown one is no error."""
        with self._lock:
            self._tokens.pop(token_id, None)
