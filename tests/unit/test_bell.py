# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys
import threading
import time
from unittest import mock

import fixtures
import oslo_messaging
from oslo_messaging import conffixture
from oslotest import base

from fenix import bell
from fenix import conf


def wait_until(condition, seconds=5):
    """Wait for a condition; return whether it came true in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.005)
    return False


class BellCase(base.BaseTestCase):

    url = 'fake://'

    def setUp(self):
        super().setUp()
        messaging = self.useFixture(conffixture.ConfFixture(conf.CONF))
        messaging.transport_url = self.url


class ChoiceTest(BellCase):

    def test_fake(self):
        self.assertIs(bell.LocalRinger, type(bell.make_ringer(conf.CONF)))
        self.assertIs(bell.LocalBell,
                      type(bell.make_bell(conf.CONF, 'h', print)))


class BusChoiceTest(BellCase):

    url = 'rabbit://127.0.0.1:1/'

    def test_bus(self):
        self.assertIs(bell.Ringer, type(bell.make_ringer(conf.CONF)))
        self.assertIs(bell.Bell, type(bell.make_bell(conf.CONF, 'h', print)))


class LocalTest(BellCase):

    def setUp(self):
        super().setUp()
        self.heard = []
        self.ringer = bell.make_ringer(conf.CONF)
        self.addCleanup(self.ringer.stop)

    def hang_up(self, on_ring):
        hung = bell.make_bell(conf.CONF, 'host', on_ring)
        self.addCleanup(hung.stop)
        hung.start()
        return hung

    def test_all_bells_hear(self):
        other = []
        self.hang_up(self.heard.append)
        self.hang_up(other.append)
        self.ringer.ring('s1')
        self.ringer.ring('s2')
        self.assertTrue(wait_until(lambda: len(other + self.heard) == 4))
        self.assertEqual(['s1', 's2'], self.heard)
        self.assertEqual(['s1', 's2'], other)

    def test_in_a_thread_of_its_own(self):
        threads = []
        self.hang_up(lambda _: threads.append(threading.current_thread()))
        self.ringer.ring('s1')
        self.assertTrue(wait_until(lambda: threads))
        self.assertIsNot(threading.current_thread(), threads[0])

    def test_rings_while_busy_are_heard_once(self):
        go_on = threading.Event()
        self.addCleanup(go_on.set)

        def on_ring(session_id):
            self.heard.append(session_id)
            go_on.wait(5)
        self.hang_up(on_ring)
        self.ringer.ring('s0')
        self.assertTrue(wait_until(lambda: self.heard))
        for session_id in ('s1', 's2', 's1'):
            self.ringer.ring(session_id)
        go_on.set()
        self.assertTrue(wait_until(lambda: len(self.heard) == 3))
        self.assertFalse(wait_until(lambda: len(self.heard) > 3, 0.05))
        self.assertEqual(['s0', 's1', 's2'], self.heard)

    def test_goes_on_after_an_error(self):
        def on_ring(session_id):
            self.heard.append(session_id)
            raise RuntimeError(session_id)
        self.hang_up(on_ring)
        for session_id in ('s1', 's2'):
            self.ringer.ring(session_id)
        self.assertTrue(wait_until(lambda: len(self.heard) == 2))

    def test_stopped_bell_is_silent(self):
        hung = self.hang_up(self.heard.append)
        self.assertEqual('listening', hung.health()['state'])
        hung.stop()
        self.assertEqual('stopped', hung.health()['state'])
        self.ringer.ring('s1')
        self.assertFalse(wait_until(lambda: self.heard, 0.05))

    def test_no_bell(self):
        self.ringer.ring('s1')


class BusTest(BellCase):
    """The two ends for a bus, on oslo.messaging's fake driver."""

    def test_ring(self):
        heard = []
        bells = [bell.Bell(conf.CONF, name, heard.append)
                 for name in ('host-1', 'host-2')]
        self.assertEqual('connecting', bells[0].health()['state'])
        for hung in bells:
            self.addCleanup(hung.stop)
            hung.start()
        self.assertTrue(wait_until(lambda: all(
            hung.health()['state'] == 'listening' for hung in bells)))
        ringer = bell.Ringer(conf.CONF)
        self.addCleanup(ringer.stop)
        self.assertEqual('idle', ringer.health()['state'])
        ringer.ring('s1')
        self.assertTrue(wait_until(lambda: len(heard) == 2))
        self.assertEqual(['s1', 's1'], heard)
        self.assertTrue(wait_until(
            lambda: ringer.health()['state'] == 'ready'))

    def test_the_bell_goes_on_after_an_error(self):
        heard = []

        def on_ring(session_id):
            heard.append(session_id)
            raise RuntimeError(session_id)
        hung = bell.Bell(conf.CONF, 'host', on_ring)
        self.addCleanup(hung.stop)
        hung.start()
        self.assertTrue(wait_until(
            lambda: hung.health()['state'] == 'listening'))
        ringer = bell.Ringer(conf.CONF)
        self.addCleanup(ringer.stop)
        for session_id in ('s1', 's2'):
            ringer.ring(session_id)
        self.assertTrue(wait_until(lambda: heard == ['s1', 's2']))

    def test_refused_bell_tries_again(self):
        failure = oslo_messaging.MessagingException('refused')
        server = mock.Mock()
        with mock.patch.object(bell, 'BELL_RETRY', 0.05), \
                mock.patch.object(oslo_messaging, 'get_rpc_server',
                                  side_effect=[failure, server]):
            hung = bell.Bell(conf.CONF, 'host', print)
            self.addCleanup(hung.stop)
            hung.start()
            self.assertTrue(wait_until(
                lambda: hung.health()['error'] == 'refused'))
            self.assertTrue(wait_until(
                lambda: hung.health()['state'] == 'listening'))
        hung.stop()
        server.stop.assert_called_once_with()
        server.wait.assert_called_once_with()

    def test_stop_of_a_bell_that_never_hung(self):
        bell.Bell(conf.CONF, 'host', print).stop()


