# SPDX-License-Identifier: Apache-2.0
"""The sample VNF of the sandbox, on a real Nova."""

from fenix.sandbox import client as clients
from fenix.sandbox import vnf

#: Networks "none" came with 2.37; from 2.64 on groups look different.
VERSION = '2.60'


class Client(clients.Client):
    """A user whose requests name the version of Nova's API.

    :ivar name: of the user
    """

    def __init__(self, auth_url, username, password, project_name):
        super().__init__(auth_url, username, password, project_name)
        self.name = username

    @property
    def token(self) -> str:
        """A token of the user."""
        return self._authenticated()['id']

    def _headers(self):
        return {**super()._headers(),
                'OpenStack-API-Version': f'compute {VERSION}'}

    def pages(self, path: str, kind: str, **params) -> list[dict]:
        """Return all that Nova lists at a path, page by page."""
        found, page = [], None
        while page or page is None:
            marker = {'marker': page[-1].get('uuid') or page[-1]['id']
                      } if page else {}
            page = self.json('GET', 'compute', path,
                             params={**params, **marker})[kind]
            found += page
        return found


class RealVnf(vnf.Vnf):
    """Servers without networks: nothing is asked of Neutron.

    :ivar zone: the availability zone that they are created for, or None
    """

    zone = None

    def _create(self, name, group=None):
        body = {'server': {
            'name': f'{self.name}-{name}-{next(self._numbers)}',
            'flavorRef': self._size.flavor, 'imageRef': self._size.image,
            'networks': 'none'}}
        if self.zone is not None:
            body['server']['availability_zone'] = self.zone
        if group is not None:
            body['os:scheduler_hints'] = {'group': group}
        return self._client.json('POST', 'compute', '/servers',
                                 json=body)['server']['id']

    def remove_group(self):
        """Delete the group."""
        if self.group is not None:
            self._client.call('DELETE', self._client.url(
                'compute', f'/os-server-groups/{self.group}'))
