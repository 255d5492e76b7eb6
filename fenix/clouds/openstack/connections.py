# SPDX-License-Identifier: Apache-2.0
"""Connections that look once more at the permission when they are open.

To connect has no bound that one could count with: name servers take their
time, each address of a name is tried for the whole timeout, and a proxy and
TLS have another one. So what is sent through an ``Adapter`` leaves only if it
may at the moment at which nothing is left but to write it.
"""

import functools

from keystoneauth1 import session as ks_session

from fenix.clouds import permission


class _Checked:
    """A connection of urllib3, whatever it is opened through."""

    def connect(self):
        super().connect()
        permission.check()


@functools.cache
def _checked(pools):
    """Return a class like one of urllib3's pools, whose connections look."""
    connections = pools.ConnectionCls
    if issubclass(connections, _Checked):
        return pools
    return type(pools.__name__, (pools,), {'ConnectionCls': type(
        connections.__name__, (_Checked, connections), {})})


def _check(manager):
    manager.pool_classes_by_scheme = {
        scheme: _checked(pools) for scheme, pools
        in manager.pool_classes_by_scheme.items()}
    return manager


class Adapter(ks_session.TCPKeepAliveAdapter):
    """How the library ``requests`` connects to send a change."""

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, **kwargs)
        _check(self.poolmanager)

    def proxy_manager_for(self, *args, **kwargs):
        return _check(super().proxy_manager_for(*args, **kwargs))
