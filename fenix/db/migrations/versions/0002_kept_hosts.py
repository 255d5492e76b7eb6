# SPDX-License-Identifier: Apache-2.0
"""Hosts that stayed disabled when their session went."""

import sqlalchemy as sa
from alembic import op

from fenix.db import types

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        'kept_hosts',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('host', sa.String(length=255), nullable=False),
        sa.Column('session_id', sa.String(length=36), nullable=False),
        sa.Column('project_id', sa.String(length=255), nullable=False),
        sa.Column('announced', sa.Boolean(), nullable=False),
        sa.Column('kept_at', types.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
        mysql_engine='InnoDB',
        mysql_charset='utf8mb4',
        mysql_collate='utf8mb4_bin',
    )
    op.create_index('ix_kept_hosts_host', 'kept_hosts', ['host'])
