# SPDX-License-Identifier: Apache-2.0
import contextlib
import datetime
import io
import json
from unittest import mock

from fenix import words
from fenix.cmd import manage
from fenix.db import claims
from fenix.db import core
from fenix.db import inbox
from fenix.db import leases
from fenix.db import models
from fenix.db import pictures
from fenix.db import retention
from fenix.db import sessions
from tests import fixtures
from tests.functional.db import records

OLD = records.TIME
LATER = OLD + datetime.timedelta(days=1)


@fixtures.on_each_database
class RetentionTest:

    def session(self, finished_at=OLD, state=words.MAINTENANCE_DONE,
                added=(), **values):
        """Store a session with one row of each kind; return its id."""
        session = records.session(state=state, finished_at=finished_at,
                                  **values)
        sessions.create(session, ['cmp-1'] if not added else [])
        with core.engine().begin() as connection:
            for row in [
                    records.host(session.id), records.instance(session.id),
                    records.ask(session.id), records.move(session.id),
                    records.action(session.id), records.run(session.id),
                    records.event(session.id, published_at=OLD),
                    records.event(session.id, message_id=None), *added]:
                row.session_id = session.id
                connection.execute(row.__table__.insert().values({
                    column.columns[0].key: getattr(row, column.key)
                    for column in row.__mapper__.column_attrs}))
        return session.id

    def purge(self, limit=10):
        return retention.purge(LATER, limit)

    def assertKept(self, session_id, **why):
        before = records.everything()
        self.assertEqual({}, retention.count(LATER, 10))
        self.assertEqual({}, self.purge())
        self.assertEqual(before, records.everything())
        self.assertEqual({'failed': 0, 'in_use': 0, **why},
                         retention.kept(LATER))

    def test_all_that_belongs_to_it(self):
        self.session()
        counted = retention.count(LATER, 10)
        self.assertEqual({
            'sessions': 1, 'hosts': 1, 'instances': 1, 'asks': 1,
            'moves': 1, 'action_plugins': 1, 'action_runs': 1,
            'events': 2}, counted)
        self.assertEqual(counted, self.purge())
        self.assertEqual(
            {name: [] for name in records.everything()},
            records.everything())

    def test_group_slots_recover(self):
        session_id = self.session()
        engine = models.new_id()
        leases.register(engine, 'host', 60)
        leases._take(engine, session_id, 0)
        pictures.commit(session_id, engine, 1, claims=[
            claims.GroupClaim('g', 1, 'vm')])
        leases.release(engine)
        self.purge()
        other = records.session()
        sessions.create(other)
        leases.register(engine, 'host', 60)
        leases._take(engine, other.id, 0)
        pictures.commit(other.id, engine, 1, claims=[
            claims.GroupClaim('g', 1, 'vm2')])

    def test_newer_ones_stay(self):
        old, new = self.session(), self.session(LATER, added=[
            records.reply(None)])
        self.purge()
        self.assertEqual([new], sessions.ids())
        self.assertEqual({}, self.purge())
        self.assertNotIn(old, str(records.everything()))

    def test_failed_ones_wait(self):
        self.assertKept(self.session(state=words.MAINTENANCE_FAILED),
                        failed=1)

    def test_something_is_to_be_told(self):
        self.assertKept(self.session(added=[records.event(None)]), in_use=1)

    def test_an_administrator_asks(self):
        session_id = self.session()
        inbox.add_request(session_id, 'delete')
        self.assertKept(session_id, in_use=1)

    def test_it_is_being_deleted(self):
        self.assertKept(self.session(deleting=True), in_use=1)

    def test_an_engine_has_it(self):
        session_id = self.session()
        engine = models.new_id()
        leases.register(engine, 'host', 60)
        leases._take(engine, session_id, 0)
        self.assertKept(session_id, in_use=1)
        leases.renew(engine, -1)
        self.assertEqual(1, self.purge()['sessions'])

    def test_taken_in_the_middle(self):
        """An engine comes between the choice and the deletion."""
        session_id = self.session()
        engine = models.new_id()
        leases.register(engine, 'host', 60)
        chosen = retention._candidates(LATER, 10)
        leases._take(engine, session_id, 0)
        leases.give_up(session_id, engine, 1)
        before = records.everything()
        with mock.patch.object(retention, '_candidates',
                               return_value=chosen):
            self.assertEqual({}, self.purge())
        self.assertEqual(before, records.everything())

    def test_batches_and_a_crash(self):
        session_id = self.session(added=[
            *(records.event(None, message_id=None) for _ in range(5)),
            *(records.reply(None) for _ in range(4))])
        self.useFixture(fixtures.fixtures.MonkeyPatch(
            'fenix.db.retention.BATCH', 2))
        with mock.patch.object(retention, '_delete', side_effect=OSError):
            self.assertRaises(OSError, self.purge)
        self.assertEqual([], records.everything()['events'])
        self.assertEqual([], records.everything()['replies'])
        # What is left is whole enough for whoever takes it up.
        pictures.load(session_id)
        self.assertEqual(1, self.purge()['sessions'])

    def test_the_oldest_first(self):
        newer = self.session(OLD + datetime.timedelta(seconds=1),
                             added=[records.reply(None)])
        self.session()
        self.assertEqual(1, self.purge(1)['sessions'])
        self.assertEqual([newer], sessions.ids())

    def test_several_at_once(self):
        for number in range(6):
            self.session(added=[records.reply(None)] * (number > 0))
        results = records.race(*[self.purge] * 3)
        self.assertEqual(6, sum(result['sessions'] for result in results))
        self.assertEqual([], sessions.ids())

    def manage(self, *words):
        self.useFixture(fixtures.fixtures.EnvironmentVariable(
            'OS_DATABASE__CONNECTION', self.database.url))
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(
                err):
            try:
                code = manage.main(['--config-file', '/dev/null', 'db',
                                    'purge', *words])
            except SystemExit as end:
                code = end.code
        self.database.use()
        return code, out.getvalue(), err.getvalue()

    def test_command(self):
        session_id = self.session()
        self.session(state=words.MAINTENANCE_FAILED, added=[
            records.event(None)])
        self.session(datetime.datetime.now(datetime.UTC), added=[
            records.reply(None)])
        for words_, dry in ((['--dry-run'], True),
                            (['--before', '2026-01-31'], False),
                            (['--age', '1', '--max', '5'], False)):
            code, out, err = self.manage(*words_)
            self.assertEqual((0, ''), (code, err))
            figures = json.loads(out.splitlines()[-1])
            number = int('--before' not in words_)
            self.assertEqual((number, dry, number), (
                figures['sessions'], figures['dry_run'],
                figures['kept']['failed']), words_)
            self.assertEqual(2 * number, figures['rows'].get('events', 0))
            self.assertEqual(not number or dry,
                             session_id in sessions.ids())
        self.assertEqual(2, len(sessions.ids()))

    def test_command_refuses(self):
        for words_, problem in ((['--age', '-1'], 'must be 0'),
                                (['--max', '0'], 'must be 1'),
                                (['--before', 'noon'], 'is no time'),
                                (['--age', 'x'], 'invalid'),
                                (['--age', '1', '--before', '2026-01-31'],
                                 'not allowed with')):
            code, out, err = self.manage(*words_)
            self.assertEqual((2, ''), (code, out))
            self.assertIn(problem, err)

    def test_command_without_a_retention(self):
        self.useFixture(fixtures.fixtures.EnvironmentVariable(
            'OS_ENGINE__RETENTION', '-1'))
        code, _, err = self.manage()
        self.assertEqual(1, code)
        self.assertIn('--age', err)
