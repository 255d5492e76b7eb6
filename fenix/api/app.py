# SPDX-License-Identifier: Apache-2.0
"""The API as a WSGI application: what a request passes, from outside in."""

import functools

import pecan
from oslo_middleware import cors
from oslo_middleware import http_proxy_to_wsgi
from oslo_middleware import request_id
from oslo_middleware import sizelimit

from fenix import bell
from fenix.api import middleware
from fenix.api import root
from fenix.db import core


def make_app(conf, ringer=None):
    """Return the application.

    Nothing is opened yet, so that a server may fork afterwards.

    :param ringer: rings the engines' bells; one is made if it is None
    """
    core.configure(conf, conf.engine.lease_time)
    app = pecan.make_app(
        root.Root(conf, ringer or bell.make_ringer(conf)),
        hooks=[root.Errors()], request_cls=root.Request,
        use_context_locals=False, debug=False,
        # Names of hosts have dots in them, and a slash at the end is fine.
        guess_content_type_from_ext=False, force_canonical=False)
    for layer in reversed(_layers(conf)):
        app = layer(app)
    return app


def _layers(conf):
    """Return the layers around pecan, the outermost first."""
    cors.set_defaults(
        allow_headers=['X-Auth-Token', 'X-OpenStack-Request-ID'],
        expose_headers=['X-OpenStack-Request-ID'],
        allow_methods=['GET', 'PUT', 'POST', 'DELETE'])
    layers = [
        # Around everything, so that all of the time counts.
        middleware.Count,
        # Next, so that every answer and every line of the log has an id.
        functools.partial(request_id.RequestId, conf=conf),
        middleware.LogContext,
        # Then, so that whatever goes wrong below looks the same outside.
        middleware.JsonErrors,
        # Before anything looks at the address of the client.
        functools.partial(http_proxy_to_wsgi.HTTPProxyToWSGI, conf=conf),
        # Before authentication: a browser asks without a token.
        functools.partial(cors.CORS, conf=conf),
        # Before anything reads the body.
        functools.partial(_size_limit, conf),
    ]
    # Last, as it tells the application who calls.
    if conf.api.auth_strategy == 'noauth':
        return [*layers, middleware.NoauthContext]
    return [*layers, functools.partial(middleware.Authenticate, conf=conf)]


def _size_limit(conf, app):
    layer = sizelimit.RequestBodySizeLimiter(app, conf)
    conf.set_default('max_request_body_size',
                     conf.api.max_request_body_size, 'oslo_middleware')
    return layer
