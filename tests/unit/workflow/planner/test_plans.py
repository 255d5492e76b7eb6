# SPDX-License-Identifier: Apache-2.0
"""Plans that are executed keep every rule, and planners that do not show."""

import dataclasses
import functools
import os
import re
import subprocess
import sys

import hypothesis
import testtools
from hypothesis import strategies as st

from fenix.sandbox import generator
from fenix.size import Size
from fenix.workflow.planner import fleet as fleets
from fenix.workflow.planner import forecast
from fenix.workflow.planner import model
from fenix.workflow.planner import planner
from tests.planning import chances
from tests.planning import checker
from tests.planning import executor
from tests.planning import recipes
from tests.planning import views

seeds = st.integers(0, 2**32)


class ExecutionTest(testtools.TestCase):

    @hypothesis.settings(max_examples=80, deadline=None)
    @hypothesis.given(seeds)
    # Somebody comes onto a host that was asked for, and nothing can begin.
    @hypothesis.example(3908)
    # There is room for what is on a host to which others are still to move.
    @hypothesis.example(2608)
    @hypothesis.example(9515)
    # Somebody on a host that is being emptied waits for room that is scarce.
    @hypothesis.example(102587)
    def test_nothing_is_broken_and_nothing_hangs(self, seed):
        run, found = chances.run(seed)
        self.assertEqual([], found)
        left = run.fleet.unfinished()
        self.assertTrue(not left or run.fleet.shortage, left)

    @hypothesis.settings(max_examples=30, deadline=None)
    @hypothesis.given(seeds)
    # Somebody on a host that is being emptied has no room.
    @hypothesis.example(22)
    def test_room_that_is_brought_together_early(self, seed):
        run, found = chances.run(seed, make_fleet=functools.partial(
            fleets.Fleet, early=True))
        self.assertEqual([], found)
        left = run.fleet.unfinished()
        self.assertTrue(not left or run.fleet.shortage, left)

    @hypothesis.settings(max_examples=30, deadline=None)
    @hypothesis.given(seeds)
    def test_what_goes_as_estimated_ends_as_forecast(self, seed):
        view, limits, estimates, _luck = chances.draw(seed)
        expected = forecast.forecast(
            fleets.Fleet(view, limits, estimates), 0.0)
        # The forecast lets projects take their time to scale in.
        hypothesis.assume(not expected.scale_in)
        run = executor.Executor(view, limits, estimates)
        self.assertAlmostEqual(expected.end, run.run(), places=3)
        self.assertEqual(expected.moves, run.moves)

    @hypothesis.settings(max_examples=30, deadline=None)
    @hypothesis.given(seeds)
    def test_no_plan_ends_before_the_bound(self, seed):
        view, limits, estimates, _luck = chances.draw(seed)
        plan = planner.plan(view, limits, estimates, effort=0)
        if plan.gap is not None:
            self.assertGreaterEqual(plan.gap, -1e-9, plan.bound)

    @hypothesis.settings(max_examples=30, deadline=None)
    @hypothesis.given(seeds, st.floats(0, 5000))
    def test_a_forecast_on_the_way_fits_what_follows(self, seed, when):
        view, limits, estimates, _luck = chances.draw(seed)
        foretold = []

        class Teller(fleets.Fleet):

            def orders(self, now):
                answer = super().orders(now)
                if (now >= when and not foretold and not answer.ask
                        and not answer.empty and not answer.moves):
                    foretold.append(forecast.forecast(self, now))
                return answer

        run = executor.Executor(view, limits, estimates, make_fleet=Teller)
        end = run.run()
        if foretold and not foretold[0].scale_in and end > when:
            self.assertAlmostEqual(end, foretold[0].end, places=3)

    def test_equal_questions_have_equal_answers(self):
        code = ('from tests.planning import chances\n'
                'from tests.planning import scattered\n'
                'from fenix.workflow.planner import planner\n'
                'for seed in range(12):\n'
                '    view, limits, estimates, _ = chances.draw(seed)\n'
                '    print(planner.plan(view, limits, estimates,\n'
                '                       effort=200))\n'
                '    run, _found = chances.run(seed)\n'
                '    print(run.record, run.fleet.shortage)\n'
                'print(planner.plan(*scattered.large(1, 30), effort=0))\n')
        answers = {subprocess.run(
            [sys.executable, '-c', code], check=True, stdout=subprocess.PIPE,
            env={**os.environ, 'PYTHONHASHSEED': seed}).stdout
            for seed in ('1', '2')}
        self.assertEqual(1, len(answers))

    def test_the_order_in_which_a_cloud_is_told_changes_nothing(self):
        for seed in range(9):
            view, limits, estimates, _luck = chances.draw(seed)
            other = model.CloudView(*[
                dict(reversed(part.items())) for part in (
                    view.hosts, view.instances, view.groups)])
            self.assertEqual(*[
                planner.plan(told, limits, estimates, effort=200)
                for told in (view, other)])


