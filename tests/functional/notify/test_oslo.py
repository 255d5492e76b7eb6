# SPDX-License-Identifier: Apache-2.0
import datetime
import queue
import statistics
import subprocess
import sys
import threading
import time
import uuid

import fixtures
import kombu
import oslo_messaging
from oslo_config import fixture as config_fixture
from oslo_messaging._drivers import impl_rabbit
from testtools import content

from fenix import errors
from fenix.notify.publishers import base as publishers
from fenix.notify.publishers import burst
from fenix.notify.publishers import oslo
from tests.functional.notify import broker


def notification(state='MAINTENANCE'):
    return publishers.Notification(
        str(uuid.uuid4()), 'maintenance.scheduled',
        {'state': state, 'metadata': {'name': 'Zürich'}, 'reply_at': None},
        datetime.datetime.now(datetime.UTC))


class Listener:
    """The endpoint of a listener such as ceilometer's."""

    def __init__(self):
        self.heard = queue.Queue()

    def info(self, ctxt, publisher_id, event_type, payload, metadata):
        self.heard.put((ctxt, publisher_id, event_type, payload, metadata))


class OsloCase(broker.BrokerCase):

    def setUp(self):
        super().setUp()
        config = self.useFixture(config_fixture.Config(self.conf))
        config.config(group='notify', topic=self.name, timeout=2.0)
        config.config(control_exchange=self.name)

    def make_publisher(self):
        publisher = oslo.OsloPublisher(self.conf)
        self.addCleanup(publisher.stop)
        return publisher

    def listen(self):
        endpoint = Listener()
        transport = oslo_messaging.get_notification_transport(
            self.conf, url=self.url)
        listener = oslo_messaging.get_notification_listener(
            transport, [oslo_messaging.Target(topic=self.name)], [endpoint])
        self.delete([f'{self.name}.info'], [self.name])
        listener.start(override_pool_size=1)
        self.addCleanup(transport.cleanup)
        self.addCleanup(listener.wait)
        self.addCleanup(listener.stop)
        return endpoint.heard

    def assertFails(self, publisher, sent, uncertain, seconds=1.0):
        start = time.monotonic()
        exc = self.assertRaises(errors.PublishError, publisher.publish,
                                [sent])
        self.assertLess(time.monotonic() - start, seconds)
        self.assertEqual(0, exc.published)
        self.assertEqual(uncertain, exc.uncertain)

    def publish_when_back(self, publisher, sent):
        def published():
            try:
                publisher.publish([sent])
            except errors.PublishError:
                return False
            return True
        self.assertTrue(broker.wait_until(published, 30))


