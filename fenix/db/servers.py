# SPDX-License-Identifier: Apache-2.0
"""What a database server has to do for us: end what stands still.

A process that stops in the middle of a transaction (SIGSTOP, a virtual
machine that is moved, a machine cut off) keeps the locks that it has. With
the lock of a session's row nobody can take the session over, however long
its lease has run out. So the server ends transactions that nobody speaks in.
"""

import sqlalchemy as sa


def prepare(engine, lease_time):
    """Set up an engine.

    :param lease_time: seconds that a lease lasts, in half of which a
        transaction ends that nobody speaks in
    """
    seconds = max(1, int(lease_time / 2))    # Servers count whole ones.
    settle = {'mysql': _on_mysql, 'postgresql': _on_postgresql}.get(
        engine.dialect.name)
    if settle is None:
        return

    @sa.event.listens_for(engine, 'connect')
    def on_connect(connection, record):
        cursor = connection.cursor()
        try:
            settle(cursor, seconds)
        finally:
            cursor.close()
        # To PostgreSQL a setting is part of the transaction it is made in.
        connection.commit()

    # oslo.db has tried a connection already, which would come without.
    engine.dispose()


def _on_mysql(cursor, seconds):
    cursor.execute("SHOW VARIABLES LIKE 'idle_transaction_timeout'")
    # MySQL, unlike MariaDB, knows only connections that nobody speaks on.
    # The pool looks whether one still lives before it lends it.
    name = 'idle_transaction_timeout' if cursor.fetchone() else 'wait_timeout'
    cursor.execute(f'SET SESSION {name} = {seconds}')


def _on_postgresql(cursor, seconds):
    cursor.execute(
        f"SET idle_in_transaction_session_timeout = '{seconds}s'")
