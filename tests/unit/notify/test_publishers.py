# SPDX-License-Identifier: Apache-2.0
import datetime
import http.server
import json
import threading
import time
from unittest import mock

import fixtures
import oslo_messaging
from oslo_config import fixture as config_fixture
from oslo_messaging import conffixture
from oslotest import base

from fenix import conf
from fenix import errors
from fenix.notify.publishers import base as publishers
from fenix.notify.publishers import log
from fenix.notify.publishers import oslo
from fenix.notify.publishers import webhook

CREATED = datetime.datetime(2026, 1, 31, 10, 0, 0, 5, tzinfo=datetime.UTC)


def notifications(*message_ids):
    return [publishers.Notification(message_id, 'maintenance.scheduled',
                                    {'state': 'MAINTENANCE'}, CREATED)
            for message_id in message_ids]


class PublisherCase(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.conf = self.useFixture(config_fixture.Config(conf.CONF))


class LoadTest(PublisherCase):

    def test_each(self):
        self.conf.config(group='notify', webhook_url='http://127.0.0.1:1/')
        messaging = self.useFixture(conffixture.ConfFixture(conf.CONF))
        messaging.transport_url = 'fake://'
        for name, kind in [('oslo', oslo.OsloPublisher),
                           ('webhook', webhook.WebhookPublisher),
                           ('log', log.LogPublisher)]:
            self.conf.config(group='notify', publisher=name)
            publisher = publishers.load(conf.CONF)
            self.addCleanup(publisher.stop)
            self.assertIs(kind, type(publisher))
            self.assertEqual('ready', publisher.health()['state'])


class MessageTest(base.BaseTestCase):

    def test_as_notifier_makes_it(self):
        ours = notifications('m1')[0].as_message()
        self.assertEqual(
            {'message_id': 'm1', 'publisher_id': 'fenix',
             'event_type': 'maintenance.scheduled', 'priority': 'INFO',
             'payload': {'state': 'MAINTENANCE'},
             'timestamp': '2026-01-31 10:00:00.000005'}, ours)
        messaging = self.useFixture(conffixture.ConfFixture(conf.CONF))
        messaging.transport_url = 'fake://'
        transport = oslo_messaging.get_notification_transport(conf.CONF)
        with mock.patch.object(transport, '_send_notification') as send:
            oslo_messaging.Notifier(
                transport, 'fenix', driver='messaging',
                topics=['notifications']).info(
                    {}, 'maintenance.scheduled', {'state': 'MAINTENANCE'})
            (target, context, theirs), options = send.call_args
            oslo.send(transport, 'notifications', notifications('m1')[0])
            (our_target, our_context, _), our_options = send.call_args
        self.assertEqual(theirs.keys(), ours.keys())
        for name in ('publisher_id', 'event_type', 'priority', 'payload'):
            self.assertEqual(theirs[name], ours[name])
        self.assertIs(str, type(theirs['timestamp']))
        self.assertEqual((target, context), (our_target, our_context))
        self.assertEqual(options['version'], our_options['version'])


class LogTest(PublisherCase):

    def test_publish(self):
        logged = self.useFixture(fixtures.FakeLogger(level=20))
        log.LogPublisher(conf.CONF).publish(notifications('m1', 'm2'))
        self.assertIn('maintenance.scheduled m1: {"state": "MAINTENANCE"}',
                      logged.output)
        self.assertIn('m2', logged.output)


class Receiver(http.server.BaseHTTPRequestHandler):

    def do_POST(self):
        length = int(self.headers['Content-Length'])
        body = json.loads(self.rfile.read(length))
        status = self.server.answers.pop(0)
        if status is None:
            time.sleep(1)
            return
        self.server.bodies.append(body)
        self.send_response(status)
        self.send_header('Location', '/elsewhere')
        self.end_headers()

    def log_message(self, *args):
        pass


class WebhookTest(PublisherCase):

    def setUp(self):
        super().setUp()
        self.server = http.server.ThreadingHTTPServer(
            ('127.0.0.1', 0), Receiver)
        self.server.bodies = []
        self.server.answers = []
        thread = threading.Thread(target=self.server.serve_forever,
                                  kwargs={'poll_interval': 0.02})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.conf.config(
            group='notify', timeout=0.5,
            webhook_url=f'http://127.0.0.1:{self.server.server_port}/')
        self.publisher = webhook.WebhookPublisher(conf.CONF)

    def assertFails(self, published, uncertain):
        exc = self.assertRaises(errors.PublishError, self.publisher.publish,
                                notifications('m1', 'm2'))
        self.assertEqual((published, uncertain),
                         (exc.published, exc.uncertain))

    def test_publish(self):
        self.server.answers = [200, 204]
        sent = notifications('m1', 'm2')
        self.publisher.publish(sent)
        self.assertEqual(
            [{'context': {}, 'message': notification.as_message()}
             for notification in sent], self.server.bodies)

    def test_refused(self):
        for status in (404, 302):
            self.server.answers = [200, status]
            self.assertFails(published=1, uncertain=False)

    def test_server_error(self):
        self.server.answers = [500]
        self.assertFails(published=0, uncertain=True)

    def test_no_answer(self):
        self.server.answers = [200, None]
        start = time.monotonic()
        self.assertFails(published=1, uncertain=True)
        self.assertLess(time.monotonic() - start, 0.9)

    def test_nobody_there(self):
        self.conf.config(group='notify', webhook_url='http://127.0.0.1:1/')
        self.publisher = webhook.WebhookPublisher(conf.CONF)
        self.assertFails(published=0, uncertain=False)

    def test_no_proxy(self):
        self.useFixture(fixtures.EnvironmentVariable(
            'http_proxy', 'http://127.0.0.1:1/'))
        self.server.answers = [200]
        self.publisher.publish(notifications('m1'))

    def test_no_url(self):
        self.conf.config(group='notify', webhook_url=None)
        self.assertRaises(ValueError, webhook.WebhookPublisher, conf.CONF)


class OsloTest(PublisherCase):
    """The publisher round a broker that can freeze and fail."""

    def setUp(self):
        super().setUp()
        self.conf.config(group='notify', timeout=0.5)
        messaging = self.useFixture(conffixture.ConfFixture(conf.CONF))
        messaging.transport_url = 'fake://'
        self.thawed = threading.Event()
        self.thawed.set()
        self.errors = []
        self.calls = []
        self.useFixture(fixtures.MockPatchObject(oslo, 'send', self.send))
        self.publisher = oslo.OsloPublisher(conf.CONF)
        self.addCleanup(self.publisher.stop)
        self.addCleanup(self.thawed.set)

    def send(self, transport, topic, notification):
        self.calls.append(notification.message_id)
        self.thawed.wait(20)
        if self.errors:
            raise self.errors.pop(0)

    def break_burst(self, handed, confirmed, error):
        """Have bursts end early."""
        def send(transport, topic, sent, tell_handed, tell_confirmed):
            self.calls.append([one.message_id for one in sent])
            for number in range(1, handed + 1):
                tell_handed(number)
            if confirmed:
                tell_confirmed(confirmed)
            raise error

        self.useFixture(fixtures.MockPatchObject(oslo.burst, 'send', send))
        self.publisher.at_once = 3

    def publish(self, *message_ids):
        self.publisher.publish(notifications(*message_ids))

    def assertFails(self, *message_ids, published, uncertain):
        exc = self.assertRaises(errors.PublishError, self.publish,
                                *message_ids)
        self.assertEqual((published, uncertain),
                         (exc.published, exc.uncertain))

    def wait_for(self, state):
        until = time.monotonic() + 5
        while self.publisher.health()['state'] != state:
            self.assertLess(time.monotonic(), until, state)
            time.sleep(0.01)

    def test_in_order(self):
        self.publish('m1', 'm2', 'm3')
        self.assertEqual(['m1', 'm2', 'm3'], self.calls)
        self.assertEqual({'state': 'ready', 'error': None},
                         self.publisher.health())

    def test_failure(self):
        self.errors = [oslo_messaging.MessageDeliveryFailure('gone')]
        self.assertFails('m1', published=0, uncertain=True)
        self.assertEqual({'state': 'failing', 'error': 'gone'},
                         self.publisher.health())
        self.publish('m1')
        self.assertEqual('ready', self.publisher.health()['state'])
        self.assertEqual(['m1', 'm1'], self.calls)

    def test_failure_in_the_middle(self):
        with mock.patch.object(oslo, 'send', side_effect=[
                None, ConnectionRefusedError('no')]):
            self.assertFails('m1', 'm2', 'm3', published=1, uncertain=False)

    def test_first_of_a_burst_fails(self):
        """The others were never written."""
        self.break_burst(1, 0, oslo_messaging.MessageDeliveryFailure('gone'))
        self.assertFails('m1', 'm2', 'm3', 'm4', published=0, uncertain=1)
        self.assertEqual([['m1', 'm2', 'm3']], self.calls)

    def test_burst_fails_in_the_middle(self):
        self.break_burst(2, 1, oslo_messaging.MessageDeliveryFailure('gone'))
        self.assertFails('m1', 'm2', 'm3', published=1, uncertain=1)

    def test_burst_fails_when_all_is_written(self):
        self.break_burst(3, 1, oslo_messaging.MessageDeliveryFailure('gone'))
        self.assertFails('m1', 'm2', 'm3', published=1, uncertain=2)

    def test_no_channel_for_a_burst(self):
        self.break_burst(0, 0, oslo_messaging.MessageDeliveryFailure('gone'))
        self.assertFails('m1', 'm2', published=0, uncertain=0)
        self.assertEqual({'state': 'failing', 'error': 'gone'},
                         self.publisher.health())

    def test_another_call_in_a_burst_that_fails(self):
        """What was never written of it surely did not go out."""
        self.thawed.clear()
        first = threading.Thread(target=self.publish, args=('m0',))
        first.start()
        self.wait_for('sending')
        self.break_burst(1, 0, oslo_messaging.MessageDeliveryFailure('gone'))
        callers = []
        for message_id, uncertain in (('m1', 1), ('m2', 0)):
            callers.append(threading.Thread(
                target=self.assertFails, args=(message_id,),
                kwargs={'published': 0, 'uncertain': uncertain}))
            callers[-1].start()
            while len(self.publisher._queue) < len(callers):
                time.sleep(0.01)
        self.thawed.set()
        for caller in [first, *callers]:
            caller.join()
        self.assertEqual(['m0', ['m1', 'm2']], self.calls)

    def test_never_connected(self):
        failure = oslo_messaging.MessageDeliveryFailure('gone')
        failure.__context__ = OSError()
        failure.__context__.__cause__ = ConnectionRefusedError()
        self.errors = [failure]
        self.assertFails('m1', published=0, uncertain=False)

    def test_frozen(self):
        self.thawed.clear()
        start = time.monotonic()
        self.assertFails('m1', 'm2', published=0, uncertain=True)
        self.assertLess(time.monotonic() - start, 1)
        self.assertEqual(['m1'], self.calls)
        self.assertEqual('failing', self.publisher.health()['state'])
        # Somebody else's is told at once, and surely not sent.
        start = time.monotonic()
        self.assertFails('m3', published=0, uncertain=False)
        self.assertLess(time.monotonic() - start, 0.2)
        # The same one is not sent twice.
        self.assertFails('m1', 'm2', published=0, uncertain=True)
        self.thawed.set()
        self.publish('m1', 'm2')
        self.assertEqual(['m1', 'm2'], self.calls)

    def test_success_while_nobody_waits(self):
        self.thawed.clear()
        self.assertFails('m1', published=0, uncertain=True)
        self.thawed.set()
        self.wait_for('ready')
        self.publish('m1')
        self.assertEqual(['m1'], self.calls)

    def test_failure_while_nobody_waits(self):
        self.thawed.clear()
        self.errors = [oslo_messaging.MessageDeliveryFailure('gone')]
        self.assertFails('m1', published=0, uncertain=True)
        self.thawed.set()
        self.wait_for('failing')
        self.publish('m1')
        self.assertEqual(['m1', 'm1'], self.calls)

    def test_failure_of_long_ago_is_tried_again_at_once(self):
        self.thawed.clear()
        self.errors = [oslo_messaging.MessageDeliveryFailure('gone')]
        self.assertFails('m1', published=0, uncertain=True)
        threading.Timer(0.1, self.thawed.set).start()
        self.publish('m1')
        self.assertEqual(['m1', 'm1'], self.calls)

    def test_withdrawn_is_not_sent(self):
        self.thawed.clear()
        first = threading.Thread(target=self.assertFails, args=('m1',),
                                 kwargs={'published': 0, 'uncertain': True})
        first.start()
        self.wait_for('sending')
        self.assertFails('m2', published=0, uncertain=False)
        first.join()
        self.thawed.set()
        self.wait_for('ready')
        self.publish('m3')
        self.assertEqual(['m1', 'm3'], self.calls)

    def test_stop(self):
        self.publisher.stop()
        self.assertFails('m1', published=0, uncertain=False)

    def test_stop_sends_what_waits(self):
        self.thawed.clear()
        callers = [threading.Thread(target=self.publish, args=(message_id,))
                   for message_id in ('m1', 'm2')]
        callers[0].start()
        self.wait_for('sending')
        callers[1].start()
        threading.Timer(0.1, self.thawed.set).start()
        time.sleep(0.05)
        self.publisher.stop()
        for caller in callers:
            caller.join()
        self.assertEqual(['m1', 'm2'], self.calls)

    def test_stop_while_frozen(self):
        self.thawed.clear()
        self.assertFails('m1', published=0, uncertain=True)
        start = time.monotonic()
        self.publisher.stop(0.1)
        self.assertLess(time.monotonic() - start, 1)
