# SPDX-License-Identifier: Apache-2.0
import datetime
import time

import oslo_db.exception
import sqlalchemy as sa

from fenix import errors
from fenix.db import clock
from fenix.db import core
from fenix.db import models
from fenix.db import sessions
from fenix.db import types
from tests import fixtures
from tests.functional.db import records


@core.writer
def bump(db, session_id):
    session = db.get(models.Session, session_id, with_for_update=True)
    session.percent_done += 1


@fixtures.on_each_database
class TransactionTest:
    def setUp(self):
        super().setUp()
        self.session = records.session()
        sessions.create(self.session)

    def percent(self):
        return sessions.get(self.session.id).percent_done

    def test_read_then_written_by_many(self):
        each = 10

        def work():
            for _ in range(each):
                bump(self.session.id)

        self.assertEqual([None] * 8, records.race(*[work] * 8))
        self.assertEqual(8 * each, self.percent())

    def test_deadlock_runs_again(self):
        attempts = []

        @core.writer
        def unlucky(db):
            attempts.append(db)
            db.get(models.Session, self.session.id).percent_done += 1
            db.flush()
            if len(attempts) < 3:
                raise oslo_db.exception.DBDeadlock()

        unlucky()
        self.assertEqual(3, len(attempts))
        self.assertEqual(1, self.percent())

    def test_lost_connection(self):
        """It is told, and the next transaction gets a new one."""
        kill = {'mysql': 'KILL {}', 'postgresql':
                'SELECT pg_terminate_backend({})'}.get(self.BACKEND)
        if kill is None:
            self.skipTest('SQLite has no connection to lose')
        number = {'mysql': 'SELECT CONNECTION_ID()',
                  'postgresql': 'SELECT pg_backend_pid()'}[self.BACKEND]

        @core.writer
        def unlucky(db):
            db.get(models.Session, self.session.id).percent_done += 1
            db.flush()
            own = db.scalar(sa.text(number))
            with core.engine().connect() as connection:
                connection.execute(sa.text(kill.format(own)))
            time.sleep(0.1)

        self.assertRaises(core.ERRORS, unlucky)
        self.assertEqual(0, self.percent())

    def test_exception_rolls_back(self):
        @core.writer
        def broken(db):
            db.get(models.Session, self.session.id).percent_done = 50
            db.flush()
            raise ValueError

        self.assertRaises(ValueError, broken)
        self.assertEqual(0, self.percent())

    def test_reader_writes_nothing(self):
        @core.reader
        def wrong(db):
            db.get(models.Session, self.session.id).percent_done = 50
            db.flush()

        wrong()
        self.assertEqual(0, self.percent())

    def test_records_are_detached_and_whole(self):
        found = sessions.get(self.session.id)
        found.percent_done = 99
        self.assertEqual(0, self.percent())
        self.assertEqual(
            {'openstack_version': 'X'}, found.meta)
        self.assertEqual(records.TIME, found.maintenance_at)
        self.assertIsNone(found.scale_in_free)
        self.assertTrue(sa.inspect(found).detached)

    def test_any_character(self):
        text = 'höst \U0001F600'
        other = records.session(project_id=text, reason=text, meta={'a': text})
        sessions.create(other)
        found = sessions.get(other.id)
        self.assertEqual((text, text, {'a': text}),
                         (found.project_id, found.reason, found.meta))

    def test_what_no_database_stores(self):
        other = records.session(reason='a\0b', project_id='a\ud800b',
                                meta={'a\0': ['\ud800', 1, None]})
        sessions.create(other, actions=[])
        found = sessions.get(other.id)
        self.assertEqual(('a\ufffdb', 'a?b', {'a\ufffd': ['?', 1, None]}),
                         (found.reason, found.project_id, found.meta))
        self.assertRaises(errors.SessionNotFound, sessions.get, 'a\0b')

    def test_long_output(self):
        run = records.run(self.session.id, output='x' * 1000000 + '\0')
        with core.engine().begin() as connection:
            connection.execute(sa.insert(models.ActionRun.__table__), {
                column.key: getattr(run, column.key)
                for column in models.ActionRun.__table__.columns})
        (found,) = sessions.details(self.session.id).runs
        self.assertEqual(run.output[:-1] + '\ufffd', found.output)

    def test_names_that_differ_in_case(self):
        sessions.create(records.session(), ['cmp-1'])
        sessions.create(records.session(), ['CMP-1'])
        self.assertRaises(errors.HostClaimed, sessions.create,
                          records.session(), ['cmp-1'])


@fixtures.on_each_database
class ClockTest:
    def test_now(self):
        here = datetime.datetime.now(datetime.UTC)
        there = clock.now()
        self.assertEqual(datetime.UTC, there.tzinfo)
        self.assertLess(abs(there - here), datetime.timedelta(seconds=5))

    def test_database_clock(self):
        ours = clock.DatabaseClock()
        for _ in range(3):
            error = ours.now() - clock.now()
            self.assertLess(abs(error), datetime.timedelta(milliseconds=100))
            time.sleep(0.02)

    def test_sync_follows_the_database(self):
        ours = clock.DatabaseClock()
        ours.sync()
        ours._zero -= datetime.timedelta(hours=1)
        self.assertLess(ours.now(),
                        clock.now() - datetime.timedelta(minutes=59))
        ours.sync()
        self.assertLess(abs(ours.now() - clock.now()),
                        datetime.timedelta(seconds=1))

    def test_seconds_from_now(self):
        @core.reader
        def ask(db, seconds):
            return db.execute(sa.select(
                types.utcnow(), types.seconds_from_now(seconds))).one()

        for seconds in (0, 90, -90, 1.5, -0.25, 86400 * 40):
            now, then = ask(seconds)
            self.assertAlmostEqual(
                seconds, (then - now).total_seconds(), delta=0.05)

    def test_goes_on_within_a_transaction(self):
        @core.reader
        def twice(db):
            first = db.scalar(sa.select(types.utcnow()))
            time.sleep(0.05)
            return first, db.scalar(sa.select(types.utcnow()))

        first, second = twice()
        self.assertGreater(second - first,
                           datetime.timedelta(milliseconds=40))


class SQLiteTest(fixtures.DatabaseTestCase):
    def test_settings(self):
        with core.engine().connect() as connection:
            for pragma, value in (('journal_mode', 'wal'),
                                  ('synchronous', 2), ('foreign_keys', 1),
                                  ('busy_timeout', 10000)):
                self.assertEqual(value, connection.exec_driver_sql(
                    f'PRAGMA {pragma}').scalar())

    def test_writer_waits_and_reader_does_not(self):
        """A writer has the lock from its first statement on."""
        session = records.session()
        sessions.create(session)
        seen = []

        @core.writer
        def slow(db):
            db.get(models.Session, session.id)
            time.sleep(0.3)
            db.execute(sa.update(models.Session).values(percent_done=10))

        def read():
            time.sleep(0.1)
            start = time.monotonic()
            sessions.get(session.id)
            seen.append(time.monotonic() - start)

        self.assertEqual(
            [None] * 3, records.race(slow, lambda: bump(session.id), read))
        self.assertLess(seen[0], 0.15)
        self.assertIn(sessions.get(session.id).percent_done, (10, 11))