class RingerTest(BellCase):
    """A ringer whose bus freezes and fails."""

    def setUp(self):
        super().setUp()
        self.thawed = threading.Event()
        self.sent = []
        self.error = None
        self.useFixture(fixtures.MockPatchObject(bell, 'RING_RETRY', 0.2))
        client = mock.Mock()
        client.cast = self.cast
        patch = mock.patch.object(oslo_messaging, 'get_rpc_client',
                                  return_value=client)
        self.get_rpc_client = patch.start()
        self.addCleanup(patch.stop)
        self.ringer = bell.Ringer(conf.CONF)
        self.addCleanup(self.ringer.stop)
        self.addCleanup(self.thawed.set)

    def cast(self, context, method, session_id):
        self.sent.append(session_id)
        self.thawed.wait(20)
        if self.error:
            raise self.error

    def wait_for(self, state):
        self.assertTrue(wait_until(
            lambda: self.ringer.health()['state'] == state), state)

    def test_frozen(self):
        start = time.monotonic()
        for number in range(bell.MAX_WAITING + 10):
            self.ringer.ring(f's{number}')
            self.ringer.ring('s0')
        self.assertLess(time.monotonic() - start, 2)
        self.wait_for('ringing')
        health = self.ringer.health()
        self.assertEqual(bell.MAX_WAITING, health['waiting'])
        self.assertGreater(health['dropped'], 0)
        self.ringer.ring('s1')
        self.assertEqual(health, self.ringer.health())
        start = time.monotonic()
        self.ringer.stop(0.1)
        self.assertLess(time.monotonic() - start, 1)
        self.assertEqual('stopped', self.ringer.health()['state'])

    def test_each_waits_once(self):
        self.ringer.ring('s0')
        self.assertTrue(wait_until(lambda: self.sent))
        for session_id in ('s1', 's2', 's1'):
            self.ringer.ring(session_id)
        self.assertEqual(2, self.ringer.health()['waiting'])
        self.thawed.set()
        self.wait_for('ready')
        self.assertTrue(wait_until(lambda: len(self.sent) == 3))
        self.assertEqual(['s0', 's1', 's2'], self.sent)

    def test_failing_and_back(self):
        self.thawed.set()
        self.error = oslo_messaging.MessageDeliveryFailure('gone')
        self.ringer.ring('s1')
        self.wait_for('failing')
        self.assertEqual('gone', self.ringer.health()['error'])
        self.error = None
        start = time.monotonic()
        for session_id in ('s2', 's3'):
            self.ringer.ring(session_id)
        self.wait_for('ready')
        # It does not knock all the time.
        self.assertGreater(time.monotonic() - start, 0.1)
        self.assertTrue(wait_until(lambda: len(self.sent) == 3))
        self.assertIsNone(self.ringer.health()['error'])

    def test_stop_while_failing(self):
        self.thawed.set()
        self.useFixture(fixtures.MockPatchObject(bell, 'RING_RETRY', 60))
        self.error = oslo_messaging.MessageDeliveryFailure('gone')
        self.ringer.ring('s1')
        self.wait_for('failing')
        self.ringer.stop(5)
        self.assertFalse(self.ringer._thread.is_alive())

    def test_no_transport(self):
        self.get_rpc_client.side_effect = oslo_messaging.MessagingException()
        self.ringer.ring('s1')
        self.wait_for('failing')


class ThreadsTest(base.BaseTestCase):

    def test_native_threads(self):
        for module in ('fenix.bell', 'fenix.notify.publishers.oslo'):
            done = subprocess.run(
                [sys.executable, '-W', 'ignore', '-c',
                 f'import {module}\n'
                 'from eventlet import patcher\n'
                 'from oslo_service import backend\n'
                 'assert not patcher.is_monkey_patched("thread")\n'
                 'print(backend.get_backend_type().value)'],
                capture_output=True, text=True, check=False)
            self.assertEqual('threading', done.stdout.strip(), done.stderr)
