# SPDX-License-Identifier: Apache-2.0
import datetime
import threading
import time
from unittest import mock

from oslotest import base

from fenix import context
from fenix import errors
from fenix import metrics
from fenix.clouds import permission
from fenix.engine import executor
from fenix.engine import lanes
from fenix.notify.publishers import base as publishers
from fenix.workflow import turn as turns
from tests.unit.engine_service import test_dispatcher

wait_for = test_dispatcher.wait_for


def value(name, **labels):
    """Return a number that was counted, 0 if it never was."""
    return metrics._REGISTRY.get_sample_value(name, labels) or 0


class Runner:
    """Keeps the answers that it gets."""

    def __init__(self):
        self.lost = False
        self.picture = None
        self.context = context.of_session('s1', 'p1')
        self.rank = lanes.OTHERS
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
        if isinstance(effect.key, Exception):
            raise effect.key
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
        self.submit('service', 'a', 'b', 'c')
        wait_for(lambda: len(self.woken) == 3)
        self.assertEqual({'a', 'b', 'c'},
                         {result.value for result in self.runner.results})

    def test_a_bus_that_hangs_keeps_nobody_from_the_cloud(self):
        self.calls.gate.clear()
        self.submit('publish', *range(50))
        wait_for(lambda: len(self.calls.made) == executor.PUBLISHERS)
        self.submit('survey', 'cloud')
        wait_for(lambda: 'cloud' in self.calls.made)

    def test_a_session_that_ends_does_not_wait_behind_others(self):
        self.calls.gate.clear()
        self.submit('service', *range(50))
        wait_for(lambda: len(self.calls.made) == 2)
        self.runner.rank = lanes.FAILED
        self.submit('enable', 'host')
        wait_for(lambda: 'host' in self.calls.made)

    def test_a_deleted_session_starts_nothing(self):
        """What cancels its actions goes before what would start them."""
        self.runner.picture = mock.Mock()
        self.runner.picture.session.deleting = True
        begins = ('disable', 'migrate', 'live_migrate', 'start_run')
        ends = ('cancel_run', 'enable', 'confirm', 'set_reason')
        for kind in begins + ends:
            self.submit(kind, kind)
        wait_for(lambda: len(self.woken) == 8)
        self.assertEqual({*ends}, {*self.calls.made})
        self.assertEqual(
            {**dict.fromkeys(begins, errors.NotSent),
             **dict.fromkeys(ends, type(None))},
            {result.effect.kind: type(result.error)
             for result in self.runner.results})

    def test_one_that_is_read_anew_is_not_deleted(self):
        self.runner.rank = lanes.DELETED    # Its picture is None.
        self.submit('start_run', 'run')
        wait_for(lambda: self.calls.made == ['run'])

    def test_nor_does_a_deleted_one_behind_many_that_failed(self):
        self.calls.gate.clear()
        self.runner.rank = lanes.FAILED
        self.submit('service', *range(50))
        # All the threads of the cloud serve sessions that end.
        wait_for(lambda: len(self.calls.made) == 3)
        self.runner.rank = lanes.DELETED
        self.submit('enable', 'host')
        wait_for(lambda: 'host' in self.calls.made)

    def test_what_waits_for_a_session_that_ends(self):
        """Reads are dropped, all else overtakes the calls of others."""
        self.calls.gate.clear()
        self.submit('service', 'a', 'b')
        wait_for(lambda: len(self.calls.made) == 2)
        others, self.runner = self.runner, Runner()
        self.submit('service', 'c')
        self.submit('enable', 'd')
        self.submit('look_at_server', 'e')
        ends, self.runner = self.runner, others
        self.submit('service', *range(50))
        ends.rank = lanes.DELETED
        self.assertEqual({('service', 'c'), ('look_at_server', 'e')},
                         self.executor.overtake(ends))
        wait_for(lambda: len(self.calls.made) == 3)
        self.assertEqual('d', self.calls.made[-1])
        # What is made already, and what others wait for, goes on.
        self.calls.gate.set()
        wait_for(lambda: len(self.calls.made) == 53)
        self.assertEqual({'c', 'e'}, {
            'a', 'b', 'c', 'd', 'e', *range(50)} - {*self.calls.made})
        self.assertEqual(set(), self.executor.overtake(ends))

    def survey(self, *keys):
        """Want surveys while one is being made; return its key."""
        self.calls.gate.clear()
        self.submit('survey', 'first')
        wait_for(lambda: self.calls.made)
        self.submit('survey', *keys)
        self.calls.gate.set()
        wait_for(lambda: len(self.woken) == 1 + len(keys))
        first, *others = self.runner.results
        self.assertEqual('first', first.value)
        return others

    def test_a_survey_is_for_all_who_wait(self):
        others = self.survey('a', 'b', 'c')
        self.assertEqual(['first', 'a'], self.calls.made)
        self.assertEqual(['a'] * 3, [other.value for other in others])
        self.assertEqual(['a', 'b', 'c'],
                         [other.effect.key for other in others])
        self.submit('survey', 'later')
        wait_for(lambda: self.calls.made[2:] == ['later'])

    def test_a_survey_that_fails_fails_for_all_who_wait(self):
        error = errors.CloudError()
        others = self.survey(error, 'b')
        self.assertEqual([error] * 2, [other.error for other in others])

    def test_counted_by_outcome(self):
        kind = 'look_at_server'
        for error, outcome in ((errors.CloudRefused(), 'refused'),
                               (errors.TargetRefused(), 'refused'),
                               (errors.OtherCell(), 'refused'),
                               (errors.CloudUnknown(), 'unknown'),
                               (errors.NotSent(), 'unknown'),
                               (errors.CloudError(), 'unknown'),
                               (errors.PublishError(), 'failed'),
                               (KeyError(), 'unknown'), ('a', 'ok')):
            def counted(outcome=outcome):
                return value('fenix_call_seconds_count', call=kind,
                             outcome=outcome)
            before = counted()
            self.submit(kind, error)
            wait_for(lambda b=before, c=counted: c() == b + 1)

    def test_published_ones_are_counted(self):
        created = datetime.datetime.now(datetime.UTC)
        sent = tuple(publishers.Notification(
            message_id=str(number), event_type='maintenance.host',
            payload={}, created=created) for number in range(3))

        def counted():
            return (value('fenix_notifications_published_total',
                          event_type='maintenance.host'),
                    value('fenix_notification_delay_seconds_count'))
        before = counted()
        self.executor.submit(self.runner, [turns.Effect(
            'publish', errors.PublishError(published=2), args=sent)])
        wait_for(lambda: counted() == (before[0] + 2, before[1] + 2))

    def publish(self, *outcomes):
        """Publish five, two at once; return the result and the pieces."""
        pieces = []
        outcomes = list(outcomes)

        def make(effect):
            pieces.append(effect.args)
            outcomes.pop(0)()

        self.calls.make = make
        self.executor.at_once = 2
        self.executor.submit(self.runner, [turns.Effect(
            'publish', 'outbox', args=tuple(
                publishers.Notification(
                    message_id=number, event_type='maintenance.host',
                    payload={}, created=datetime.datetime.now(datetime.UTC))
                for number in range(5)))])
        wait_for(lambda: self.woken)
        return self.runner.results[0], [
            [one.message_id for one in piece] for piece in pieces]

    def test_published_in_pieces(self):
        result, pieces = self.publish(*[lambda: None] * 3)
        self.assertEqual([[0, 1], [2, 3], [4]], pieces)
        self.assertEqual((5, None), (result.value, result.error))

    def test_nothing_more_is_published_once_the_session_is_lost(self):
        result, pieces = self.publish(
            lambda: None, lambda: setattr(self.runner, 'lost', True))
        self.assertEqual([[0, 1], [2, 3]], pieces)
        self.assertEqual((4, False), (result.value, result.error.uncertain))

    def test_a_piece_that_fails(self):
        for error, published, uncertain in (
                (errors.PublishError('no', published=1, uncertain=True),
                 3, True),
                (KeyError('oh'), 2, 2)):
            with self.subTest(error):
                def fail(error=error):
                    raise error
                self.runner.results.clear()
                self.woken.clear()
                result, _ = self.publish(lambda: None, fail)
                self.assertEqual(
                    (published, published, uncertain),
                    (result.value, result.error.published,
                     result.error.uncertain))

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

    def change(self, look):
        """Have a change made that looks first; return what was sent."""
        sent = []

        def make(effect):
            look()
            permission.check()
            sent.append(effect.key)
        self.calls.make = make
        self.submit('enable', 'a')
        return sent

    def test_lost_while_a_driver_looked(self):
        sent = self.change(lambda: setattr(self.runner, 'lost', True))
        wait_for(lambda: self.woken)
        self.assertIsInstance(self.runner.results[0].error, errors.NotSent)
        self.assertEqual([], sent)

    def test_a_lease_that_gets_short_while_a_driver_looked(self):
        looked = threading.Event()

        def look():
            self.may_change = False
            looked.set()
        sent = self.change(look)
        looked.wait(5)
        self.assertEqual([], sent)
        self.may_change = True
        wait_for(lambda: sent)

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
