# SPDX-License-Identifier: Apache-2.0
"""What a project has not answered is found without reading all the others."""

from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade():
    op.create_index(
        'asks_unanswered', 'asks',
        ['session_id', 'project_id', 'state', 'instance_id'])
