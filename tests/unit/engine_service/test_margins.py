# SPDX-License-Identifier: Apache-2.0
import oslo_config.fixture
from oslo_upgradecheck import upgradecheck
from oslotest import base

from fenix import conf
from fenix import errors
from fenix.cmd import engine as command
from fenix.cmd import status
from fenix.engine import margins


class TestMargins(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        conf.CONF([], default_config_files=[])
        self.config = self.useFixture(
            oslo_config.fixture.Config(conf.CONF)).config

    def assert_refused(self, *names):
        error = self.assertRaises(
            errors.BadConfiguration, margins.check, conf.CONF)
        for name in names:
            self.assertIn(name, str(error))

    def test_the_defaults_fit(self):
        margins.check(conf.CONF)

    def test_window_within_the_way_of_a_request(self):
        """The bound itself is refused, a little more is not."""
        self.config(group='nova', timeout=10, unknown_window=30)
        self.config(group='engine', lease_time=10)
        self.assert_refused('unknown_window', 'timeout', 'lease_time')
        self.config(group='nova', unknown_window=30.1)
        margins.check(conf.CONF)

    def test_looks_rarer_than_leases_end(self):
        self.config(group='engine', lease_time=3, poll_interval=1.6)
        self.assert_refused('poll_interval', 'lease_time')
        self.config(group='engine', poll_interval=1.5)
        margins.check(conf.CONF)

    def test_a_move_is_given_up_before_it_was_looked_for(self):
        self.config(group='workflow', migration_timeout=90)
        self.assert_refused('migration_timeout', 'unknown_window')

    def test_a_confirmation_too(self):
        self.config(group='workflow', confirm_timeout=90)
        self.assert_refused('confirm_timeout', 'unknown_window')


class TestStatus(base.BaseTestCase):
    """Who upgrades hears it before an engine refuses to start."""

    def setUp(self):
        super().setUp()
        conf.CONF([], default_config_files=[])
        self.config = self.useFixture(
            oslo_config.fixture.Config(conf.CONF)).config

    def results(self):
        return [dict(checks._upgrade_checks)['Times that fit'](
                    checks(conf.CONF))
                for checks in (status.UpgradeChecks, status.Checks)]

    def test_times(self):
        for result in self.results():
            self.assertEqual(upgradecheck.Code.SUCCESS, result.code)
        self.config(group='nova', unknown_window=60)
        for result in self.results():
            self.assertEqual(upgradecheck.Code.FAILURE, result.code)
            self.assertIn('unknown_window', result.details)


class TestCommand(base.BaseTestCase):

    def refusal(self, text):
        path = self.create_tempfiles([('fenix', text)], '.conf')[0]
        self.addCleanup(conf.CONF.reset)
        return command.main(['--config-file', path])

    def test_an_engine_does_not_start(self):
        self.assertIn('unknown_window', self.refusal(
            '[database]\nconnection = sqlite://\n'
            '[nova]\nunknown_window = 5\n'))

    def test_nor_without_a_database(self):
        self.assertIn('[database] connection', self.refusal(''))
