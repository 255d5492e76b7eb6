# SPDX-License-Identifier: Apache-2.0
"""Run migrations on the database that Fenix uses (called by alembic)."""

from alembic import context

from fenix import conf
from fenix.db import core
from fenix.db import models

if not core.configured():
    # Called by the alembic command, not by fenix.db.sync
    conf.read([], 'alembic')
    core.configure(conf.CONF)

with core.engine().connect() as connection:
    context.configure(connection=connection, user_module_prefix='types.',
                      target_metadata=models.Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
