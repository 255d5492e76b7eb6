# SPDX-License-Identifier: Apache-2.0
"""Which request of the API led to what."""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade():
    for table in ('sessions', 'replies', 'requests', 'events'):
        op.add_column(table, sa.Column(
            'api_request', sa.String(length=64), nullable=True))
