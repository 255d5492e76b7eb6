# SPDX-License-Identifier: Apache-2.0
"""Thousands of servers of others, which Nova and Placement believe in.

The rows of servers that were booted are multiplied in the databases of Nova
and Placement: nobody boots ten thousand of them on one machine. Their hosts
have just the room for them, so nothing else comes there. No nova-compute looks
at its servers meanwhile, see ``QUIET``.
"""

import uuid

import pymysql

#: For nova-compute: each of these would read all servers of its host.
QUIET = {'DEFAULT': {'update_resources_interval': 86400,
                     'heal_instance_info_cache_interval': -1}}
#: Where Nova keeps what it knows of a server, and what its id is called
#: there: in each cell, and above the cells. Parents first.
IN_CELL = {'instances': 'uuid', 'instance_extra': 'instance_uuid',
           'instance_info_caches': 'instance_uuid',
           'instance_system_metadata': 'instance_uuid',
           'block_device_mapping': 'instance_uuid'}
ABOVE = {'nova_api.instance_mappings': 'instance_uuid',
         'nova_api.request_specs': 'instance_uuid',
         'placement.consumers': 'uuid', 'placement.allocations': 'consumer_id'}
#: By the number of a cell.
CELLS = {1: 'nova', 2: 'nova_cell2'}
#: What there is of a server that something was done to.
TRACES = ('instance_actions', 'instance_faults', 'migrations')
#: What of a server changes with whatever is done to it.
STATE = ('updated_at', 'deleted', 'host', 'node', 'vm_state', 'task_state',
         'power_state', 'locked')
#: Columns whose values are of one row alone: what they are in a copy.
OWN = {('block_device_mapping', 'uuid'): 'UUID()',
       ('request_specs', 'spec'): 'REPLACE(t.spec, m.template, m.uuid)'}


class Crowd:
    """Servers by the thousand.

    :param here: a ``tools.cloud.cloud.Cloud``
    :param root: a client of its administrator
    """

    def __init__(self, here, root):
        self._here = here
        self._root = root
        self._site = here.site

    # Making it

    def gather(self, first: dict[str, str], count: int) -> set[str]:
        """Multiply the only server of each of some hosts.

        :param first: these servers, by their hosts
        :param count: of all servers together
        :returns: their ids
        """
        each = count // len(first)
        members = [(server, str(uuid.uuid4())) for server in first.values()
                   for _ in range(each - 1)]
        with self._database() as cursor:
            # It tells that there is something to remove, from now on.
            cursor.execute('CREATE DATABASE crowd CHARACTER SET utf8mb3')
            cursor.execute('CREATE TABLE crowd.members ('
                           'template CHAR(36) NOT NULL, '
                           'uuid CHAR(36) NOT NULL PRIMARY KEY)')
        self._here.configure_nova('nova-compute', QUIET)
        with self._database() as cursor:
            cursor.executemany('INSERT INTO crowd.members VALUES (%s, %s)',
                               members)
            for table, column in self._tables():
                self._multiply(cursor, table, column)
        for host in first:
            self._make_room(host, lambda inventory, used: (
                used / inventory['total']))
        return {server for _, server in members} | set(first.values())

    def _multiply(self, cursor, table, column):
        database, name = table.split('.')
        cursor.execute(
            'SELECT column_name FROM information_schema.columns '
            'WHERE table_schema = %s AND table_name = %s '
            "AND extra NOT LIKE '%%auto_increment%%'", (database, name))
        columns = [row[0] for row in cursor.fetchall()]
        values = ['m.uuid' if each == column
                  else OWN.get((name, each), f't.`{each}`')
                  for each in columns]
        cursor.execute(
            f'INSERT INTO {table} (`{"`, `".join(columns)}`) '  # noqa: S608
            f'SELECT {", ".join(values)} FROM {table} t '
            f'JOIN crowd.members m ON m.template = t.{column}')

    # Looking at it

    def touched(self) -> list[str]:
        """Return what was done to any of them."""
        found = []
        with self._database() as cursor:
            cursor.execute('SELECT COUNT(*) FROM crowd.members')
            (all_of_them,) = cursor.fetchone()
            there = 0
            for cell in range(1, self._site.cells + 1):
                database = CELLS[cell]
                cursor.execute(
                    'SELECT COUNT(*), SUM(NOT ('  # noqa: S608
                    + ' AND '.join(f't.{each} <=> i.{each}'
                                   for each in STATE)
                    + f')) FROM {database}.instances i '
                      'JOIN crowd.members m ON m.uuid = i.uuid '
                      f'JOIN {database}.instances t ON t.uuid = m.template')
                count, other = cursor.fetchone()
                there += count
                if other:
                    found.append(f'{other} of them are not as they were')
                for trace in TRACES:
                    cursor.execute(
                        f'SELECT COUNT(*) FROM {database}.{trace} '  # noqa: S608
                        'WHERE instance_uuid IN '
                        '(SELECT uuid FROM crowd.members)')
                    (count,) = cursor.fetchone()
                    if count:
                        found.append(f'{count} {trace} of them')
            cursor.execute('SELECT COUNT(DISTINCT consumer_id) FROM '
                           'placement.allocations WHERE consumer_id IN '
                           '(SELECT uuid FROM crowd.members)')
            (allocated,) = cursor.fetchone()
        if not there == allocated == all_of_them:
            found.append(f'{there} are there, and {allocated} have '
                         f'allocations, not {all_of_them}')
        return found

    # Removing it

    def disperse(self):
        """Remove all but the first ones, those of a run that died, too."""
        with self._database() as cursor:
            cursor.execute("SHOW DATABASES LIKE 'crowd'")
            if not cursor.fetchall():
                return
            for table, column in reversed(self._tables()):
                cursor.execute(f'DELETE t FROM {table} t JOIN '  # noqa: S608
                               f'crowd.members m ON m.uuid = t.{column}')
        for host in self._site.hosts:
            self._make_room(host.name, lambda inventory, used: 1.0)
        self._here.configure_nova('nova-compute', {})
        with self._database() as cursor:
            cursor.execute('DROP DATABASE crowd')

    def _tables(self):
        return [(f'{CELLS[cell]}.{name}', column)
                for cell in range(1, self._site.cells + 1)
                for name, column in IN_CELL.items()] + list(ABOVE.items())

    def _database(self):
        return _Database(self._site)

    def _make_room(self, host, ratio):
        """Change how much of a host there is.

        :param ratio: of an inventory and what is used of it
        """
        root = self._root
        (provider,) = root.json(
            'GET', 'placement', f'/resource_providers?name={host}'
        )['resource_providers']
        path = f'/resource_providers/{provider["uuid"]}'
        used = root.json('GET', 'placement', f'{path}/usages')['usages']
        found = root.json('GET', 'placement', f'{path}/inventories')
        for name, inventory in found['inventories'].items():
            inventory['allocation_ratio'] = ratio(inventory, used[name])
        root.json('PUT', 'placement', f'{path}/inventories', json=found)


class _Database:
    """A transaction with the databases of the cloud."""

    def __init__(self, site):
        self._connection = pymysql.connect(
            host='127.0.0.1', port=site.port('mariadb'), user='cloud',
            password=site.password, database=CELLS[1])

    def __enter__(self):
        return self._connection.cursor()

    def __exit__(self, kind, error, traceback):
        if kind is None:
            self._connection.commit()
        self._connection.close()
