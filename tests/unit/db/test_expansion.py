# SPDX-License-Identifier: Apache-2.0
"""Migrations only add, so that the release before runs on their tables."""

import io
import re

import sqlalchemy as sa
import testtools
from alembic import migration
from alembic import op
from alembic import operations

from fenix.db import sync

CREATE = re.compile(r'CREATE TABLE (\w+) ')
INDEX = re.compile(r'CREATE (UNIQUE )?INDEX \w+ ON (\w+) ')
COLUMN = re.compile(r'ALTER TABLE \w+ ADD COLUMN (.*)', re.S)
REMARK = re.compile(r'COMMENT ON |INSERT INTO |UPDATE ')


def statements(upgrade):
    """Return the statements of a migration, for PostgreSQL."""
    out = io.StringIO()
    context = migration.MigrationContext.configure(
        dialect_name='postgresql', opts={
            'as_sql': True, 'output_buffer': out})
    with operations.Operations.context(context):
        upgrade()
    return [text.strip() for text in out.getvalue().split(';\n')
            if text.strip()]


def hindrances(upgrade):
    """Return the statements that the release before would stumble over."""
    new, found = set(), []
    for text in statements(upgrade):
        if made := CREATE.match(text):
            new.add(made[1])
        elif index := INDEX.match(text):
            # Duplicates that it writes would be refused.
            if index[1] and index[2] not in new:
                found.append(text)
        elif column := COLUMN.match(text):
            # Rows that it inserts do not name the column.
            if 'NOT NULL' in column[1] and 'DEFAULT' not in column[1]:
                found.append(text)
        elif not REMARK.match(text):
            found.append(text)
    return found


class TestExpansion(testtools.TestCase):

    def test_migrations_only_add(self):
        revisions = list(sync.revisions())
        self.assertIn('0001', [each.revision for each in revisions])
        for each in revisions:
            self.assertNotEqual([], statements(each.module.upgrade))
            self.assertEqual([], hindrances(each.module.upgrade),
                             each.revision)

    def test_what_is_found(self):
        for change in (
                lambda: op.drop_column('sessions', 'owner'),
                lambda: op.drop_table('moves'),
                lambda: op.alter_column('sessions', 'owner',
                                        nullable=False),
                lambda: op.alter_column('sessions', 'owner',
                                        new_column_name='engine'),
                lambda: op.create_index('i', 'sessions', ['owner'],
                                        unique=True),
                lambda: op.add_column('sessions', sa.Column(
                    'new', sa.Integer(), nullable=False))):
            self.assertEqual(1, len(hindrances(change)))

    def test_what_is_not(self):
        for change in (
                lambda: op.create_index('i', 'sessions', ['owner']),
                lambda: op.add_column('sessions', sa.Column(
                    'new', sa.Integer(), nullable=True)),
                lambda: op.add_column('sessions', sa.Column(
                    'new', sa.Integer(), nullable=False,
                    server_default='0')),
                lambda: op.execute("UPDATE sessions SET new = 1")):
            self.assertEqual([], hindrances(change))
