# SPDX-License-Identifier: Apache-2.0
"""The schema: brought up to date, and compared with what this code needs."""

import pathlib

from alembic import command
from alembic import config
from alembic import migration
from alembic import script

from fenix.db import core

_INI = pathlib.Path(__file__).parent / 'migrations' / 'alembic.ini'


def sync():
    """Create the tables, or bring them up to date; harmless if they are."""
    command.upgrade(_config(), 'head')


def version():
    """Return the version of the schema; None: there are no tables."""
    with core.engine().connect() as connection:
        return migration.MigrationContext.configure(
            connection).get_current_revision()


def wanted():
    """Return the version that this code needs."""
    return _scripts().get_current_head()


def revisions():
    """Return the migrations that this code knows, the newest first."""
    return _scripts().walk_revisions()


def problem():
    """Return what is wrong with the schema and what helps, or None."""
    found, needed = version(), wanted()
    if found == needed:
        return None
    if found is None:
        return 'The database has no tables yet: run "fenix-manage db sync".'
    if found not in {known.revision for known in revisions()}:
        return (f'The database is of version {found}, which this release of '
                'Fenix does not know: a newer one has changed it.')
    return (f'The database is of version {found}, this release of Fenix '
            f'needs {needed}: run "fenix-manage db sync".')


def _config():
    return config.Config(str(_INI))


def _scripts():
    return script.ScriptDirectory.from_config(_config())
