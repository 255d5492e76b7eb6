# SPDX-License-Identifier: Apache-2.0
"""The configuration files of the cloud, made from ``templates/``."""

import configparser
import json
import pathlib
import string

from tools.cloud import site as sites

TEMPLATES = pathlib.Path(__file__).with_name('templates')
#: Databases, and what they keep.
DATABASES = {
    **dict.fromkeys(('keystone', 'placement', 'glance', 'neutron', 'nova_api',
                     'nova_cell0', 'nova', 'nova_cell2', 'aodh'), 'utf8mb3'),
    'fenix': 'utf8mb4'}
#: Templates that are rendered once: where to, and the user they log in as.
FILES = {
    'mariadb.cnf': ('conf', None),
    'rabbitmq.conf': ('conf', None),
    'keystone.conf': ('conf', None),
    'placement.conf': ('conf', 'placement'),
    'glance-api.conf': ('conf', 'glance'),
    'neutron.conf': ('conf', 'neutron'),
    'nova.conf': ('conf', 'nova'),
    'nova-api.conf': ('conf', None),
    'nova-cell2.conf': ('conf', None),
    'ceilometer.conf': ('conf', None),
    # aodh-api looks in its user's home only, and so does Fenix under a WSGI
    # server.
    'aodh.conf': ('home/.aodh', 'aodh'),
    'fenix.conf': ('home/.fenix', 'fenix'),
}
#: What these programs of Nova read last.
NOVA_OVERRIDES = {program: f'{program}-override.conf'
                  for program in ('nova-api', 'nova-compute')}
DIRECTORIES = ('conf', 'log', 'run', 'faults', 'home/.aodh',
               'home/.fenix/fenix.conf.d', 'data/lock', 'data/keystone',
               'data/rabbitmq', 'data/nova', 'data/neutron',
               'data/glance/images', 'data/glance/staging',
               'data/glance/tasks')


def write(site: sites.Site):
    """Write all files, over those that are there."""
    for name in DIRECTORIES:
        (site.directory / name).mkdir(parents=True, exist_ok=True)
    for name, (directory, user) in FILES.items():
        (site.directory / directory / name).write_text(
            render(name, site, user))
    for host in site.hosts:
        (site.data / 'nova' / host.name).mkdir(exist_ok=True)
        (site.conf / f'{host.service}.conf').write_text(render(
            'nova-compute.conf', site, host=host.name,
            host_ip=f'127.0.0.{10 + host.number}',
            transport_url=site.transport_url_of(host.cell)))
    (site.conf / 'mariadb.sql').write_text(_sql())
    (site.conf / 'rabbitmq.json').write_text(_definitions())
    for program, name in NOVA_OVERRIDES.items():
        if not (site.conf / name).exists():
            override_nova(site, program, {})
    for user in ('admin', 'doctor', 'demo'):
        (site.directory / f'openrc-{user}').write_text(openrc(site, user))


def render(name: str, site: sites.Site, user: str | None = None,
           **more: str) -> str:
    """Fill in a template.

    :param user: whom the service is in Keystone
    :param more: values on top of those that all templates have
    :raises KeyError: the template names something unknown
    """
    identity = '\n'.join(
        f'{option} = {value}' for option, value in _identity(site, user))
    values = {
        'source': sites.SOURCE, 'conf': site.conf, 'data': site.data,
        'venv': site.venv, 'region': sites.REGION,
        'database': site.database_url('').rstrip('/'),
        'transport_url': site.transport_url_of(1),
        'transport_url_of_cell2': site.transport_url_of(2),
        'fenix_url': site.fenix_url,
        'mariadb': site.port('mariadb'), 'rabbitmq': site.port('rabbitmq'),
        'identity': identity,
        'authtoken': f'{identity}\nwww_authenticate_uri = {site.auth_url}\n'
                     f'service_token_roles = service'}
    template = string.Template((TEMPLATES / name).read_text())
    return template.substitute({**values, **more})


def openrc(site: sites.Site, user: str) -> str:
    """Return shell lines that make the clients be a user."""
    return ''.join(f'export {name}={value}\n' for name, value in (
        ('OS_AUTH_URL', site.auth_url), ('OS_IDENTITY_API_VERSION', 3),
        ('OS_REGION_NAME', sites.REGION), ('OS_USERNAME', user),
        ('OS_PASSWORD', sites.PASSWORD), ('OS_PROJECT_NAME', user),
        ('OS_USER_DOMAIN_NAME', 'Default'),
        ('OS_PROJECT_DOMAIN_NAME', 'Default')))


def override_fenix(site: sites.Site, settings: dict[str, dict]):
    """Have Fenix read settings on top of those of the cloud.

    :param settings: by group and option; empty for none
    """
    _override(site.home / '.fenix' / 'fenix.conf.d' / 'override.conf',
              settings)


def override_nova(site: sites.Site, program: str,
                  settings: dict[str, dict]):
    """Have a program of Nova read settings on top of those of the cloud.

    :param program: one of NOVA_OVERRIDES
    :param settings: by group and option; empty for none
    """
    _override(site.conf / NOVA_OVERRIDES[program], settings)


def _override(path, settings):
    file = configparser.RawConfigParser(default_section='')
    file.read_dict(settings)
    with path.open('w', encoding='utf-8') as stream:
        file.write(stream)


def _identity(site, user):
    return (('auth_type', 'password'), ('auth_url', site.auth_url),
            ('username', user), ('password', sites.PASSWORD),
            ('project_name', 'service'), ('user_domain_name', 'Default'),
            ('project_domain_name', 'Default'))


def _sql():
    """Return what MariaDB does at each start."""
    return ''.join(
        f'CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET {charset};\n'
        for name, charset in DATABASES.items()) + (
        f"CREATE USER IF NOT EXISTS cloud@'127.0.0.1' "
        f"IDENTIFIED BY '{sites.PASSWORD}';\n"
        f"GRANT ALL ON *.* TO cloud@'127.0.0.1';\n")


def _definitions():
    """Return what RabbitMQ has from its first start."""
    vhosts = ('/', 'cell2')
    return json.dumps({
        'users': [{'name': 'cloud', 'password': sites.PASSWORD, 'tags': []}],
        'vhosts': [{'name': vhost} for vhost in vhosts],
        'permissions': [
            {'user': 'cloud', 'vhost': vhost, 'configure': '.*',
             'write': '.*', 'read': '.*'} for vhost in vhosts]})
