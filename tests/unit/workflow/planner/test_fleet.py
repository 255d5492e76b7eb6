# SPDX-License-Identifier: Apache-2.0
import testtools

from fenix import words
from fenix.size import Size
from fenix.workflow.planner import fleet as fleets
from fenix.workflow.planner import forecast
from fenix.workflow.planner import model
from fenix.workflow.planner import reasons
from tests.unit.workflow.planner import clouds

#: Every move takes 10 s, the work on a host 100 s.
ESTIMATES = model.Estimates(
    host=100.0, reply=30.0, per_gb={'MIGRATE': 0.0},
    base={'MIGRATE': 10.0})
ASKED = {'asked': True}


def fleet_of(hosts, instances, groups=(), order=None, **limits):
    return fleets.Fleet(clouds.cloud(hosts, instances, groups),
                        model.Limits(**limits), ESTIMATES, order=order)


def hosts(count, empty=1, size=4):
    """Hosts a, b, ..., the first ones empty, each other one with a full."""
    names = 'abcdefgh'[:count]
    return ({name: (size,) for name in names},
            {f'i{name}': (name, size) for name in names[empty:]})


class OrdersTest(testtools.TestCase):

    def test_empty_hosts_begin_and_projects_are_asked_meanwhile(self):
        on = {'ib': ('b', 4, ASKED), 'ic': ('c', 4, ASKED)}
        fleet = fleet_of({'a': (4,), 'b': (4,), 'c': (4,)}, on)
        orders = fleet.orders(0.0)
        self.assertEqual(('a',), orders.empty)
        self.assertEqual({'b', 'c'}, {ask.host for ask in orders.ask})
        self.assertEqual((), orders.moves)

    def test_orders_stand_until_they_are_carried_out(self):
        fleet = fleet_of(*hosts(3))
        self.assertEqual(('a',), fleet.orders(0.0).empty)
        self.assertEqual(('a',), fleet.orders(1.0).empty)
        fleet.emptying('a', 1.0)
        self.assertEqual((), fleet.orders(1.0).empty)
        fleet.out('a', 1.0)
        fleet.done('a', 101.0)
        orders = fleet.orders(101.0)
        self.assertEqual((('b',), (('ib', 'a'),)),
                         (orders.empty, orders.moves))
        fleet.emptying('b', 101.0)
        self.assertEqual((('ib', 'a'),), fleet.orders(102.0).moves)
        fleet.move_started('ib', 'a', 102.0)
        self.assertEqual((), fleet.orders(102.0).moves)

    def test_a_question_is_put_once(self):
        fleet = fleet_of({'a': (4,), 'b': (4,)}, {'ib': ('b', 4, ASKED)})
        self.assertEqual([model.Ask('b')], list(fleet.orders(0.0).ask))
        fleet.asked('b', 0.0)
        self.assertEqual((), fleet.orders(0.0).ask)

    def test_nothing_moves_before_its_time(self):
        fleet = fleet_of({'a': (4, model.DONE), 'b': (4,)},
                         {'ib': ('b', 4, ASKED)})
        fleet.orders(0.0)
        fleet.asked('b', 0.0)
        self.assertEqual((), fleet.orders(10.0).moves)
        fleet.agreed('ib', 50.0)
        orders = fleet.orders(20.0)
        self.assertEqual(((), 50.0), (orders.moves, orders.wake))
        self.assertEqual((('ib', 'a'),), fleet.orders(50.0).moves)

    def test_a_refusal_is_flowed_around(self):
        fleet = fleet_of(*hosts(3), order=['a', 'b', 'c'])
        fleet.refused('b')
        fleet.orders(0.0)
        fleet.out('a', 0.0)
        fleet.done('a', 100.0)
        self.assertEqual(('c',), fleet.orders(100.0).empty)
        fleet.put_back('b')
        self.assertEqual(['b'], sorted(set(fleet.unfinished()) - {'c'}))

    def test_what_was_ordered_for_a_refused_host_is_taken_back(self):
        fleet = fleet_of({'a': (4, model.DONE), 'b': (4,), 'c': (4,)},
                         {'ib': ('b', 4), 'ic': ('c', 4)},
                         order=['b', 'c'])
        self.assertEqual((('ib', 'a'),), fleet.orders(0.0).moves)
        fleet.refused('b')
        orders = fleet.orders(0.0)
        self.assertEqual((('c',), (('ic', 'a'),)),
                         (orders.empty, orders.moves))

    def test_a_closed_target_is_exchanged(self):
        fleet = fleet_of({'a': (4, model.DONE), 'b': (4, model.DONE),
                          'c': (4,)}, {'ic': ('c', 4)})
        target = dict(fleet.orders(0.0).moves)['ic']
        fleet.closed(target)
        other = dict(fleet.orders(0.0).moves)['ic']
        self.assertNotEqual(target, other)

    def test_a_failed_move_waits_until_its_host_is_put_back(self):
        fleet = fleet_of({'a': (4, model.DONE), 'b': (4,)},
                         {'ib': ('b', 4)})
        fleet.orders(0.0)
        fleet.emptying('b', 0.0)
        fleet.move_started('ib', 'a', 0.0)
        fleet.move_failed('ib', 5.0)
        self.assertEqual((), fleet.orders(5.0).moves)
        self.assertEqual('its move failed', fleet.why('ib', 5.0).reason)
        fleet.put_back('b')
        self.assertEqual((('ib', 'a'),), fleet.orders(6.0).moves)

    def test_one_that_comes_later_moves_too(self):
        fleet = fleet_of({'a': (8, model.DONE), 'b': (8,)},
                         {'ib': ('b', 4)})
        fleet.orders(0.0)
        fleet.emptying('b', 0.0)
        fleet.appeared(model.InstanceView(
            'new', 'p', 'b', clouds.small(1)))
        self.assertIn(('new', 'a'), fleet.orders(1.0).moves)

    def test_a_host_that_others_are_to_move_to_does_not_begin(self):
        fleet = fleet_of({'a': (4,), 'b': (4,)},
                         {'ia': ('a', 3), 'ib': ('b', 1)})
        self.assertEqual((('ib', 'a'),), fleet.orders(0.0).moves)
        fleet.emptying('b', 0.0)
        fleet.gone('ia')    # Now a could begin.
        orders = fleet.orders(0.0)
        self.assertEqual(((), (('ib', 'a'),)), (orders.empty, orders.moves))
        self.assertEqual('instances are still to move to it',
                         fleet.why('a', 0.0).reason)
        fleet.move_started('ib', 'a', 0.0)
        self.assertEqual((), fleet.orders(0.0).empty)
        fleet.move_ended('ib', 'a', 10.0)
        fleet.out('b', 10.0)
        fleet.done('b', 110.0)
        orders = fleet.orders(110.0)
        self.assertEqual((('a',), (('ib', 'b'),)),
                         (orders.empty, orders.moves))

    def test_a_host_begins_once_nobody_comes_any_more(self):
        fleet = fleet_of({'a': (4,), 'b': (4, model.UNDONE, False)},
                         {'ia': ('a', 3), 'ib': ('b', 1)})
        fleet.orders(0.0)
        fleet.emptying('b', 0.0)
        fleet.move_started('ib', 'a', 0.0)
        fleet.refused('b')
        fleet.gone('ia')
        self.assertEqual((), fleet.orders(0.0).empty)
        fleet.move_failed('ib', 5.0)
        self.assertEqual(('a',), fleet.orders(5.0).empty)

    def test_room_is_brought_together_by_who_may_begin(self):
        """No place is kept for a host whose projects have yet to agree."""
        fleet = fleet_of({'a': (4,), 'b': (4,)},
                         {'ia': ('a', 2, ASKED), 'ib': ('b', 2)},
                         hosts_at_once=1)
        self.assertEqual(('b',), fleet.orders(0.0).empty)

    def test_room_is_brought_together_early(self):
        for early in (False, True):
            fleet = fleets.Fleet(clouds.cloud(
                {name: (4,) for name in 'abcd'},
                {'ia': ('a', 2), 'ib': ('b', 1, ASKED),
                 'ic': ('c', 3, ASKED), 'id': ('d', 2, ASKED)}),
                model.Limits(), ESTIMATES, order='abcd', early=early)
            self.assertEqual(('a',), fleet.orders(0.0).empty)
            fleet.emptying('a', 0.0)
            fleet.move_started('ia', 'd', 0.0)
            fleet.move_ended('ia', 'd', 10.0)
            fleet.out('a', 10.0)
            fleet.agreed('ic', 10.0)
            self.assertEqual(('c',) if early else (),
                             fleet.orders(10.0).empty)

    def test_groups_of_other_sessions_are_waited_for(self):
        fleet = fleet_of(
            {'a': (4, model.DONE), 'b': (4,)},
            {'ib': ('b', 4, {'groups': ('g',)})}, {'g': {}})
        self.assertEqual(1, len(fleet.orders(0.0).moves))
        fleet.group_busy('g', 40.0)
        orders = fleet.orders(0.0)
        self.assertEqual(((), 40.0), (orders.moves, orders.wake))
        self.assertEqual('g', fleet.why('ib', 0.0).waits_for)
        self.assertEqual(1, len(fleet.orders(40.0).moves))

    def test_members_of_a_group_take_turns_and_recover(self):
        members = {f'i{n}': ('b', 1, {'groups': ('g',)}) for n in range(3)}
        fleet = fleet_of({'a': (4, model.DONE), 'b': (4,)}, members,
                         {'g': {'max_impacted': 1, 'recovery_time': 5.0}})
        moves = [entry for entry in forecast.forecast(fleet, 0.0).entries
                 if entry.kind == forecast.MOVE]
        self.assertEqual([(0.0, 10.0), (15.0, 25.0), (30.0, 40.0)],
                         [(move.start, move.end) for move in moves])

    def test_a_copy_goes_its_own_way(self):
        fleet = fleet_of(*hosts(4))
        forecast.forecast(fleet, 0.0)
        self.assertEqual(['a', 'b', 'c', 'd'], sorted(fleet.unfinished()))
        self.assertEqual(('a',), fleet.orders(0.0).empty)


