# SPDX-License-Identifier: Apache-2.0
"""Much of everything, and a world that is slow or away for long."""

import sqlalchemy as sa

from fenix import errors
from fenix import words
from fenix.db import core
from fenix.sandbox.cloud import config as cloud_config
from tests.unit.engine import cases
from tests.unit.engine import harness

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


class Crowded(harness.Harness):
    """One project with very many small instances on few big hosts."""

    def _fill(self, hosts, per_host, spare):
        for flavor in cloud_config.CloudConfig().flavors:
            self.model.add_flavor(flavor)
        for number in range(hosts + spare):
            self.model.add_host(cloud_config.HostConfig(
                f'compute-{number + 1}', vcpus=2 * per_host,
                ram_mb=1024 * per_host, disk_gb=20 * per_host))
        self.project(harness.PROJECT)
        for number in range(hosts * per_host):
            self.model.create(
                f'vm-{number}', '2', harness.PROJECT,
                host=f'compute-{number % hosts + 1}')
        self.advance(1)


class TestManyInstances(cases.EngineTestCase):
    """A project with as many instances as one may have."""

    COUNT = 5000

    def test_until_the_first_host_is_begun(self):
        """Each instance is written once, and has no statement of its own."""
        self.cloud = self.useFixture(Crowded(4, self.COUNT // 4, 1))
        self.vnfm = self.cloud.projects[cases.PROJECT]
        self.start()
        rows = []

        def count(connection, cursor, text, values, context, many):
            rows.append(len(values) if many else 1)

        sa.event.listen(core.engine(), 'before_cursor_execute', count)
        self.cloud.run(lambda: self.vnfm.asked(words.PLANNED_MAINTENANCE))
        self.assertTrue(self.vnfm.asked(words.PLANNED_MAINTENANCE))
        # Nearly all are written when the instances are first seen.
        self.assertLess(len(rows), 400)
        self.assertLess(sum(rows), self.COUNT + 600)
        self.assertLess(sorted(rows)[-2], 100)


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
