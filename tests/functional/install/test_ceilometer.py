# SPDX-License-Identifier: Apache-2.0
"""What real ceilometer makes of the files in etc/ceilometer."""

import datetime
import pathlib

import fixtures
import testtools

from fenix.notify import payloads
from fenix.sandbox.cloud import ceilometer as sandbox
from tests.functional.install import base
from tests.functional.install import telemetry

DEFINITIONS = base.ETC / 'ceilometer/event_definitions.yaml'
PIPELINE = base.ETC / 'ceilometer/event_pipeline.yaml'
ITS_DEFINITIONS = telemetry.DATA / 'event_definitions.yaml'
ITS_PIPELINE = telemetry.DATA / 'event_pipeline.yaml'

URL = 'http://controller:12347/v1'
SESSION, PROJECT, INSTANCE = 'a' * 36, 'b' * 32, 'c' * 36
MOMENT = datetime.datetime(2026, 1, 31, 10, 0, 40, tzinfo=datetime.UTC)
META = {'openstack_version': 'X', 'reboot': True}

PAYLOADS = {
    'project': (payloads.SCHEDULED, payloads.scheduled(
        SESSION, PROJECT, 'MAINTENANCE', 'doctor', URL, META,
        reply_at=MOMENT, actions_at=MOMENT)),
    'instance': (payloads.SCHEDULED, payloads.scheduled(
        SESSION, PROJECT, 'PLANNED_MAINTENANCE', 'fenix', URL, META,
        instance_id=INSTANCE, reply_at=MOMENT, actions_at=MOMENT)),
    'done': (payloads.SCHEDULED, payloads.scheduled(
        SESSION, PROJECT, 'INSTANCE_ACTION_DONE', 'fenix', URL, META,
        instance_id=INSTANCE)),
    'host': (payloads.HOST, payloads.host(
        SESSION, PROJECT, 'compute-1', 'IN_MAINTENANCE')),
    'session': (payloads.SESSION, payloads.session(
        SESSION, PROJECT, 'MAINTENANCE_FAILED', 'START_MAINTENANCE', 50,
        'no [capacity]', 'doctor')),
}


class TestDefinitions(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.ceilometer = self.useFixture(telemetry.Ceilometer())

    def convert(self, definitions, event_type, payload):
        return self.ceilometer.convert(definitions, event_type, payload,
                                       MOMENT)

    def write(self, *sources):
        path = pathlib.Path(self.useFixture(fixtures.TempDir()).path,
                            'event_definitions.yaml')
        path.write_text(''.join(source.read_text() for source in sources))
        return path

    def test_every_field_becomes_a_trait(self):
        """Alone, behind ceilometer's own, and appended twice."""
        for sources in ((DEFINITIONS,), (ITS_DEFINITIONS, DEFINITIONS),
                        (ITS_DEFINITIONS, DEFINITIONS, DEFINITIONS)):
            path = self.write(*sources)
            for name, (event_type, payload) in PAYLOADS.items():
                with self.subTest(name, sources=len(sources)):
                    self.assertEqual(
                        {key: str(value) for key, value in payload.items()
                         if value is not None},
                        {key: (value.replace('T', ' ')
                               if kind == sandbox.DATETIME else str(value))
                         for key, (kind, value) in self.convert(
                             path, event_type, payload).items()})

    def test_types(self):
        traits = self.convert(DEFINITIONS, *PAYLOADS['project'])
        self.assertEqual({'actions_at', 'reply_at'}, {
            name for name, (kind, _value) in traits.items()
            if kind == sandbox.DATETIME})
        self.assertEqual((sandbox.INTEGER, 50), self.convert(
            DEFINITIONS, *PAYLOADS['session'])['percent_done'])

    def test_the_sandbox_does_the_same(self):
        for name in ('project', 'instance', 'done', 'host'):
            event_type, payload = PAYLOADS[name]
            with self.subTest(name):
                emulated = sandbox.convert({}, {
                    'message_id': 'm1', 'event_type': event_type,
                    'publisher_id': 'fenix', 'payload': payload,
                    'timestamp': str(MOMENT)})
                self.assertEqual(
                    self.convert(DEFINITIONS, event_type, payload),
                    {trait: (kind, value)
                     for trait, kind, value in emulated['traits']})

    def test_without_them_nothing_is_left(self):
        """Why the guide wants them."""
        self.assertNotIn('reply_url', self.convert(
            ITS_DEFINITIONS, *PAYLOADS['project']))


class TestPipeline(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.FakeLogger())
        self.ceilometer = self.useFixture(telemetry.Ceilometer())

    def test_what_is_published_reaches_aodh(self):
        for event_type, _payload in PAYLOADS.values():
            self.assertEqual(['alarm.all'],
                             self.ceilometer.topics(PIPELINE, event_type))

    def test_nothing_else_does(self):
        self.assertEqual([], self.ceilometer.topics(
            PIPELINE, 'compute.instance.update'))

    def test_its_own_file_does_not_know_aodh(self):
        """Why the guide wants a publisher more."""
        self.assertNotIn('alarm.all', self.ceilometer.topics(
            ITS_PIPELINE, payloads.SCHEDULED))
