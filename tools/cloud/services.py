# SPDX-License-Identifier: Apache-2.0
"""What runs: programs, their environment, and how to tell that they work."""

import collections.abc
import dataclasses
import json
import os
import socket
import sys

import requests

from fenix.sandbox import client as clients
from tools.cloud import bus
from tools.cloud import configuration
from tools.cloud import site as sites

#: uWSGI, which here is a module of Python.
UWSGI = 'import pyuwsgi; pyuwsgi.run()'
SERVING = ('--need-app', '--die-on-term', '--enable-threads', '--lazy-apps',
           '--buffer-size', '65535', '--listen', '100', '--disable-logging',
           # This server closes after each answer: the client must know.
           '--add-header', 'Connection: close')
#: Where Debian has servers; not all users look there.
SERVERS_PATH = '/usr/sbin:/usr/lib/rabbitmq/bin'
#: What starts each nova-compute.
LAUNCHER = 'nova-launcher'


@dataclasses.dataclass(frozen=True)
class Service:
    """A process that runs for good.

    :ivar ready: says whether it does its work; may raise OSError for "no"
    """

    name: str
    command: list[str]
    ready: collections.abc.Callable[[], bool]
    environment: dict[str, str] = dataclasses.field(default_factory=dict)


def services(site: sites.Site) -> dict[str, Service]:
    """Return all services by name, in the order in which they may start."""
    return {service.name: service for service in (
        *_servers(site), *_apis(site), *_nova(site), *_computes(site),
        *_telemetry(site), *_fenix(site))}


def environment(site: sites.Site) -> dict[str, str]:
    """Return what all programs of the cloud have in their environment."""
    # Nothing that configures OpenStack or Python comes from outside.
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(('OS_', 'PYTHON', 'RABBITMQ_', 'ERL_'))}
    return {
        **kept, 'HOME': str(site.home), 'LANG': 'C.UTF-8',
        'PATH': f'{site.venv}/bin:{kept["PATH"]}:{SERVERS_PATH}',
        'ERL_EPMD_PORT': str(site.port('epmd')),
        'ERL_EPMD_ADDRESS': '127.0.0.1',
        'FENIX_CLOUD_FAULTS': str(site.faults),
        **{f'OS_{name}_CONFIG_DIR': str(site.conf) for name in (
            'KEYSTONE', 'PLACEMENT', 'GLANCE', 'NEUTRON', 'NOVA')},
        'OS_NEUTRON_CONFIG_FILES': 'neutron.conf',
        # The first one is taken for the paste file, whatever it is.
        'OS_NOVA_CONFIG_FILES': f'{site.venv}/etc/nova/api-paste.ini;'
                                'nova.conf;nova-api.conf;'
                                + configuration.NOVA_OVERRIDES['nova-api']}


def launcher(site: sites.Site, hosts: list[sites.Host]) -> Service:
    """Return what starts the nova-compute of hosts, and ends."""
    return Service(LAUNCHER, [
        site.program('python'), '-m', 'tools.cloud.hypervisor.launcher',
        str(site.directory), *(host.name for host in hosts)],
        lambda: True, {'PYTHONPATH': str(sites.SOURCE)})


def client(site: sites.Site, user: str) -> clients.Client:
    """Return a user of the project that has the user's name."""
    return clients.Client(site.auth_url, user, sites.PASSWORD, user)


def port_open(port: int) -> bool:
    """Say whether somebody listens on a port."""
    try:
        socket.create_connection(('127.0.0.1', port), 1).close()
    except OSError:
        return False
    return True


