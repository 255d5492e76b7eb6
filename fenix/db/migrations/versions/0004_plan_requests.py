# SPDX-License-Identifier: Apache-2.0
"""Plans that somebody asked for."""

import sqlalchemy as sa
from alembic import op

from fenix.db import types

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        'plan_requests',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('session_id', sa.String(length=36), nullable=True),
        sa.Column('body', sa.JSON(), nullable=False),
        sa.Column('created_at', types.UTCDateTime(), nullable=False),
        sa.Column('taken_by', sa.String(length=36), nullable=True),
        sa.Column('answer', sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint('id'),
        mysql_engine='InnoDB', mysql_charset='utf8mb4',
        mysql_collate='utf8mb4_bin')
