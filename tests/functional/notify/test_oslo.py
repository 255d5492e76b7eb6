# SPDX-License-Identifier: Apache-2.0
import datetime
import queue
import statistics
import subprocess
import sys
import time
import uuid

import oslo_messaging
from oslo_config import fixture as config_fixture
from testtools import content

from fenix import errors
from fenix.notify.publishers import base as publishers
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