class WhyTest(testtools.TestCase):

    def reason(self, fleet, key, now=0.0):
        return fleet.why(key, now).reason

    def test_hosts_and_instances(self):
        fleet = fleet_of({'a': (4,), 'b': (4,), 'c': (4,)},
                         {'ib': ('b', 4, ASKED), 'ic': ('c', 4)},
                         hosts_at_once=1, order=['a', 'b', 'c'])
        fleet.orders(0.0)
        self.assertIn('not asked yet: project', self.reason(fleet, 'b'))
        fleet.asked('b', 0.0)
        self.assertIn('answer of project', self.reason(fleet, 'b'))
        self.assertEqual('project', fleet.why('b', 0.0).waits_for)
        self.assertIn('its host waits', self.reason(fleet, 'ib'))
        wait = fleet.why('c', 0.0)
        self.assertIn('1 hosts at once', wait.text)
        self.assertEqual(words.HOSTS_IN_HAND, wait.waits_for)
        fleet.agreed('ib', 60.0)
        wait = fleet.why('b', 0.0)
        self.assertEqual(('the notice goes on', 60.0),
                         (wait.reason, wait.seconds))
        self.assertEqual('the notice goes on for about 60 s', wait.text)
        fleet.out('a', 0.0)
        self.assertIsNone(fleet.why('a', 0.0))
        fleet.refused('c')
        self.assertIn('left out', self.reason(fleet, 'c'))

    def test_room(self):
        fleet = fleet_of(*hosts(3))
        fleet.orders(0.0)
        self.assertIn('no room', self.reason(fleet, 'b'))
        self.assertEqual(words.HOSTS_IN_HAND, fleet.why('b', 0.0).waits_for)

    def two_members(self, **group):
        fleet = fleet_of(
            {'a': (8, model.DONE), 'b': (4,), 'c': (4,)},
            {name: (host, 1, {'groups': ('g',)})
             for name, host in (('ib', 'b'), ('ic', 'c'))},
            {'g': {'max_impacted': 1, **group}})
        fleet.orders(0.0)
        for name in 'bc':
            fleet.emptying(name, 0.0)
        return fleet

    def test_a_group(self):
        fleet = self.two_members(recovery_time=30.0)
        fleet.orders(0.0)
        fleet.move_started('ib', 'a', 0.0)
        self.assertEqual(model.Wait(
            'ib', 'waits for its group g, of which 1 may be impacted at '
            'once'), fleet.why('ic', 0.0))
        fleet.move_ended('ib', 'a', 10.0)
        self.assertEqual(model.Wait(
            'g', 'waits for its group g, which recovers', 25.0),
            fleet.why('ic', 15.0))

    def test_many_members_are_not_named(self):
        self.assertEqual('a, b, c', reasons.of_group(
            'g', {'c', 'a', 'b'}, 3, ()).waits_for)
        self.assertEqual('g', reasons.of_group(
            'g', set('abcd'), 4, ()).waits_for)

    def test_a_group_of_another_session(self):
        fleet = self.two_members()
        fleet.group_busy('g', 40.0, ('s2',))
        self.assertEqual(model.Wait(
            'session s2', 'waits for its group g, which another session '
            'keeps busy'), fleet.why('ic', 0.0))
        fleet.orders(40.0)
        fleet.move_started('ib', 'a', 40.0)
        fleet.move_ended('ib', 'a', 50.0)
        self.assertEqual((), fleet.groups['g'].held_by)

    def test_a_host_that_groups_hold_up(self):
        fleet = fleet_of(
            {'a': (8, model.DONE), 'b': (4,)},
            {'ib': ('b', 1, {'groups': ('g',)})},
            {'g': {'max_impacted': 1}})
        fleet.group_busy('g', 40.0, ('s2',))
        self.assertEqual(
            model.Wait('session s2', 'its group g is busy', 40.0),
            fleet.why('b', 0.0))

    def test_limits_on_moves(self):
        for limit, whom, text in (
                ('moves_per_source', 'b', '1 moves from a host at once'),
                ('moves_per_target', 'a', '1 moves to a host at once'),
                ('moves_at_once', words.HOSTS_IN_HAND, '1 moves at once')):
            fleet = fleet_of(
                {'a': (8, model.DONE), 'b': (4,)},
                {'i1': ('b', 1), 'i2': ('b', 1)}, **{limit: 1})
            fleet.orders(0.0)
            fleet.move_started('i1', 'a', 0.0)
            self.assertEqual(
                model.Wait(whom, f'a limit of the session: {text}'),
                fleet.why('i2', 0.0))


