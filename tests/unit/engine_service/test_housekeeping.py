# SPDX-License-Identifier: Apache-2.0
import datetime

import oslo_config.fixture

from fenix import conf
from fenix import words
from fenix.db import clock
from fenix.db import leases
from fenix.db import models
from fenix.db import sessions
from fenix.engine import housekeeping
from tests import fixtures
from tests.functional.db import records


class HousekeepingTest(fixtures.DatabaseTestCase):

    def setUp(self):
        super().setUp()
        self.fixture = self.useFixture(oslo_config.fixture.Config(conf.CONF))
        conf.CONF([], default_config_files=[])

    def tidy(self, **options):
        self.fixture.config(group='engine', **options)
        housekeeping.tidy(conf.CONF, clock.DatabaseClock())

    def session(self, days, state=words.MAINTENANCE_DONE):
        session = records.session(
            state=state, finished_at=datetime.datetime.now(datetime.UTC)
            - datetime.timedelta(days=days))
        sessions.create(session)
        return session.id

    def test_retention(self):
        self.session(31)
        new = self.session(29)
        self.tidy()
        self.assertEqual([new], sessions.ids())
        self.tidy(retention=28.5)
        self.assertEqual([], sessions.ids())

    def test_for_ever(self):
        old = self.session(10000)
        self.tidy(retention=-1)
        self.assertEqual([old], sessions.ids())

    def test_no_longer_than_it_is_done(self):
        self.session(0.001)
        self.tidy(retention=0)
        self.assertEqual([], sessions.ids())

    def test_few_at_a_time(self):
        self.useFixture(fixtures.fixtures.MonkeyPatch(
            'fenix.engine.housekeeping.SESSIONS', 2))
        for _ in range(5):
            self.session(40)
        for left in (3, 1, 0, 0):
            self.tidy()
            self.assertEqual(left, len(sessions.ids()))

    def test_dead_engines(self):
        leases.register(models.new_id(), 'host', -25 * 3600)
        self.tidy()
        self.assertEqual([], records.everything()['engines'])
