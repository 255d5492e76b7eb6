# SPDX-License-Identifier: Apache-2.0
"""From a notification to the traits that a VNFM's alarm carries."""

import ast
import datetime
import json

import fixtures
import testtools

from fenix.sandbox.cloud import alarms
from fenix.sandbox.cloud import ceilometer

PAYLOAD = {
    'service': 'fenix', 'project_id': 'p1', 'session_id': 's1',
    'state': 'PLANNED_MAINTENANCE', 'instance_ids': ['i1'],
    'reply_url': 'http://fenix/v1/maintenance/s1/p1/i1',
    'allowed_actions': ['MIGRATE', 'LIVE_MIGRATE', 'OWN_ACTION'],
    'actions_at': '2026-01-31 10:00:40', 'reply_at': None,
    'metadata': {'openstack_version': 'X'}}


def message(payload=None, event_type='maintenance.scheduled'):
    return {'message_id': 'm1', 'event_type': event_type,
            'publisher_id': 'fenix', 'priority': 'INFO',
            'payload': PAYLOAD if payload is None else payload,
            'timestamp': '2026-01-31 10:00:00.123456'}


def traits(payload=None, context=None, **kwargs):
    event = ceilometer.convert(context or {}, message(payload, **kwargs))
    return {name: (kind, value) for name, kind, value in event['traits']}


class TestConvert(testtools.TestCase):

    def test_what_the_contract_shows(self):
        event = ceilometer.convert({}, message())
        self.assertEqual('2026-01-31T10:00:00.123456', event['generated'])
        self.assertEqual({}, event['raw'])
        self.assertEqual({
            'service': (1, 'fenix'), 'project_id': (1, 'p1'),
            'session_id': (1, 's1'), 'state': (1, 'PLANNED_MAINTENANCE'),
            'instance_ids': (1, "['i1']"),
            'reply_url': (1, 'http://fenix/v1/maintenance/s1/p1/i1'),
            'allowed_actions': (
                1, "['MIGRATE', 'LIVE_MIGRATE', 'OWN_ACTION']"),
            'actions_at': (4, '2026-01-31T10:00:40'),
            'metadata': (1, "{'openstack_version': 'X'}")}, traits())

    def test_text_is_cut_at_255_characters(self):
        six = [f'{number:036}' for number in range(6)]
        kind, value = traits(dict(PAYLOAD, instance_ids=six))['instance_ids']
        self.assertEqual((1, six), (kind, ast.literal_eval(value)))
        seven = traits(dict(PAYLOAD, instance_ids=[*six, 'x' * 36]))
        self.assertEqual(255, len(seven['instance_ids'][1]))
        self.assertRaises(SyntaxError, ast.literal_eval,
                          seven['instance_ids'][1])

    def test_times_lose_their_zone_and_bad_ones_the_event(self):
        for text in ('2026-01-31T12:00:40+02:00', '2026-01-31T10:00:40Z'):
            self.assertEqual(
                (4, '2026-01-31T10:00:40'),
                traits(dict(PAYLOAD, actions_at=text))['actions_at'])
        self.assertNotIn('actions_at', traits(dict(PAYLOAD, actions_at='')))
        self.assertRaises(ValueError, ceilometer.convert, {},
                          message(dict(PAYLOAD, actions_at='soon')))

    def test_a_context_with_a_project_goes_astray(self):
        """CONTRACT.md 2.1: the reason why the context must be empty."""
        good = ceilometer.convert({}, message())
        self.assertEqual('p1', alarms.event_project(good))
        bad = ceilometer.convert({'project_id': 'admins'}, message())
        self.assertEqual('admins', alarms.event_project(bad))

    def test_host_and_others(self):
        payload = {'project_id': 'p1', 'host': 'compute-1', 'session_id': 's1',
                   'state': 'IN_MAINTENANCE', 'service': 'fenix'}
        self.assertEqual(
            {name: (1, value) for name, value in payload.items()},
            traits(payload, event_type='maintenance.host'))
        self.assertEqual({'service': (1, 'fenix')},
                         traits(event_type='maintenance.other'))

    def test_lost_events_do_not_hurt(self):
        self.useFixture(fixtures.FakeLogger())
        sent, lines = [], []
        agent = ceilometer.Ceilometer(
            sent.append, lambda what, **fields: lines.append((what, fields)))
        agent.notify({}, message(dict(PAYLOAD, actions_at='soon')))
        agent.notify({'project_id': None}, message())
        self.assertEqual(['notify', 'notify'], [line[0] for line in lines])
        self.assertEqual(['m1'], [event['message_id'] for event in sent])
        self.assertIsNone(lines[1][1]['context_project'])


class TestAlarms(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.FakeLogger())
        self.now = 100.0
        self.fired = []
        self.alarms = self.make()

    def make(self, **kwargs):
        return alarms.Alarms(
            lambda: self.now,
            lambda alarm, previous, event, reason: self.fired.append(
                (alarm.name, previous)), **kwargs)

    def alarm(self, name='a', project='p1', event_type='maintenance.*',
              query=(), **kwargs):
        alarm = alarms.Alarm(
            name, project, 'user',
            {'event_type': event_type, 'query': list(query)}, 0, 0, **kwargs)
        self.alarms.put(alarm)
        return alarm

    def event(self, **kwargs):
        self.alarms.evaluate(ceilometer.convert({}, message(**kwargs)))

    def test_fires_once_or_again_and_again(self):
        once = self.alarm('once')
        self.alarm('often', repeat_actions=True)
        self.event()
        self.event()
        self.assertEqual([('once', 'insufficient data'),
                          ('often', 'insufficient data'),
                          ('often', 'alarm')], self.fired)
        self.assertEqual('alarm', once.state)
        once.state = 'ok'
        self.event()
        self.assertIn(('once', 'ok'), self.fired)

    def test_project_type_and_enabled(self):
        self.alarm('other', project='p2')
        self.alarm('type', event_type='maintenance.host')
        self.alarm('off', enabled=False)
        self.alarm('star', event_type='*')
        self.event()
        self.assertEqual(['star'], [name for name, _previous in self.fired])

    def test_conditions_on_traits(self):
        def condition(value, op='eq', field='traits.state'):
            return {'field': field, 'op': op, 'type': 'string',
                    'value': value}
        self.alarm('yes', query=[condition('PLANNED_MAINTENANCE')])
        self.alarm('no', query=[condition('MAINTENANCE')])
        self.alarm('not', query=[condition('MAINTENANCE', 'ne')])
        self.alarm('missing', query=[condition('x', 'gt', 'traits.none')])
        self.alarm('no trait', query=[condition('m1', field='message_id')])
        self.event()
        self.assertEqual(['yes', 'not'], [name for name, _p in self.fired])

    def test_alarms_are_remembered_for_a_while(self):
        self.alarms = self.make(cache_ttl=60)
        self.event()
        self.alarm('late', repeat_actions=True)
        self.event()
        self.assertEqual([], self.fired)
        self.now += 60
        self.event()
        self.assertEqual(1, len(self.fired))


class TestSignature(testtools.TestCase):

    def test_an_event_is_json_and_signed(self):
        event = ceilometer.convert({}, message())
        signed = json.loads(json.dumps(event)).pop('message_signature')
        self.assertEqual(64, len(signed))
        later = message()
        later['timestamp'] = datetime.datetime(2026, 2, 1).isoformat()
        self.assertNotEqual(
            signed, ceilometer.convert({}, later)['message_signature'])
