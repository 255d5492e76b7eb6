# SPDX-License-Identifier: Apache-2.0
"""Nobody is set aside who could begin, and the first one is found."""

import math
import random

import hypothesis
import testtools
from hypothesis import strategies as st

from fenix.workflow.planner import begin
from fenix.workflow.planner import fleet as fleets
from fenix.workflow.planner import queue
from fenix.workflow.planner import ranking
from fenix.workflow.planner import records
from tests.planning import chances
from tests.planning import executor


class LineTest(testtools.TestCase):

    @hypothesis.given(st.lists(st.integers(0, 9), min_size=1, max_size=40),
                      st.integers(-1, 9), st.integers(0, 45))
    def test_finds_the_first_that_is_small_enough(self, numbers, most, start):
        line = queue.Line(len(numbers))
        for n, number in enumerate(numbers):
            line.put(n, number)
        expected = [n for n, number in enumerate(numbers)
                    if number <= most and n >= start]
        self.assertEqual((expected or [None])[0], line.find(most, start))

    def test_what_was_taken_away_is_not_found(self):
        line = queue.Line(3)
        line.put(1, 4)
        line.put(2, 5)
        other = line.copy()
        line.put(1)
        self.assertEqual(2, line.find(9))
        self.assertIsNone(line.find(4))
        self.assertEqual(1, other.find(9))

    def test_an_empty_line_has_nothing(self):
        self.assertIsNone(queue.Line(0).find(math.inf, 1))


class Watched(fleets.Fleet):
    """Checks at each question that the queue is as it should be."""

    def orders(self, now):
        answer = super().orders(now)
        self.queue.catch_up(self.groups, now)
        ready = {host.name for host in self.hosts.values()
                 if host.step == records.WAITING and not host.unanswered}
        if set(self.queue.load) != ready:
            raise AssertionError(set(self.queue.load) ^ ready)
        patience = begin.PATIENCE * self.cycle
        for name in ready:
            host = self.hosts[name]
            if self.queue.load[name] != host.load[self.queue.scarcest]:
                raise AssertionError(f'{name} has another load')
            _rank, zone, n = self.queue.place[name]
            in_line = self.queue.lines[zone].find(1 << 60, n) == n
            if in_line == (name in self.queue.aside):
                raise AssertionError(f'{name} is lost')
            if (name in self.queue.aside and host.ready_at <= now
                    and begin.slot(self, host) is None
                    and ranking.delay(self, host, now) <= patience):
                raise AssertionError(
                    f'{name} could begin: {self.queue.aside[name]}')
        return answer


class QueueTest(testtools.TestCase):

    @hypothesis.settings(max_examples=40, deadline=None)
    @hypothesis.given(st.integers(0, 2**32))
    def test_nobody_is_set_aside_who_could_begin(self, seed):
        view, limits, estimates, luck = chances.draw(seed)
        run = executor.Executor(view, limits, estimates, luck, seed, Watched)
        run.run()

    def test_a_hold_ends_when_it_says(self):
        chance = random.Random(3)
        held = 0
        for _try in range(300):
            group = records.Group('g', None, False, False,
                                  chance.randint(0, 3),
                                  chance.choice([0, 7, 30]), {})
            group.queued = chance.randint(0, 9)
            group.free_at = chance.uniform(0, 50)
            fleet = type('Fleet', (), {'groups': {'g': group}, 'instances': {
                n: records.Instance(
                    str(n), 'p', 'h', (1, 1, 1), ('g',), True, None, '',
                    chance.choice([5, 20]), 0, False, 0)
                for n in range(chance.randint(1, 4))}})
            host = records.Host('h', (0, 0, 0), [0, 0, 0], '', True, (), '',
                                dict.fromkeys(fleet.instances))
            patience = chance.choice([0, 10, 40])
            hold = ranking.hold(fleet, host, 0.0, patience)
            if hold.seconds <= patience:
                continue
            held += 1
            # Until one of both has come, nothing changes.
            if hold.until < math.inf:
                self.assertTrue(ranking.delay(
                    fleet, host, hold.until - 0.01) > patience)
            while group.queued > max(0, hold.in_hand + 1):
                group.queued -= 1
                if hold.until == math.inf:
                    self.assertTrue(
                        ranking.delay(fleet, host, 1e9) > patience)
        self.assertTrue(held > 50)
