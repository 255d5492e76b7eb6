# SPDX-License-Identifier: Apache-2.0
import datetime

from fenix import errors
from fenix.db import claims
from fenix.db import clock
from fenix.db import leases
from fenix.db import models
from fenix.db import pictures
from fenix.db import sessions
from tests import fixtures
from tests.functional.db import records


@fixtures.on_each_database
class SessionsTest:
    def create(self, *hosts, **values):
        session = records.session(**values)
        sessions.create(session, hosts)
        return session

    def commit(self, session_id, **values):
        engine = models.new_id()
        leases.register(engine, 'host', 60)
        leases.take(engine, 10)
        pictures.commit(session_id, engine, 1, **values)

    def test_create(self):
        session = records.session(settings={'on_no_reply': 'skip'})
        actions = [models.ActionPlugin(plugin='b', type='host', meta={}),
                   models.ActionPlugin(plugin='a', type='post',
                                       meta={'x': [1]}, position=1)]
        sessions.create(session, ['cmp-1', 'cmp-2'], actions)
        found = sessions.get(session.id)
        self.assertLess(abs(found.created_at - clock.now()),
                        datetime.timedelta(seconds=5))
        self.assertEqual(session.created_at, found.created_at)
        self.assertEqual(
            ({'on_no_reply': 'skip'}, 'announce', 'MAINTENANCE', None, 0),
            (found.settings, found.phase, found.state, found.owner,
             found.seq))
        self.assertEqual([('b', {}), ('a', {'x': [1]})],
                         [(action.plugin, action.meta) for action
                          in sessions.details(session.id).actions])
        self.assertEqual(['cmp-1', 'cmp-2'], claims.hosts_of(session.id))

    def test_claimed_host_stores_nothing(self):
        first = self.create('cmp-1')
        before = records.everything()
        session = records.session()
        error = self.assertRaises(
            errors.HostClaimed, sessions.create, session,
            ['cmp-0', 'cmp-1'], [records.action(session.id)])
        self.assertEqual('hosts', error.field)
        self.assertIn(f'cmp-1 is in session {first.id}', str(error))
        self.assertEqual(before, records.everything())

    def test_two_create_with_one_host(self):
        results = records.race(*[
            lambda a=number: sessions.create(
                records.session(), ['cmp-1', f'cmp-{a}'])
            for number in range(2, 6)])
        self.assertEqual(1, results.count(None), results)
        self.assertEqual({errors.HostClaimed, type(None)},
                         set(map(type, results)))
        self.assertEqual(1, len(sessions.ids()))

    def test_ids_in_order(self):
        ids = [self.create().id for _ in range(3)]
        self.assertEqual(ids, sessions.ids())

    def test_unknown(self):
        for function in (
                sessions.get, sessions.details,
                lambda key: sessions.instances_of_project(key, 'p1'),
                lambda key: sessions.open_asks(key, 'p1'),
                lambda key: sessions.knows_project(key, 'p1')):
            self.assertRaises(errors.SessionNotFound, function, 'nobody')

    def test_what_a_project_sees(self):
        session = self.create().id
        rows = [records.instance(session, name='b'),
                records.instance(session, name='a'),
                records.instance(session, name='gone', gone=True),
                records.instance(session, project_id='p2'),
                records.instance(session, project_id='p3', gone=True)]
        asks = [records.ask(session, state=state) for state in
                ('open', 'acked', 'expired', 'withdrawn')]
        asks.append(records.ask(
            session, state='waiting',
            created_at=records.TIME + datetime.timedelta(seconds=1)))
        asks.append(records.ask(session, project_id='p2', state='open'))
        self.commit(session, added=rows + asks)
        self.assertEqual(['a', 'b'], [
            row.name for row in sessions.instances_of_project(session, 'p1')])
        self.assertEqual(['open', 'waiting'], [
            ask.state for ask in sessions.open_asks(session, 'p1')])
        self.assertEqual([True, True, False], [
            sessions.knows_project(session, project)
            for project in ('p1', 'p3', 'p4')])

    def test_count_unfinished(self):
        first = self.create().id
        self.create()
        self.commit(first, changed=[
            (models.Session, first, {'finished_at': records.TIME})])
        self.assertEqual(1, sessions.count_unfinished())
        # It keeps its hosts, and waits for its administrator.
        self.create(state='MAINTENANCE_FAILED', finished_at=records.TIME)
        self.assertEqual(2, sessions.count_unfinished())
