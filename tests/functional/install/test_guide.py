# SPDX-License-Identifier: Apache-2.0
"""What the installation guide tells an operator to write and to type."""

import re
import textwrap
import uuid

import sqlalchemy as sa
from ceilometer import opts as ceilometer_opts
from keystoneauth1 import loading
from oslo_config import iniparser

from tests import fixtures as fenix_fixtures
from tests.functional.install import base
from tests.functional.install import test_examples

GUIDE = sorted((base.ROOT / 'doc/source/install').glob('*.rst'))
BLOCK = re.compile(
    r'\.\. code-block:: (\w+)\n +:caption: (\S+)\n\n((?: {4,}.*\n|\n)+)')
#: Options that only their type of credentials knows.
OF_TYPES = {'application_credential_id', 'application_credential_secret'}


def blocks(language, caption):
    """Return the blocks of the guide with that caption."""
    found = [textwrap.dedent(text) for path in GUIDE
             for kind, name, text in BLOCK.findall(path.read_text())
             if (kind, name) == (language, caption)]
    if not found:
        raise AssertionError(f'The guide has no block {caption}')
    return found


class Options(iniparser.BaseParser):
    """Reads which options a text sets."""

    def read(self, text):
        self.found, self._group = set(), None
        self.parse(text.splitlines())
        return self.found

    def new_section(self, section):
        self._group = section

    def assignment(self, key, value):
        self.found.add((self._group, key))


class TestOptions(base.InstallTestCase):

    def test_of_fenix(self):
        texts = blocks('ini', '/etc/fenix/fenix.conf')
        self.assertLess(3, len(texts))
        # All at once, as a file may have a group several times.
        unknown = test_examples.unknown_options(
            self.write('all.conf', '\n'.join(texts)))
        self.assertEqual({f'service_user/{name}' for name in OF_TYPES},
                         set(unknown))
        self.assertLessEqual(OF_TYPES, {
            option.dest for option in loading.get_plugin_loader(
                'v3applicationcredential').get_options()})

    def test_of_ceilometer(self):
        known = {(group, option.dest)
                 for group, options in ceilometer_opts.list_opts()
                 for option in options}
        for text in blocks('ini', '/etc/ceilometer/ceilometer.conf'):
            self.assertLessEqual(Options().read(text), known)


class TestDatabases(base.InstallTestCase):
    """The commands of the guide, but for the names."""

    def follow(self, backend, caption, statements):
        """Create database and user, and then the tables as that user.

        :param statements: a pattern for a statement in a command
        """
        admin = fenix_fixtures.admin_url(backend)
        if admin is None:
            self.skipTest(f'FENIX_TEST_{backend.upper()}_URL names no '
                          f'{backend} server')
        name = f'fenix_{uuid.uuid4().hex[:20]}'
        (text,) = blocks('console', caption)
        found = re.findall(statements, text)
        self.assertEqual(len(text.strip().splitlines()), len(found))
        engine = sa.create_engine(admin, poolclass=sa.NullPool,
                                  isolation_level='AUTOCOMMIT')
        for statement in self.REMOVE[backend]:
            self.addCleanup(self.execute, engine, statement, name)
        for statement in found:
            self.execute(engine, statement, name)
        self.set_environment(OS_DATABASE__CONNECTION=admin.set(
            database=name, username=name, password='FENIX_DBPASS',
        ).render_as_string(hide_password=False))
        for program, words, code in (
                ('status', ('upgrade', 'check'), 2),
                ('manage', ('db', 'sync'), 0),
                ('status', ('upgrade', 'check'), 0)):
            done = self.run_module(f'fenix.cmd.{program}', *words)
            self.assertEqual(code, done.returncode, done.stderr)

    REMOVE = {
        'mysql': ("DROP DATABASE fenix", "DROP USER 'fenix'@'%'",
                  "DROP USER 'fenix'@'localhost'"),
        # Run from the last to the first.
        'postgresql': ('DROP ROLE fenix', 'DROP DATABASE fenix')}

    def execute(self, engine, statement, name):
        with engine.connect() as connection:
            # A driver would take a "%" for the place of a value.
            connection.execute(sa.text(
                re.sub(r'\bfenix\b', name, statement)))

    def test_mariadb(self):
        # For Galera; a server alone takes it too.
        self.set_environment(OS_DATABASE__MYSQL_WSREP_SYNC_WAIT='1')
        self.follow('mysql', 'MariaDB', r'mysql -e "(.*)"')

    def test_postgresql(self):
        self.follow('postgresql', 'PostgreSQL', r'psql -c \\"(.*)\\""')