class PublishTest(OsloCase):

    def test_a_listener_hears(self):
        heard = self.listen()
        sent = [notification(state) for state in ('A', 'B', 'C')]
        self.make_publisher().publish(sent)
        for one in sent:
            context, publisher_id, event_type, payload, metadata = (
                heard.get(timeout=5))
            # The driver's own word is all that it adds.
            self.assertEqual({'client_timeout': None}, context)
            self.assertEqual('fenix', publisher_id)
            self.assertEqual('maintenance.scheduled', event_type)
            self.assertEqual(one.payload, payload)
            self.assertEqual(
                {'message_id': one.message_id,
                 'timestamp': one.as_message()['timestamp']}, metadata)

    def test_kept_until_somebody_listens(self):
        sent = notification()
        self.make_publisher().publish([sent])
        self.assertEqual(sent.message_id,
                         self.listen().get(timeout=5)[-1]['message_id'])

    def test_bursts(self):
        """What goes out in bursts arrives as what goes out one by one."""
        heard = self.raw()
        publisher = self.make_publisher()
        sent = [notification(str(number))
                for number in range(2 * burst.MOST + 3)]
        publisher.publish(sent)
        publisher.publish(sent[:1])
        messages = [heard() for _ in range(len(sent) + 1)]
        self.assertEqual(
            [one.message_id for one in [*sent, sent[0]]],
            [message.payload['message_id'] for message in messages])
        alone, first = messages[-1], messages[1]
        self.assertEqual(alone.payload.keys(), first.payload.keys())
        self.assertEqual(
            alone.payload | {'_unique_id': None},
            messages[0].payload | {'_unique_id': None})
        for name in ('headers', 'properties', 'content_type',
                     'content_encoding'):
            self.assertEqual(getattr(alone, name), getattr(first, name), name)
        self.assertEqual(
            len(messages), len({message.payload['_unique_id']
                                for message in messages}))
        self.assertEqual('ready', publisher.health()['state'])

    def test_without_what_bursts_need(self):
        """As with another version of the libraries below."""
        self.useFixture(fixtures.MonkeyPatch(
            'fenix.notify.publishers.burst._CALLS',
            {impl_rabbit.Connection: ('_not_there',)}))
        self.useFixture(fixtures.MonkeyPatch(
            'fenix.notify.publishers.burst.send', None))
        heard = self.raw()
        sent = [notification(str(number)) for number in range(3)]
        self.make_publisher().publish(sent)
        self.assertEqual([one.message_id for one in sent], [
            heard().payload['message_id'] for _ in sent])

    def test_burst_that_is_refused(self):
        """A queue that is full takes some, and refuses the next ones."""
        self.delete([f'{self.name}.info'], [self.name])
        with kombu.Connection(self.url.replace('rabbit:', 'amqp:')) as wire:
            exchange = kombu.Exchange(self.name, 'topic', durable=False)
            queue = kombu.Queue(
                f'{self.name}.info', exchange, f'{self.name}.info',
                durable=False, queue_arguments={
                    'x-max-length': 5, 'x-overflow': 'reject-publish'})
            queue(wire.default_channel).declare()
        self.useFixture(fixtures.MockPatchObject(
            impl_rabbit, '_get_queue_arguments', lambda *args: {
                'x-max-length': 5, 'x-overflow': 'reject-publish'}))
        publisher = self.make_publisher()
        publisher.publish([notification()])
        exc = self.assertRaises(errors.PublishError, publisher.publish, [
            notification(str(number)) for number in range(20)])
        self.assertLess(0, exc.published)
        self.assertLess(exc.published, 5)
        # The refusal may come before all are written; the rest never is.
        self.assertLess(0, exc.uncertain)
        self.assertLessEqual(exc.published + exc.uncertain, 20)

    def raw(self):
        """Take messages as they come; return what gives the next one."""
        self.delete([f'{self.name}.info'], [self.name])
        wire = kombu.Connection(self.url.replace('rabbit:', 'amqp:'))
        self.addCleanup(wire.close)
        exchange = kombu.Exchange(self.name, 'topic', durable=False)
        queue = kombu.Queue(f'{self.name}.info', exchange,
                            f'{self.name}.info', durable=False)
        taken = wire.SimpleQueue(queue, no_ack=True)
        self.addCleanup(taken.close)
        return lambda: taken.get(timeout=5)

    def test_time_taken(self):
        heard = self.listen()
        publisher = self.make_publisher()
        publisher.publish([notification()])
        taken = []
        for _ in range(200):
            start = time.monotonic()
            publisher.publish([notification()])
            taken.append(time.monotonic() - start)
        cuts = statistics.quantiles(taken, n=100)
        self.addDetail('milliseconds', content.text_content(
            f'p50 {cuts[49] * 1000:.2f} p99 {cuts[98] * 1000:.2f}'))
        self.assertLess(cuts[49], 0.1)
        for _ in range(201):
            heard.get(timeout=5)


