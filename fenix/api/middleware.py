# SPDX-License-Identifier: Apache-2.0
"""Fenix's own layers between the server and the application."""

import importlib.util
import json
import time

import webob.dec
from keystonemiddleware import auth_token
from oslo_log import log as logging

from fenix import context
from fenix import errors
from fenix import metrics

LOG = logging.getLogger(__name__)

#: As in the catalog of Keystone (CONTRACT.md section 4).
SERVICE_TYPE = 'maintenance'

#: Where the application finds who calls; None: nobody proved anything.
CONTEXT = 'fenix.context'


#: Where the application leaves which of its routes was taken.
ROUTE = 'fenix.route'

#: Of which requests are counted by themselves.
_METHODS = frozenset(['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS'])


class Count:
    """Count requests, and take their time."""

    def __init__(self, app):
        self._app = app

    @webob.dec.wsgify
    def __call__(self, request):
        began = time.perf_counter()
        response = request.get_response(self._app)
        method = request.method
        metrics.REQUESTS.labels(
            method if method in _METHODS else 'other',
            request.environ.get(ROUTE, 'none'), response.status_int,
        ).observe(time.perf_counter() - began)
        return response


class LogContext:
    """Have the lines of the log tell which request they are about.

    Also those of a request that nobody answers for, and never that of the
    thread's last one.
    """

    def __init__(self, app):
        self._app = app

    def __call__(self, environ, start_response):
        with context.active(context.of_request(environ)):
            return self._app(environ, start_response)


class JsonErrors:
    """Make an error of any layer below look like one of Fenix.

    An address that is not UTF-8 goes no further: below it would fill the
    log with tracebacks.
    """

    def __init__(self, app):
        self._app = app

    @webob.dec.wsgify
    def __call__(self, request):
        try:
            _ = request.path_info, request.GET
        except UnicodeDecodeError:
            return answer(errors.Invalid('The address is not UTF-8.'))
        try:
            response = request.get_response(self._app)
        except Exception:
            LOG.exception('A request failed')
            return answer(errors.FenixError())
        if response.status_int < 400 or _is_ours(response):
            return response
        return answer(_error(response), response.headers)


def _error(response):
    """Return the error that an answer of another layer means."""
    for known in (errors.Unauthorized, errors.Unavailable):
        if known.status == response.status_int:
            return known()
    error = errors.FenixError(response.status.partition(' ')[2] + '.')
    error.status = response.status_int
    error.code = f'fenix.http.{response.status_int}'
    return error


def _is_ours(response):
    """Tell whether an error has our form; others' are JSON at times too."""
    try:
        return {'error', 'code'} <= json.loads(response.body).keys()
    except (ValueError, AttributeError):
        return False


def answer(error, headers=()):
    """Return the response for an error.

    :param headers: of a response that it replaces
    """
    response = webob.Response(
        json.dumps(error.as_body()).encode(), error.status,
        content_type='application/json', charset='UTF-8')
    for name in ('Allow', 'Retry-After', 'WWW-Authenticate'):
        if name in headers:
            response.headers[name] = headers[name]
    if error.retry_after is not None:
        response.retry_after = error.retry_after
    return response


class Authenticate:
    """Find out from Keystone who calls.

    Who brings no token goes on unknown: version documents and health are
    for everybody. A token that is brought has to be valid, and Keystone
    there to say so: in its tolerant mode auth_token takes every token for
    invalid while Keystone is away.
    """

    def __init__(self, app, conf):
        self._app = app
        self._protocol = _AuthToken(_KeystoneContext(app), conf)

    @webob.dec.wsgify
    def __call__(self, request):
        if request.headers.get('X-Auth-Token'):
            return self._protocol
        request.environ[CONTEXT] = None
        response = request.get_response(self._app)
        if response.status_int == 401:
            response.headers['WWW-Authenticate'] = (
                f'Keystone uri="{self._protocol.www_authenticate_uri}"')
        return response


class _AuthToken(auth_token.AuthProtocol):
    """The middleware of Keystone.

    :raises: BadConfiguration if memcached is configured and its client is
        not there; auth_token would only find out with the first token
    """

    def __init__(self, app, conf):
        super().__init__(app, {'oslo_config_config': conf,
                               'service_type': SERVICE_TYPE})
        self._options = conf.keystone_authtoken
        if self._options.memcached_servers:
            self._check_memcached()

    def _check_memcached(self):
        module, package = 'memcache', 'python-memcached'
        if (self._options.memcache_sasl_enabled
                or self._options.memcache_tls_enabled):
            module, package = 'bmemcached', 'python-binary-memcached'
        if importlib.util.find_spec(module) is None:
            raise errors.BadConfiguration(
                f'[keystone_authtoken] memcached_servers needs the package '
                f'{package}: install it, or take the option out')

    @property
    def www_authenticate_uri(self):
        """Where a 401 says that tokens are had.

        By itself auth_token would ask Keystone, and fail without it.
        """
        return (self._options.www_authenticate_uri
                or getattr(self._options, 'auth_url', None) or '')


class _KeystoneContext:
    """Tell the application what auth_token found out about the caller."""

    def __init__(self, app):
        self._app = app

    def __call__(self, environ, start_response):
        environ[CONTEXT] = context.Context.from_environ(environ)
        return self._app(environ, start_response)


class NoauthContext:
    """Take everybody for an administrator, of the project it names."""

    def __init__(self, app):
        self._app = app

    def __call__(self, environ, start_response):
        environ[CONTEXT] = context.Context(
            project_id=environ.get('HTTP_X_PROJECT_ID', ''),
            roles=['admin'],
            request_id=environ.get('openstack.request_id'),
            global_request_id=environ.get('openstack.global_request_id'))
        return self._app(environ, start_response)
