# SPDX-License-Identifier: Apache-2.0
import dataclasses
import gc

import hypothesis
import testtools
from hypothesis import strategies as st

from fenix.size import Size
from fenix.workflow.planner import model
from fenix.workflow.planner import planner
from tests.unit.workflow.planner import clouds

ANTI = {'anti_affinity': True}


class TargetsTest(testtools.TestCase):

    def view(self):
        return clouds.cloud(
            {'h': (9,), 'done-wide': (9, model.DONE),
             'done': (3, model.DONE), 'closed': (9, model.DONE, False),
             'outside': (2, model.OUTSIDE), 'undone': (1, model.UNDONE),
             'down': (9, model.UNDONE, False)}, {})

    def test_done_then_outside(self):
        self.assertEqual(
            ['done', 'done-wide', 'outside'],
            planner.targets_for(self.view(), 'h', model.PLANNED))

    def test_undone_last_and_only_to_prepare(self):
        self.assertEqual(
            ['done', 'done-wide', 'outside', 'undone'],
            planner.targets_for(self.view(), 'h', model.PREPARE))


class NextHostTest(testtools.TestCase):

    def test_nothing_is_left(self):
        self.assertIsNone(planner.next_host(
            clouds.cloud({'a': (4, model.DONE), 'b': (4, model.OUTSIDE)},
                         {'i': ('a', 1)})))

    def test_an_empty_host_is_first(self):
        view = clouds.cloud({'a': (4,), 'b': (4,), 'd': (9, model.DONE)},
                            {'i': ('a', 1)})
        self.assertEqual(model.Start('b', model.PLANNED),
                         planner.next_host(view))

    def test_a_host_that_only_looks_empty_is_not_the_first(self):
        view = clouds.cloud({'b': (4,), 'c': (4,)}, {})
        view.hosts['b'] = model.HostView('b', Size(1, 1, 1), Size(4, 4, 4))
        self.assertEqual('c', planner.next_host(view).host)

    def test_done_hosts_rather_than_undone_ones(self):
        view = clouds.cloud(
            {'a': (4,), 'b': (4,), 'd': (2, model.DONE)},
            {'i': ('a', 1), 'j': ('b', 1), 'k': ('b', 1)})
        self.assertEqual(model.Start('a', model.PLANNED, {'i': 'd'}),
                         planner.next_host(view))

    def test_scattered_room_is_brought_together(self):
        view = clouds.cloud(
            {'a': (4,), 'b': (3,), 'c': (3,)},
            {'i': ('a', 1), 'j': ('a', 1), 'k': ('b', 2), 'l': ('c', 2)})
        self.assertEqual(model.PREPARE, planner.next_host(view).question)
        self.assertIsInstance(
            planner.next_host(view, undone_targets=False), model.NeedRoom)

    def bound(self, only, zones):
        """Return what is said of one that cannot leave some hosts."""
        view = clouds.cloud(
            {'a': (4,), 'b': (9, model.DONE), 'c': (4, model.DONE)},
            {'i': ('a', 1, {'only': frozenset(only)}), 'k': ('c', 4)})
        view = dataclasses.replace(view, hosts={
            name: dataclasses.replace(view.hosts[name], zone=zone)
            for name, zone in zip('abc', zones, strict=True)})
        return planner.next_host(view).reason

    def test_what_binds_an_instance_is_named(self):
        start = ('host a cannot be emptied; instance i (1 VCPU, 1024 MB RAM, '
                 '10 GB disk) may go to none of 2 hosts: ')
        for only, zones, said in (
                ('a', 'xyy', 'availability zone x leaves it no other host'),
                ('a', 'xxx', 'its flavor or its cell of Nova leaves it no '
                 'other host'),
                ('a', ('', '', ''), 'its availability zone, flavor or cell '
                 'of Nova leaves it no other host')):
            self.assertEqual(start + said, self.bound(only, zones))

    def test_bonds_and_groups_together(self):
        view = clouds.cloud(
            {'a': (4,), 'b': (4, model.DONE), 'c': (4, model.DONE)},
            {'i': ('a', 1, {'only': frozenset('ab'), 'groups': ('g',)}),
             'j': ('b', 1, {'groups': ('g',)})},
            {'g': {'anti_affinity': True}})
        self.assertIn(
            'may go to none of 2 hosts: its availability zone, flavor or cell '
            'of Nova leaves it only b and group g wants at most 1 on a '
            'host, and its other members are on b',
            planner.next_host(view).reason)

    def test_a_bond_that_leaves_nothing_out_is_not_named(self):
        view = clouds.cloud(
            {'a': (4,), 'b': (4, model.DONE)},
            {'i': ('a', 1, {'only': frozenset('ab'), 'groups': ('g',)}),
             'j': ('b', 1, {'groups': ('g',)})},
            {'g': {'anti_affinity': True}})
        self.assertIn('of 1 hosts: group g', planner.next_host(view).reason)

    def test_the_least_to_move(self):
        view = clouds.cloud(
            {'a': (4,), 'b': (4,), 'c': (4,), 'd': (9, model.DONE)},
            {'i': ('a', 1), 'j': ('a', 1), 'k': ('b', 2), 'l': ('c', 1)})
        self.assertEqual('c', planner.next_host(view).host)

    def test_floating_addresses_last(self):
        for targets in ({'d': (9, model.DONE)}, {}):
            view = clouds.cloud(
                {'a': (4,), 'b': (4,), **targets},
                {'i': ('a', 1, {'floating': True}),
                 'j': ('b', 1), 'k': ('b', 1)})
            self.assertEqual('b', planner.next_host(view).host)

    def test_left_out(self):
        view = clouds.cloud({'a': (4,), 'b': (4,)}, {'i': ('a', 1)})
        self.assertEqual(
            model.Start('a', model.PREPARE, {'i': 'b'}),
            planner.next_host(view, left_out=frozenset(['b'])))
        self.assertIsNone(planner.next_host(view, left_out=view.hosts))

    def test_room_is_missing(self):
        view = clouds.cloud(
            {'a': (4,), 'b': (5,), 'c': (4,)},
            {'i': ('a', 4), 'j': ('b', 4), 'k': ('c', 2), 'l': ('c', 2)})
        need = planner.next_host(view)
        self.assertEqual('a', need.host)
        # One VCPU is free, on b.
        self.assertEqual(Size(3, 3072, 30), need.missing)
        for word in ('host a ', 'instance i', '3 VCPU', 'nearest is b'):
            self.assertIn(word, need.reason)

    def test_the_host_that_lacks_least_is_named(self):
        view = clouds.cloud({'a': (4,), 'b': (9,)},
                            {'i': ('a', 4), 'j': ('b', 7)})
        need = planner.next_host(view)
        self.assertEqual(('a', Size(2, 2048, 20)), (need.host, need.missing))

    def test_a_group_stands_in_the_way(self):
        view = clouds.cloud(
            {'a': (9,), 'b': (9,)},
            {i: (h, 1, {'groups': ('g',)}) for i, h in ('ia', 'jb')},
            {'g': ANTI})
        need = planner.next_host(view)
        self.assertEqual(Size(), need.missing)
        for word in ('host a ', 'instance i', 'group g', 'at most 1', 'on b'):
            self.assertIn(word, need.reason)

    def test_an_instance_that_cannot_move_stands_in_the_way(self):
        view = clouds.cloud(
            {'a': (9,), 'b': (9, model.DONE)},
            {'i': ('a', 1, {'movable': False})})
        need = planner.next_host(view)
        self.assertEqual(Size(), need.missing)
        self.assertIn('i cannot be moved', need.reason)

    def test_nowhere_to_go(self):
        view = clouds.cloud({'a': (9,)}, {'i': ('a', 1)})
        need = planner.next_host(view)
        self.assertEqual(clouds.small(1), need.missing)
        self.assertIn('no host that may take it', need.reason)

    def test_long_reasons_are_cut(self):
        view = clouds.cloud({'a': (99,)},
                            {f'i{n:02}': ('a', 1) for n in range(50)})
        self.assertLess(len(planner.next_host(view).reason), 600)
        self.assertIn('and 45 more', planner.next_host(view).reason)

    @hypothesis.settings(max_examples=300, deadline=None)
    @hypothesis.given(clouds.clouds(), st.data())
    def test_the_choice_can_be_done(self, view, data):
        out = frozenset(h for h in sorted(view.hosts)
                        if not data.draw(st.integers(0, 3)))
        undone = {name for name, host in view.hosts.items()
                  if host.standing == model.UNDONE} - out
        empty = {name for name in undone if not view.on(name)}
        ids = {name: [i.instance_id for i in view.on(name)]
               for name in undone}
        can = {question: {name for name in undone if len(ids[name]) < 6
                          and clouds.brute_force(
                              view, ids[name], planner.targets_for(
                                  view, name, question))}
               for question in (model.PLANNED, model.PREPARE)}
        choice = planner.next_host(view, left_out=out)
        self.assertEqual(choice, planner.next_host(view, left_out=out))
        if not undone:
            self.assertIsNone(choice)
            return
        self.assertIn(choice.host, undone)
        if isinstance(choice, model.NeedRoom):
            self.assertEqual(set(), empty | can[model.PREPARE])
            self.assertIn(choice.host, choice.reason)
            return
        self.assertEqual(set(ids[choice.host]), set(choice.targets))
        self.assertIsNone(clouds.broken(view, choice.targets))
        if empty:
            self.assertIn(choice.host, empty)
            self.assertEqual(model.PLANNED, choice.question)
            return
        for target in choice.targets.values():
            self.assertIn(target, planner.targets_for(
                view, choice.host, choice.question))
        if choice.question == model.PREPARE:
            self.assertEqual(set(), can[model.PLANNED])
        for name in can[choice.question]:
            self.assertLessEqual(planner.cost(view, choice.host),
                                 planner.cost(view, name))


