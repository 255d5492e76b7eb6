# SPDX-License-Identifier: Apache-2.0
"""A plan goes by the limits that its workflow keeps, and by no others."""

from oslo_config import fixture

from fenix import conf
from tests.unit.engine import test_foresight


class TestDefault(test_foresight.PlanCase):
    """It has one host out, and empties that all at once."""

    def prepare(self, **limits):
        super().prepare(hosts=2, per_host=2, spare=1)
        self.useFixture(fixture.Config(conf.CONF)).config(
            group='planner', **limits)

    def planned(self):
        """Return when the moves of a plan begin, host by host."""
        found = self.plan(workflow='default')
        self.assertTrue(found['complete'], found['obstacles'])
        self.assertEqual([], found['scale_in'])
        return {host['name']: {move['from'] for move in host['moves']}
                for host in found['hosts'] if host['moves']}

    def done(self):
        """Return when the moves of a session begin, as ``planned``."""
        self.run_session()
        self.assert_done()
        began = {}
        for line in self.cloud.lines('migrate.start'):
            began.setdefault(line['source'], set()).add(line['t'])
        return began

    def test_moves_of_a_host_begin_together(self):
        self.prepare(moves_at_once=1, moves_per_source=1, moves_per_target=1)
        planned, done = self.planned(), self.done()
        self.assertEqual({name: len(times) for name, times in done.items()},
                         {name: len(times) for name, times
                          in planned.items()})
        self.assertEqual({1}, set(map(len, planned.values())))

    def test_it_keeps_no_floor(self):
        self.prepare(free_vcpus=1000)
        self.assertEqual(set(self.planned()), set(self.done()))

    def test_vnf_keeps_it(self):
        self.prepare(free_vcpus=1000)
        self.assertFalse(self.plan()['complete'])

    def test_shares_are_kept_as_one_host_is_out(self):
        self.prepare(zone_share=0.1)
        self.assertEqual(set(self.planned()), set(self.done()))
