# SPDX-License-Identifier: Apache-2.0
import fixtures as fixtures_

from fenix import errors
from fenix.db import inbox
from fenix.db import leases
from fenix.db import models
from fenix.db import pictures
from fenix.db import sessions
from tests import fixtures
from tests.functional.db import records


@fixtures.on_each_database
class InboxTest:
    def setUp(self):
        super().setUp()
        self.engine = models.new_id()
        leases.register(self.engine, 'host', 60)
        session = records.session()
        sessions.create(session)
        self.sid = session.id
        leases.take(self.engine, 10)

    def reply(self, state='ACK_MAINTENANCE', project='p1', **values):
        return inbox.add_reply(self.sid, project, state, **values)

    def consume(self, *ids):
        pictures.commit(self.sid, self.engine, 1, consumed_replies=ids)

    def test_reply(self):
        chosen = {'i1': 'MIGRATE', 'i2': 'OWN_ACTION'}
        made = models.new_id()
        self.assertEqual(made, self.reply(
            action='MIGRATE', actions=chosen, instance_id='i1',
            reply_id=made))
        (found,), _ = inbox.unread(self.sid)
        self.assertEqual(
            (made, 'p1', 'i1', 'ACK_MAINTENANCE', 'MIGRATE', chosen, None),
            (found.id, found.project_id, found.instance_id, found.state,
             found.action, found.actions, found.consumed_at))
        self.assertIsNotNone(found.received_at.tzinfo)

    def test_request(self):
        request = inbox.add_request(self.sid, 'report', {'run': 'r1'})
        _, (found,) = inbox.unread(self.sid)
        self.assertEqual((request, 'report', {'run': 'r1'}),
                         (found.id, found.kind, found.body))

    def test_order_of_arrival(self):
        ids = [self.reply(project=f'p{number}') for number in range(9)]
        self.assertEqual(ids, [row.id for row in inbox.unread(self.sid)[0]])

    def test_in_batches(self):
        """What is consumed makes room for what came next."""
        self.useFixture(fixtures_.MonkeyPatch('fenix.db.inbox.BATCH', 2))
        ids = [self.reply(project=f'p{number}') for number in range(5)]
        found = []
        while batch := inbox.unread(self.sid)[0]:
            self.assertLessEqual(len(batch), 2)
            found += [row.id for row in batch]
            self.consume(*[row.id for row in batch])
        self.assertEqual(ids, found)
        for run in range(3):
            inbox.add_request(self.sid, 'report', {'run': run})
        self.assertEqual([0, 1], [
            row.body['run'] for row in inbox.unread(self.sid)[1]])

    def test_one_who_changes_his_mind_for_ever(self):
        def change_mind(**values):
            for number in range(inbox.MOST_REPLIES):
                self.reply(('N' * (number % 2)) + 'ACK_MAINTENANCE',
                           **values)

        change_mind()
        change_mind(instance_id='i1')
        before = records.everything()
        for values in ({}, {'instance_id': 'i1'}):
            error = self.assertRaises(
                errors.InboxFull, self.reply, 'ACK_MAINTENANCE', **values)
            self.assertEqual(503, error.status)
        self.assertEqual(before, records.everything())
        # A repetition takes no room, and nobody else is kept out.
        self.reply('NACK_MAINTENANCE')
        self.assertEqual(before, records.everything())
        self.reply(project='p2')
        self.reply(instance_id='i2')
        self.consume(inbox.unread(self.sid)[0][0].id)
        self.reply()

    def test_requests(self):
        self.useFixture(
            fixtures_.MonkeyPatch('fenix.db.inbox.MOST_REQUESTS', 3))
        ids = [inbox.add_request(self.sid, 'report', {'run': 1, 'state': word})
               for word in ('DONE', 'DONE', 'FAILED', 'DONE')]
        self.assertEqual(ids[0], ids[1])
        self.assertEqual(3, len(set(ids)))
        self.assertRaises(errors.InboxFull, inbox.add_request, self.sid,
                          'report', {'run': 2})
        # Whatever is reported, a session can be ended.
        self.assertEqual({'report'}, inbox.asked(self.sid))
        ends = {inbox.add_request(self.sid, 'delete') for _ in range(5)}
        self.assertEqual(1, len(ends))
        self.assertEqual({'report', 'delete'}, inbox.asked(self.sid))
        pictures.commit(self.sid, self.engine, 1, consumed_requests=ids)
        self.assertEqual({'delete'}, inbox.asked(self.sid))

    def test_same_reply_is_kept_once(self):
        first = self.reply(actions={'i1': 'MIGRATE'})
        self.assertEqual(first, self.reply(actions={'i1': 'MIGRATE'}))
        for number, other in enumerate((
                {'actions': {'i1': 'OWN_ACTION'}}, {'action': 'MIGRATE'},
                {'state': 'NACK_MAINTENANCE'}, {'project': 'p2'},
                {'instance_id': 'i1'})):
            self.reply(**other)
            self.assertEqual(number + 2, len(inbox.unread(self.sid)[0]))

    def test_same_reply_after_another_counts(self):
        states = ['ACK_MAINTENANCE', 'NACK_MAINTENANCE', 'ACK_MAINTENANCE']
        for state in states:
            self.reply(state)
        self.assertEqual(
            states, [row.state for row in inbox.unread(self.sid)[0]])

    def test_same_reply_after_it_was_read_counts(self):
        first = self.reply()
        self.consume(first)
        second = self.reply()
        self.assertNotEqual(first, second)
        self.assertEqual([second],
                         [row.id for row in inbox.unread(self.sid)[0]])

    def standing(self, project, named, instance=None):
        found = inbox.standing(self.sid, project, named, instance)
        return found.own, found.known

    def test_standing(self):
        mine, gone, asked, other = rows = [
            records.instance(self.sid),
            records.instance(self.sid, gone=True),
            records.instance(self.sid, gone=True),
            records.instance(self.sid, project_id='p2')]
        pictures.commit(self.sid, self.engine, 1, added=[*rows, records.ask(
            self.sid, state='open', instance_ids=[asked.instance_id])])
        named = {row.instance_id for row in rows} | {'nobody'}
        self.assertEqual(({mine.instance_id, asked.instance_id}, True),
                         self.standing('p1', named))
        self.assertEqual(({other.instance_id}, True),
                         self.standing('p2', named))
        self.assertEqual((set(), True), self.standing('p1', set()))
        self.assertEqual((set(), True),
                         self.standing('p1', {gone.instance_id}))
        self.assertEqual((set(), False), self.standing('p4', named))

    def test_newest(self):
        def newest(instance=None):
            found = inbox.standing(self.sid, 'p1', set(), instance).newest
            return found and found.id

        self.assertIsNone(newest())
        self.reply(project='p2')
        ids = [self.reply(state) for state in ('ACK_MAINTENANCE', 'NACK')]
        self.assertEqual(ids[1], newest())
        self.assertIsNone(newest('i1'))
        of_instance = self.reply(instance_id='i1')
        self.assertEqual([ids[1], of_instance], [newest(), newest('i1')])
        self.consume(*ids)
        self.assertIsNone(newest())

    def settled(self, instance=None, project='p1'):
        found = inbox.standing(self.sid, project, set(), instance).settled
        return found and found.id

    def ask(self, **values):
        row = records.ask(self.sid, **{'state': 'open', **values})
        pictures.commit(self.sid, self.engine, 1, added=[row])

    def test_settled(self):
        first = self.reply()
        self.assertIsNone(self.settled())
        self.consume(first)
        self.assertEqual(first, self.settled())
        self.assertIsNone(self.settled(project='p2'))
        self.assertIsNone(self.settled('i1'))
        second = self.reply('NACK_MAINTENANCE')
        self.assertIsNone(self.settled())
        self.consume(second)
        self.assertEqual(second, self.settled())

    def test_settled_but_for_what_is_asked_since(self):
        for instance in (None, 'i1', 'i2'):
            self.consume(self.reply(instance_id=instance))
        self.ask(state='acked')
        self.ask(project_id='p2')
        self.ask(instance_id='i1')
        self.assertIsNone(self.settled())
        self.assertIsNone(self.settled('i1'))
        self.assertIsNotNone(self.settled('i2'))
        self.ask(state='waiting', instance_ids=['i2'])
        self.assertIsNone(self.settled('i2'))

    def test_repeats(self):
        newest = models.Reply(
            session_id=self.sid, project_id='p1', state='ACK', action='A',
            actions={'i1': 'B'})
        same = {'state': 'ACK', 'action': 'A', 'actions': {'i1': 'B'}}
        self.assertTrue(inbox.repeats(newest, **same))
        self.assertFalse(inbox.repeats(None, **same))
        for name in same:
            self.assertFalse(inbox.repeats(newest, **{**same, name: None}))

    def test_sessions_with_unread(self):
        def unread():
            return inbox.sessions_with_unread(self.engine)

        self.assertEqual([], unread())
        reply = self.reply()
        self.assertEqual([self.sid], unread())
        self.assertEqual([], inbox.sessions_with_unread('another'))
        self.consume(reply)
        self.assertEqual([], unread())
        inbox.add_request(self.sid, 'delete')
        self.assertEqual([self.sid], unread())

    def test_unknown_session(self):
        self.assertRaises(errors.SessionNotFound, inbox.add_reply,
                          'nobody', 'p1', 'ACK_MAINTENANCE')
        self.assertRaises(errors.SessionNotFound, inbox.add_request,
                          'nobody', 'delete')
        self.assertRaises(errors.SessionNotFound, inbox.standing,
                          'nobody', 'p1', set())

    def test_replies_while_the_owner_commits(self):
        results = records.race(
            *[lambda a=f'p{number}': self.reply(project=a)
              for number in range(4)],
            *[lambda: pictures.commit(self.sid, self.engine, 1)] * 4)
        self.assertEqual([None] * 4, results[4:])
        self.assertEqual(sorted(results[:4]), sorted(
            row.id for row in inbox.unread(self.sid)[0]))
