# SPDX-License-Identifier: Apache-2.0
"""Hosts that stayed disabled when their session went.

Their plug-in did not succeed, or the cloud refused to have them back. An
administrator releases them, and who was told IN_MAINTENANCE is told then.
"""

import sqlalchemy as sa

from fenix.db import core
from fenix.db import models
from fenix.db import types


def note(db, session_id):
    """Note the hosts that a session keeps, in the transaction that ends it."""
    rows = db.execute(
        sa.select(models.Host.id, models.Host.name, models.Host.announced,
                  models.Session.project_id)
        .join(models.Session, models.Session.id == models.Host.session_id)
        .where(models.Host.session_id == session_id,
               models.Host.disabled == models.KEPT)).all()
    if rows:
        db.execute(
            sa.insert(models.KeptHost.__table__)
            .values(kept_at=types.utcnow()),
            [{'id': row.id, 'host': row.name, 'session_id': session_id,
              'project_id': row.project_id, 'announced': row.announced}
             for row in rows])


@core.reader
def of(db, host):
    """Return the ``models.KeptHost`` of a host, the oldest first."""
    return list(db.scalars(
        sa.select(models.KeptHost).where(models.KeptHost.host == host)
        .order_by(models.KeptHost.kept_at, models.KeptHost.id)))


@core.writer
def forget(db, row_id):
    """Forget a host that was released, and everybody was told."""
    db.execute(sa.delete(models.KeptHost.__table__).where(
        models.KeptHost.id == row_id))
