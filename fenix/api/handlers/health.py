# SPDX-License-Identifier: Apache-2.0
"""Whether this API can serve, and how busy Fenix is; for who watches it."""

import re
import time

import stevedore
from oslo_utils import strutils

from fenix import errors
from fenix import metrics
from fenix.api import call as calls
from fenix.db import clock
from fenix.db import core
from fenix.db import figures

PLUGINS = 'oslo.middleware.healthcheck'
_CREDENTIALS = re.compile(r'//[^/@\s]*@')


def get(call):
    """Tell how the service is: 200, or 503 while the database is away.

    A bell that does not ring makes Fenix slower, not ill. Everybody learns
    that much; more is for administrators.
    """
    _ask_plugins(call.conf)
    detailed = call.conf.healthcheck.detailed or call.may()
    began = time.perf_counter()
    try:
        found = figures.read() if detailed else clock.now()
    except core.ERRORS as error:
        if not detailed:
            raise
        return calls.Answer({
            **errors.Unavailable('The database does not answer.').as_body(),
            'detail': {'database': _plain(str(error)),
                       'bell': _bell(call)}}, errors.Unavailable.status)
    body = {'status': 'ok', 'database': 'ok', 'bell': call.bell()['state']}
    if detailed:
        body['detail'] = {
            'database': {'seconds': round(time.perf_counter() - began, 4)},
            'bell': _bell(call),
            'engines': [
                {'host': host, 'lease_left': round(left, 1), 'sessions': own}
                for host, left, own in found.engines],
            'sessions': found.sessions,
            'sessions_unowned': found.unowned, 'unread': found.unread,
            'outbox': {'depth': found.outbox,
                       'age': round(found.outbox_age, 1)}}
    return body


def metrics_(call):
    """Return the metrics of the API, for Prometheus."""
    if not (call.conf.api.public_metrics or call.may()):
        raise (errors.Unauthorized() if call.context is None
               else errors.Forbidden(
                   'A token of an administrator is needed.'))
    try:
        found = figures.read()
    except core.ERRORS:
        found = None
    return calls.Answer(metrics.expose(metrics.of_figures(found)),
                        content_type=metrics.CONTENT_TYPE)


def _ask_plugins(conf):
    """Ask the plug-ins of oslo.middleware that are configured.

    :raises Unavailable: one of them says that the service is not
    """
    if not conf.healthcheck.backends:
        return
    for plugin in stevedore.NamedExtensionManager(
            PLUGINS, conf.healthcheck.backends, invoke_on_load=True,
            invoke_args=(conf, {})):
        result = plugin.obj.healthcheck(conf.api.port)
        if not result.available:
            raise errors.Unavailable(
                f'{plugin.name} says: {result.reason}.')


def _bell(call):
    return {name: _plain(value) if isinstance(value, str) else value
            for name, value in call.bell().items()}


def _plain(text):
    """Return the first line of a text, without what is secret in it."""
    return strutils.mask_password(_CREDENTIALS.sub(
        '//***@', text.partition('\n')[0]))
