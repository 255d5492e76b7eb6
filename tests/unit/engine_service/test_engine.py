# SPDX-License-Identifier: Apache-2.0
import contextlib
import datetime
import time
from unittest import mock

import oslo_config.fixture
import oslo_db.exception

from fenix import conf
from fenix import metrics
from fenix.db import inbox
from fenix.db import leases
from fenix.db import models
from fenix.db import pictures
from fenix.db import sessions
from fenix.engine import engine as engines
from fenix.engine import posted
from fenix.workflow import turn as turns
from tests import fixtures as fenix_fixtures


class Dispatcher:
    """Remembers who was woken; turns are taken by hand."""

    def __init__(self):
        self.woken = []
        self.well = True

    def wake(self, runner):
        self.woken.append(runner)

    def healthy(self, patience):
        return self.well

    def stop(self, timeout):
        self.well = False


class TestEngine(fenix_fixtures.DatabaseTestCase):
    """Ownership of sessions; nothing of it runs by itself here."""

    def setUp(self):
        super().setUp()
        fixture = self.useFixture(oslo_config.fixture.Config(conf.CONF))
        conf.CONF([], default_config_files=[])
        fixture.config(group='engine', lease_time=30)
        self.engine = self.make_engine()

    def make_engine(self):
        engine = engines.Engine(conf.CONF)
        engine.dispatcher = Dispatcher()
        for name in ('executor', 'bell', 'publisher'):
            setattr(engine, name, mock.Mock())
        engine.executor.stop.return_value = True
        return engine

    def session(self):
        row = models.Session(
            id=models.new_id(), project_id='admin', workflow='default',
            maintenance_at=datetime.datetime.now(datetime.UTC), meta={},
            wanted_hosts=[], other_hosts=[], settings={})
        sessions.create(row, claims_hosts=[], actions=[])
        return row.id

    def start(self):
        """Have a lease, and a session."""
        self.engine._renew(30)
        session_id = self.session()
        self.engine._look_for_work()
        return session_id, self.engine._runners[session_id]

    def let_lease_run_out(self):
        leases.renew(self.engine._id, -1)

    def owner(self, session_id):
        return sessions.get(session_id).owner

    def test_takes_sessions(self):
        session_id, runner = self.start()
        self.assertEqual([runner], self.engine.dispatcher.woken)
        self.assertEqual((self.engine._id, 1), (runner.owner, runner.epoch))
        self.engine._look_for_work()
        self.assertIs(runner, self.engine._runners[session_id])
        self.assertEqual([runner], self.engine.dispatcher.woken)

    def test_tells_how_the_database_is(self):
        def told():
            return self.engine.stands().database

        self.engine.dispatcher.load = lambda: (0, 0, 0)
        self.engine.executor.load.return_value = {}
        self.assertEqual({'error': None, 'age': None}, told())
        with mock.patch.object(engines, '_now', lambda: 100.0):
            self.engine._renew(30)
        error = oslo_db.exception.DBConnectionError('mysql://me:secret@x')
        with mock.patch.object(engines, '_now', lambda: 107.5):
            with mock.patch.object(leases, 'renew', side_effect=error):
                self.assertRaises(oslo_db.exception.DBConnectionError,
                                  self.engine._renew, 30)
            self.assertEqual(
                {'error': 'DBConnectionError', 'age': 7.5}, told())
            self.engine._renew(30)
            self.assertEqual({'error': None, 'age': 0.0}, told())

    def test_the_answer_that_it_took_one_was_lost(self):
        self.engine._renew(30)
        session_id = self.session()
        self.assertEqual(1, len(leases.take(self.engine._id, 10)))
        self.engine._look_for_work()
        self.assertIn(session_id, self.engine._runners)

    def test_the_answer_that_it_gave_one_up_was_lost(self):
        session_id, runner = self.start()
        runner.ended = True
        error = oslo_db.exception.DBConnectionError()
        with mock.patch.object(leases, 'give_up', side_effect=error):
            self.engine._drop(runner)
        self.assertEqual(self.engine._id, self.owner(session_id))
        self.engine._look_for_work()
        self.assertIsNot(runner, self.engine._runners[session_id])

    def test_dropped_and_asked_for_again(self):
        session_id, runner = self.start()
        runner.ended = True
        self.engine._look.clear()
        self.engine._drop(runner)
        self.assertIsNone(self.owner(session_id))
        self.assertTrue(self.engine._look.is_set())
        inbox.add_request(session_id, 'delete')
        self.engine._look_for_work()
        self.assertEqual(2, self.engine._runners[session_id].epoch)

    def test_dropped_after_it_was_taken_again(self):
        """What is dropped is the runner, not the one that followed it."""
        session_id, runner = self.start()
        leases.give_up(session_id, runner.owner, runner.epoch)
        self.engine._look_for_work()
        new = self.engine._runners[session_id]
        self.engine._drop(runner)
        self.assertIs(new, self.engine._runners[session_id])
        self.assertEqual(new.owner, self.owner(session_id))

    def test_the_lease_ran_out(self):
        session_id, runner = self.start()
        old = self.engine._id
        self.let_lease_run_out()
        self.engine._renew(30)
        self.assertTrue(runner.lost)
        self.assertNotEqual(old, self.engine._id)
        self.engine._look_for_work()
        new = self.engine._runners[session_id]
        self.assertEqual((self.engine._id, 2), (new.owner, new.epoch))
        self.assertFalse(new.lost)
        # The old one has a last turn, in which it leaves.
        self.assertEqual(2, self.engine.dispatcher.woken.count(runner))
        runner.turn()
        self.assertTrue(runner.ended)

    def test_what_an_earlier_lease_owned_is_not_run(self):
        self.engine._renew(30)
        old = self.engine._id
        self.let_lease_run_out()
        self.engine._renew(30)
        self.engine._own(old, self.session(), 1)
        self.assertEqual({}, self.engine._runners)

    def test_may_change(self):
        self.assertFalse(self.engine.may_change())
        self.engine._renew(30)
        self.assertTrue(self.engine.may_change())
        self.engine._renew(30 * engines.MARGIN - 0.1)
        self.assertFalse(self.engine.may_change())
        self.engine._renew(30)
        self.let_lease_run_out()
        with mock.patch.object(
                leases, 'register',
                side_effect=oslo_db.exception.DBConnectionError()):
            self.assertRaises(oslo_db.exception.DBConnectionError,
                              self.engine._renew, 30)
        self.assertFalse(self.engine.may_change())

    def test_renewals_are_counted(self):
        def counted():
            return [metrics._REGISTRY.get_sample_value(
                'fenix_lease_renewals_total', {'outcome': outcome}) or 0
                for outcome in ('renewed', 'lost', 'withheld', 'failed')]

        def renew(place):
            before = counted()
            with contextlib.suppress(oslo_db.exception.DBConnectionError):
                self.engine._renew(30)
            before[place] += 1
            self.assertEqual(before, counted())

        self.engine._renew(30)      # Registers.
        renew(0)
        with mock.patch.object(
                leases, 'renew',
                side_effect=oslo_db.exception.DBConnectionError()):
            renew(3)
        self.let_lease_run_out()
        renew(1)
        self.engine.dispatcher.well = False
        renew(2)

    def test_stuck_turns(self):
        """Who takes no turns keeps no lease."""
        self.engine._renew(30)
        until = self.engine._leased_until
        self.engine.dispatcher.well = False
        time.sleep(0.01)
        self.engine._renew(30)
        self.assertEqual(until, self.engine._leased_until)

    def test_the_lease_is_kept_while_calls_end(self):
        session_id, _ = self.start()
        found = []

        def stop(timeout):
            self.assertFalse(self.engine.dispatcher.well)
            until = self.engine._leased_until
            time.sleep(0.01)
            self.engine._renew(30)
            found.extend([self.engine._leased_until > until,
                          self.engine.may_change(), self.owner(session_id)])
            return True
        self.engine.executor.stop.side_effect = stop
        owner = self.engine._id
        self.engine.stop()
        self.assertEqual([True, True, owner], found)
        self.assertIsNone(self.owner(session_id))
        self.assertFalse(self.engine.may_change())

    def test_another_takes_over_at_once(self):
        session_id, _ = self.start()
        self.engine.stop()
        other = self.make_engine()
        other._renew(30)
        other._look_for_work()
        self.assertEqual(2, other._runners[session_id].epoch)

    def test_an_engine_that_stops_takes_nothing_and_has_no_new_lease(self):
        self.engine._renew(30)
        self.engine.stop()
        self.session()
        self.engine._look_for_work()
        self.assertEqual({}, self.engine._runners)
        other = self.make_engine()
        other._stop.set()
        other._renew(30)
        self.assertIsNone(other._id)

    def test_the_last_answers_are_noted(self):
        session_id, runner = self.start()
        now = datetime.datetime.now(datetime.UTC)
        move = models.Move(
            id=models.new_id(), session_id=session_id, instance_id='vm',
            project_id='p', action='MIGRATE', source='a', target='b',
            round=0, state='intended', attempts=1,
            intended_at=now, deadline=now)
        pictures.commit(session_id, runner.owner, runner.epoch, added=[move])
        effect = turns.Effect('migrate', move.id, 'a')

        def stop(timeout):
            runner.post(posted.Result(effect, None, value='req-1'))
            return True
        self.engine.executor.stop.side_effect = stop
        self.engine.stop()
        rows = pictures.load(session_id)
        self.assertEqual([('requested', 'req-1')], [
            (row.state, row.request_id) for row in rows.moves])
        self.engine.executor.submit.assert_not_called()