class LargeTest(testtools.TestCase):

    def test_a_hundred_hosts(self):
        view, limits, estimates = recipes.large(1, 100)
        plan = planner.plan(view, limits, estimates, effort=0)
        self.assertLess(plan.gap, 0.05)
        self.assertLessEqual(plan.forecast.moves,
                             1.05 * len(view.instances))
        run = executor.Executor(view, limits, estimates, chances.SLOW, 1)
        run.run()
        self.assertEqual([], checker.Checker(view, limits).check(run.record))
        self.assertEqual([], run.fleet.unfinished())

    def test_scattered_room_is_brought_together(self):
        view = views.view_of(generator.generate(1, generator.Recipe(
            hosts=20, servers=120, spare=3, spare_as=generator.SCATTERED)))
        plan = planner.plan(view, model.Limits(), model.Estimates(),
                            effort=0)
        self.assertEqual((), plan.forecast.obstacles)
        self.assertEqual({}, plan.forecast.scale_in)
        self.assertIn(model.PREPARE, {
            ask.question for ask in fleets.Fleet(
                view, model.Limits(), model.Estimates()).orders(0.0).ask})
        # Whoever went to a host yet to be done moves once more.
        self.assertGreater(plan.forecast.moves, len(view.instances))
        self.assertLess(plan.forecast.moves, 1.5 * len(view.instances))


def without(**limits):
    """A planner that ignores limits."""
    def make(view, given, estimates):
        return fleets.Fleet(view, dataclasses.replace(given, **limits),
                            estimates)
    return make


def groups(**fields):
    """A planner that ignores rules of groups."""
    def make(view, limits, estimates):
        return fleets.Fleet(model.CloudView(view.hosts, view.instances, {
            key: dataclasses.replace(group, **fields)
            for key, group in view.groups.items()}), limits, estimates)
    return make


def instances(**fields):
    """A planner that knows less of the instances."""
    def make(view, limits, estimates):
        return fleets.Fleet(model.CloudView(view.hosts, {
            key: dataclasses.replace(instance, **fields)
            for key, instance in view.instances.items()}, view.groups),
            limits, estimates)
    return make


def roomy(view, limits, estimates):
    """A planner that takes hosts for larger than they are."""
    return fleets.Fleet(model.CloudView({
        name: dataclasses.replace(host, free=host.free + Size(
            9, 99999, 999)) for name, host in view.hosts.items()},
        view.instances, view.groups), limits, estimates)


class Deaf(fleets.Fleet):
    """Does not hear of other sessions."""

    def group_busy(self, group_id, until):
        pass


class Hasty(fleets.Fleet):
    """Takes hosts for empty that are not."""

    def is_empty(self, name):
        return True


class Open(fleets.Fleet):
    """Lets hosts that are in flight receive instances."""

    def take(self, host):
        super().take(host)
        self.rooms.add(host)


class Lost(fleets.Fleet):
    """Forgets that a host was done."""

    def done(self, name, now):
        super().done(name, now)
        if self.hosts[name].turn == 1:
            host = self.hosts[name]
            host.turn, host.step = 99, 'waiting'
            host.standing = model.UNDONE
            self.rooms.remove(host)
            self.reckon(host, now)


#: What the checker says, as a regular expression that no other breach
#: matches, and a planner that breaks that rule.
MUTANTS = {
    r'of \S+ does not suffice$': roomy,
    r'\d+ hosts in flight$': without(hosts_at_once=0),
    r'\d+ of \(.*\) out$': without(zone_share=1.0),
    r'\d+ \w+ free, floor is \d+$': without(floor=Size()),
    r'\d+ moves at once, \d+ allowed$': without(moves_at_once=0),
    r'\d+ moves from a host at once': without(moves_per_source=0),
    r'\d+ moves to a host at once': without(moves_per_target=0),
    r'\d+ of \S+ impacted$': groups(max_impacted=0),
    'has not recovered from': groups(recovery_time=0),
    r'\d+ of \S+ on \S+$': groups(anti_affinity=False, max_per_host=0),
    'is moved without agreement$': instances(asked=False),
    'is bound, and moves to': instances(only=None),
    'is impacted by others$': Deaf,
    r'on \S+ while it is out$': Hasty,
    r'moves to \S+, in flight$': Open,
    'is maintained twice$': Lost,
}


class MutantTest(testtools.TestCase):
    """The checker finds each rule broken that can be broken."""

    def test_each_mutant_is_found(self):
        for pattern, make in MUTANTS.items():
            for seed in range(200):
                try:
                    run, found = chances.run(seed, make_fleet=make)
                except (KeyError, ValueError, executor.Stalled):
                    continue    # It came to grief without our help.
                if any(re.search(pattern, breach) for breach in found):
                    break
            else:
                self.fail(f'nobody noticed: {pattern}')

    def test_what_cannot_be_moved(self):
        view = model.CloudView(
            {name: model.HostView(name, Size(4 - used, 4, 4), Size(4, 4, 4))
             for name, used in (('a', 0), ('b', 1))},
            {'i': model.InstanceView('i', 'p', 'b', Size(1, 0, 0),
                                     movable=False)})
        run = executor.Executor(view, model.Limits(), model.Estimates())
        run.run()
        self.assertEqual(['b'], run.fleet.unfinished())
        self.assertEqual([], checker.Checker(view, model.Limits()).check(
            run.record))
        blind = executor.Executor(
            view, model.Limits(), model.Estimates(),
            make_fleet=instances(movable=True))
        blind.run()
        self.assertIn('cannot be moved', checker.Checker(
            view, model.Limits()).check(blind.record)[0])
