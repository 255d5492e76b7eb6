# SPDX-License-Identifier: Apache-2.0
"""The whole API in one table.

A path ends with or without a slash. Where two paths fit, the one that comes
first counts.
"""

import collections
import dataclasses
import typing

from fenix import errors
from fenix.api import validation
from fenix.api.handlers import actions
from fenix.api.handlers import constraints
from fenix.api.handlers import health
from fenix.api.handlers import plans
from fenix.api.handlers import replies
from fenix.api.handlers import sessions
from fenix.api.handlers import versions
from fenix.api.schemas import actions as action_schemas
from fenix.api.schemas import constraints as constraint_schemas
from fenix.api.schemas import replies as reply_schemas
from fenix.api.schemas import sessions as session_schemas


@dataclasses.dataclass(frozen=True)
class Route:
    """One thing that the API does."""

    method: str
    path: str
    handler: typing.Callable
    #: Rule of oslo.policy; None: everybody may.
    policy: str | None = None
    #: JSON schema of the body; None: the body is not read.
    schema: dict | None = None
    #: Asked for the owner of a row: the handler authorises, knowing it.
    by_owner: bool = False
    #: Who may not gets an answer all the same: the handler asks ``may``.
    open: bool = False

    def check(self, body):
        """Refuse a body that does not fit."""
        _validators[id(self.schema)].check(body)


SESSION = '/v1/maintenance/{session}'
PROJECT = SESSION + '/{project}'
INSTANCE = PROJECT + '/{instance}'
RUN = SESSION + '/actions/{run}'

#: No project has one of these for an id.
RESERVED = ('detail', 'plan', 'events', 'actions')

ROUTES = (
    Route('GET', '/', versions.index),
    Route('GET', '/v1', versions.v1),
    Route('GET', '/healthcheck', health.get, 'fenix:health:detail',
          open=True),
    Route('GET', '/metrics', health.metrics_, 'fenix:metrics:get',
          open=True),

    Route('POST', '/v1/maintenance', sessions.create,
          'fenix:session:create', session_schemas.CREATE),
    Route('GET', '/v1/maintenance', sessions.index, 'fenix:session:list'),
    Route('GET', SESSION, sessions.get, 'fenix:session:get'),
    Route('PUT', SESSION, sessions.resume,
          'fenix:session:continue', session_schemas.CONTINUE),
    Route('POST', SESSION, sessions.resume,
          'fenix:session:continue', session_schemas.CONTINUE),
    Route('DELETE', SESSION, sessions.delete, 'fenix:session:delete'),
    Route('GET', SESSION + '/detail', sessions.detail,
          'fenix:session:detail'),
    Route('POST', '/v1/plan', plans.create,
          'fenix:plan:create', session_schemas.CREATE),
    Route('GET', SESSION + '/plan', plans.get, 'fenix:plan:get'),
    Route('GET', SESSION + '/events', sessions.events,
          'fenix:session:events'),
    Route('PUT', RUN, actions.report,
          'fenix:action:report', action_schemas.REPORT),
    Route('POST', RUN, actions.report,
          'fenix:action:report', action_schemas.REPORT),

    Route('GET', PROJECT, replies.get, 'fenix:project:get'),
    Route('PUT', PROJECT, replies.reply,
          'fenix:project:reply', reply_schemas.REPLY),
    Route('POST', PROJECT, replies.reply,
          'fenix:project:reply', reply_schemas.REPLY),
    Route('PUT', INSTANCE, replies.reply,
          'fenix:project:reply', reply_schemas.REPLY),
    Route('POST', INSTANCE, replies.reply,
          'fenix:project:reply', reply_schemas.REPLY),

    Route('GET', '/v1/instance', constraints.list_instances,
          'fenix:constraint:list', by_owner=True),
    Route('GET', '/v1/instance/{instance}', constraints.get_instance,
          'fenix:constraint:get', by_owner=True),
    Route('PUT', '/v1/instance/{instance}', constraints.put_instance,
          'fenix:constraint:put', constraint_schemas.INSTANCE,
          by_owner=True),
    Route('DELETE', '/v1/instance/{instance}', constraints.delete_instance,
          'fenix:constraint:delete', by_owner=True),
    Route('GET', '/v1/instance_group', constraints.list_groups,
          'fenix:constraint:list', by_owner=True),
    Route('GET', '/v1/instance_group/{group}', constraints.get_group,
          'fenix:constraint:get', by_owner=True),
    Route('PUT', '/v1/instance_group/{group}', constraints.put_group,
          'fenix:constraint:put', constraint_schemas.GROUP, by_owner=True),
    Route('DELETE', '/v1/instance_group/{group}', constraints.delete_group,
          'fenix:constraint:delete', by_owner=True),
)

_validators = {id(route.schema): validation.Schema(route.schema)
               for route in ROUTES if route.schema is not None}


def _segments(path):
    return path.removesuffix('/').split('/')[1:]


#: Path, taken apart: {method: route}; by the number of segments.
_TREE = collections.defaultdict(dict)
for _route in ROUTES:
    _parts = tuple(_segments(_route.path))
    _TREE[len(_parts)].setdefault(_parts, {})[_route.method] = _route


def match(method, path):
    """Find what is asked for.

    :returns: (route, {name: segment})
    :raises: NotFound; MethodNotAllowed, with ``allowed`` methods
    """
    segments = _segments(path)
    for parts, routes in _TREE[len(segments)].items():
        found = _names(parts, segments)
        if found is None:
            continue
        route = routes.get('GET' if method == 'HEAD' else method)
        if route is None:
            allowed = sorted(routes.keys() | (
                {'HEAD'} if 'GET' in routes else set()))
            error = errors.MethodNotAllowed(
                f'This address knows {", ".join(allowed)}.')
            error.allowed = allowed
            raise error
        return route, found
    raise errors.NotFound()


def _names(parts, segments):
    """Return {name: segment} if a path fits, else None."""
    found = {}
    for part, segment in zip(parts, segments, strict=True):
        if part.startswith('{'):
            if not segment or (part == '{project}' and segment in RESERVED):
                return None
            found[part[1:-1]] = segment
        elif part != segment:
            return None
    return found
