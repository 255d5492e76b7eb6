# SPDX-License-Identifier: Apache-2.0
import datetime

import sqlalchemy as sa

from fenix import words
from fenix.db import core
from fenix.db import figures
from fenix.db import inbox
from fenix.db import kept_hosts
from fenix.db import leases
from fenix.db import models
from fenix.db import pictures
from fenix.db import sessions
from tests import fixtures
from tests.functional.db import records

NOTHING = figures.Figures(
    sessions={}, unowned=0, asks_open=0, moves_in_flight=0, unread=0,
    outbox=0, outbox_age=0.0, engines=[])


def session(*rows, **values):
    """Store a session with rows; return its id."""
    made = records.session(**values)
    sessions.create(made)
    with core.engine().begin() as connection:
        for row in rows:
            row.session_id = made.id
            connection.execute(sa.insert(row.__table__).values({
                column.columns[0].key: getattr(row, column.key)
                for column in row.__mapper__.column_attrs}))
    return made.id


@fixtures.on_each_database
class FiguresTest:

    def test_nothing(self):
        self.assertEqual(NOTHING, figures.read())

    def test_sessions(self):
        session()
        session(state=words.MAINTENANCE_FAILED, finished_at=records.TIME)
        taken = session()
        engine = models.new_id()
        leases.register(engine, 'one', 60)
        leases._take(engine, taken, 0)
        found = figures.read()
        self.assertEqual({words.MAINTENANCE: 2, words.MAINTENANCE_FAILED: 1},
                         found.sessions)
        self.assertEqual(1, found.unowned)

    def test_engines(self):
        dead, living = models.new_id(), models.new_id()
        leases.register(dead, 'dead', 60)
        leases.register(living, 'living', 60)
        for _ in range(2):
            leases._take(living, session(), 0)
        leases._take(dead, session(), 0)
        leases.renew(dead, -1)
        found = figures.read()
        ((host, left, owned),) = found.engines
        self.assertEqual(('living', 2, 1), (host, owned, found.unowned))
        self.assertTrue(55 < left <= 60, left)

    def test_what_is_under_way(self):
        rows = [lambda state=state: records.ask(None, state=state)
                for state in ('waiting', 'open', 'acked', 'withdrawn')]
        rows += [lambda state=state: records.move(None, state=state)
                 for state in (*models.MOVING, 'done', 'failed')]
        session(*[row() for row in rows])
        # Nobody works on what a session left open that has ended.
        session(*[row() for row in rows], finished_at=records.TIME,
                state=words.MAINTENANCE_FAILED)
        found = figures.read()
        self.assertEqual((2, 4), (found.asks_open, found.moves_in_flight))

    def test_unread(self):
        one = session(records.reply(None), records.reply(
            None, consumed_at=None))
        inbox.add_request(one, 'delete')
        done = session(records.reply(None, consumed_at=None),
                       state=words.MAINTENANCE_DONE,
                       finished_at=records.TIME)
        inbox.add_request(done, 'delete')
        self.assertEqual(3, figures.read().unread)

    def test_outbox(self):
        now = datetime.datetime.now(datetime.UTC)
        session(
            records.event(None, created_at=now - datetime.timedelta(
                seconds=100)),
            records.event(None, created_at=now),
            records.event(None, created_at=records.TIME,
                          published_at=records.TIME),
            records.event(None, created_at=records.TIME, message_id=None))
        found = figures.read()
        self.assertEqual(2, found.outbox)
        self.assertTrue(95 < found.outbox_age < 160, found.outbox_age)


@fixtures.on_each_database
class KeptHostsTest:

    def end(self, *hosts):
        """End a session with hosts; return its id."""
        session_id = session(*hosts, project_id='p9')
        engine = models.new_id()
        leases.register(engine, 'host', 60)
        leases._take(engine, session_id, 0)
        pictures.remove(session_id, engine, 1)
        return session_id

    def test_noted_and_forgotten(self):
        ids = [self.end(
            records.host(None, name='kept', disabled='kept',
                         announced=announced),
            records.host(None, name='other', disabled='us'),
            records.host(None, name='third', disabled=None, announced=True))
            for announced in (True, False)]
        found = kept_hosts.of('kept')
        self.assertEqual(
            [(ids[0], 'p9', True), (ids[1], 'p9', False)],
            [(row.session_id, row.project_id, row.announced)
             for row in found])
        for name in ('other', 'third', 'KEPT'):
            self.assertEqual([], kept_hosts.of(name))
        kept_hosts.forget(found[0].id)
        self.assertEqual([ids[1]], [
            row.session_id for row in kept_hosts.of('kept')])
