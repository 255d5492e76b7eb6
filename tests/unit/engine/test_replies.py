# SPDX-License-Identifier: Apache-2.0
"""Which replies count, and which have no effect (CONTRACT.md 3.1)."""

import fixtures

from fenix import words
from fenix.db import inbox
from fenix.engine import reading
from tests.unit.engine import cases


class TestMaintenance(cases.EngineTestCase):
    """Answers to MAINTENANCE, which is open until the start."""

    def setUp(self):
        super().setUp()
        self.prepare()
        self.vnfm.silent.add(words.MAINTENANCE)

    def ask(self, **session):
        self.start(notice=100, **session)
        self.cloud.run(lambda: any(
            ask.published_at for ask in self.cloud.rows.asks))
        self.payload = self.vnfm.heard[0][1]

    def answer_state(self):
        ask, = [ask for ask in self.cloud.rows.asks
                if ask.question == words.MAINTENANCE]
        return ask.state

    def reply(self, state, **about):
        self.vnfm.reply(self.payload, state, **about)
        self.cloud.runner.turn()

    def test_nack_after_ack_counts(self):
        self.ask()
        self.reply('ACK_MAINTENANCE')
        self.assertEqual('acked', self.answer_state())
        self.cloud.after(5, self.vnfm.reply, self.payload,
                         'NACK_MAINTENANCE')
        self.cloud.run()
        self.assert_failed('refused MAINTENANCE')

    def test_ack_after_nack_does_not(self):
        self.ask()
        self.vnfm.reply(self.payload, 'NACK_MAINTENANCE')
        self.vnfm.reply(self.payload, 'ACK_MAINTENANCE')
        self.cloud.run()
        self.assert_failed('refused MAINTENANCE')

    def test_of_replies_that_came_together_the_refusal_counts(self):
        self.ask()
        self.vnfm.reply(self.payload, 'ACK_MAINTENANCE')
        self.vnfm.reply(self.payload, 'NACK_MAINTENANCE')
        self.cloud.run()
        self.assert_failed('refused MAINTENANCE')

    def test_repeated(self):
        self.ask()
        for _ in range(4):
            self.reply('ACK_MAINTENANCE')
        self.cloud.run()
        self.assert_done()

    def read_in_batches(self, *states, until=None):
        """Have the engine read, by twos, after the window has ended."""
        self.useFixture(fixtures.MonkeyPatch('fenix.db.inbox.BATCH', 2))
        for state in states:
            self.vnfm.reply(self.payload, state)
            self.cloud.advance(0.1)
        self.cloud.advance(101)
        self.cloud.run(until)

    def unread(self):
        return sum(reply.consumed_at is None
                   for reply in self.cloud.all_replies())

    def test_many_unread_at_the_end(self):
        """What came within the window counts, however much is unread."""
        others = ['ACK_DOWN_SCALE', 'NACK_DOWN_SCALE'] * 3
        for new_engine in (False, True):
            with self.subTest(new_engine):
                self.prepare()
                self.vnfm.silent.add(words.MAINTENANCE)
                self.ask()
                if new_engine:
                    self.cloud.take()
                self.read_in_batches(*others, 'ACK_MAINTENANCE')
                self.assert_done()

    def test_refused_behind_many_unread(self):
        self.ask()
        self.read_in_batches(
            'ACK_MAINTENANCE', *['ACK_DOWN_SCALE', 'NACK_DOWN_SCALE'] * 3,
            'NACK_MAINTENANCE')
        self.assert_failed('refused MAINTENANCE')

    def test_continued_behind_many_unread(self):
        """Windows are not looked at before what came within them is read."""
        self.ask()
        self.useFixture(fixtures.MonkeyPatch('fenix.db.inbox.BATCH', 2))
        self.vnfm.reply(self.payload, 'ACK_MAINTENANCE')
        self.vnfm.reply(self.payload, 'NACK_MAINTENANCE')
        session_id = self.cloud.session_id
        inbox.add_request(session_id, 'continue')
        inbox.add_request(session_id, 'delete')
        replies, requests = reading.unread(session_id)
        self.assertEqual(2, len(replies))
        self.assertEqual(['delete'], [each.kind for each in requests])

    def test_many_unread_that_came_late(self):
        """Nobody keeps a window open by going on for ever."""
        self.ask()
        self.cloud.advance(101)
        self.read_in_batches(
            *['ACK_MAINTENANCE', 'NACK_MAINTENANCE'] * 20,
            until=lambda: self.cloud.rows.session.reason)
        self.assertGreater(self.unread(), 30)
        self.cloud.run()
        self.assert_failed('did not answer MAINTENANCE')
        self.assertEqual(0, self.unread())

    def test_late(self):
        self.ask()
        self.cloud.advance(101)
        self.reply('ACK_MAINTENANCE')
        self.cloud.run()
        self.assert_failed('did not answer MAINTENANCE')

    def test_other_states_do_not_count(self):
        self.ask()
        for state in ('ACK_PLANNED_MAINTENANCE', 'NACK_DOWN_SCALE',
                      'ACK_INSTANCE_ACTION_DONE', 'ACK_ADMIN_ACTION_DONE',
                      'ACK_', 'MAINTENANCE', 'ACK_MAINTENANCE_COMPLETE',
                      'rubbish'):
            self.reply(state)
            self.assertEqual('open', self.answer_state(), state)

    def test_another_project_does_not_answer(self):
        self.ask()
        inbox.add_reply(self.cloud.session_id, cases.OTHER,
                        'ACK_MAINTENANCE')
        self.cloud.ring()
        self.cloud.runner.turn()
        self.assertEqual('open', self.answer_state())

    def test_a_reply_before_the_publication_is_noted(self):
        self.start(notice=100)
        self.cloud.run(lambda: self.vnfm.heard)
        # It was heard, and the engine has not noted yet that it was sent.
        self.payload = self.vnfm.heard[0][1]
        self.assertIsNone(self.cloud.rows.asks[0].published_at)
        self.vnfm.reply(self.payload, 'ACK_MAINTENANCE')
        self.cloud.run()
        self.assert_done()

    def test_refused_because_of_a_stale_list(self):
        """The list is observed again, and asked about once more."""
        self.ask()
        self.cloud.create('new', 'compute-2')
        self.vnfm.silent.clear()
        self.vnfm.reply(self.payload, 'NACK_MAINTENANCE')
        self.cloud.run()
        self.assertEqual(2, len(self.vnfm.asked(words.MAINTENANCE)))
        self.assert_done()

    def test_refused_again_after_a_stale_list(self):
        self.ask()
        self.cloud.create('new', 'compute-2')
        self.vnfm.silent.clear()
        self.vnfm.refused.add(words.MAINTENANCE)
        self.vnfm.reply(self.payload, 'NACK_MAINTENANCE')
        self.cloud.run()
        self.assertEqual(2, len(self.vnfm.asked(words.MAINTENANCE)))
        self.assert_failed('refused MAINTENANCE')
        # The administrator talks to the tenant, and continues.
        self.vnfm.refused.clear()
        self.go_on()
        self.assertEqual(3, len(self.vnfm.asked(words.MAINTENANCE)))
        self.assert_done()

    def test_the_start_moves_but_not_the_notice(self):
        self.prepare(options={'min_notice': 50})
        self.start(notice=5)
        self.cloud.run(lambda: self.vnfm.heard)
        asked = self.cloud.clock.now()
        self.cloud.run(lambda: self.cloud.rows.session.phase != 'announce')
        self.assertGreaterEqual(
            (self.cloud.clock.now() - asked).total_seconds(), 50)
        self.cloud.run()
        self.assert_done()

    def test_the_start_has_passed_when_the_engine_comes_up(self):
        self.vnfm.silent.clear()
        self.cloud.session(notice=30)
        self.cloud.advance(3600)
        self.cloud.take()
        self.cloud.run()
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)
        asked, = self.vnfm.asked(words.MAINTENANCE)
        self.assertGreater(asked['reply_at'],
                           f'{self.cloud.rows.session.maintenance_at}')


