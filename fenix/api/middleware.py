# SPDX-License-Identifier: Apache-2.0
"""Fenix's own layers between the server and the application."""

import json

import webob.dec
from keystonemiddleware import auth_token
from oslo_context import context
from oslo_log import log as logging

from fenix import errors

LOG = logging.getLogger(__name__)

#: As in the catalog of Keystone (CONTRACT.md section 4).
SERVICE_TYPE = 'maintenance'

#: Where the application finds who calls; None: nobody proved anything.
CONTEXT = 'fenix.context'


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
        error = errors.FenixError(response.status.partition(' ')[2] + '.')
        error.status = response.status_int
        error.code = f'fenix.http.{response.status_int}'
        return answer(error, response.headers)


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
    return response


class Authenticate(auth_token.AuthProtocol):
    """Find out from Keystone who calls.

    It leaves to the routes whether that matters: version documents and
    health are for everybody.
    """

    def __init__(self, app, conf):
        super().__init__(app, {
            'oslo_config_config': conf, 'delay_auth_decision': True,
            'service_type': SERVICE_TYPE})
        self._options = conf.keystone_authtoken

    @property
    def www_authenticate_uri(self):
        """Where a 401 says that tokens are had.

        By itself auth_token would ask Keystone, and fail without it.
        """
        return (self._options.www_authenticate_uri
                or getattr(self._options, 'auth_url', None) or '')


class KeystoneContext:
    """Tell the application what Authenticate found out about the caller."""

    def __init__(self, app):
        self._app = app

    def __call__(self, environ, start_response):
        proved = (
            environ.get('HTTP_X_IDENTITY_STATUS') == 'Confirmed'
            and environ.get('HTTP_X_SERVICE_IDENTITY_STATUS',
                            'Confirmed') == 'Confirmed')
        environ[CONTEXT] = context.RequestContext.from_environ(
            environ) if proved else None
        return self._app(environ, start_response)


class NoauthContext:
    """Take everybody for an administrator, of the project it names."""

    def __init__(self, app):
        self._app = app

    def __call__(self, environ, start_response):
        environ[CONTEXT] = context.RequestContext(
            project_id=environ.get('HTTP_X_PROJECT_ID', ''),
            roles=['admin'],
            request_id=environ.get('openstack.request_id'))
        return self._app(environ, start_response)