class RoomTest(testtools.TestCase):

    def test_the_smallest_scale_in_is_chosen(self):
        fleet = fleet_of(
            {'a': (7,), 'b': (6,)},
            {'big': ('a', 5, ASKED), 'small': ('a', 1, ASKED),
             'other': ('b', 4, ASKED), 'last': ('b', 1, ASKED)})
        room = fleet.orders(0.0).room
        # Either host has 1 free, for what is left of the other one.
        self.assertEqual(('other',), room.instances)
        self.assertEqual({'project': clouds.small(4)}, room.projects)
        self.assertEqual('b', room.host)

    def test_who_has_no_room_is_not_forgotten_meanwhile(self):
        fleet = fleet_of({'a': (5, model.DONE), 'b': (8,)},
                         {'ib': ('b', 4)}, floor=Size(1, 0, 0))
        fleet.orders(0.0)
        fleet.emptying('b', 0.0)
        fleet.move_started('ib', 'a', 0.0)
        for name in ('x', 'y'):
            fleet.appeared(model.InstanceView(
                name, 'p', 'b', clouds.small(1), asked=True))
            fleet.agreed(name, 0.0)
        fleet.move_ended('ib', 'a', 10.0)
        self.assertIsNotNone(fleet.orders(10.0).room)
        fleet.gone('ib')
        self.assertEqual({('x', 'a'), ('y', 'a')},
                         set(fleet.orders(10.0).moves))

    def test_a_forecast_says_who_has_to_scale_in(self):
        fleet = fleet_of({'a': (4,), 'b': (4,)},
                         {'ia': ('a', 4, ASKED), 'ib': ('b', 4, ASKED)})
        result = forecast.forecast(fleet, 0.0)
        self.assertEqual({'project': clouds.small(4)}, result.scale_in)
        self.assertEqual(1, len(result.given_up))
        self.assertTrue(result.complete)

    def test_who_is_not_asked_cannot_scale_in(self):
        fleet = fleet_of({'a': (4,), 'b': (4,)},
                         {'ia': ('a', 4), 'ib': ('b', 4)})
        result = forecast.forecast(fleet, 0.0)
        self.assertFalse(result.complete)
        self.assertIn('host a cannot be emptied', result.obstacles[0])
        self.assertIn('4 VCPU', result.obstacles[0])

    def test_obstacles_name_what_stands_in_the_way(self):
        fleet = fleet_of(
            {'a': (4,), 'b': (4,)},
            {'ia': ('a', 1, {'groups': ('g',)}),
             'ib': ('b', 1, {'groups': ('g',)})},
            {'g': {'anti_affinity': True}})
        result = forecast.forecast(fleet, 0.0)
        self.assertIn('group g wants at most 1 on a host',
                      result.obstacles[0])
        fleet = fleet_of({'a': (4,), 'b': (4,)},
                         {'ib': ('b', 1, {'movable': False})})
        self.assertIn('ib cannot be moved in its state',
                      ' '.join(forecast.forecast(fleet, 0.0).obstacles))

    def test_a_floor_is_kept(self):
        fleet = fleet_of({'a': (4,), 'b': (4,), 'c': (4,)}, {},
                         floor=Size(8, 0, 0))
        self.assertEqual(1, len(fleet.orders(0.0).empty))
        fleet = fleet_of({'a': (4,), 'b': (4,), 'c': (4,)}, {},
                         floor=Size(9, 0, 0))
        result = forecast.forecast(fleet, 0.0)
        self.assertIn('stay free', ' '.join(result.obstacles))
