# SPDX-License-Identifier: Apache-2.0
"""Sessions of one engine choose different targets for their instances."""

import datetime

from oslotest import base

from fenix import errors
from fenix.clouds import base as clouds
from fenix.size import Size
from fenix.workflow import bookings
from tests.unit.engine import cases

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
SECOND = datetime.timedelta(seconds=1)
ONE = Size(1, 1024, 10)


def survey(*consumers):
    """Return a survey of one host, on which these have room already."""
    return clouds.Survey(hosts={}, groups={}, servers={}, capacities={
        'target': clouds.Capacity(host='target', total=ONE, used=Size(),
                                  consumers=frozenset(consumers))})


class TestBookings(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.bookings = bookings.Bookings()
        self.bookings.book('mine', 'vm', bookings.Booking(
            'source', 'target', ONE))

    def taken(self, found=None, session='other', since=NOW):
        return self.bookings.taken(session, found or survey(), since)

    def test_what_others_have_booked_is_taken(self):
        self.assertEqual({'target': ONE}, self.taken())

    def test_own_bookings_are_not(self):
        self.assertEqual({}, self.taken(session='mine'))

    def test_what_the_survey_shows_counts_once(self):
        self.assertEqual({}, self.taken(survey('vm')))

    def test_several_on_one_host(self):
        self.bookings.book('third', 'vm-2', bookings.Booking(
            'source', 'target', ONE))
        self.assertEqual({'target': ONE + ONE}, self.taken())

    def test_who_arrived_counts_in_surveys_that_began_before(self):
        self.bookings.arrived('mine', 'vm', NOW)
        self.assertEqual({'target': ONE}, self.taken(since=NOW - SECOND))
        self.assertEqual({}, self.taken(since=NOW + SECOND))

    def test_who_arrived_long_ago_is_forgotten(self):
        self.bookings.arrived('mine', 'vm', NOW)
        self.taken(since=NOW + bookings.KEPT + SECOND)
        self.assertEqual({}, self.taken(since=NOW - SECOND))

    def test_cancelled(self):
        self.bookings.cancel('mine', 'another source')
        self.bookings.cancel('mine', 'source', 'another vm')
        self.assertEqual({'target': ONE}, self.taken())
        self.bookings.cancel('mine', 'source')
        self.assertEqual({}, self.taken())

    def test_a_plan_that_is_cancelled_leaves_who_arrived(self):
        self.bookings.arrived('mine', 'vm', NOW)
        self.bookings.cancel('mine', 'source')
        self.assertEqual({'target': ONE}, self.taken(since=NOW - SECOND))

    def test_dropped(self):
        self.bookings.drop('mine')
        self.assertEqual({}, self.taken())


class TestSessions(cases.EngineTestCase):

    SHAPE = {'hosts': 1, 'per_host': 1, 'spare': 2}

    def other_books(self, target):
        free = self.cloud.cloud.survey().capacities[target].free
        self.cloud.bookings.book('other', 'somebody', bookings.Booking(
            'elsewhere', target, free))

    def booked(self):
        """Return where others see the session's instances going."""
        now = self.cloud.clock.now()
        return set(self.cloud.bookings.taken(
            'other', self.cloud.cloud.survey(), now))

    def targets(self):
        return [row.target for row in self.cloud.rows.moves]

    def test_what_nobody_has_booked_is_taken_first(self):
        self.run_session()
        self.assertEqual(['compute-2'], self.targets())

    def test_what_another_session_has_booked_is_left_to_it(self):
        self.prepare()
        self.other_books('compute-2')
        self.run_session()
        self.assertEqual(['compute-3'], self.targets())
        self.assert_done()

    def test_what_was_booked_while_a_plan_was_forgotten(self):
        """Who has agreed is moved: Nova may say no, a booking may not."""
        self.prepare(spare=1)
        self.start(hosts=['compute-1'])
        self.cloud.run(self.step_is('compute-1', 'ask'))
        self.cloud.bookings.drop(self.cloud.session_id)
        self.other_books('compute-2')
        self.cloud.take()
        self.cloud.run()
        self.assertEqual(['compute-2'], self.targets())
        self.assert_done()

    def test_what_another_session_will_empty_comes_last(self):
        self.prepare()
        self.cloud.bookings.will_empty('other', ['compute-2'])
        self.run_session(hosts=['compute-1'])
        self.assertEqual(['compute-3'], self.targets())

    def test_what_another_session_will_empty_if_there_is_nothing_else(self):
        self.prepare(spare=1)
        self.cloud.bookings.will_empty('other', ['compute-2'])
        self.run_session(hosts=['compute-1'])
        self.assertEqual(['compute-2'], self.targets())

    def test_hosts_are_to_be_emptied_until_they_are_done(self):
        self.start(hosts=['compute-1'])
        self.cloud.run(self.step_is('compute-1', 'ask'))
        self.assertEqual({'compute-1'},
                         self.cloud.bookings.to_be_emptied('other'))
        self.assertEqual(set(), self.cloud.bookings.to_be_emptied(
            self.cloud.session_id))
        self.cloud.run()
        self.assertEqual(set(), self.cloud.bookings.to_be_emptied('other'))

    def test_booked_as_soon_as_it_is_planned(self):
        self.start()
        self.cloud.run(self.step_is('compute-1', 'ask'))
        self.assertEqual({'compute-2'}, self.booked())

    def test_booked_anew_by_the_next_owner(self):
        self.start()
        self.cloud.run(lambda: self.cloud.rows.moves)
        self.cloud.bookings.drop(self.cloud.session_id)
        self.cloud.take()
        self.cloud.runner.turn()
        self.assertEqual({'compute-2'}, self.booked())

    def test_forgotten_with_a_turn_that_was_not_committed(self):
        self.start()
        self.cloud.run(self.step_is('compute-1', 'ask'))
        self.cloud.runner._forget()
        self.assertEqual(set(), self.booked())

    def test_a_target_that_refused(self):
        """Its room is given back, and the cloud is looked at anew."""
        self.prepare()
        self.cloud.cloud.fault = self.refuse
        surveys = []
        survey = self.cloud.cloud.survey
        self.cloud.cloud.survey = lambda: (
            surveys.append(self.cloud.clock.seconds()), survey())[1]
        self.start()
        self.cloud.run(lambda: len(self.cloud.rows.moves) == 2)
        # On this clock both begin in the same moment.
        refused, second = sorted(self.cloud.rows.moves,
                                 key=lambda move: move.state != 'refused')
        self.assertEqual('refused', refused.state)
        self.assertEqual(['compute-2', 'compute-3'],
                         [refused.target, second.target])
        self.assertTrue(any(
            at >= refused.ended_at.timestamp() for at in surveys))
        self.assertEqual({'compute-3'}, self.booked())

    def refuse(self, kind):
        if kind == 'migrate':
            self.cloud.cloud.fault = lambda kind: None
            raise errors.TargetRefused('compute-2 is full')
