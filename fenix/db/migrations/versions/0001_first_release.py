# SPDX-License-Identifier: Apache-2.0
"""The tables of the first release.

Only add within a release: the services of two releases run on one schema
while they are upgraded.
"""

import sqlalchemy as sa
from alembic import op

from fenix.db import types

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None

MYSQL = {
    'mysql_engine': 'InnoDB',
    'mysql_charset': 'utf8mb4',
    'mysql_collate': 'utf8mb4_bin',
}


def _to_session():
    return sa.ForeignKeyConstraint(
        ['session_id'], ['sessions.id'], ondelete='CASCADE'
    )


def upgrade():
    op.create_table(
        'claims',
        sa.Column('kind', sa.String(length=32), nullable=False),
        sa.Column('key', sa.String(length=255), nullable=False),
        sa.Column('slot', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('session_id', sa.String(length=36), nullable=False),
        sa.Column('holder', sa.String(length=36), nullable=True),
        sa.Column('free_at', types.UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint('kind', 'key', 'slot'),
        **MYSQL,
    )
    op.create_index('ix_claims_session_id', 'claims', ['session_id'])
    op.create_table(
        'engines',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('host', sa.String(length=255), nullable=False),
        sa.Column('started_at', types.UTCDateTime(), nullable=False),
        sa.Column('lease_until', types.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
        **MYSQL,
    )
    op.create_index('ix_engines_lease_until', 'engines', ['lease_until'])
    op.create_table(
        'group_constraints',
        sa.Column('group_id', sa.String(length=64), nullable=False),
        sa.Column('project_id', sa.String(length=255), nullable=False),
        sa.Column('group_name', sa.String(length=255), nullable=True),
        sa.Column('anti_affinity_group', sa.Boolean(), nullable=False),
        sa.Column('max_instances_per_host', sa.Integer(), nullable=False),
        sa.Column('max_impacted_members', sa.Integer(), nullable=False),
        sa.Column('recovery_time', sa.Integer(), nullable=False),
        sa.Column('resource_mitigation', sa.Boolean(), nullable=False),
        sa.Column('updated_at', types.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint('group_id'),
        **MYSQL,
    )
    op.create_index(
        'ix_group_constraints_project_id', 'group_constraints', ['project_id']
    )
    op.create_table(
        'instance_constraints',
        sa.Column('instance_id', sa.String(length=64), nullable=False),
        sa.Column('project_id', sa.String(length=255), nullable=False),
        sa.Column('group_id', sa.String(length=64), nullable=True),
        sa.Column('instance_name', sa.String(length=255), nullable=True),
        sa.Column('max_interruption_time', sa.Integer(), nullable=False),
        sa.Column('migration_type', sa.String(length=32), nullable=False),
        sa.Column('resource_mitigation', sa.Boolean(), nullable=False),
        sa.Column('lead_time', sa.Integer(), nullable=False),
        sa.Column('updated_at', types.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint('instance_id'),
        **MYSQL,
    )
    op.create_index(
        'ix_instance_constraints_project_id',
        'instance_constraints',
        ['project_id'],
    )
    op.create_table(
        'sessions',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('project_id', sa.String(length=255), nullable=False),
        sa.Column('workflow', sa.String(length=255), nullable=False),
        sa.Column('maintenance_at', types.UTCDateTime(), nullable=False),
        sa.Column('metadata', sa.JSON(), nullable=False),
        sa.Column('wanted_hosts', sa.JSON(), nullable=False),
        sa.Column('other_hosts', sa.JSON(), nullable=False),
        sa.Column('settings', sa.JSON(), nullable=False),
        sa.Column('phase', sa.String(length=32), nullable=False),
        sa.Column('state', sa.String(length=32), nullable=False),
        sa.Column('reason', sa.Text(), nullable=True),
        sa.Column('percent_done', sa.Integer(), nullable=False),
        sa.Column('round', sa.Integer(), nullable=False),
        sa.Column('scale_in_round', sa.Integer(), nullable=False),
        sa.Column('scale_in_free', sa.JSON(), nullable=True),
        sa.Column('deleting', sa.Boolean(), nullable=False),
        sa.Column('owner', sa.String(length=36), nullable=True),
        sa.Column('epoch', sa.Integer(), nullable=False),
        sa.Column('seq', sa.Integer(), nullable=False),
        sa.Column('created_at', types.UTCDateTime(), nullable=False),
        sa.Column('finished_at', types.UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint('id'),
        **MYSQL,
    )
    op.create_index('ix_sessions_owner', 'sessions', ['owner'])
    op.create_table(
        'action_plugins',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('session_id', sa.String(length=36), nullable=False),
        sa.Column('plugin', sa.String(length=255), nullable=False),
        sa.Column('type', sa.String(length=32), nullable=False),
        sa.Column('metadata', sa.JSON(), nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        _to_session(),
        sa.PrimaryKeyConstraint('id'),
        **MYSQL,
    )
    op.create_index(
        'ix_action_plugins_session_id', 'action_plugins', ['session_id']
    )
    op.create_table(
        'action_runs',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('session_id', sa.String(length=36), nullable=False),
        sa.Column('action_id', sa.String(length=36), nullable=False),
        sa.Column('plugin', sa.String(length=255), nullable=False),
        sa.Column('host', sa.String(length=255), nullable=True),
        sa.Column('round', sa.Integer(), nullable=False),
        sa.Column('state', sa.String(length=32), nullable=False),
        sa.Column('output', types.LongText(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=True),
        sa.Column('attempts', sa.Integer(), nullable=False),
        sa.Column('started_at', types.UTCDateTime(), nullable=False),
        sa.Column('ended_at', types.UTCDateTime(), nullable=True),
        _to_session(),
        sa.PrimaryKeyConstraint('id'),
        **MYSQL,
    )
    op.create_index('ix_action_runs_session_id', 'action_runs', ['session_id'])
    op.create_table(
        'asks',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('session_id', sa.String(length=36), nullable=False),
        sa.Column('question', sa.String(length=32), nullable=False),
        sa.Column('project_id', sa.String(length=255), nullable=False),
        sa.Column('host', sa.String(length=255), nullable=True),
        sa.Column('instance_id', sa.String(length=36), nullable=True),
        sa.Column('round', sa.Integer(), nullable=False),
        sa.Column('state', sa.String(length=32), nullable=False),
        sa.Column('window', sa.Double(), nullable=False),
        sa.Column('until', types.UTCDateTime(), nullable=True),
        sa.Column('instance_ids', sa.JSON(), nullable=False),
        sa.Column('published_at', types.UTCDateTime(), nullable=True),
        sa.Column('reply_by', types.UTCDateTime(), nullable=True),
        sa.Column('unsure', sa.Boolean(), nullable=False),
        sa.Column('answered_at', types.UTCDateTime(), nullable=True),
        sa.Column('actions', sa.JSON(), nullable=False),
        sa.Column('created_at', types.UTCDateTime(), nullable=False),
        _to_session(),
        sa.PrimaryKeyConstraint('id'),
        **MYSQL,
    )
    op.create_index('asks_project', 'asks', ['session_id', 'project_id'])
    op.create_table(
        'events',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('session_id', sa.String(length=36), nullable=False),
        sa.Column('seq', sa.Integer(), nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        sa.Column('event_type', sa.String(length=64), nullable=False),
        sa.Column('payload', sa.JSON(), nullable=False),
        sa.Column('message_id', sa.String(length=36), nullable=True),
        sa.Column('ask_id', sa.String(length=36), nullable=True),
        sa.Column('once', sa.Boolean(), nullable=False),
        sa.Column('created_at', types.UTCDateTime(), nullable=False),
        sa.Column('sending_at', types.UTCDateTime(), nullable=True),
        sa.Column('published_at', types.UTCDateTime(), nullable=True),
        _to_session(),
        sa.PrimaryKeyConstraint('id'),
        **MYSQL,
    )
    op.create_index(
        'events_order', 'events', ['session_id', 'seq', 'position']
    )
    op.create_index(
        'events_unpublished', 'events', ['published_at', 'message_id']
    )
    op.create_table(
        'hosts',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('session_id', sa.String(length=36), nullable=False),
        sa.Column('name', sa.String(length=255), nullable=False),
        sa.Column('is_compute', sa.Boolean(), nullable=False),
        sa.Column('is_controller', sa.Boolean(), nullable=False),
        sa.Column('step', sa.String(length=32), nullable=False),
        sa.Column('question', sa.String(length=32), nullable=True),
        sa.Column('disabled', sa.String(length=32), nullable=True),
        sa.Column('announced', sa.Boolean(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=True),
        sa.Column('round', sa.Integer(), nullable=False),
        sa.Column('step_at', types.UTCDateTime(), nullable=True),
        sa.Column('position', sa.Integer(), nullable=False),
        _to_session(),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('session_id', 'name'),
        **MYSQL,
    )
    op.create_table(
        'instances',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('session_id', sa.String(length=36), nullable=False),
        sa.Column('instance_id', sa.String(length=36), nullable=False),
        sa.Column('project_id', sa.String(length=255), nullable=False),
        sa.Column('name', sa.String(length=255), nullable=False),
        sa.Column('host', sa.String(length=255), nullable=True),
        sa.Column('vcpus', sa.Integer(), nullable=False),
        sa.Column('ram_mb', sa.Integer(), nullable=False),
        sa.Column('disk_gb', sa.Integer(), nullable=False),
        sa.Column('group_id', sa.String(length=36), nullable=True),
        sa.Column('floating', sa.Boolean(), nullable=False),
        sa.Column('status', sa.String(length=32), nullable=False),
        sa.Column('task_state', sa.String(length=64), nullable=True),
        sa.Column('gone', sa.Boolean(), nullable=False),
        _to_session(),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('session_id', 'instance_id'),
        **MYSQL,
    )
    op.create_index(
        'instances_project', 'instances', ['session_id', 'project_id']
    )
    op.create_table(
        'moves',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('session_id', sa.String(length=36), nullable=False),
        sa.Column('instance_id', sa.String(length=36), nullable=False),
        sa.Column('project_id', sa.String(length=255), nullable=False),
        sa.Column('action', sa.String(length=32), nullable=False),
        sa.Column('source', sa.String(length=255), nullable=False),
        sa.Column('target', sa.String(length=255), nullable=True),
        sa.Column('round', sa.Integer(), nullable=False),
        sa.Column('state', sa.String(length=32), nullable=False),
        sa.Column('before', sa.String(length=64), nullable=True),
        sa.Column('request_id', sa.String(length=64), nullable=True),
        sa.Column('attempts', sa.Integer(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=True),
        sa.Column('intended_at', types.UTCDateTime(), nullable=False),
        sa.Column('confirm_at', types.UTCDateTime(), nullable=True),
        sa.Column('deadline', types.UTCDateTime(), nullable=False),
        sa.Column('ended_at', types.UTCDateTime(), nullable=True),
        _to_session(),
        sa.PrimaryKeyConstraint('id'),
        **MYSQL,
    )
    op.create_index('ix_moves_session_id', 'moves', ['session_id'])
    op.create_table(
        'replies',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('session_id', sa.String(length=36), nullable=False),
        sa.Column('project_id', sa.String(length=255), nullable=False),
        sa.Column('instance_id', sa.String(length=36), nullable=True),
        sa.Column('state', sa.String(length=255), nullable=False),
        sa.Column('action', sa.String(length=64), nullable=True),
        sa.Column('actions', sa.JSON(), nullable=False),
        sa.Column('received_at', types.UTCDateTime(), nullable=False),
        sa.Column('consumed_at', types.UTCDateTime(), nullable=True),
        _to_session(),
        sa.PrimaryKeyConstraint('id'),
        **MYSQL,
    )
    op.create_index('ix_replies_received_at', 'replies', ['received_at'])
    op.create_index('replies_inbox', 'replies', ['session_id', 'consumed_at'])
    op.create_table(
        'requests',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('session_id', sa.String(length=36), nullable=False),
        sa.Column('kind', sa.String(length=32), nullable=False),
        sa.Column('body', sa.JSON(), nullable=False),
        sa.Column('received_at', types.UTCDateTime(), nullable=False),
        sa.Column('consumed_at', types.UTCDateTime(), nullable=True),
        _to_session(),
        sa.PrimaryKeyConstraint('id'),
        **MYSQL,
    )
    op.create_index(
        'requests_inbox', 'requests', ['session_id', 'consumed_at']
    )
