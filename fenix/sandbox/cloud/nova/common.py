# SPDX-License-Identifier: Apache-2.0
"""What the parts of the Nova API share: callers, times, pages."""

import datetime
from typing import Any
from urllib import parse

from oslo_utils import timeutils

from fenix.sandbox.cloud import entities
from fenix.sandbox.cloud import errors
from fenix.sandbox.cloud import http
from fenix.sandbox.cloud import model as cloud_model

#: Nova's ``max_limit``.
MAX_LIMIT = 1000


def _utc(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def iso(seconds: float | None) -> str | None:
    """A time as servers carry it: whole seconds and a Z."""
    if seconds is None:
        return None
    return _utc(seconds).strftime('%Y-%m-%dT%H:%M:%SZ')


def stamp(seconds: float | None) -> str | None:
    """A time as actions, services and migrations carry it."""
    if seconds is None:
        return None
    return _utc(seconds).strftime('%Y-%m-%dT%H:%M:%S.%f')


def seconds(text: str) -> float:
    """A time of a query, as seconds since the epoch.

    :raises errors.BadRequest: it is none
    """
    try:
        when = timeutils.normalize_time(timeutils.parse_isotime(text))
    except ValueError:
        raise errors.BadRequest(f'Invalid time: {text}') from None
    return when.replace(tzinfo=datetime.UTC).timestamp()


def caller(request: http.Request) -> entities.Caller:
    """Who asks, as the model wants to know it."""
    project = request.token.project
    return entities.Caller(request.token.user.id,
                           project.id if project else None,
                           request.token.is_admin)


def need_admin(request: http.Request):
    """:raises errors.Forbidden: the caller is not an admin."""
    if not request.token.is_admin:
        raise errors.Forbidden("Policy doesn't allow this to be performed.")


def find_server(model: cloud_model.Model, request: http.Request,
                server_id: str, deleted: bool = False) -> entities.Server:
    """A server that the caller may know of.

    :raises errors.NotFound: there is none
    """
    server = model.get_server(server_id, deleted=deleted)
    me = caller(request)
    if not me.admin and server.project != me.project:
        raise errors.NotFound(f'Instance {server_id} could not be found.')
    return server


def reach(model: cloud_model.Model, server: entities.Server):
    """:raises errors.CellSilent: the server's cell does not answer."""
    if model.is_silent(server.host):
        raise errors.CellSilent(model.hosts[server.host].cell)


def true(text: str | None) -> bool:
    """Whether a word in a query means yes."""
    return (text or '').strip().lower() in ('1', 't', 'true', 'on', 'y',
                                            'yes')


def page(request: http.Request, things: list[Any], key: str,
         id_of=lambda thing: thing.id) -> tuple[list[Any], list[dict]]:
    """One page of a list, and the link to the next one.

    :param key: the name of the list in the answer
    :returns: the things, and the links (none on the last page)
    :raises errors.BadRequest: the limit or marker is wrong
    """
    try:
        limit = int(request.args.get('limit', MAX_LIMIT))
        if limit < 0:
            raise ValueError
    except ValueError:
        raise errors.BadRequest('limit must be an integer >= 0') from None
    limit = min(limit, MAX_LIMIT)
    marker = request.args.get('marker')
    if marker is not None:
        places = [place for place, thing in enumerate(things)
                  if str(id_of(thing)) == marker]
        if not places:
            raise errors.BadRequest(f'marker [{marker}] not found')
        things = things[places[0] + 1:]
    shown = things[:limit]
    if len(shown) < len(things) and shown:
        query = dict(request.args, marker=str(id_of(shown[-1])))
        return shown, [{'rel': 'next', 'href':
                        f'{request.base_url}?{parse.urlencode(query)}'}]
    return shown, []


def listing(key: str, views: list[dict], links: list[dict]
            ) -> dict[str, Any]:
    """The answer of a list."""
    body: dict[str, Any] = {key: views}
    if links:
        body[f'{key}_links'] = links
    return body
