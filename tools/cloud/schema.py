# SPDX-License-Identifier: Apache-2.0
"""Tables, keys and cells: what has to be there before services start."""

import concurrent.futures
import os
import pathlib
import pwd
import subprocess
import sys

from tools.cloud import errors
from tools.cloud import services
from tools.cloud import site as sites

#: Programs that run at once; each keeps a processor busy.
AT_ONCE = 2


def make_database_server(site: sites.Site):
    """Make the directory of MariaDB.

    :raises errors.CloudError: that failed
    """
    _run(site, 'mariadb-install-db', '--no-defaults', '--skip-test-db',
         '--auth-root-authentication-method=normal',
         f'--user={pwd.getpwuid(os.geteuid()).pw_name}',
         f'--datadir={site.data}/mariadb')


def make_tables(site: sites.Site, keystone_is_there):
    """Fill the databases of all services but Fenix.

    :param keystone_is_there: called when Keystone can start, while the
        others are worked on
    :raises errors.CloudError: something failed
    """
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        done = [pool.submit(_nova, site),
                pool.submit(_keystone, site, keystone_is_there)]
        done += [pool.submit(_run, site, site.program(command[0]),
                             *command[1:])
                 for command in (
            ('placement-manage', '--config-file',
             f'{site.conf}/placement.conf', 'db', 'sync'),
            ('glance-manage', '--config-file',
             f'{site.conf}/glance-api.conf', 'db_sync'),
            ('neutron-db-manage', '--config-file',
             f'{site.conf}/neutron.conf', 'upgrade', 'heads'),
            ('aodh-dbsync', '--config-file', f'{site.home}/.aodh/aodh.conf'))]
        for each in done:
            each.result()


def make_fenix_tables(site: sites.Site):
    """Bring the database of Fenix to what the present Fenix needs.

    :raises errors.CloudError: that failed
    """
    _run(site, sys.executable, '-m', 'fenix.cmd.manage', 'db', 'sync',
         PYTHONPATH=str(sites.SOURCE))


def _keystone(site, is_there):
    manage = (site.program('keystone-manage'), '--config-file',
              f'{site.conf}/keystone.conf')
    _run(site, *manage, 'db_sync')
    for keys in ('fernet', 'credential'):
        _run(site, *manage, f'{keys}_setup',
             f'--keystone-user={os.geteuid()}',
             f'--keystone-group={os.getegid()}')
    _run(site, *manage, 'bootstrap', '--bootstrap-password', sites.PASSWORD,
         '--bootstrap-region-id', sites.REGION,
         *(word for kind in ('public', 'internal', 'admin')
           for word in (f'--bootstrap-{kind}-url', site.auth_url)))
    is_there()


def _nova(site):
    manage = (site.program('nova-manage'), '--config-file',
              f'{site.conf}/nova.conf', '--config-file')
    first = (*manage, f'{site.conf}/nova-api.conf')
    _run(site, *first, 'api_db', 'sync')
    _run(site, *first, 'cell_v2', 'map_cell0')
    _run(site, *first, 'cell_v2', 'create_cell', '--name', 'cell1')
    # Of the cell 0 and the first one.
    _run(site, *first, 'db', 'sync')
    if site.cells == 2:
        second = (*manage, f'{site.conf}/nova-cell2.conf')
        _run(site, *second, 'cell_v2', 'create_cell', '--name', 'cell2')
        _run(site, *second, 'db', 'sync', '--local_cell')


def _run(site, *command, **environment):
    """Run a program to its end; what it prints goes to a log of its own."""
    name = pathlib.Path(command[0]).name
    done = subprocess.run(  # noqa: S603 - our own commands
        command, env={**services.environment(site), **environment},
        cwd=site.directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors='replace', check=False)
    with (site.log / 'setup.log').open('a') as log:
        log.write(f'$ {" ".join(command)}\n{done.stdout}\n')
    if done.returncode != 0:
        end = '\n'.join(done.stdout.splitlines()[-15:])
        raise errors.CloudError(f'{name} failed, see {log.name}:\n{end}')
