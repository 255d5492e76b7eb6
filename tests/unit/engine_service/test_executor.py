# SPDX-License-Identifier: Apache-2.0
import threading
import time

from oslotest import base

from fenix import errors
from fenix.engine import executor
from fenix.workflow import turn as turns
from tests.unit.engine_service import test_dispatcher

wait_for = test_dispatcher.wait_for


class Runner:
    """Keeps the answers that it gets."""

    def __init__(self):
        self.lost = False
        self.results = []

    def post(self, result):
        self.results.append(result)


class Calls:
    """Calls that last until the gate opens."""

    def __init__(self):
        self.gate = threading.Event()
        self.gate.set()
        self.made = []

    def make(self, effect):
        self.made.append(effect.key)
        self.gate.wait()
        return effect.key


class TestExecutor(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.calls, self.runner, self.woken = Calls(), Runner(), []
        self.may_change = True
        self.executor = executor.Executor(
            self.calls, test_dispatcher.Clock(), lambda: self.may_change,
            self.woken.append, threads=2)
        self.addCleanup(self.executor.stop, 5)
        self.addCleanup(self.calls.gate.set)

    def submit(self, kind, *keys):
        self.executor.submit(self.runner, [
            turns.Effect(kind, key) for key in keys])

    def test_answers_are_posted(self):
        self.submit('survey', 'a', 'b', 'c')
        wait_for(lambda: len(self.woken) == 3)
        self.assertEqual({'a', 'b', 'c'},
                         {result.value for result in self.runner.results})

    def test_a_bus_that_hangs_keeps_nobody_from_the_cloud(self):
        self.calls.gate.clear()
        self.submit('publish', *range(50))
        wait_for(lambda: len(self.calls.made) == executor.PUBLISHERS)
        self.submit('survey', 'cloud')
        wait_for(lambda: 'cloud' in self.calls.made)

    def test_nothing_is_changed_for_a_lost_session(self):
        self.runner.lost = True
        self.submit('migrate', 'a')
        wait_for(lambda: self.woken)
        self.assertIsInstance(self.runner.results[0].error,
                              errors.CloudUnknown)
        self.assertEqual([], self.calls.made)

    def test_a_change_waits_for_the_lease(self):
        self.may_change = False
        self.submit('migrate', 'a')
        self.submit('survey', 'b')
        wait_for(lambda: self.woken)
        self.assertEqual(['b'], self.calls.made)
        self.may_change = True
        wait_for(lambda: len(self.woken) == 2)
        self.assertEqual(['b', 'a'], self.calls.made)

    def test_stop_makes_what_was_submitted(self):
        """It is committed: another engine would have to look for it."""
        self.calls.gate.clear()
        self.submit('survey', *range(6))
        threading.Timer(0.1, self.calls.gate.set).start()
        self.assertTrue(self.executor.stop(5))
        self.assertEqual(6, len(self.runner.results))

    def test_stop_takes_nothing_more(self):
        self.assertTrue(self.executor.stop(5))
        self.submit('survey', 'late')
        self.submit('publish', 'late')
        self.assertEqual([], self.calls.made)

    def test_stop_does_not_wait_for_ever(self):
        self.calls.gate.clear()
        self.submit('survey', 'a')
        began = time.monotonic()
        self.assertFalse(self.executor.stop(0.2))
        self.assertLess(time.monotonic() - began, 1)

    def test_stop_ends_the_wait_for_a_lease(self):
        self.may_change = False
        self.submit('migrate', 'a')
        self.assertTrue(self.executor.stop(2))
        self.assertEqual([], self.calls.made)
