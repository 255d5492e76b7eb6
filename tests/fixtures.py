# SPDX-License-Identifier: Apache-2.0
"""Fixtures that the tests of several parts share."""

import os
import sys
import tempfile
import uuid

import fixtures
import sqlalchemy as sa
from oslo_config import cfg
from oslotest import base

from fenix.conf import database
from fenix.db import core
from fenix.db import models

BACKENDS = ('sqlite', 'mysql', 'postgresql')


def admin_url(backend):
    """Return the URL of a server on which databases may be created.

    :returns: None if the environment names none: FENIX_TEST_<backend>_URL,
        or one of OS_TEST_DBAPI_ADMIN_CONNECTION
    """
    urls = [os.environ.get(f'FENIX_TEST_{backend.upper()}_URL', ''),
            *os.environ.get('OS_TEST_DBAPI_ADMIN_CONNECTION', '').split(';')]
    for url in urls:
        if url and sa.make_url(url).get_backend_name() == backend:
            return sa.make_url(url)
    return None


class Database(fixtures.Fixture):
    """A new database, which ``fenix.db`` uses until the end.

    :param backend: one of BACKENDS; for a server there must be an admin URL
    :param tables: whether to create the tables
    :ivar url: its URL
    :ivar conf: a configuration with [database] only, which names it
    """

    def __init__(self, backend='sqlite', tables=True):
        super().__init__()
        self.backend = backend
        self.tables = tables

    def _setUp(self):
        if self.backend == 'sqlite':
            directory = tempfile.TemporaryDirectory(prefix='fenix-')
            self.addCleanup(directory.cleanup)
            self.url = f'sqlite:///{directory.name}/fenix.sqlite'
        else:
            self._create(admin_url(self.backend))
        self.conf = cfg.ConfigOpts()
        database.register(self.conf)
        self.conf([], default_config_files=[])
        self.conf.set_override('connection', self.url, 'database')
        self.use()
        self.addCleanup(core.dispose)
        if self.tables:
            models.Base.metadata.create_all(core.engine())

    def use(self, **settings):
        """Have ``fenix.db`` use this database (again)."""
        core.configure(self.conf, **settings)

    def empty(self):
        """Delete all rows."""
        with core.engine().begin() as connection:
            for table in reversed(models.Base.metadata.sorted_tables):
                connection.execute(sa.delete(table))

    def _create(self, admin):
        name = f'fenix_test_{uuid.uuid4().hex}'
        engine = sa.create_engine(
            admin, poolclass=sa.NullPool, isolation_level='AUTOCOMMIT')
        force = ' WITH (FORCE)' if self.backend == 'postgresql' else ''

        def execute(statement):
            with engine.connect() as connection:
                connection.execute(sa.text(statement))

        execute(f'CREATE DATABASE {name}')
        self.addCleanup(execute, f'DROP DATABASE {name}{force}')
        self.url = admin.set(database=name).render_as_string(
            hide_password=False)


class DatabaseTestCase(base.BaseTestCase):
    """Tests with a database: one for the class, empty for each test."""

    BACKEND = 'sqlite'
    TABLES = True
    database = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if cls.BACKEND == 'sqlite' or admin_url(cls.BACKEND):
            cls.database = Database(cls.BACKEND, cls.TABLES)
            cls.database.setUp()
            cls.addClassCleanup(cls.database.cleanUp)

    def setUp(self):
        super().setUp()
        if self.database is None:
            self.skipTest(f'FENIX_TEST_{self.BACKEND.upper()}_URL names no '
                          f'{self.BACKEND} server')
        self.database.use()
        if self.TABLES:
            self.database.empty()


def on_each_database(tests):
    """Make a test case for each backend of a plain class with tests.

    They stand in its module in its place, with the backend in the name.
    """
    module = sys.modules[tests.__module__]
    for backend in BACKENDS:
        name = f'{tests.__name__}_{backend}'
        made = type(name, (tests, DatabaseTestCase),
                    {'BACKEND': backend, '__module__': tests.__module__})
        setattr(module, name, made)
