# SPDX-License-Identifier: Apache-2.0
"""The engine as a service: it ends in order, and outlives what it needs."""

import contextlib
import os
import signal
import sqlite3
import time

from fenix.sandbox.cloud import faults
from tests import fixtures as fenix_fixtures
from tests.functional.engine import trial
from tests.functional.notify import broker


class TestService(trial.TrialTestCase):
    """API and engine in one process, on SQLite."""

    def query(self, statement):
        path = self.directory / 'fenix.sqlite'
        with contextlib.closing(sqlite3.connect(path)) as connection:
            return connection.execute(statement).fetchall()

    def test_ends_in_order(self):
        """In the middle of a move, leaving nothing to wait for."""
        self.set_options({'OS_ENGINE__LEASE_TIME': '60',
                          'OS_NOVA__UNKNOWN_WINDOW': '65',
                          'OS_ENGINE__GRACEFUL_SHUTDOWN_TIMEOUT': '5'})
        sandbox = self.start(tend=trial.look_on)
        self.run_session(sandbox)
        trial.wait_for(lambda: sandbox.happened('migrate.start'), 40)
        process = sandbox.fenix.engines[0]
        began = time.monotonic()
        process.stop()
        self.assertLess(time.monotonic() - began, 8)
        self.assertIn(' stopped', process.tail())
        self.assertEqual([], self.query('SELECT * FROM engines'))
        self.assertEqual([(None,)], self.query('SELECT owner FROM sessions'))
        process.start()
        self.finish(sandbox)
        self.assertNotIn('Traceback', self.log('fenix-allinone'))

    def test_a_call_that_hangs_does_not_keep_it(self):
        self.set_options({'OS_ENGINE__GRACEFUL_SHUTDOWN_TIMEOUT': '1'})
        sandbox = self.start(tend=trial.look_on)
        sandbox.cloud.faults.add(faults.HttpFault(
            {'action': 'migrate'}, delay=10.0))
        self.run_session(sandbox)
        trial.wait_for(lambda: sandbox.happened('migrate.start'), 40)
        process = sandbox.fenix.engines[0]
        began = time.monotonic()
        process.stop()
        self.assertLess(time.monotonic() - began, 5)
        process.start()
        self.finish(sandbox)

    def log(self, name):
        return self.directory.joinpath(f'{name}.log').read_text()


class TestOutages(trial.TrialTestCase):
    """API and engine apart, with a message bus that others use too."""

    def setUp(self):
        super().setUp()
        self.rabbit = os.environ.get('FENIX_TEST_RABBIT_URL')
        if not self.rabbit:
            self.skipTest('FENIX_TEST_RABBIT_URL names no RabbitMQ')

    def test_begins_anew_at_sighup(self):
        sandbox = self.start('--transport', self.rabbit, tend=trial.look_on)
        self.run_session(sandbox)
        trial.wait_for(lambda: sandbox.happened('migrate.start'), 40)
        os.kill(sandbox.fenix.engines[0].pid, signal.SIGHUP)
        self.finish(sandbox)
        log = self.directory.joinpath('fenix-engine-1.log').read_text()
        self.assertIn(': taken, epoch 2', log)

    def test_the_bus_is_down_from_the_start(self):
        """The session goes as far as it can, and on when the bus is up."""
        wire, url = self.wire_to(self.rabbit)
        wire.cut()
        # Time enough for the receiver of alarms to reconnect as well.
        sandbox = self.start('--transport', url, '--notice', '15',
                             tend=trial.look_on)
        self.run_session(sandbox)
        trial.wait_for(lambda: sandbox.happened(
            'session', state='MAINTENANCE'))
        time.sleep(2)
        self.assertEqual([], sandbox.happened('notify'))
        wire.mend()
        self.finish(sandbox)

    def without_database(self, leave, come_back):
        """Run a session with the database away for longer than the lease."""
        admin = fenix_fixtures.admin_url('mysql')
        if admin is None:
            self.skipTest('FENIX_TEST_MYSQL_URL names no mysql server')
        wire, url = self.wire_to(
            admin.render_as_string(hide_password=False))
        sandbox = self.start('--transport', self.rabbit, '--database', url,
                             tend=trial.look_on)
        self.run_session(sandbox)
        trial.wait_for(lambda: sandbox.happened('migrate.start'), 40)
        leave(wire)
        time.sleep(3)
        come_back(wire)
        self.finish(sandbox)

    def test_the_database_is_away_for_a_while(self):
        self.without_database(broker.Wire.cut, broker.Wire.mend)

    def test_the_database_hangs_for_a_while(self):
        self.without_database(broker.Wire.freeze, broker.Wire.thaw)