def _servers(site):
    data = site.data / 'rabbitmq'
    yield Service('mariadb', [
        'mariadbd', f'--defaults-file={site.conf}/mariadb.cnf',
        *(['--user=root'] if os.geteuid() == 0 else [])],
        _port(site, 'mariadb'))
    yield Service('epmd', [
        'epmd', '-port', str(site.port('epmd')), '-address', '127.0.0.1'],
        _port(site, 'epmd'))
    # The one in /usr/sbin insists on the user rabbitmq.
    yield Service('rabbitmq', ['/usr/lib/rabbitmq/bin/rabbitmq-server'],
                  _port(site, 'rabbitmq'), {
        'RABBITMQ_NODENAME': 'fenix-cloud@localhost',
        'RABBITMQ_NODE_IP_ADDRESS': '127.0.0.1',
        'RABBITMQ_NODE_PORT': str(site.port('rabbitmq')),
        'RABBITMQ_DIST_PORT': str(site.port('erlang')),
        'RABBITMQ_CONFIG_FILE': str(site.conf / 'rabbitmq'),
        'RABBITMQ_MNESIA_BASE': str(data),
        'RABBITMQ_PID_FILE': str(data / 'pid'),
        'RABBITMQ_LOG_BASE': str(site.log), 'RABBITMQ_LOGS': '-',
        # Files that are not there: nothing is read from /etc/rabbitmq.
        'RABBITMQ_ADVANCED_CONFIG_FILE': str(data / 'none'),
        'RABBITMQ_CONF_ENV_FILE': str(data / 'none'),
        'RABBITMQ_ENABLED_PLUGINS_FILE': str(data / 'none'),
        'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS':
            '+S 2:2 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}'})


def _apis(site):
    for name, module in (('keystone', 'keystone.wsgi.api'),
                         ('placement', 'placement.wsgi.api'),
                         ('glance', 'glance.wsgi.api'),
                         ('nova-api', 'nova.wsgi.osapi_compute'),
                         ('aodh-api', 'aodh.wsgi.api')):
        yield _api(site, name, module, site.program('python'))
    # It knows its own tables only after a first answer from them: until then
    # it has errors for Nova.
    neutron = _api(site, 'neutron', 'neutron.wsgi.api',
                   site.program('python'))
    yield dataclasses.replace(neutron, ready=lambda: client(
        site, 'admin').json('GET', 'network', '/v2.0/networks') is not None)


def _nova(site):
    for name, queue, cell, file in (
            ('nova-conductor', 'conductor', 1, 'nova-api.conf'),
            ('nova-conductor-2', 'conductor', 2, 'nova-cell2.conf'),
            ('nova-scheduler', 'scheduler', 1, 'nova-api.conf')):
        if cell <= site.cells:
            yield Service(
                name, [site.program(name.removesuffix('-2')),
                       '--config-file', str(site.conf / 'nova.conf'),
                       '--config-file', str(site.conf / file)],
                _listens(site, queue, cell))


def _computes(site):
    for host in site.hosts:
        yield Service(host.service, launcher(site, [host]).command, _listens(
            site, f'compute.{host.name}', host.cell))


def _telemetry(site):
    for name, program, queue, file in (
            ('aodh-listener', 'aodh-listener', 'alarm.all.sample',
             site.home / '.aodh' / 'aodh.conf'),
            ('aodh-notifier', 'aodh-notifier', 'alarming.sample',
             site.home / '.aodh' / 'aodh.conf'),
            ('ceilometer-notification', 'ceilometer-agent-notification',
             'notifications.info', site.conf / 'ceilometer.conf')):
        yield Service(name, [site.program(program), '--config-file',
                             str(file)], _listens(site, queue))


def _fenix(site):
    more = {'PYTHONPATH': str(sites.SOURCE), **extra(site)}
    # The Python that runs this has Fenix.
    yield _api(site, 'fenix-api', 'fenix.wsgi.api', sys.executable,
               '/healthcheck', more)
    for name in ('fenix-engine-1', 'fenix-engine-2'):
        yield Service(
            name, [sys.executable, '-m', 'fenix.cmd.engine'],
            _listens(site, f'fenix.bell.{name}'),
            {**more, 'OS_ENGINE__HOST': name})


def extra(site: sites.Site) -> dict[str, str]:
    """Return what Fenix alone has in its environment."""
    try:
        return json.loads((site.home / 'fenix-environment.json').read_text())
    except FileNotFoundError:
        return {}


def _api(site, name, module, python, path='/', more=None):
    def ready():
        # Those without an open page ask for a token.
        return requests.get(site.url(name, path), timeout=30, proxies={
            'http': ''}).status_code in (200, 300, 401)

    return Service(name, [
        python, '-c', UWSGI, '--http-socket',
        f'127.0.0.1:{site.port(name)}', '--threads', '4', '--module',
        f'{module}:application', *SERVING], ready, more or {})


def _port(site, listener):
    return lambda: port_open(site.port(listener))


def _listens(site, queue, cell=1):
    return lambda: bus.consumers(site.transport_url_of(cell), queue) > 0
