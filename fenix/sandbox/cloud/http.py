# SPDX-License-Identifier: Apache-2.0
"""Serves the cloud's services over HTTP, all on one port."""

import collections.abc
import contextlib
import json
import socket
import threading
import time
import uuid
from typing import Any
from typing import NamedTuple

import waitress.server
import werkzeug.exceptions
from oslo_log import log as logging
from waitress import wasyncore
from werkzeug import routing
from werkzeug import wrappers

from fenix.sandbox.cloud import errors
from fenix.sandbox.cloud import faults
from fenix.sandbox.cloud import identity

LOG = logging.getLogger(__name__)

#: What a fault answers with, before the delay it asks for is over.
_FAULT_MESSAGE = 'This answer was made to fail.'


class Request(wrappers.Request):
    """A request, with what the services want to know of it.

    :ivar id: its request id, ``req-…``
    :ivar token: whose it is, once the service has looked
    :ivar micro: the minor of its microversion, once the service has looked
    """

    id: str
    token: identity.Token
    micro: int = 1

    def body(self) -> Any:
        """The JSON in it.

        :raises errors.BadRequest: there is none
        """
        try:
            return json.loads(self.get_data())
        except ValueError:
            raise errors.BadRequest('Malformed request body') from None

    def action(self) -> str | None:
        """The key of a Nova server action, or None."""
        if self.method != 'POST' or not self.path.endswith('/action'):
            return None
        try:
            return next(iter(self.body()), None)
        except (errors.BadRequest, TypeError):
            return None


def answer(body: Any = None, status: int = 200,
           headers: dict[str, str] | None = None) -> wrappers.Response:
    """A JSON answer; without a body if that is None."""
    response = wrappers.Response(
        b'' if body is None else json.dumps(body), status=status,
        mimetype='application/json')
    response.headers.update(headers or {})
    return response


class Route(NamedTuple):
    """A row of a service's table of routes."""

    method: str
    path: str
    handler: collections.abc.Callable


class Service:
    """One of the cloud's HTTP services.

    :cvar name: what a fault calls it
    :cvar prefix: of its paths
    """

    name = ''
    prefix = ''

    def routes(self) -> list[Route]:
        """The table of routes, with paths below the prefix."""
        raise NotImplementedError

    def handle(self, request: Request, handler: collections.abc.Callable,
               values: dict[str, str]) -> wrappers.Response:
        """Answer a request that matched a route."""
        return handler(request, **values)

    def fault(self, code: int, message: str) -> wrappers.Response:
        """An error answer in the form of this service."""
        return answer({'error': {'code': code, 'message': message}}, code)

    def _call(self, request, handler, values):
        try:
            return self.handle(request, handler, values)
        except errors.CloudError as error:
            return self.fault(error.code, str(error))
        except Exception:
            LOG.exception('%s %s failed', request.method, request.path)
            return self.fault(500, 'Unexpected error in the sandbox.')


class GuardedService(Service):
    """A service that wants a token, as keystonemiddleware makes it want."""

    def __init__(self, tokens: identity.Identity):
        self._tokens = tokens

    def authenticate(self, request: Request):
        """Find out who asks.

        :raises errors.Unauthorized: nobody known
        """
        request.token = self._tokens.check(
            request.headers.get('X-Auth-Token', ''))

    def admin_only(self, request: Request):
        """:raises errors.Forbidden: the caller is not an admin."""
        if not request.token.is_admin:
            raise errors.Forbidden(
                "Policy doesn't allow this to be performed.")

    def fault(self, code, message):
        response = super().fault(code, message)
        if code == 401:
            response.headers['WWW-Authenticate'] = 'Keystone'
        return response


class Application:
    """The WSGI application: finds the service, meets the faults."""

    def __init__(self, services: collections.abc.Sequence[Service],
                 http_faults: faults.HttpFaults, tokens: identity.Identity):
        self._services = services
        self._faults = http_faults
        self._tokens = tokens
        self._map = routing.Map([
            routing.Rule(f'{service.prefix}{route.path}',
                         methods=[route.method],
                         endpoint=(service, route.handler))
            for service in services for route in service.routes()],
            strict_slashes=False)

    def __call__(self, environ, start_response):
        request = Request(environ)
        request.id = f'req-{uuid.uuid4()}'
        response = self._respond(request)
        response.headers['x-openstack-request-id'] = request.id
        return response(environ, start_response)

    def _respond(self, request):
        service = self._service(request.path)
        fault = None
        if service is not None:
            fault = self._faults.take(
                service.name, request.method, request.path,
                request.action(), self._user(request))
        if fault is None:
            return self._serve(request, service)
        response = None
        time.sleep(fault.hold)
        if fault.apply or not (fault.drop or fault.answer):
            response = self._serve(request, service)
        time.sleep(fault.delay)
        if fault.drop:
            hang_up(request.environ)
            return answer(status=503)
        if fault.answer:
            return service.fault(fault.answer, _FAULT_MESSAGE)
        return response

    def _user(self, request):
        """The name of who asks, or None."""
        try:
            return self._tokens.check(
                request.headers.get('X-Auth-Token', '')).user.name
        except errors.Unauthorized:
            return None

    def _service(self, path):
        for service in self._services:
            if path == service.prefix or path.startswith(
                    f'{service.prefix}/'):
                return service
        return None

    def _serve(self, request, service):
        try:
            endpoint, values = self._map.bind_to_environ(
                request.environ).match()
        except werkzeug.exceptions.HTTPException as error:
            if service is None:
                return answer({'error': error.description},
                              error.code or 404)
            return service.fault(error.code or 404, error.description)
        service, handler = endpoint
        return service._call(request, handler, values)


def hang_up(environ):
    """Close the connection of a request without an answer.

    WSGI has no way to say this. waitress' callable that tells whether the
    client is gone is a method of the connection.
    """
    channel = environ['waitress.client_disconnected'].__self__
    try:
        channel.socket.shutdown(socket.SHUT_RDWR)
    except OSError:
        LOG.debug('The client was gone already')


class Server:
    """An application at a port."""

    def __init__(self, application: collections.abc.Callable, host: str,
                 port: int, threads: int):
        self._sockets: dict[int, Any] = {}
        self._server = waitress.server.create_server(
            application, map=self._sockets, host=host, port=port,
            threads=threads, ident='fenix-sandbox',
            # Hundreds of managers keep theirs open.
            connection_limit=5000, asyncore_use_poll=True)
        self.port = self._server.effective_port
        self._thread = threading.Thread(
            target=self._server.run, name='sandbox-http', daemon=True)

    def start(self):
        """Serve, in threads of its own."""
        self._thread.start()

    def stop(self):
        """Close all connections; requests under way are cut off."""
        self._server.task_dispatcher.shutdown(cancel_pending=True, timeout=1)

        def close():
            wasyncore.close_all(self._sockets, ignore_all=True)

        if self._thread.ident is None:
            close()
            return
        # Sockets may be closed only by the thread that waits for them. It
        # may have done so before this call is over, woken by a request.
        with contextlib.suppress(OSError):
            self._server.trigger.pull_trigger(close)
        self._thread.join(5)
