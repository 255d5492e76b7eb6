# SPDX-License-Identifier: Apache-2.0
"""What is given up is the least that suffices, against trying all."""

import itertools
import random

import hypothesis
import testtools
from hypothesis import strategies as st

from fenix.size import Size
from fenix.workflow.planner import fleet as fleets
from fenix.workflow.planner import model
from tests.unit.workflow.planner import clouds

ASKED = {'asked': True}


@st.composite
def tight(draw):
    """Draw a cloud of up to four hosts with little room, and a floor."""
    hosts, instances = {}, {}
    groups = {'one': {'anti_affinity': True}, 'two': {'max_per_host': 2}}
    for n in range(draw(st.integers(2, 4))):
        name = f'h{n}'
        used = 0
        for k in range(draw(st.integers(1, 3))):
            size = draw(st.sampled_from([1, 1, 2, 3, 4, 8]))
            used += size
            instances[f'i{n}{k}'] = (name, size, {
                'asked': draw(st.integers(0, 4)) > 0,
                'groups': tuple(draw(st.sampled_from(
                    [(), (), ('one',), ('two',)]))),
                'only': draw(st.sampled_from(
                    [None, None, None, frozenset(('h0', 'h1'))]))})
        hosts[name] = (used + draw(st.integers(0, 2)), draw(st.sampled_from(
            [model.UNDONE, model.UNDONE, model.UNDONE, model.DONE])))
    return (clouds.cloud(hosts, instances, groups),
            draw(st.sampled_from([0, 0, 1])))


def key(view, ids):
    """Return what is compared: how many, and how large together."""
    return len(ids), sum(view.instances[i].size.vcpus for i in ids)


def suffices(view, floor, ids):
    """Tell whether some host can be emptied once instances are gone."""
    rest = view.without(ids)
    spare = sum(host.free.vcpus for host in rest.hosts.values())
    for host in rest.hosts.values():
        on = rest.on(host.name)
        need = host.free.vcpus + sum(i.size.vcpus for i in on)
        if host.standing != model.UNDONE or (
                floor and spare - need < floor):
            continue
        others = [name for name in rest.hosts if name != host.name]
        for choice in itertools.product(others, repeat=len(on)):
            placed = {i.instance_id: name
                      for i, name in zip(on, choice, strict=True)}
            if all(i.only is None or placed[i.instance_id] in i.only
                   for i in on) and clouds.broken(rest, placed) is None:
                return True
    return False


def least(view, floor):
    """Return the key of the smallest set that suffices, by trying all."""
    asked = [i.instance_id for i in view.instances.values() if i.asked]
    return min((key(view, ids) for count in range(len(asked) + 1)
                for ids in itertools.combinations(asked, count)
                if suffices(view, floor, ids)), default=None)


def ordered(view, floor=0):
    """Return what a fleet wants to be given up."""
    fleet = fleets.Fleet(
        view, model.Limits(floor=Size(floor, 0, 0)), model.Estimates())
    for instance_id in view.instances:
        fleet.agreed(instance_id, 0.0)
    return fleet.orders(0.0).room


class ScaleInTest(testtools.TestCase):

    def test_one_on_a_target_goes_if_that_is_less(self):
        room = ordered(clouds.cloud(
            {'a': (8,), 'b': (9, model.DONE)},
            {'large': ('a', 8, ASKED), 'small': ('b', 1, ASKED),
             'other': ('b', 1)}))
        self.assertEqual(('small',), room.instances)
        self.assertEqual('a', room.host)

    def test_fewer_go_rather_than_smaller_ones(self):
        room = ordered(clouds.cloud(
            {'a': (8,), 'b': (8,), 'c': (10,)},
            {'ia': ('a', 8, ASKED), 'one': ('b', 1, ASKED),
             'other': ('b', 1, ASKED), 'bound': ('b', 6, ASKED),
             'ic': ('c', 10, ASKED)}))
        self.assertEqual(1, len(room.instances))

    def test_a_member_of_its_group_makes_room_for_another(self):
        anti = {**ASKED, 'groups': ('g',)}
        room = ordered(clouds.cloud(
            {'a': (8,), 'b': (8,)},
            {'ia': ('a', 4, anti), 'ib': ('b', 1, anti)},
            {'g': {'anti_affinity': True}}))
        self.assertEqual(('ib',), room.instances)

    def test_what_was_tried_out_leaves_no_trace(self):
        view = clouds.cloud(
            {'a': (8,), 'b': (8,)},
            {'ia': ('a', 6, {**ASKED, 'groups': ('g',)}),
             'ib': ('b', 5, {**ASKED, 'groups': ('g',)})},
            {'g': {'anti_affinity': True}})
        fleet = fleets.Fleet(view, model.Limits(), model.Estimates())
        before = fleet.copy()
        for instance_id in view.instances:
            fleet.agreed(instance_id, 0.0)
        fleet.orders(0.0)
        self.assertEqual([host.room for host in before.hosts.values()],
                         [host.room for host in fleet.hosts.values()])
        self.assertEqual(before.rooms.sums, fleet.rooms.sums)
        self.assertEqual(before.groups['g'].members,
                         fleet.groups['g'].members)
        self.assertEqual({'a': 1, 'b': 1}, fleet.groups['g'].counts)

    @hypothesis.settings(max_examples=150, deadline=None)
    @hypothesis.given(tight())
    def test_nothing_smaller_suffices(self, drawn):
        view, floor = drawn
        room = ordered(view, floor)
        hypothesis.assume(room is not None)
        best = least(view, floor)
        if best is None:
            self.assertEqual((), room.instances)
            return
        self.assertEqual(best, key(view, room.instances))
        self.assertTrue(suffices(view, floor, room.instances))

    def test_few_large_ones_are_found_among_many(self):
        hosts = {f'h{n}': (16,) for n in range(30)}
        instances = {f'i{n}-{k}': (f'h{n}', 1, ASKED)
                     for n in range(29) for k in range(16)}
        instances |= {f'large-{k}': ('h29', 8, ASKED) for k in range(2)}
        room = ordered(clouds.cloud(hosts, instances))
        self.assertEqual({'large-0', 'large-1'}, set(room.instances))

    def test_a_large_cloud_is_not_looked_at_without_end(self):
        chance = random.Random(1)
        hosts = {f'h{n}': (60,) for n in range(300)}
        instances = {f'i{n}-{k}': (f'h{n}', 4, {
            'asked': True, 'groups': (f'g{chance.randrange(200)}',)})
            for n in range(300) for k in range(15)}
        view = clouds.cloud(hosts, instances, {
            f'g{n}': {'max_per_host': 3} for n in range(200)})
        room = ordered(view)
        self.assertEqual(15, len(room.instances))