class BrokerDownTest(OsloCase):

    def test_in_the_middle_of_a_burst(self):
        """What is not confirmed goes out again, behind what is."""
        heard = self.listen()
        wire = self.make_wire()
        publisher = self.make_publisher()
        publisher.publish([notification('before')])
        sent = [notification(str(number)) for number in range(500)]
        left = list(sent)
        threading.Timer(0.05, wire.cut).start()
        threading.Timer(0.5, wire.mend).start()

        def published():
            try:
                publisher.publish(left)
            except errors.PublishError as exc:
                self.assertLessEqual(exc.uncertain, burst.MOST)
                del left[:exc.published]
                return False
            return True

        self.assertTrue(broker.wait_until(published, 30))
        order = {one.message_id: place for place, one in enumerate(sent)}
        seen = []
        while not seen or seen[-1] != len(sent) - 1:
            place = order.get(heard.get(timeout=5)[4]['message_id'], -1)
            # Each for the first time in order, and again only in order.
            self.assertLessEqual(place, max(seen, default=-1) + 1)
            seen.append(place)
        self.assertEqual(set(range(-1, len(sent))), set(seen))

    def test_frozen_in_the_middle_of_a_burst(self):
        heard = self.listen()
        wire = self.make_wire()
        publisher = self.make_publisher()
        publisher.publish([notification('before')])
        wire.freeze()
        sent = [notification(str(number)) for number in range(300)]
        exc = self.assertRaises(errors.PublishError, publisher.publish, sent)
        self.assertEqual((0, burst.MOST), (exc.published, exc.uncertain))
        wire.thaw()
        self.assertTrue(broker.wait_until(
            lambda: publisher.health()['state'] == 'ready', 5))
        # It is known by now which of them went out.
        publisher.publish(sent)
        self.assertEqual(
            ['before', *(one.payload['state'] for one in sent)],
            [heard.get(timeout=5)[3]['state'] for _ in range(301)])

    def test_at_the_start(self):
        self.messaging.transport_url = self.url_on(broker.closed_port())
        publisher = self.make_publisher()
        for _ in range(3):
            self.assertFails(publisher, notification(), uncertain=False)
        self.assertEqual('failing', publisher.health()['state'])

    def test_later_and_back(self):
        heard = self.listen()
        wire = self.make_wire()
        publisher = self.make_publisher()
        publisher.publish([notification('before')])
        wire.cut()
        sent = notification('meanwhile')
        self.assertRaises(errors.PublishError, publisher.publish, [sent])
        # Nothing can have been sent without a connection.
        self.assertFails(publisher, sent, uncertain=False, seconds=2.5)
        wire.mend()
        self.publish_when_back(publisher, sent)
        self.assertEqual('before', heard.get(timeout=5)[3]['state'])
        self.assertEqual(sent.message_id,
                         heard.get(timeout=5)[4]['message_id'])

    def test_frozen_and_back(self):
        heard = self.listen()
        wire = self.make_wire()
        publisher = self.make_publisher()
        publisher.publish([notification('before')])
        wire.freeze()
        sent = notification('meanwhile')
        self.assertFails(publisher, sent, uncertain=True, seconds=2.5)
        self.assertFails(publisher, notification('other'), uncertain=False)
        wire.thaw()
        self.publish_when_back(publisher, sent)
        publisher.publish([notification('after')])
        self.assertEqual(
            ['before', 'meanwhile', 'after'],
            [heard.get(timeout=5)[3]['state'] for _ in range(3)])

    def test_a_frozen_broker_does_not_keep_the_process(self):
        wire = self.make_wire()
        self.delete([f'{self.name}.info'], [self.name])
        program = f'''
from fenix import conf
from fenix.notify.publishers import base, oslo
import datetime, sys
conf.CONF([], default_config_files=[])
oslo.oslo_messaging.set_transport_defaults({self.name!r})
from oslo_messaging import conffixture
fixture = conffixture.ConfFixture(conf.CONF)
fixture.setUp()
fixture.transport_url = {self.messaging.transport_url!r}
conf.CONF.set_override('topic', {self.name!r}, 'notify')
conf.CONF.set_override('timeout', 0.5, 'notify')
publisher = oslo.OsloPublisher(conf.CONF)
def publish():
    publisher.publish([base.Notification(
        'm', 'maintenance.scheduled', {{}},
        datetime.datetime.now(datetime.UTC))])
publish()
print('warm', flush=True)
sys.stdin.readline()
try:
    publish()
except Exception as exc:
    print(type(exc).__name__, flush=True)
publisher.stop(0.5)
'''
        with subprocess.Popen(
                [sys.executable, '-W', 'ignore', '-c', program], text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            self.addCleanup(process.kill)
            self.assertEqual('warm\n', process.stdout.readline())
            wire.freeze()
            start = time.monotonic()
            process.stdin.write('\n')
            process.stdin.flush()
            self.assertEqual('PublishError\n', process.stdout.readline())
            process.wait(5)
            self.assertLess(time.monotonic() - start, 3)
