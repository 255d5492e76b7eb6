# SPDX-License-Identifier: Apache-2.0
import datetime
import threading
import time

from oslotest import base

from fenix.engine import dispatcher


def wait_for(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f'not so within {seconds:g} seconds')
        time.sleep(0.002)


class Clock:
    """The time of this machine, as if the database had told it."""

    def now(self):
        return datetime.datetime.now(datetime.UTC)

    def after(self, seconds):
        return self.now() + datetime.timedelta(seconds=seconds)


class Runner:
    """Counts its turns, and notices if two are taken at once."""

    session_id = 'session'

    def __init__(self, takes=0.0):
        self.takes = takes
        self.turns = 0
        self.at_once = 0
        self.most_at_once = 0
        self.messages = 0
        self.next_wake = None
        self.ended = False
        self.gate = threading.Event()
        self.gate.set()
        self.error = None
        self._lock = threading.Lock()

    @property
    def has_messages(self):
        return self.messages > 0

    def turn(self):
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.messages = 0
            self.next_wake = None
        self.gate.wait()
        time.sleep(self.takes)
        with self._lock:
            self.at_once -= 1
            self.turns += 1
        if self.error:
            raise self.error('broken')


class TestDispatcher(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.clock = Clock()
        self.ended = []
        self.dispatcher = dispatcher.Dispatcher(
            self.clock, self.ended.append, threads=3)
        self.dispatcher.start()
        self.addCleanup(self.dispatcher.stop, 5)

    def post(self, runner):
        runner.messages += 1
        self.dispatcher.wake(runner)

    def at_rest(self):
        return not (self.dispatcher._queued or self.dispatcher._running)

    def test_never_in_two_threads(self):
        runner = Runner(takes=0.001)
        threads = [threading.Thread(target=lambda: [
            self.post(runner) for _ in range(50)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_for(self.at_rest)
        self.assertEqual(1, runner.most_at_once)
        self.assertEqual(0, runner.messages)

    def test_woken_during_a_turn(self):
        """It has another turn, and keeps one thread only meanwhile."""
        slow, other = Runner(), Runner()
        slow.gate.clear()
        self.post(slow)
        wait_for(lambda: slow.at_once)
        for _ in range(5):
            self.post(slow)
        self.post(other)
        wait_for(lambda: other.turns == 1)
        slow.gate.set()
        wait_for(lambda: slow.turns == 2)
        wait_for(self.at_rest)
        self.assertEqual(2, slow.turns)

    def test_woken_without_a_message_during_a_turn(self):
        runner = Runner()
        runner.gate.clear()
        self.dispatcher.wake(runner)
        wait_for(lambda: runner.at_once)
        self.dispatcher.wake(runner)
        runner.gate.set()
        wait_for(lambda: runner.turns == 2)

    def test_timer(self):
        runner = Runner()
        turns = iter([0.05, 0.1])
        end = runner.turn

        def turn():
            end()
            seconds = next(turns, None)
            if seconds is not None:
                runner.next_wake = self.clock.after(seconds)
        runner.turn = turn
        began = time.monotonic()
        self.dispatcher.wake(runner)
        wait_for(lambda: runner.turns == 3)
        self.assertGreaterEqual(time.monotonic() - began, 0.15)
        wait_for(self.at_rest)
        self.assertEqual({}, self.dispatcher._timers)

    def test_earlier_timer_of_another(self):
        """The timer that is waited for is not always the next one."""
        late, soon = Runner(), Runner()
        for runner, seconds in ((late, 60), (soon, 0.1)):
            self.set_timer(runner, seconds)
        wait_for(lambda: soon.turns == 2)
        self.assertEqual(1, late.turns)

    def set_timer(self, runner, seconds):
        end = runner.turn

        def turn():
            end()
            if runner.turns == 1:
                runner.next_wake = self.clock.after(seconds)
        runner.turn = turn
        self.dispatcher.wake(runner)
        wait_for(lambda: runner.turns)

    def test_timers_do_not_pile_up(self):
        runner = Runner()
        end = runner.turn

        def turn():
            end()
            runner.next_wake = self.clock.after(60 + runner.turns)
        runner.turn = turn
        for number in range(20):
            self.post(runner)
            wait_for(lambda wanted=number: runner.turns > wanted)
        wait_for(self.at_rest)
        self.assertEqual([runner], list(self.dispatcher._timers))

    def test_ended(self):
        runner = Runner()
        runner.ended = True
        runner.next_wake = self.clock.after(0)
        self.post(runner)
        wait_for(lambda: self.ended == [runner])
        wait_for(self.at_rest)
        self.assertEqual({}, self.dispatcher._timers)

    def test_a_turn_that_breaks_is_not_the_last(self):
        runner, other = Runner(), Runner()
        runner.error = ValueError
        for wanted in range(1, 5):      # More often than there are threads.
            self.post(runner)
            wait_for(lambda wanted=wanted: runner.turns == wanted)
        self.post(other)
        wait_for(lambda: other.turns == 1)
        wait_for(self.at_rest)
        self.assertEqual([runner], list(self.dispatcher._timers))

    def test_a_thread_that_hangs_is_noticed(self):
        runner = Runner()
        self.addCleanup(runner.gate.set)
        runner.gate.clear()
        wait_for(lambda: len(self.dispatcher.alive_at) == 4)
        self.post(runner)
        self.assertTrue(self.dispatcher.healthy(1.5))
        wait_for(lambda: not self.dispatcher.healthy(1.5))

    def test_idle_threads_are_alive(self):
        wait_for(lambda: len(self.dispatcher.alive_at) == 4)
        time.sleep(dispatcher.SIGN_OF_LIFE + 0.3)
        self.assertTrue(self.dispatcher.healthy(
            dispatcher.SIGN_OF_LIFE + 0.2))

    def test_stop(self):
        """What goes on is waited for, and what waits is left."""
        runners = [Runner(takes=0.1) for _ in range(6)]
        for runner in runners:
            self.post(runner)
        wait_for(lambda: sum(runner.at_once for runner in runners) == 3)
        self.dispatcher.stop(5)
        self.assertEqual([0, 0, 0, 1, 1, 1],
                         sorted(runner.turns for runner in runners))

    def test_stop_does_not_wait_for_ever(self):
        runner = Runner()
        self.addCleanup(runner.gate.set)
        runner.gate.clear()
        self.post(runner)
        wait_for(lambda: runner.at_once)
        began = time.monotonic()
        self.dispatcher.stop(0.2)
        self.assertLess(time.monotonic() - began, 1)