class WholeSessionTest(testtools.TestCase):
    """Choice after choice ends with all hosts done, where there is room."""

    def run_session(self, view):
        questions = []
        choice = planner.next_host(view)
        while isinstance(choice, model.Start):
            self.assertIsNone(clouds.broken(view, choice.targets))
            questions.append((choice.question, bool(choice.targets)))
            self.assertLess(len(questions), 50)
            view = view.moved(choice.targets)
            self.assertEqual((), view.on(choice.host))
            if choice.question == model.PLANNED:
                view = view.standing_as(choice.host, model.DONE)
            choice = planner.next_host(view)
        return questions, choice

    def test_one_host_of_room_is_enough(self):
        for hosts in (3, 5, 8):
            view = clouds.cloud(
                {f'h{n}': (4,) for n in range(hosts)},
                {f'i{n}': (f'h{n // 2}', 2) for n in range(2 * hosts - 2)})
            questions, end = self.run_session(view)
            self.assertIsNone(end)
            self.assertEqual(hosts, len(questions))

    def test_the_doctor_case(self):
        # All is full; two of the others are given up, then it works.
        instances = {f'i{n}': (f'h{n // 2}', 2) for n in range(6)}
        for n, floating in ((0, True), (2, False)):
            instances[f'i{n}'] += ({'groups': ('ha',),
                                    'floating': floating},)
        hosts = {f'h{n}': (4,) for n in range(3)}
        view = clouds.cloud(hosts, instances, {'ha': ANTI})
        self.assertIsInstance(planner.next_host(view), model.NeedRoom)
        for gone in ('i1', 'i3'):
            del instances[gone]
        questions, end = self.run_session(
            clouds.cloud(hosts, instances, {'ha': ANTI}))
        self.assertIsNone(end)
        self.assertEqual((model.PREPARE, True), questions[0])
        self.assertEqual(4, len(questions))


class CollectorTest(testtools.TestCase):

    def test_goes_on_after_a_plan(self):
        with planner.uncollected():
            self.assertFalse(gc.isenabled())
            with planner.uncollected():
                pass
            self.assertFalse(gc.isenabled())
        self.assertTrue(gc.isenabled())
        self.assertRaises(AttributeError, planner.plan, None, None, None)
        self.assertTrue(gc.isenabled())
