# SPDX-License-Identifier: Apache-2.0
"""Who Fenix is in the cloud, and the two ways in which it speaks to it.

What reads may be repeated; what changes something is sent once. So there are
two keystoneauth sessions with one identity. The one for effects repeats
nothing by itself, and every request has a connection of its own: one that
waited in a pool may just be closed by the other side, and then nobody knows
whether the request was read.
"""

import os

import requests
from keystoneauth1 import adapter
from keystoneauth1 import exceptions as ks_exceptions
from keystoneauth1 import loading
from keystoneauth1 import session as ks_session

from fenix import errors
from fenix.clouds.openstack import connections
from fenix.conf import service_user

#: Answers to a read that are worth another try.
RETRIABLE = (500, 502, 503, 504)

GROUP = service_user.GROUP.name

NO_CREDENTIALS = (
    'Fenix has no credentials for the cloud: set auth_type, auth_url, '
    'username, password, project_name and the domains in [service_user], or '
    'start it with OS_AUTH_URL, OS_USERNAME, … in its environment')


def load_auth(conf, environ=os.environ):
    """Return the identity of Fenix as a keystoneauth plug-in.

    Taken from the first that is there: ``auth_type`` and its options in
    ``[service_user]``, the ``os_`` names there, ``OS_`` in the environment
    (CONTRACT.md 6.19).

    :raises: CloudError if there are none, or not enough
    """
    group = conf[GROUP]
    try:
        if group.auth_type or group.auth_section:
            plugin = loading.load_auth_from_conf_options(conf, GROUP)
            if plugin is not None:
                return plugin
        if group.os_auth_url:
            return _load('password', lambda option: group['os_' + option.dest]
                         if option.dest in service_user.OLD_NAMES else None)
        if environ.get('OS_AUTH_URL'):
            return _load(environ.get('OS_AUTH_TYPE', 'password'),
                         lambda option: _from_environment(option, environ))
    except ks_exceptions.ClientException as error:
        raise errors.CloudError(
            f'The credentials for the cloud are not complete: {error}'
        ) from error
    raise errors.CloudError(NO_CREDENTIALS)


def _load(auth_type, getter):
    loader = loading.get_plugin_loader(auth_type)
    return loader.load_from_options_getter(getter)


def _from_environment(option, environ):
    for known in (option, *option.deprecated):
        value = environ.get('OS_' + known.dest.upper())
        if value:
            return value
    return None


class Sessions:
    """The sessions of one process; thread-safe, and opened without a call.

    :param conf: the configuration
    :param environ: the environment, for tests
    :param patience: seconds that a request may take, which then is not
        repeated; None: as configured
    """

    def __init__(self, conf, environ=os.environ, patience=None):
        self._conf = conf
        self._timeout = patience or conf.nova.timeout
        self._tries = conf.nova.read_retries if patience is None else 0
        self._region = conf.nova.region_name or environ.get('OS_REGION_NAME')
        self._cacert = conf[GROUP].cafile or environ.get('OS_CACERT')
        auth = load_auth(conf, environ)
        threads = conf.engine.executor_threads
        self._reading = self._open(
            auth, ks_session.TCPKeepAliveAdapter(pool_maxsize=threads))
        self._changing = self._open(
            auth, connections.Adapter(pool_maxsize=threads),
            Connection='close')

    def _open(self, auth, transport, **headers) -> ks_session.Session:
        http = requests.Session()
        http.headers.update(headers)
        for scheme in ('http://', 'https://'):
            http.mount(scheme, transport)
        return loading.load_session_from_conf_options(
            self._conf, GROUP, auth=auth, session=http, cacert=self._cacert,
            timeout=self._timeout, app_name='fenix')

    def _where(self, service_type) -> dict:
        """What names an endpoint, for an adapter."""
        words = {'service_type': service_type, 'region_name': self._region,
                 'interface': self._conf.nova.interface}
        if service_type == 'compute':
            words['endpoint_override'] = self._conf.nova.endpoint_override
        return words

    def for_reads(self, service_type) -> dict:
        """Return the arguments of an adapter, or a client, that reads."""
        return {'session': self._reading, 'connect_retries': self._tries,
                'status_code_retries': self._tries,
                'retriable_status_codes': RETRIABLE,
                **self._where(service_type)}

    def reader(self, service_type) -> adapter.Adapter:
        """Return an adapter that repeats what failed."""
        return adapter.Adapter(**self.for_reads(service_type))

    def sender(self, service_type) -> adapter.Adapter:
        """Return an adapter that sends every request once."""
        return adapter.Adapter(
            session=self._changing, connect_retries=0, status_code_retries=0,
            **self._where(service_type))
