# SPDX-License-Identifier: Apache-2.0
"""Room that stays free while hosts that are out give it back."""

import testtools

from fenix.size import Size
from fenix.workflow.planner import fleet as fleets
from fenix.workflow.planner import model
from tests.planning import chances
from tests.unit.workflow.planner import clouds

ESTIMATES = model.Estimates(
    host=100.0, per_gb={'MIGRATE': 0.0}, base={'MIGRATE': 10.0})
FOUR = {f'i{n}': ('c', 1) for n in range(4)}


def fleet_of(hosts, **limits):
    return fleets.Fleet(
        clouds.cloud(hosts, FOUR),
        model.Limits(floor=Size(1, 0, 0), **limits), ESTIMATES)


class FloorTest(testtools.TestCase):

    def test_a_host_that_is_out_gives_room_back(self):
        fleet = fleet_of({'a': (4,), 'b': (4, model.DONE), 'c': (4,)})
        orders = fleet.orders(0.0)
        self.assertEqual(('a', 'c'), orders.empty)
        fleet.out('a', 0.0)
        fleet.emptying('c', 0.0)
        # One more would leave nothing free.
        self.assertEqual(3, len(orders.moves))
        for key, target in orders.moves:
            fleet.move_started(key, target, 0.0)
            fleet.move_ended(key, target, 10.0)
        self.assertEqual((), fleet.orders(10.0).moves)
        [last] = fleet.hosts['c'].instances
        self.assertIn('1 VCPU, 0 MB RAM, 0 GB disk stay free',
                      fleet.why(last, 10.0).reason)
        fleet.done('a', 100.0)
        self.assertEqual(((last, 'b'),), fleet.orders(100.0).moves)

    def test_nobody_begins_whose_room_does_not_come_back(self):
        """The smaller host gives back too little for the floor."""
        fleet = fleet_of({'a': (0,), 'b': (4, model.DONE), 'c': (4,)})
        self.assertEqual(('a',), fleet.orders(0.0).empty)

    def test_hosts_are_emptied_in_their_turn(self):
        """The later one takes no room that the first one needs."""
        fleet = fleets.Fleet(
            clouds.cloud({'b': (4, model.DONE), 'c': (2,), 'd': (2,)},
                         {'c1': ('c', 2, {'asked': True}), 'd1': ('d', 1)}),
            model.Limits(floor=Size(2, 0, 0)), ESTIMATES)
        for name in 'cd':
            fleet.emptying(name, 0.0)
        self.assertEqual((), fleet.orders(0.0).moves)
        fleet.agreed('c1', 5.0)
        self.assertEqual((('c1', 'b'),), fleet.orders(5.0).moves)
        fleet.move_started('c1', 'b', 5.0)
        fleet.move_ended('c1', 'b', 15.0)
        self.assertEqual((), fleet.orders(15.0).moves)
        fleet.out('c', 15.0)
        fleet.done('c', 115.0)
        self.assertEqual((('d1', 'b'),), fleet.orders(115.0).moves)

    def test_what_comes_later_does_not_hold_up_who_has_begun(self):
        fleet = fleet_of({'b': (4, model.DONE), 'c': (4,),
                          'd': (1, model.DONE)}, moves_per_source=1)
        self.assertEqual(('c',), fleet.orders(0.0).empty)
        fleet.emptying('c', 0.0)
        fleet.appeared(model.InstanceView('new', 'project', 'd',
                                          clouds.small(1)))
        for n in range(4):
            [(key, target)] = fleet.orders(10.0 * n).moves
            fleet.move_started(key, target, 10.0 * n)
            fleet.move_ended(key, target, 10.0 * n + 10)
        self.assertTrue(fleet.is_empty('c'))

    def test_room_is_kept_anew_after_a_restart(self):
        """Nobody keeps what had been kept; hosts are told of as begun."""
        fleet = fleet_of({'a': (4,), 'b': (4, model.DONE), 'c': (4,)})
        fleet.out('a', 0.0)
        fleet.emptying('c', 0.0)
        self.assertEqual(3, len(fleet.orders(0.0).moves))
        self.assertEqual({'b'}, {fleet.instances[key].goal for key in FOUR})

    def test_what_is_kept_is_what_does_not_move_yet(self):
        class Watched(fleets.Fleet):

            def orders(fleet, now):
                answer = super().orders(now)
                waiting = [i.need for i in fleet.instances.values()
                           if i.goal is not None and not i.offered]
                self.assertEqual([sum(need[r] for need in waiting)
                                  for r in range(3)], fleet.rooms.kept)
                return answer

        for seed in range(12):
            _run, found = chances.run(seed, make_fleet=Watched)
            self.assertEqual([], found)

    def test_a_copy_goes_its_own_way(self):
        fleet = fleet_of({'a': (4,), 'b': (4, model.DONE), 'c': (4,)})
        fleet.orders(0.0)
        other = fleet.copy()
        other.wake_floor()
        self.assertEqual({'c'}, fleet.floor_waiters)
