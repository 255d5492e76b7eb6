# SPDX-License-Identifier: Apache-2.0
"""A cloud of canned answers, for what a real one cannot be made to say."""

import fixtures
import requests_mock
from keystoneauth1 import fixture as ks_fixture
from oslo_config import cfg

from fenix import conf as fenix_conf
from fenix.clouds.openstack import driver

AUTH = 'http://keystone/v3'
NOVA = 'http://nova/v2.1'
PLACEMENT = 'http://placement'
AODH = 'http://aodh'
PASSWORD = 'verysecret'

CREDENTIALS = {
    'os_auth_url': AUTH, 'os_username': 'fenix', 'os_password': PASSWORD,
    'os_project_name': 'service', 'os_user_domain_name': 'Default',
    'os_project_domain_name': 'Default'}


def configuration(nova=None, service_user=None, files=()):
    """Return a configuration of its own, with these options set."""
    conf = cfg.ConfigOpts()
    fenix_conf.register(conf)
    conf([], default_config_files=list(files))
    for group, values in (('nova', nova), ('service_user', service_user)):
        for name, value in (values or {}).items():
            conf.set_override(name, value, group)
    return conf


class Cloud(fixtures.Fixture):
    """The driver, with every request answered by ``http``.

    :param newest: the newest version of Nova's API
    :param interfaces: of the endpoints in the catalogue, and their suffixes
    :param options: of [nova]
    :ivar http: the requests_mock mocker
    :ivar driver: the driver
    """

    def __init__(self, newest='2.96', interfaces=(('internal', ''),),
                 **options):
        super().__init__()
        self._newest = newest
        self._interfaces = interfaces
        self._options = {'read_retries': 0, **options}

    def _setUp(self):
        self.http = requests_mock.Mocker()
        self.http.start()
        self.addCleanup(self.http.stop)
        token = ks_fixture.V3Token(project_id='service')
        for kind, url in (('compute', NOVA), ('placement', PLACEMENT),
                          ('alarming', AODH)):
            token.add_service(kind).add_standard_endpoints(**{
                name: url + suffix for name, suffix in self._interfaces})
        self.http.post(f'{AUTH}/auth/tokens', json=token,
                       headers={'X-Subject-Token': 'token'})
        self.http.get(AUTH, json={
            'version': ks_fixture.V3Discovery(AUTH)})
        self.http.get(NOVA, json={'version': {
            'id': 'v2.1', 'status': 'CURRENT', 'version': self._newest,
            'min_version': '2.1', 'links': []}})
        self.http.get(f'{NOVA}/os-aggregates', json={'aggregates': []})
        self.driver = driver.OpenStackCloud(
            configuration(self._options, CREDENTIALS))

    def services(self, *services):
        """Have these be Nova's services."""
        self.http.get(f'{NOVA}/os-services', json={
            'services': list(services)})

    def sent(self, method):
        """Return the requests of that method, but for tokens."""
        return [request for request in self.http.request_history
                if request.method == method
                and not request.url.startswith(AUTH)]


def service(host='one', binary='nova-compute', **values):
    """Return a service as Nova lists it."""
    return {'id': f'id-{host}', 'host': host, 'binary': binary,
            'status': 'enabled', 'state': 'up', 'forced_down': False,
            'disabled_reason': None, 'zone': 'nova', **values}


def server(instance_id, **values):
    """Return a server as Nova shows it."""
    return {'id': instance_id, 'tenant_id': 'tenant', 'name': 'vm',
            'OS-EXT-SRV-ATTR:host': 'one', 'OS-EXT-STS:task_state': None,
            'status': 'ACTIVE', 'image': {'id': 'image'}, 'locked': False,
            'addresses': {}, 'flavor': {
                'vcpus': 2, 'ram': 1024, 'disk': 10, 'ephemeral': 5,
                'swap': 1500}, **values}
