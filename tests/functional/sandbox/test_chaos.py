# SPDX-License-Identifier: Apache-2.0
"""``fenix-sandbox chaos`` with a handful of kills.

On a PostgreSQL of its own with the message bus of the tests, and without
servers. On servers of its own, of which all bars count, it is a check of
``.ci/run``.
"""

import contextlib
import io
import json
import os
import pathlib

import fixtures
import testtools

from fenix.sandbox import command
from fenix.sandbox.chaos import servers
from tests import fixtures as fenix_fixtures


class TestChaos(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path)

    def run_chaos(self, *arguments):
        """Return the exit code and the figures of a small run."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = command.main([
                'chaos', '--json', '--sessions', '2', '--seconds', '150',
                '--patience', '300', '--directory',
                str(self.directory), *arguments])
        self.addDetail('story', testtools.content.text_content(
            err.getvalue()))
        figures = json.loads(out.getvalue().splitlines()[-1])
        return code, figures

    def chaos(self, *arguments):
        """Run, and bear everything but that it takes its time.

        The machine of the tests may be slow: how long takeovers take is
        for the long runs to judge.
        """
        _, figures = self.run_chaos('--kills', '4', *arguments)
        for name in ('second_changes', 'lost_replies', 'lost_notifications',
                     'rules_broken', 'internal_errors', 'epochs_fell'):
            self.assertEqual(0, figures[name], (name, figures['violations']))
        self.assertEqual([], figures['unexpected'])
        self.assertEqual((0, 0), (figures['sessions']['stuck'],
                                  figures['sessions']['lost']))
        self.assertGreaterEqual(figures['sessions']['done'], 1)
        self.assertGreaterEqual(figures['kills'], 4)
        self.assertEqual(figures['kills'], figures['kills_at_points']
                         + figures['kills_at_times'])
        return figures

    def rabbit(self):
        url = os.environ.get('FENIX_TEST_RABBIT_URL')
        if not url:
            self.skipTest('FENIX_TEST_RABBIT_URL names no RabbitMQ')
        return '--transport', url

    def test_postgresql(self):
        bus = self.rabbit()
        if fenix_fixtures.admin_url('postgresql') is None:
            self.skipTest('no PostgreSQL is there')
        figures = self.chaos('--database', 'postgresql', *bus)
        self.assertEqual(1, len(figures['left_out']), figures['left_out'])
        self.assertEqual('postgresql', figures['database'])

    def test_without_servers(self):
        figures = self.chaos('--database', 'sqlite')
        self.assertIn('is not restarted', figures['left_out'][0])
        self.assertIn('no message bus', figures['left_out'][1])

    def test_kills_that_were_not_done_fail_it(self):
        code, figures = self.run_chaos(
            '--database', 'sqlite', '--kills', '50', '--seconds', '5')
        self.assertEqual(1, code)
        self.assertFalse(figures['good'])
        self.assertLess(figures['kills'], 50)


class TestServers(testtools.TestCase):
    """A server comes back with what was committed, however it ended."""

    def setUp(self):
        super().setUp()
        path = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        path.chmod(0o755)
        for parent in path.parents:
            if parent.stat().st_mode & 0o001 == 0:
                self.skipTest(f'{parent} is closed to other users')
        self.path = path / 'server'

    def start(self, kind):
        try:
            return self.enter(servers.running(kind(self.path)))
        except servers.ServerError as error:
            if 'is not installed' in str(error):
                self.skipTest(str(error))
            raise

    def enter(self, manager):
        value = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return value

    def restart(self, kind):
        server = self.start(kind)
        for hard in (True, False):
            server.stop(hard)
            self.assertFalse(server.serves())
            server.start()
            self.assertTrue(server.serves())

    def test_mariadb(self):
        self.restart(servers.MariaDB)

    def test_postgresql(self):
        self.restart(servers.PostgreSQL)

    def test_rabbitmq(self):
        self.restart(servers.RabbitMQ)
