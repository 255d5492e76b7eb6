# SPDX-License-Identifier: Apache-2.0
"""Pecan, driven by the table of routes.

One controller answers everything, in this order: who is it, may it, does
the body fit, do it.
"""

import functools
import json

import pecan
import webob.exc
from oslo_log import log as logging
from pecan import hooks

from fenix import context as log_context
from fenix import errors
from fenix.api import call as calls
from fenix.api import middleware
from fenix.api import policy
from fenix.api import routes
from fenix.api import validation
from fenix.db import core

LOG = logging.getLogger(__name__)


class Request(pecan.Request):
    """A request out of whose body pecan does not make parameters.

    It would read JSON before anybody knows whether the caller may send it.
    """

    json = {}
    params = webob.multidict.NoVars()


class Root:
    """The only controller.

    :param ringer: the bell's end of the API (fenix.bell)
    """

    def __init__(self, conf, ringer):
        self._conf = conf
        self._ringer = ringer
        self._policy = policy.Policy(conf)

    @pecan.expose()
    def _route(self, remainder, request):
        # Whatever the client accepts, it gets JSON: our clients would take
        # a 406 for a failure, and there is nothing else to give.
        request.pecan['content_type'] = 'application/json'
        return self.answer, []

    @pecan.expose(content_type='application/json')
    def answer(self, request, response):
        """Answer a request."""
        path = request.path_info
        validation.check_texts(path)
        route, found = routes.match(request.method, path)
        request.environ[middleware.ROUTE] = route.path
        log_context.current().session_id = found.get('session')
        context = request.environ[middleware.CONTEXT]
        if route.policy and not route.open:
            if context is None:
                raise errors.Unauthorized()
            authorize = functools.partial(
                self._policy.authorize, context, route.policy)
            if not route.by_owner:
                authorize(found.get('project', ''))
        else:
            authorize = None
        body = None
        if route.schema is not None:
            body = validation.read_json(request.body)
            route.check(body)
        query = dict(request.GET)
        validation.check_texts(query)
        result = route.handler(calls.Call(
            conf=self._conf, context=context, authorize=authorize,
            path=found, query=query, body=body, ring=self._ringer.ring,
            may=functools.partial(
                self._policy.allows, context, route.policy),
            bell=self._ringer.health))
        if not isinstance(result, calls.Answer):
            result = calls.Answer(result)
        response.body = (result.body if isinstance(result.body, bytes)
                         else json.dumps(result.body).encode())
        response.status_int = result.status
        response.headers['Content-Type'] = result.content_type
        return response


class Errors(hooks.PecanHook):
    """Make every error an answer in one form, without internals."""

    def on_error(self, state, error):
        """Return the answer for whatever was raised."""
        if isinstance(error, errors.FenixError) and error.status != 500:
            response = middleware.answer(error)
            response.allow = getattr(error, 'allowed', None)
            return response
        if isinstance(error, webob.exc.HTTPException):
            return None         # The middleware gives it its form.
        if isinstance(error, core.ERRORS):
            LOG.error('The database failed a request: %s', error)
            return middleware.answer(errors.Unavailable(
                'The database does not answer; try again.'))
        LOG.error('A request failed', exc_info=error)
        return middleware.answer(errors.FenixError())
