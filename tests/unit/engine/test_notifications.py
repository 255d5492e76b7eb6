# SPDX-License-Identifier: Apache-2.0
"""What is told, in which order, and what a bus that is away does to it."""

import collections
import datetime
from unittest import mock

from oslotest import base

from fenix import errors
from fenix import words
from fenix.db import models
from fenix.engine import relay
from tests.unit.engine import cases

NOW = datetime.datetime(2026, 1, 31, 10, 0, tzinfo=datetime.UTC)


class NotificationCase(cases.EngineTestCase):

    def bus_down(self, seconds, uncertain=False):
        """Have the bus away for a while from now on."""
        self.cloud.publish_error = errors.PublishError(
            'no route to the bus', uncertain=uncertain)
        self.cloud.after(seconds, setattr, self.cloud, 'publish_error', None)

    def asks(self, question):
        return [ask for ask in self.cloud.rows.asks
                if ask.question == question]


class TestOrder(NotificationCase):

    def test_in_the_order_of_the_timeline(self):
        self.prepare()
        self.run_session()
        published = [notification.message_id
                     for notification in self.cloud.published]
        noted = [event.message_id for event in self.cloud.events()
                 if event.message_id is not None]
        self.assertEqual(noted, published)

    def test_batches(self):
        self.prepare()
        self.cloud.batch = 1
        self.run_session()
        self.assert_done()

    def test_part_of_a_batch_goes_out(self):
        """What surely went out is not sent again, and nothing is lost."""
        self.prepare(hosts=3, per_host=2, spare=0)
        publish = self.cloud.publish
        broken = collections.Counter()

        def half(notifications):
            if len(notifications) > 1 and not broken[len(notifications)]:
                broken[len(notifications)] += 1
                publish(notifications[:1])
                raise errors.PublishError('lost it', published=1)
            publish(notifications)

        self.cloud.publish = half
        self.run_session()
        self.assertTrue(broken)
        told = collections.Counter(notification.message_id for notification
                                   in self.cloud.published)
        self.assertEqual({1}, set(told.values()))
        self.assert_done()

    def test_session(self):
        """Each says what it was before, how far it is, and why it failed."""
        self.prepare()
        self.vnfm.refused.add(words.PLANNED_MAINTENANCE)
        self.run_session()
        self.vnfm.refused.clear()
        self.go_on()
        told = [notification.payload
                for notification in self.cloud.published
                if notification.event_type == 'maintenance.session']
        before = 'MAINTENANCE'
        for payload in told:
            self.assertEqual(before, payload['previous_state'])
            self.assertEqual(self.cloud.rows.session.project_id,
                             payload['project_id'])
            failed = payload['state'] == 'MAINTENANCE_FAILED'
            self.assertEqual(failed, payload['reason'] is not None)
            if failed:
                self.assertIn('refused PLANNED', payload['reason'])
            before = payload['state']
        percents = [payload['percent_done'] for payload in told]
        self.assertEqual(sorted(percents), percents)
        self.assertEqual([0, 50, 100], sorted(set(percents)))
        self.assertEqual('MAINTENANCE_DONE', before)

    def test_hosts_for_further_projects(self):
        self.prepare()
        self.cloud.conf.set_override('host_event_projects',
                                     [cases.OTHER], 'notify')
        self.run_session()
        told = collections.Counter(
            notification.payload['project_id']
            for notification in self.cloud.published
            if notification.event_type == 'maintenance.host')
        self.assertEqual({self.cloud.rows.session.project_id: 4,
                          cases.OTHER: 4}, dict(told))


class TestWindow(NotificationCase):

    def test_starts_with_the_publication(self):
        self.prepare()
        self.start()
        self.cloud.run(self.step_is('compute-1', 'ask'))
        self.bus_down(1800)
        self.cloud.run()
        ask, = self.asks(words.PLANNED_MAINTENANCE)
        self.assertGreater(
            ask.published_at - ask.created_at,
            datetime.timedelta(seconds=1700))
        self.assertEqual(datetime.timedelta(seconds=120),
                         ask.reply_by - ask.published_at)
        payload, = self.vnfm.asked(words.PLANNED_MAINTENANCE)
        told = datetime.datetime.fromisoformat(
            payload['reply_at'] + '+00:00')
        self.assertLess(abs(told - ask.reply_by),
                        datetime.timedelta(seconds=2))
        self.assert_done(ignore=[7])

    def test_silence_of_the_bus_is_not_silence_of_a_project(self):
        """It does not time out into "proceed"."""
        self.prepare()
        self.start(settings={'on_no_reply': 'proceed'})
        self.cloud.run(self.step_is('compute-2', 'maintain'))
        self.bus_down(3000)
        began = self.cloud.clock.seconds()
        self.cloud.run()
        move, = self.cloud.lines('migrate.start')
        self.assertGreater(move['t'], began + 3000)

    def test_maintenance(self):
        self.prepare()
        self.bus_down(900)
        self.start(notice=60)
        self.cloud.run()
        ask, = self.asks(words.MAINTENANCE)
        self.assertEqual(
            self.cloud.conf.workflow.min_notice,
            (ask.reply_by - ask.published_at).total_seconds())
        self.assert_done(ignore=[7])

    def test_a_repetition_says_the_same(self):
        """A question that may have gone out is sent again as it was."""
        self.prepare()
        self.start()
        self.cloud.run(lambda: self.cloud.rows.session.phase == 'run_hosts')
        publish = self.cloud.publish
        lost = []

        def lose(notifications):
            publish(notifications)
            if any(n.payload['state'] == 'PLANNED_MAINTENANCE'
                   and n.event_type == 'maintenance.scheduled'
                   for n in notifications) and not lost:
                lost.append(1)
                raise errors.PublishError('no answer', uncertain=True)

        self.cloud.publish = lose
        self.cloud.run()
        first, second = self.vnfm.asked(words.PLANNED_MAINTENANCE)
        self.assertEqual(first, second)
        self.assert_done()


