# SPDX-License-Identifier: Apache-2.0
import contextlib
import io
import json

import sqlalchemy as sa
from oslo_db.sqlalchemy import test_migrations

from fenix.cmd import manage
from fenix.cmd import status
from fenix.db import core
from fenix.db import models
from fenix.db import sync
from tests import fixtures


def call(main, *words):
    """Return (exit code, standard output, standard error) of a command."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(words))
    return code, out.getvalue(), err.getvalue()


@fixtures.on_each_database
class MigrationsTest(test_migrations.ModelsMigrationsSync):
    """The migrations make what the models say."""

    TABLES = False

    def get_engine(self):
        return core.engine()

    def get_metadata(self):
        return models.Base.metadata

    def db_sync(self, engine):
        sync.sync()

    def include_object(self, object_, name, type_, reflected, compare_to):
        return name != 'alembic_version'

    def test_models_sync(self):
        super().test_models_sync()
        # Twice is harmless, and it stays so.
        super().test_models_sync()


@fixtures.on_each_database
class CommandsTest:
    """What an operator is told before, between and after."""

    TABLES = False

    def setUp(self):
        super().setUp()
        self.config = ['--config-file', '/dev/null']
        self.useFixture(fixtures.fixtures.EnvironmentVariable(
            'OS_DATABASE__CONNECTION', self.database.url))
        with core.engine().begin() as connection:
            metadata = sa.MetaData()
            metadata.reflect(connection)
            metadata.drop_all(connection)

    def manage(self, command):
        return call(manage.main, *self.config, 'db', command)

    def status(self):
        # Without --json it uses what prettytable has deprecated
        return call(status.main, *self.config, 'upgrade', 'check', '--json')

    def test_from_nothing(self):
        code, _, err = self.manage('check')
        self.assertEqual(1, code)
        self.assertIn('no tables yet', err)
        self.assertEqual((0, 'none\n', ''), self.manage('version'))
        code, out, _ = self.status()
        self.assertEqual(2, code)
        result, _ = json.loads(out)['checks']
        self.assertIn('run "fenix-manage db sync"', result['details'])
        for _ in range(2):
            self.assertEqual((0, '', ''), self.manage('sync'))
            self.assertEqual((0, '', ''), self.manage('check'))
        self.assertEqual((0, sync.wanted() + '\n', ''),
                         self.manage('version'))
        self.assertEqual(0, self.status()[0])

    def test_of_a_newer_release(self):
        self.manage('sync')
        core.configure(self.database.conf)
        with core.engine().begin() as connection:
            connection.execute(sa.text(
                "UPDATE alembic_version SET version_num = 'future'"))
        code, _, err = self.manage('check')
        self.assertEqual(1, code)
        self.assertIn('future, which this release of Fenix does not know',
                      err)


class NoDatabaseTest(fixtures.base.BaseTestCase):
    """A missing or unreachable database is told in one line."""

    def setUp(self):
        super().setUp()
        self.config = ['--config-file', '/dev/null']

    def test_not_configured(self):
        code, _, err = call(manage.main, *self.config, 'db', 'check')
        self.assertEqual(1, code)
        self.assertIn('set [database] connection', err)
        self.assertEqual(1, err.count('\n'))
        code, out, _ = call(status.main, *self.config, 'upgrade', 'check',
                            '--json')
        self.assertEqual(2, code)
        self.assertIn('No database is configured', out)

    def test_not_there(self):
        self.useFixture(fixtures.fixtures.EnvironmentVariable(
            'OS_DATABASE__CONNECTION', 'sqlite:////nowhere/fenix.sqlite'))
        code, _, err = call(manage.main, *self.config, 'db', 'check')
        self.assertEqual(1, code)
        self.assertIn('unable to open database file', err)
