# SPDX-License-Identifier: Apache-2.0
import datetime
import time

import sqlalchemy as sa

from fenix import errors
from fenix.db import claims
from fenix.db import clock
from fenix.db import constraints
from fenix.db import core
from fenix.db import leases
from fenix.db import models
from fenix.db import pictures
from fenix.db import sessions
from tests import fixtures
from tests.functional.db import records


@fixtures.on_each_database
class ClaimsTest:
    """What one session has, another has not."""

    def setUp(self):
        super().setUp()
        self.engine = models.new_id()
        leases.register(self.engine, 'host', 60)
        self.ids = []
        for _ in range(2):
            session = records.session()
            sessions.create(session)
            self.ids.append(session.id)
        leases.take(self.engine, 10)

    def commit(self, session, *operations, **values):
        pictures.commit(session, self.engine, 1, claims=operations, **values)

    def slots(self):
        @core.reader
        def read(db):
            return db.execute(
                sa.select(models.Claim.slot, models.Claim.holder,
                          models.Claim.free_at)
                .where(models.Claim.kind == 'group')
                .order_by(models.Claim.slot)).all()
        return [tuple(row) for row in read()]

    def test_hosts(self):
        first, second = self.ids
        self.commit(first, claims.HostClaims(('cmp-2', 'cmp-1')))
        self.commit(first, claims.HostClaims(('cmp-1', 'cmp-3')))
        self.assertEqual(['cmp-1', 'cmp-2', 'cmp-3'], claims.hosts_of(first))
        before = records.everything()
        error = self.assertRaises(
            errors.HostClaimed, self.commit, second,
            claims.HostClaims(('cmp-0', 'cmp-2')),
            added=[records.host(second)])
        self.assertIn('cmp-2', str(error))
        self.assertIn(first, str(error))
        self.assertEqual(before, records.everything())
        self.commit(first, claims.HostRelease(('cmp-2',)))
        self.commit(second, claims.HostClaims(('cmp-0', 'cmp-2')))
        self.commit(second, claims.HostRelease())
        self.assertEqual([], claims.hosts_of(second))
        self.assertEqual(['cmp-1', 'cmp-3'], claims.hosts_of(first))

    def test_two_sessions_want_one_host(self):
        for number in range(5):
            operation = claims.HostClaims((f'cmp-{number}',))
            results = records.race(*[
                lambda a=session, b=operation: self.commit(a, b)
                for session in self.ids])
            self.assertEqual(1, results.count(None), results)
            lost = results[1 - results.index(None)]
            self.assertIsInstance(lost, errors.HostClaimed)
            self.assertIn(self.ids[results.index(None)], str(lost))

    def test_two_sessions_deadlock(self):
        """One is rolled back, runs again and finds what the other has."""
        class Pause:
            def execute(self, db, session_id):
                time.sleep(0.2)

        hosts = [claims.HostClaims(('a',)), claims.HostClaims(('b',))]
        results = records.race(
            lambda: self.commit(self.ids[0], hosts[0], Pause(), hosts[1]),
            lambda: self.commit(self.ids[1], hosts[1], Pause(), hosts[0]))
        self.assertEqual({type(None), errors.HostClaimed},
                         set(map(type, results)), results)
        self.assertEqual(
            ['a', 'b'], claims.hosts_of(self.ids[results.index(None)]))

    def test_group_up_to_its_limit(self):
        first, second = self.ids
        self.commit(first, claims.GroupClaim('g', 2, 'i1'))
        self.commit(second, claims.GroupClaim('g', 2, 'i2'))
        error = self.assertRaises(
            claims.Busy, self.commit, first, claims.GroupClaim('g', 2, 'i3'))
        self.assertEqual(('g', None), (error.group_id, error.until))
        self.commit(first, claims.GroupClaim('other', 1, 'i3'))

    def test_group_claim_twice(self):
        claim = claims.GroupClaim('g', 1, 'i1')
        self.commit(self.ids[0], claim, claim)
        self.commit(self.ids[0], claim)
        self.assertEqual([(0, 'i1', None)], self.slots())
        self.assertRaises(claims.Busy, self.commit, self.ids[1], claim)

    def test_group_recovers(self):
        first, second = self.ids
        self.commit(first, claims.GroupClaim('g', 2, 'i1'))
        self.commit(first, claims.GroupRelease('g', 'i1', 0.3))
        error = self.assertRaises(
            claims.Busy, self.commit, second, claims.GroupClaim('g', 2, 'i2'))
        left = (error.until - clock.now()).total_seconds()
        self.assertTrue(0 < left <= 0.3, left)
        self.assertRaises(claims.Busy, self.commit, first,
                          claims.GroupClaim('g', 2, 'i1'))
        time.sleep(0.4)
        self.commit(second, claims.GroupClaim('g', 2, 'i2'))
        self.assertEqual([(0, 'i2', None)], self.slots())

    def test_busy_rolls_everything_back(self):
        first, second = self.ids
        self.commit(first, claims.GroupClaim('g', 1, 'i1'))
        before = records.everything()
        self.assertRaises(
            claims.Busy, self.commit, second,
            claims.HostClaims(('cmp-1',)),
            claims.GroupClaim('free', 1, 'i2'),
            claims.GroupClaim('g', 1, 'i2'), added=[records.host(second)])
        self.assertEqual(before, records.everything())

    def test_release_of_others_does_nothing(self):
        first, second = self.ids
        self.commit(first, claims.GroupClaim('g', 1, 'i1'))
        self.commit(second, claims.GroupRelease('g', 'i1', 0))
        self.commit(first, claims.GroupRelease('g', 'i2', 0))
        self.assertEqual([(0, 'i1', None)], self.slots())

    def test_second_release_does_not_prolong(self):
        first = self.ids[0]
        self.commit(first, claims.GroupClaim('g', 1, 'i1'))
        self.commit(first, claims.GroupRelease('g', 'i1', 10))
        slots = self.slots()
        self.commit(first, claims.GroupRelease('g', 'i1', 1000))
        self.assertEqual(slots, self.slots())

    def test_smaller_limit_counts_all(self):
        first, second = self.ids
        for holder in ('i1', 'i2', 'i3'):
            self.commit(first, claims.GroupClaim('g', 3, holder))
        self.commit(first, claims.GroupRelease('g', 'i1', 0))
        self.assertRaises(claims.Busy, self.commit, second,
                          claims.GroupClaim('g', 2, 'i4'))
        self.commit(first, claims.GroupRelease('g', 'i2', 0))
        self.commit(second, claims.GroupClaim('g', 2, 'i4'))

    def compete(self, limit, expected):
        results = records.race(*[
            lambda a=session, b=f'i{number}': self.commit(
                a, claims.GroupClaim('g', limit, b))
            for session in self.ids for number in range(2)])
        self.assertEqual(expected, results.count(None), results)
        self.assertTrue(all(isinstance(result, claims.Busy)
                            for result in results if result is not None),
                        results)
        held = [slot for slot, _, free_at in self.slots() if free_at is None]
        self.assertEqual(list(range(expected)), held)

    def release(self):
        for session in self.ids:
            for number in range(2):
                self.commit(session,
                            claims.GroupRelease('g', f'i{number}', 0))

    def test_sessions_compete_for_one_slot(self):
        for _ in range(4):
            # At first there is no row, later an expired one.
            self.compete(1, 1)
            self.release()

    def test_sessions_compete_for_two_slots(self):
        for _ in range(4):
            self.compete(2, 2)
            self.release()

    def test_release_waits_for_a_claim(self):
        """Who claims beside an impact is not to miss the end of it."""
        first, second = self.ids
        self.commit(first, claims.GroupClaim('g', 2, 'i1'))
        ends = {}

        class Pause:
            def execute(self, db, session_id):
                time.sleep(0.4)
                ends['claim'] = time.monotonic()

        def release():
            time.sleep(0.1)
            self.commit(first, claims.GroupRelease('g', 'i1', 60))
            ends['release'] = time.monotonic()

        results = records.race(
            lambda: self.commit(second, claims.GroupClaim('g', 2, 'i2'),
                                Pause()), release)
        self.assertEqual([None, None], results)
        self.assertGreater(ends['release'], ends['claim'])

    def test_removed_session(self):
        first, second = self.ids
        constraints.put_group(models.GroupConstraint(
            group_id='g', project_id='p1', anti_affinity_group=False,
            max_instances_per_host=0, max_impacted_members=1,
            recovery_time=30, resource_mitigation=False))
        self.commit(first, claims.HostClaims(('cmp-1',)),
                    claims.GroupClaim('g', 1, 'i1'),
                    claims.GroupClaim('unregistered', 1, 'i1'))
        pictures.remove(first, self.engine, 1)
        self.commit(second, claims.HostClaims(('cmp-1',)),
                    claims.GroupClaim('unregistered', 1, 'i2'))
        error = self.assertRaises(claims.Busy, self.commit, second,
                                  claims.GroupClaim('g', 1, 'i2'))
        self.assertAlmostEqual(
            30, (error.until - clock.now()).total_seconds(), delta=5)

    def test_expire(self):
        day = datetime.timedelta(days=1).total_seconds()
        for group, ago in (('new', -day + 60), ('old', -day - 60)):
            self.commit(self.ids[0], claims.GroupClaim(group, 1, 'i1'),
                        claims.GroupRelease(group, 'i1', ago))
        self.commit(self.ids[0], claims.GroupClaim('held', 1, 'i1'))
        claims.expire()
        self.assertEqual(2, len(self.slots()))
        self.assertNotIn('old', str(records.everything()['claims']))
