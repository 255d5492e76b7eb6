# SPDX-License-Identifier: Apache-2.0
import datetime

import sqlalchemy as sa

from fenix import errors
from fenix.db import claims
from fenix.db import core
from fenix.db import inbox
from fenix.db import leases
from fenix.db import models
from fenix.db import pictures
from fenix.db import sessions
from tests import fixtures
from tests.functional.db import records


@fixtures.on_each_database
class PicturesTest:
    def setUp(self):
        super().setUp()
        self.engine = models.new_id()
        leases.register(self.engine, 'host', 60)
        self.sid = self.session()

    def session(self):
        session = records.session()
        sessions.create(session, actions=[records.action(session.id)])
        leases.take(self.engine, 10)
        return session.id

    def one_of_each(self):
        return [records.event(self.sid), records.run(self.sid),
                records.move(self.sid), records.ask(self.sid),
                records.instance(self.sid), records.host(self.sid)]

    def test_what_is_added_is_loaded(self):
        added = self.one_of_each()
        pictures.commit(self.sid, self.engine, 1, added=added)
        rows = pictures.load(self.sid)
        self.assertEqual(
            [row.id for row in added],
            [found.id for found, in (rows.events, rows.runs, rows.moves,
                                     rows.asks, rows.instances, rows.hosts)])
        for row, (found,) in zip(added, (
                rows.events, rows.runs, rows.moves, rows.asks,
                rows.instances, rows.hosts), strict=True):
            for column in sa.inspect(type(row)).column_attrs:
                self.assertEqual(getattr(row, column.key),
                                 getattr(found, column.key), column.key)
        self.assertEqual('dummy', rows.actions[0].plugin)
        self.assertEqual(1, rows.session.seq)

    def test_changed(self):
        host, other = (records.host(self.sid, name=name) for name in 'ab')
        pictures.commit(self.sid, self.engine, 1, added=[host, other])
        pictures.commit(self.sid, self.engine, 1, changed=[
            (models.Host, host.id, {'step': 'asked', 'round': 1}),
            (models.Session, self.sid, {'meta': {'new': True},
                                       'scale_in_free': {'free': 1}}),
            (models.Host, other.id, {'step': 'asked', 'round': 2}),
            (models.Host, host.id, {'step': 'emptying'}),
            (models.Host, other.id, {})])
        rows = pictures.load(self.sid)
        self.assertEqual([('emptying', 1), ('asked', 2)],
                         [(row.step, row.round) for row in rows.hosts])
        self.assertEqual({'new': True}, rows.session.meta)
        self.assertEqual({'free': 1}, rows.session.scale_in_free)
        pictures.commit(self.sid, self.engine, 1, changed=[
            (models.Session, self.sid, {'scale_in_free': None})])
        self.assertIsNone(pictures.load(self.sid).session.scale_in_free)

    def test_same_values(self):
        """Rows that change alike, and those that do not, in one turn."""
        asks = [records.ask(self.sid, created_at=records.TIME
                            + datetime.timedelta(seconds=second))
                for second in range(6)]
        pictures.commit(self.sid, self.engine, 1, added=asks)
        values = [{'state': 'open', 'window': 7.0, 'host': None}] * 3 + [
            {'state': 'acked', 'window': 7.0, 'host': None},
            {'state': 'open', 'actions': {'i': 'MIGRATE'}},
            {'state': 'open', 'actions': {'i': 'MIGRATE'}}]
        pictures.commit(self.sid, self.engine, 1, changed=[
            (models.Ask, ask.id, changes)
            for ask, changes in zip(asks, values, strict=True)])
        found = {ask.id: ask for ask in pictures.load(self.sid).asks}
        for ask, changes in zip(asks, values, strict=True):
            self.assertEqual(changes, {
                name: getattr(found[ask.id], name) for name in changes})

    def test_much_at_once(self):
        hosts = [records.host(self.sid, name=f'cmp-{number:04}',
                              position=number) for number in range(1500)]
        pictures.commit(self.sid, self.engine, 1, added=hosts)
        pictures.commit(self.sid, self.engine, 1, changed=[
            (models.Host, host.id, {'step': 'asked'}) for host in hosts])
        self.assertEqual([(host.name, 'asked') for host in hosts],
                         [(host.name, host.step)
                          for host in pictures.load(self.sid).hosts])

    def test_only_unpublished_events_in_order(self):
        events = [records.event(self.sid, seq=seq, position=position)
                  for seq, position in ((2, 1), (10, 0), (2, 0), (1, 5))]
        pictures.commit(self.sid, self.engine, 1, added=[
            *events, records.event(self.sid, message_id=None),
            records.event(self.sid, published_at=records.TIME)])
        found = pictures.load(self.sid).events
        self.assertEqual([(1, 5), (2, 0), (2, 1), (10, 0)],
                         [(event.seq, event.position) for event in found])
        self.assertEqual(6, len(sessions.details(self.sid).events))

    def test_consumed(self):
        kept, reply = (inbox.add_reply(self.sid, 'p1', state)
                       for state in ('ACK_MAINTENANCE', 'NACK_MAINTENANCE'))
        request = inbox.add_request(self.sid, 'delete')
        pictures.commit(self.sid, self.engine, 1, consumed_replies=[reply],
                        consumed_requests=[request])
        replies, requests = inbox.unread(self.sid)
        self.assertEqual([kept], [row.id for row in replies])
        self.assertEqual([], requests)

    def test_fenced_after_takeover(self):
        host = records.host(self.sid)
        pictures.commit(self.sid, self.engine, 1, added=[host])
        reply = inbox.add_reply(self.sid, 'p1', 'ACK_MAINTENANCE')
        request = inbox.add_request(self.sid, 'continue')
        other = models.new_id()
        leases.register(other, 'host', 60)
        leases.release(self.engine)
        self.assertEqual([(self.sid, 2)], leases.take(other, 10))
        before = records.everything()
        self.assertEqual({'sessions', 'hosts', 'engines', 'replies',
                          'requests', 'action_plugins'},
                         {name for name, rows in before.items() if rows})
        self.assertRaises(
            errors.Fenced, pictures.commit, self.sid, self.engine, 1,
            added=[records.host(self.sid, name='cmp-2'),
                   *self.one_of_each()[:-1]],
            changed=[(models.Host, host.id, {'step': 'asked'}),
                     (models.Session, self.sid, {'phase': 'over'})],
            consumed_replies=[reply], consumed_requests=[request],
            claims=[claims.HostClaims(('cmp-1',)),
                    claims.GroupClaim('g', 1, 'i1')])
        self.assertRaises(errors.Fenced, pictures.remove,
                          self.sid, self.engine, 1)
        self.assertEqual(before, records.everything())
        # Nor with an old epoch, should it become the owner again.
        self.assertRaises(errors.Fenced, pictures.commit, self.sid, other, 1)
        pictures.commit(self.sid, other, 2)

    def test_same_commit_again_changes_nothing(self):
        """A caller that does not know whether it was committed."""
        added = self.one_of_each()
        pictures.commit(self.sid, self.engine, 1, added=added)
        before = records.everything()
        error = self.assertRaises(core.ERRORS, pictures.commit, self.sid,
                                  self.engine, 1, added=added)
        self.assertEqual('DBDuplicateEntry', type(error).__name__)
        self.assertEqual(before, records.everything())

    def test_commits_of_one_owner_at_once(self):
        results = records.race(*[
            lambda a=number: pictures.commit(
                self.sid, self.engine, 1,
                added=[records.event(self.sid, seq=a)])
            for number in range(6)])
        self.assertEqual([None] * 6, results)
        self.assertEqual(6, pictures.load(self.sid).session.seq)

    def test_takeover_waits_for_a_commit(self):
        """Either the old owner's commit counts, or the takeover."""
        other = models.new_id()
        leases.register(other, 'host', 60)
        for epoch in range(1, 9, 2):
            leases.give_up(self.sid, other, epoch - 1)
            if epoch > 1:
                leases._take(self.engine, self.sid, epoch - 1)

            def take_over(epoch=epoch):
                leases.give_up(self.sid, self.engine, epoch)
                return leases._take(other, self.sid, epoch)

            written, taken = records.race(
                lambda a=epoch: pictures.commit(
                    self.sid, self.engine, a, changed=[
                        (models.Session, self.sid, {'percent_done': a})]),
                take_over)
            self.assertIs(True, taken)
            done = sessions.get(self.sid).percent_done == epoch
            self.assertEqual(done, written is None)
            if not done:
                self.assertIsInstance(written, errors.Fenced)

    def test_remove(self):
        other = self.session()
        rows = records.everything()
        pictures.commit(self.sid, self.engine, 1, added=self.one_of_each(),
                        claims=[claims.HostClaims(('cmp-1',))])
        inbox.add_reply(self.sid, 'p1', 'ACK_MAINTENANCE')
        inbox.add_request(self.sid, 'delete')
        pictures.remove(self.sid, self.engine, 1)
        self.assertEqual([other], sessions.ids())
        left = records.everything()
        for name in left:
            self.assertEqual(
                [row for row in rows[name] if self.sid not in row],
                left[name], name)
        self.assertRaises(errors.Fenced, pictures.remove, self.sid,
                          self.engine, 1)
        self.assertRaises(errors.SessionNotFound, pictures.load, self.sid)
