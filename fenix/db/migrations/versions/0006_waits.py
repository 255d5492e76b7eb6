# SPDX-License-Identifier: Apache-2.0
"""Why hosts and instances wait, and for whom."""

import sqlalchemy as sa
from alembic import op

from fenix.db import types

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade():
    for table in ('hosts', 'instances'):
        for name in ('waits_for', 'waits_why'):
            op.add_column(table, sa.Column(
                name, types.Text(), nullable=True))