class TestHostQuestion(cases.EngineTestCase):
    """Answers to PLANNED_MAINTENANCE, in each form."""

    SHAPE = {'hosts': 1, 'per_host': 2, 'spare': 1}

    def ask(self, constrained=(), **options):
        self.prepare(options=options)
        for name in constrained:
            self.cloud.constrain(name)
        self.vnfm.silent.add(words.PLANNED_MAINTENANCE)
        self.start()
        self.cloud.run(lambda: len(self.payloads()) > bool(constrained))
        self.ids = [self.cloud.server(f'vm-{number}').id
                    for number in range(2)]

    def payloads(self):
        return self.vnfm.asked(words.PLANNED_MAINTENANCE)

    def prepare(self, **shape):
        cloud = super().prepare(hosts=0, spare=2, **shape)
        for number in range(2):
            cloud.create(f'vm-{number}', 'compute-1')
        return cloud

    def reply(self, state='ACK_PLANNED_MAINTENANCE', payload=0, **about):
        self.vnfm.reply(self.payloads()[payload], state, **about)

    def moved_by(self):
        return {self.cloud.model.servers[line['server']].name: line['what']
                for line in self.cloud.timeline
                if line['what'] in ('migrate.start', 'live-migrate.start')}

    def test_actions_by_instance(self):
        self.ask()
        self.reply(actions={self.ids[0]: 'MIGRATE',
                            self.ids[1]: 'LIVE_MIGRATE'})
        self.cloud.run()
        self.assertEqual({'vm-0': 'migrate.start',
                          'vm-1': 'live-migrate.start'}, self.moved_by())
        self.assert_done()

    def test_one_action_for_all(self):
        self.ask()
        self.reply(action='LIVE_MIGRATE')
        self.cloud.run()
        self.assertEqual({'live-migrate.start'},
                         set(self.moved_by().values()))
        self.assert_done()

    def test_no_action(self):
        self.ask(default_action='LIVE_MIGRATE')
        self.reply()
        self.cloud.run()
        self.assertEqual({'live-migrate.start'},
                         set(self.moved_by().values()))
        self.assert_done()

    def test_an_unknown_action_is_substituted(self):
        self.ask()
        self.reply(actions={self.ids[0]: 'EXPLODE', self.ids[1]: 'MIGRATION'})
        self.cloud.run()
        self.assertEqual({'migrate.start'}, set(self.moved_by().values()))
        self.assertEqual(1, sum('EXPLODE' in text
                                for text in self.cloud.warnings()))
        self.assert_done()

    def test_instance_by_instance_against_the_form_for_a_project(self):
        """The question is decided when each of its instances is."""
        self.ask()
        self.reply(instance=self.ids[0], action='LIVE_MIGRATE')
        self.cloud.runner.turn()
        self.assertEqual({}, self.moved_by())
        self.reply(instance=self.ids[1], action='MIGRATE')
        self.cloud.run()
        self.assertEqual({'vm-0': 'live-migrate.start',
                          'vm-1': 'migrate.start'}, self.moved_by())
        self.assert_done()

    def test_one_instance_refused_against_the_form_for_a_project(self):
        self.ask()
        self.reply(instance=self.ids[0])
        self.reply('NACK_PLANNED_MAINTENANCE', instance=self.ids[1])
        self.cloud.run()
        self.assert_failed('refused PLANNED_MAINTENANCE')

    def test_for_a_project_against_the_form_for_an_instance(self):
        """One answer on the project's URL counts for all that is asked."""
        self.ask(constrained=['vm-0', 'vm-1'])
        for payload in self.payloads():
            self.assertEqual(1, len(payload['instance_ids']))
        inbox.add_reply(self.cloud.session_id, cases.PROJECT,
                        'ACK_PLANNED_MAINTENANCE', action='LIVE_MIGRATE')
        self.cloud.ring()
        self.cloud.run()
        self.assertEqual({'live-migrate.start'},
                         set(self.moved_by().values()))
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)

    def test_instance_by_instance(self):
        self.ask(constrained=['vm-0', 'vm-1'])
        self.reply(payload=1)
        self.cloud.runner.turn()
        self.reply(payload=0)
        self.cloud.run()
        self.assert_done()

    def test_both_vocabularies_are_understood(self):
        for spelling in ('ACK_PLANNED_MAINTENANCE',
                         'PLANNED_MAINTENANCE_ACK'):
            with self.subTest(spelling):
                self.ask()
                self.reply(spelling)
                self.cloud.run()
                self.assertEqual('MAINTENANCE_DONE', self.cloud.state)

    def test_a_late_repeat_for_an_earlier_host(self):
        """It names instances that the open question is not about."""
        super().prepare(hosts=2, per_host=1, spare=1)
        self.vnfm.silent.add(words.PLANNED_MAINTENANCE)
        self.start()
        self.cloud.run(self.payloads)
        first = {self.cloud.server('vm-0').id: 'MIGRATE'}
        self.reply(actions=first)
        self.cloud.run(lambda: len(self.payloads()) == 2)
        self.reply(payload=1, actions=first)
        self.cloud.runner.turn()
        self.assertEqual(1, len(self.cloud.lines('migrate.start')))
        self.assertEqual(1, [ask.state for ask in self.cloud.rows.asks]
                         .count('open'))
        self.reply(payload=1, action='MIGRATE')
        self.cloud.run()
        self.assert_done()


class TestScaleIn(cases.EngineTestCase):

    def test_both_vocabularies(self):
        for state in ('ACK_DOWN_SCALE', 'ACK_SCALE_IN'):
            with self.subTest(state):
                self.prepare(hosts=3, per_host=2, spare=0)
                self.vnfm.silent.add(words.SCALE_IN)
                self.start()
                self.cloud.run(lambda: self.vnfm.asked(words.SCALE_IN))
                self.vnfm.remove(2)
                self.vnfm.reply(self.vnfm.asked(words.SCALE_IN)[0], state)
                asked = self.cloud.clock.now()
                self.cloud.run(lambda: self.cloud.lines('migrate.start'))
                self.assertLess(
                    (self.cloud.clock.now() - asked).total_seconds(), 60)
                self.cloud.run()
                self.assert_done()
