# SPDX-License-Identifier: Apache-2.0
"""Which versions of the API there are; for everybody."""


def index(call):
    """List the versions of the API."""
    return {'versions': [_v1(call)]}


def v1(call):
    """Describe version 1 of the API."""
    return {'version': _v1(call)}


def _v1(call):
    return {'id': 'v1', 'status': 'CURRENT', 'links': [
        {'rel': 'self', 'href': call.conf.api.public_url.rstrip('/')}]}
