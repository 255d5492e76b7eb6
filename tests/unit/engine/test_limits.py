# SPDX-License-Identifier: Apache-2.0
"""Much of everything, and a world that is slow or away for long."""

import sqlalchemy as sa

from fenix import errors
from fenix import words
from fenix.db import core
from tests.unit.engine import cases

HOUR = 3600


class TestBusAway(cases.EngineTestCase):

    def test_for_an_hour(self):
        """No window runs meanwhile, and then everything comes in order."""
        self.prepare(hosts=2)
        self.cloud.publish_error = errors.PublishError('no bus')
        began = self.cloud.clock.seconds()
        self.start(settings={'on_no_reply': 'proceed'})

        def come_back():
            self.assertEqual([], self.vnfm.heard)
            self.cloud.publish_error = None

        self.cloud.after(HOUR, come_back)
        self.cloud.run()
        self.assert_done(ignore=(7,))
        first = self.cloud.lines('notify')[0]
        self.assertGreaterEqual(first['t'], began + HOUR)
        self.assertEqual(words.MAINTENANCE, self.vnfm.heard[0][0])
        # Nobody was moved because his window had passed unheard.
        self.assertEqual([], [
            ask.state for ask in self.cloud.rows.asks
            if ask.state not in ('acked', 'unsubscribed')])
        published = [event.seq for event in self.cloud.events()
                     if event.published_at]
        self.assertEqual(sorted(published), published)

    def test_in_the_middle(self):
        """A question that cannot go out has no deadline."""
        self.prepare(hosts=2)
        self.start()
        self.cloud.run(self.step_is('compute-3', 'done'))
        self.cloud.publish_error = errors.PublishError('no bus')
        began = self.cloud.clock.seconds()
        self.cloud.after(HOUR, setattr, self.cloud, 'publish_error', None)
        self.cloud.run()
        self.assert_done(ignore=(7,))
        self.assertGreaterEqual(
            self.cloud.lines('migrate.start')[0]['t'], began + HOUR)


class TestSlowDatabase(cases.EngineTestCase):

    def test_a_tenth_of_a_second_for_each_statement(self):
        self.prepare(hosts=2, per_host=2)
        statements = []

        def delay(*args):
            statements.append(args[2])
            self.cloud.advance(0.1)

        sa.event.listen(core.engine(), 'before_cursor_execute', delay)
        self.run_session(notice=100)
        self.assert_done()
        self.assertGreater(len(statements), 100)


class TestManyReplies(cases.EngineTestCase):

    def test_each_question_is_answered_a_hundred_times(self):
        self.prepare(hosts=2, per_host=2)
        answer = self.vnfm.answer

        def answer_often(question, payload):
            for _ in range(100):
                answer(question, payload)

        self.vnfm.answer = answer_often
        self.run_session()
        self.assert_done()
        # What was the same and unread was stored once.
        self.assertLess(len(self.cloud.all_replies()),
                        3 * len(self.vnfm.heard))

    def test_late_and_for_what_is_over(self):
        self.prepare(hosts=2, per_host=1)
        self.run_session()
        for _, payload in list(self.vnfm.heard):
            for verdict in ('ACK_', 'NACK_'):
                self.vnfm.reply(payload, verdict + payload['state'])
        self.cloud.take()
        self.cloud.run()
        self.assert_done(ignore=(5, 7))
