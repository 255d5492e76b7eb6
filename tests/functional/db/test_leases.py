# SPDX-License-Identifier: Apache-2.0
import time

import fixtures as fixtures_
import sqlalchemy as sa

from fenix import metrics
from fenix.db import core
from fenix.db import inbox
from fenix.db import leases
from fenix.db import models
from fenix.db import pictures
from fenix.db import sessions
from fenix.db import types
from tests import fixtures
from tests.functional.db import records

SHORT = 0.6


@fixtures.on_each_database
class LeasesTest:
    def engine(self, lease_time=60):
        engine_id = models.new_id()
        leases.register(engine_id, 'host', lease_time)
        return engine_id

    def end_lease(self, engine_id, seconds):
        """Let a lease have run out so long ago."""
        with core.engine().begin() as connection:
            connection.execute(
                sa.update(models.Engine.__table__)
                .where(models.Engine.id == engine_id)
                .values(lease_until=types.seconds_from_now(-seconds)))

    def session(self):
        session = records.session()
        sessions.create(session)
        return session.id

    def counted(self, before=(0, 0)):
        """Return how many sessions were taken, how many from the dead."""
        return [metrics._REGISTRY.get_sample_value(f'fenix_{name}_total') - was
                for name, was in zip(('sessions_taken', 'takeovers'), before,
                                     strict=True)]

    def test_take(self):
        session = self.session()
        engine = self.engine()
        self.assertEqual([(session, 1)], leases.take(engine, 10))
        self.assertEqual([(session, 1)], leases.owned(engine))
        self.assertEqual([], leases.take(engine, 10))

    def test_from_one_that_stands_still(self):
        """What it has locked is free when its lease has run out."""
        if self.BACKEND == 'sqlite':
            self.skipTest('SQLite has no server that ends a transaction')
        session = self.session()
        first, second = self.engine(), self.engine()
        leases.take(first, 10)
        taken = []

        @core.writer
        def write_and_stand_still(db):
            db.get(models.Session, session).percent_done += 1
            db.flush()
            taken.extend(leases.take(second, 10))

        self.database.use(lease_time=1)
        self.end_lease(first, 0)
        self.assertRaises(core.ERRORS, write_and_stand_still)
        self.assertEqual([(session, 2)], taken)
        self.assertEqual(0, sessions.get(session).percent_done)

    def test_not_from_one_that_lives(self):
        session = self.session()
        first = self.engine()
        leases.take(first, 10)
        self.assertEqual([], leases.take(self.engine(), 10))
        self.assertEqual([(session, 1)], leases.owned(first))

    def test_from_one_that_died(self):
        session = self.session()
        first = self.engine(SHORT)
        leases.take(first, 10)
        second = self.engine()
        self.assertEqual([], leases.take(second, 10))
        time.sleep(SHORT + 0.1)
        before = self.counted()
        self.assertEqual([(session, 2)], leases.take(second, 10))
        self.assertEqual([], leases.owned(first))
        self.assertEqual([1, 1], self.counted(before))

    def test_from_one_whose_row_is_gone(self):
        session = self.session()
        first = self.engine()
        leases.take(first, 10)
        second = self.engine()
        before = self.counted()
        self.assertTrue(leases.give_up(session, first, 1))
        self.assertFalse(leases.give_up(session, first, 1))
        self.assertEqual([(session, 2)], leases.take(second, 10))
        self.assertEqual([1, 0], self.counted(before))
        leases.release(second)
        self.assertEqual([(session, 3)], leases.take(first, 10))
        self.assertFalse(leases.renew(second, 60))

    def test_release_gives_all_up(self):
        ids = {self.session(), self.session()}
        first = self.engine()
        leases.take(first, 10)
        leases.release(first)
        second = self.engine()
        self.assertEqual(ids, {key for key, _ in leases.take(second, 10)})

    def test_only_with_a_valid_lease(self):
        session = self.session()
        engine = self.engine(SHORT)
        time.sleep(SHORT + 0.1)
        self.assertEqual([], leases.take(engine, 10))
        self.assertFalse(leases._take(engine, session, 0))
        self.assertEqual([], leases.take(models.new_id(), 10))

    def test_renew(self):
        engine = self.engine(1)
        self.assertTrue(leases.renew(engine, SHORT))
        time.sleep(SHORT + 0.1)
        # Too late: somebody may have its sessions already.
        self.assertFalse(leases.renew(engine, 60))
        self.session()
        self.assertEqual([], leases.take(engine, 10))

    def test_two_take_one(self):
        for _ in range(5):
            session = self.session()
            first, second = self.engine(), self.engine()
            results = records.race(
                lambda a=first, b=session: leases._take(a, b, 0),
                lambda a=second, b=session: leases._take(a, b, 0))
            self.assertEqual([False, True], sorted(results))
            winner = (first, second)[results.index(True)]
            self.assertEqual(winner, sessions.get(session).owner)
            self.assertEqual(1, sessions.get(session).epoch)
            leases.release(first)
            leases.release(second)

    def test_two_take_all(self):
        ids = sorted(self.session() for _ in range(6))
        engines = [self.engine(), self.engine()]
        results = records.race(
            *[lambda a=engine: leases.take(a, 10) for engine in engines])
        taken = [pair for result in results for pair in result]
        # What one lost to the other it gets the next time.
        taken += [pair for engine in engines
                  for pair in leases.take(engine, 10)]
        self.assertEqual([(key, 1) for key in ids], sorted(taken))
        for engine in engines:
            self.assertEqual(3, len(leases.owned(engine)))

    def test_each_guard_of_taking(self):
        session = self.session()
        first, second = self.engine(), self.engine()
        self.assertTrue(leases._take(first, session, 0))
        self.assertFalse(leases._take(second, session, 1))  # has an owner
        leases.give_up(session, first, 1)
        self.assertFalse(leases._take(second, session, 0))  # was taken since
        self.assertTrue(leases._take(second, session, 1))

    def test_fair_share(self):
        for _ in range(5):
            self.session()
        first, _second = self.engine(), self.engine()
        self.assertEqual(3, len(leases.take(first, 10)))
        self.assertEqual([], leases.take(first, 10))

    def test_what_is_left_over_has_no_share(self):
        """Those who share may have died since, and nobody takes theirs."""
        sessions = [self.session() for _ in range(4)]
        dying = self.engine()
        self.assertEqual(4, len(leases.take(dying, 4)))
        for _ in range(3):
            self.engine()
        heir = self.engine()
        self.useFixture(fixtures_.MockPatchObject(leases, '_LEFT_OVER', 60))
        self.end_lease(dying, 30)
        self.assertEqual(1, len(leases.take(heir, 10)))
        self.end_lease(dying, 90)
        self.assertEqual([], leases.take(heir, 1))
        self.assertEqual(3, len(leases.take(heir, 10)))
        self.assertEqual(sorted(sessions), sorted(
            session for session, _ in leases.owned(heir)))

    def test_limit(self):
        for _ in range(3):
            self.session()
        engine = self.engine()
        self.assertEqual(2, len(leases.take(engine, 2)))
        self.assertEqual([], leases.take(engine, 2))

    def test_finished_only_when_asked(self):
        session = self.session()
        engine = self.engine()
        leases.take(engine, 10)
        pictures.commit(session, engine, 1, changed=[
            (models.Session, session, {'finished_at': records.TIME})])
        leases.release(engine)
        engine = self.engine()
        self.assertEqual([], leases.take(engine, 10))
        inbox.add_request(session, 'continue')
        self.assertEqual([(session, 2)], leases.take(engine, 10))

    def test_finished_but_not_told(self):
        session = self.session()
        engine = self.engine()
        leases.take(engine, 10)
        event = records.event(session)
        pictures.commit(
            session, engine, 1,
            added=[event, records.event(session, message_id=None)],
            changed=[(models.Session, session,
                      {'finished_at': records.TIME})])
        leases.release(engine)
        engine = self.engine()
        self.assertEqual([(session, 2)], leases.take(engine, 10))
        pictures.commit(session, engine, 2, changed=[
            (models.Event, event.id, {'published_at': records.TIME})])
        leases.release(engine)
        self.assertEqual([], leases.take(self.engine(), 10))

    def test_deleting_is_something_to_do(self):
        session = self.session()
        engine = self.engine()
        leases.take(engine, 10)
        pictures.commit(session, engine, 1, changed=[
            (models.Session, session,
             {'finished_at': records.TIME, 'deleting': True})])
        leases.release(engine)
        self.assertEqual([(session, 2)], leases.take(self.engine(), 10))

    def test_purge(self):
        living, dead = self.engine(), self.engine(-25 * 3600)
        leases.purge()
        self.assertTrue(leases.renew(living, 60))
        self.assertEqual(1, len(records.everything()['engines']))
        self.assertNotIn(dead, records.everything()['engines'][0])
