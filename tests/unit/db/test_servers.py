# SPDX-License-Identifier: Apache-2.0
from unittest import mock

from oslotest import base

from fenix.db import servers


class TestMySQL(base.BaseTestCase):
    def said(self, row):
        cursor = mock.Mock(**{'fetchone.return_value': row})
        servers._on_mysql(cursor, 5)
        return cursor.execute.call_args.args[0]

    def test_mariadb_ends_transactions(self):
        self.assertEqual(
            'SET SESSION idle_transaction_timeout = 5',
            self.said(('idle_transaction_timeout', '0')))

    def test_mysql_ends_connections(self):
        self.assertEqual('SET SESSION wait_timeout = 5', self.said(None))
