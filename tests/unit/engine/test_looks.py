# SPDX-License-Identifier: Apache-2.0
"""How often moves are looked at."""

import collections

import fixtures

from fenix.engine import runner as runners
from fenix.sandbox.cloud import config
from tests.unit.engine import cases


class TestLooks(cases.EngineTestCase):
    """Four instances that move one after another, in 40 seconds each."""

    def prepare(self, action='MIGRATE'):
        super().prepare(hosts=0, spare=2)
        self.cloud.model.times = config.Times(
            migration=40, live=40, confirm=1, settle=1)
        self.cloud.constrain_group(max_impacted_members=1)
        for number in range(4):
            self.cloud.create(f'vm-{number}', 'compute-1', flavor='1')
            self.cloud.constrain(f'vm-{number}', lead_time=0,
                                 migration_type=action)
        self.vnfm.action = action
        self.looks = collections.Counter()
        original = self.cloud.cloud.look_at_server

        def look(key):
            self.looks[key] += key in self.order()
            return original(key)

        self.useFixture(fixtures.MockPatchObject(
            self.cloud.cloud, 'look_at_server', look))

    def order(self):
        """Return the ids of the instances as they moved."""
        return [line['server'] for line in self.cloud.timeline
                if line['what'].endswith('migrate.start')]

    def look_less(self, action):
        """Once it is known how long a move takes."""
        self.prepare(action)
        self.run_session(hosts=['compute-1'])
        self.assert_done()
        counts = [self.looks[key] for key in self.order()]
        for count in counts[:3]:
            self.assertGreater(count, 38)
        self.assertLess(counts[3], 30)

    def test_cold(self):
        self.look_less('MIGRATE')

    def test_live(self):
        self.look_less('LIVE_MIGRATE')

    def test_what_is_over_is_seen_as_soon(self):
        self.prepare()
        self.run_session(hosts=['compute-1'])
        delays = [
            confirm['t'] - verify['t'] for verify, confirm in zip(
                self.cloud.lines('migrate.verify'),
                self.cloud.lines('migrate.confirm'), strict=True)]
        self.assertEqual(4, len(delays))
        self.assertLessEqual(
            max(delays), self.cloud.conf.nova.observe_interval + 0.01)

    def test_confirmations_are_seen_soon(self):
        self.prepare()
        self.cloud.model.times = config.Times(
            migration=5, confirm=0.3, settle=0)
        self.run_session(hosts=['compute-1'])
        self.assert_done()
        for move in self.cloud.rows.moves:
            took = (move.ended_at - move.confirm_at).total_seconds()
            self.assertLess(took, 0.5)
        self.assertGreater(self.cloud.conf.nova.observe_interval, 0.5)

    def test_a_confirmation_that_lasts(self):
        self.prepare()
        self.cloud.model.times = config.Times(migration=5, confirm=60)
        self.run_session(hosts=['compute-1'])
        self.assert_done()
        for count in self.looks.values():
            self.assertLess(count, 80)

    def test_no_turn_is_taken_in_vain(self):
        """One to look again, and one when the answer is there."""
        self.prepare()
        self.cloud.model.times = config.Times(migration=40, confirm=20)
        self.start(hosts=['compute-1'])
        self.cloud.run(lambda: len(self.order()) == 4)
        turns, original = [], runners.Runner._turn

        def turn(runner, messages):
            turns.append(self.cloud.clock.seconds())
            original(runner, messages)

        self.useFixture(fixtures.MockPatchObject(
            runners.Runner, '_turn', turn))
        self.looks.clear()
        self.cloud.run(lambda: self.cloud.rows.moves[-1].state == 'done')
        looks = self.looks.total()
        self.assertGreater(looks, 20)
        self.assertLess(len(turns), 2 * looks + 10)

    def test_another_engine_knows_as_well(self):
        self.prepare()
        self.start(hosts=['compute-1'])
        self.cloud.run(lambda: len(self.order()) == 4)
        self.cloud.take()
        self.cloud.run()
        self.assert_done()
        self.assertLess(self.looks[self.order()[3]], 30)

    def test_one_that_fails_on_the_way(self):
        """It is seen when a quarter more of its time has passed."""
        self.prepare()
        self.start(hosts=['compute-1'])
        self.cloud.run(lambda: len(self.order()) == 3)
        self.cloud.model.faults.add(cases.fault(
            'migrate', fail=True, seconds=16))
        self.cloud.run(lambda: len(self.order()) == 4)
        began = self.cloud.clock.seconds()
        self.cloud.run()
        self.assert_failed('ended in ERROR')
        self.assertLess(self.cloud.clock.seconds(), began + 16 * 1.25 + 2)
