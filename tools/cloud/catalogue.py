# SPDX-License-Identifier: Apache-2.0
"""Who and what there is in the cloud: users, endpoints, flavors, an image."""

from fenix.sandbox import client as clients
from tools.cloud import site as sites

#: User of each service, the type of the service, and where it is.
SERVICES = {
    'nova': ('compute', 'nova-api', '/v2.1'),
    'placement': ('placement', 'placement', ''),
    'glance': ('image', 'glance', ''),
    'neutron': ('network', 'neutron', ''),
    'aodh': ('alarming', 'aodh-api', ''),
    # As clients look for it: the type, and the version without a slash.
    'fenix': ('maintenance', 'fenix-api', '/v1'),
}
#: Projects without any right over the cloud, each with a user of its name.
PROJECTS = ('doctor', 'demo')
FLAVORS = {'m.one': 1, 'm.two': 2, 'm.four': 4}


def register(site: sites.Site, admin: clients.Client):
    """Make users, projects, services and endpoints in a new Keystone.

    :raises requests.RequestException: Keystone refused
    """
    keystone = _Keystone(admin)
    admin_role, service_role, *tenant_roles = (
        keystone.role(name) for name in
        ('admin', 'service', 'member', 'reader'))
    service_project = keystone.make('project', name='service')
    for name, (kind, listener, path) in SERVICES.items():
        keystone.user(name, service_project, admin_role, service_role)
        service = keystone.make('service', name=name, type=kind)
        for interface in ('public', 'internal', 'admin'):
            keystone.make('endpoint', service_id=service,
                          interface=interface, region_id=sites.REGION,
                          url=site.url(listener, path))
    for name in PROJECTS:
        keystone.user(name, keystone.make('project', name=name),
                      *tenant_roles)


def stock(admin: clients.Client):
    """Make flavors and an image, if they are not there.

    :raises requests.RequestException: Nova or Glance refused
    """
    images = admin.json('GET', 'image', '/v2/images?name=tiny')['images']
    if not images:
        images = [admin.json('POST', 'image', '/v2/images', json={
            'name': 'tiny', 'disk_format': 'raw', 'container_format': 'bare',
            'visibility': 'public'})]
    if images[0]['status'] == 'queued':
        admin.json('PUT', 'image', f'/v2/images/{images[0]["id"]}/file',
                   data=bytes(1024),
                   headers={'Content-Type': 'application/octet-stream'})
    there = {each['name'] for each in admin.json(
        'GET', 'compute', '/flavors')['flavors']}
    for name in FLAVORS.keys() - there:
        admin.json('POST', 'compute', '/flavors', json={'flavor': {
            'id': name, 'name': name, 'vcpus': FLAVORS[name],
            'ram': 512 * FLAVORS[name], 'disk': 1}})


class _Keystone:
    """The API of Keystone, as far as it is needed here."""

    def __init__(self, admin):
        self._admin = admin

    def role(self, name):
        """Return the id of a role, which is made if it is not there."""
        found = self._admin.json('GET', 'identity',
                                 f'/roles?name={name}')['roles']
        return found[0]['id'] if found else self.make('role', name=name)

    def user(self, name, project, *roles):
        """Make a user with roles on a project."""
        user = self.make('user', name=name, password=sites.PASSWORD,
                         domain_id='default', default_project_id=project)
        for role in roles:
            self._admin.json('PUT', 'identity', f'/projects/{project}'
                                                f'/users/{user}/roles/{role}')

    def make(self, kind, **body):
        """Make something and return its id."""
        return self._admin.json('POST', 'identity', f'/{kind}s',
                                json={kind: body})[kind]['id']
