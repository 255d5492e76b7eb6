# SPDX-License-Identifier: Apache-2.0
"""Notifications that come by a message bus."""

import uuid

import oslo_messaging
import testtools
from oslo_config import cfg
from oslo_context import context
from oslo_context import fixture as context_fixture
from oslo_messaging import conffixture

from fenix.sandbox.cloud import bus
from fenix.sandbox.cloud import ceilometer
from tests.functional.notify import broker


class Sink:
    """Takes what arrives, as ceilometer would."""

    def __init__(self):
        self.lines = []
        self.events = []
        self.agent = ceilometer.Ceilometer(
            self.events.append,
            lambda what, **fields: self.lines.append(fields))


def listen(test, url, topic):
    sink = Sink()
    listener = bus.Bus(url, sink.agent, topic)
    listener.start()
    test.addCleanup(listener.stop)
    return sink, listener


def tell(url, topic, ctxt=None):
    """Notify as any OpenStack service does."""
    notifier = oslo_messaging.Notifier(
        oslo_messaging.get_notification_transport(cfg.CONF, url=url),
        driver='messaging', publisher_id='fenix', topics=[topic])
    for number in range(20):
        notifier.info(ctxt or {}, 'maintenance.scheduled', {
            'project_id': 'p1', 'state': f'STATE_{number}',
            'instance_ids': ['i1']})


class TestFakeBus(testtools.TestCase):

    def test_what_is_told_arrives_in_order(self):
        self.useFixture(conffixture.ConfFixture(cfg.CONF))
        topic = f'test-{uuid.uuid4()}'
        sink, listener = listen(self, 'fake://', topic)
        self.assertTrue(listener.ready.wait(5))
        tell('fake://', topic)
        self.assertTrue(broker.wait_until(lambda: len(sink.events) == 20))
        self.assertEqual([f'STATE_{number}' for number in range(20)],
                         [line['payload']['state'] for line in sink.lines])
        self.assertIn(['instance_ids', 1, "['i1']"],
                      sink.events[0]['traits'])


class TestRabbit(broker.BrokerCase):

    def test_what_is_told_arrives_in_order(self):
        self.useFixture(context_fixture.ClearRequestContext())
        self.delete(queues=[f'{self.name}.info'])
        sink, listener = listen(self, self.url, self.name)
        self.assertTrue(listener.ready.wait(10))
        tell(self.url, self.name, context.RequestContext(project_id='p9'))
        self.assertTrue(broker.wait_until(lambda: len(sink.events) == 20))
        self.assertEqual('p9', sink.lines[0]['context_project'])
        self.assertEqual([f'STATE_{number}' for number in range(20)],
                         [line['payload']['state'] for line in sink.lines])

    def test_it_listens_once_the_broker_is_there(self):
        self.delete(queues=[f'{self.name}.info'])
        wire = self.make_wire()
        wire.cut()
        sink, listener = listen(self, self.url_on(wire.port), self.name)
        self.assertFalse(listener.ready.wait(1))
        wire.mend()
        self.assertTrue(listener.ready.wait(30))
        tell(self.url, self.name)
        self.assertTrue(broker.wait_until(lambda: len(sink.events) == 20))
