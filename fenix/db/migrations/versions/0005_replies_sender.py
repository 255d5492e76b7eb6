# SPDX-License-Identifier: Apache-2.0
"""The newest reply of a sender is found without reading all the others."""

from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade():
    op.create_index(
        'replies_sender', 'replies',
        ['session_id', 'project_id', 'instance_id', 'consumed_at'])