class TestOnce(NotificationCase):
    """Two questions make today's clients act each time they come."""

    SHAPE = {'hosts': 3, 'per_host': 2, 'spare': 0}

    def lose(self, state, heard):
        """Lose what the bus says about the first question of a kind."""
        publish = self.cloud.publish
        lost = []

        def lossy(notifications):
            hit = not lost and any(
                notification.payload['state'] == state
                and notification.event_type == 'maintenance.scheduled'
                for notification in notifications)
            if heard or not hit:
                publish(notifications)
            if hit:
                lost.append(1)
                raise errors.PublishError('no answer', uncertain=True)

        self.cloud.publish = lossy

    def test_scale_in_that_was_heard(self):
        self.prepare()
        self.lose('DOWN_SCALE', heard=True)
        self.run_session()
        self.assertEqual(1, len(self.vnfm.asked(words.SCALE_IN)))
        self.assert_done()

    def test_scale_in_that_was_not_heard(self):
        """The end of its window measures again; then it is put anew."""
        self.prepare()
        self.lose('DOWN_SCALE', heard=False)
        self.run_session()
        self.assertEqual(1, len(self.vnfm.asked(words.SCALE_IN)))
        self.assertEqual(2, len(self.asks(words.SCALE_IN)))
        self.assert_done(ignore=[7])

    def test_complete_that_was_not_heard(self):
        self.prepare()
        self.lose('MAINTENANCE_COMPLETE', heard=False)
        self.run_session()
        self.assertEqual(1, len(self.vnfm.asked(
            words.MAINTENANCE_COMPLETE)))
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)


class TestMaxDelay(NotificationCase):

    def test_the_session_fails(self):
        self.prepare()
        self.cloud.conf.set_override('max_delay', 600.0, 'notify')
        self.start()
        self.cloud.run(lambda: self.cloud.rows.session.phase == 'run_hosts')
        self.bus_down(2000)
        began = self.cloud.clock.seconds()
        self.cloud.run(
            lambda: self.cloud.state == 'MAINTENANCE_FAILED')
        self.assert_failed('notifications could not be published',
                           'no route to the bus')
        self.assertLess(self.cloud.clock.seconds(), began + 660)
        self.cloud.run()
        self.assertIn('MAINTENANCE_FAILED', self.cloud.states())
        self.go_on()
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)

    def test_continued_too_early(self):
        self.prepare()
        self.cloud.conf.set_override('max_delay', 600.0, 'notify')
        self.bus_down(1500)
        self.start()
        self.cloud.run(lambda: self.cloud.state == 'MAINTENANCE_FAILED')
        self.cloud.request('continue')
        self.cloud.run(lambda: self.cloud.state != 'MAINTENANCE_FAILED')
        self.cloud.run(lambda: self.cloud.state == 'MAINTENANCE_FAILED')
        self.assert_failed('notifications could not be published')
        self.cloud.run(lambda: self.cloud.publish_error is None)
        self.go_on()
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)

    def test_the_wait_is_in_the_timeline(self):
        self.prepare()
        self.bus_down(100)
        self.run_session()
        self.assertEqual(1, len([text for text in self.cloud.warnings()
                                 if 'notifications wait' in text]))


class TestInDoubt(base.BaseTestCase):

    def test_what_surely_was_not_sent_waits_again(self):
        """As many as may be out are sent again as they were."""
        for uncertain, kept in ((False, 0), (True, 1), (3, 3), (9, 5)):
            outbox = [models.Event(event_type='note', payload={},
                                   sending_at=NOW)
                      for _ in range(5)] + [
                models.Event(event_type='note', payload={})]
            turn = mock.Mock(change=lambda row, **values: [
                setattr(row, *item) for item in values.items()])
            relay._not_sent(turn, outbox, uncertain)
            self.assertEqual(kept, sum(event.sending_at is not None
                                       for event in outbox), uncertain)
            self.assertTrue(all(event.sending_at for event in outbox[:kept]))
