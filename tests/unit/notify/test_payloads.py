# SPDX-License-Identifier: Apache-2.0
import ast
import datetime
import time
import uuid

import fixtures
import hypothesis
import yaml
from hypothesis import strategies as st
from oslo_config import fixture as config_fixture
from oslotest import base

from fenix import conf
from fenix import errors
from fenix import words
from fenix.notify import payloads

SID = '5d2bd8e0-3ae2-4c8e-9d0e-1d1f4b4a86f1'
PROJECT = 'a5c9f9b9dd1b4a1b9d8e46f3d3b3f4aa'
INSTANCE = '109e14d9-6566-42b3-93e4-76605f264d8f'
URL = 'http://127.0.0.1:12347/v1'
PROJECT_URL = f'{URL}/maintenance/{SID}/{PROJECT}'
META = {'openstack_version': 'Train'}
WHOLE = [words.MAINTENANCE, words.SCALE_IN, words.MAINTENANCE_COMPLETE]
BY_HOST = sorted(words.HOST_QUESTIONS)


def scheduled(question, vocabulary='fenix', **kwargs):
    return payloads.scheduled(
        kwargs.pop('session_id', SID), kwargs.pop('project_id', PROJECT),
        question, vocabulary, kwargs.pop('public_url', URL),
        kwargs.pop('meta', META), **kwargs)


class ScheduledTest(base.BaseTestCase):

    def test_every_field(self):
        self.assertEqual({
            'service': 'fenix', 'project_id': PROJECT, 'session_id': SID,
            'state': 'MAINTENANCE', 'instance_ids': PROJECT_URL,
            'reply_url': PROJECT_URL, 'allowed_actions': [],
            'actions_at': '2026-01-31 10:00:30', 'reply_at': None,
            'metadata': META,
        }, scheduled(words.MAINTENANCE, actions_at=datetime.datetime(
            2026, 1, 31, 12, 0, 30, 999999, tzinfo=datetime.timezone(
                datetime.timedelta(hours=2)))))

    def test_project_form(self):
        for question in WHOLE + BY_HOST:
            payload = scheduled(question)
            self.assertEqual(PROJECT_URL, payload['instance_ids'])
            self.assertEqual(PROJECT_URL, payload['reply_url'])

    def test_instance_form(self):
        for question in [*BY_HOST, words.INSTANCE_ACTION_DONE]:
            payload = scheduled(question, instance_id=INSTANCE)
            self.assertEqual([INSTANCE], payload['instance_ids'])
            self.assertEqual(f'{PROJECT_URL}/{INSTANCE}',
                             payload['reply_url'])

    def test_allowed_actions(self):
        for question in BY_HOST:
            self.assertEqual(['MIGRATE', 'LIVE_MIGRATE', 'OWN_ACTION'],
                             scheduled(question)['allowed_actions'])
        for question in WHOLE:
            self.assertEqual([], scheduled(question)['allowed_actions'])
        self.assertEqual([], scheduled(
            words.INSTANCE_ACTION_DONE,
            instance_id=INSTANCE)['allowed_actions'])

    def test_vocabularies(self):
        for vocabulary, scale_in, done in [
                ('doctor', 'DOWN_SCALE', 'ADMIN_ACTION_DONE'),
                ('fenix', 'SCALE_IN', 'INSTANCE_ACTION_DONE')]:
            self.assertEqual(
                scale_in, scheduled(words.SCALE_IN, vocabulary)['state'])
            self.assertEqual(done, scheduled(
                words.INSTANCE_ACTION_DONE, vocabulary,
                instance_id=INSTANCE)['state'])
            self.assertEqual('PREPARE_MAINTENANCE', scheduled(
                words.PREPARE_MAINTENANCE, vocabulary)['state'])

    def test_forms_that_clients_fail_on(self):
        for question in WHOLE:
            self.assertRaises(ValueError, scheduled, question,
                              instance_id=INSTANCE)
        self.assertRaises(ValueError, scheduled, words.INSTANCE_ACTION_DONE)
        self.assertRaises(ValueError, scheduled, 'DOWN_SCALE')

    def test_times_are_set_when_published(self):
        payload = scheduled(words.SCALE_IN)
        at = datetime.datetime(2026, 1, 31, 10, 0, tzinfo=datetime.UTC)
        timed = payloads.with_times(payload, at,
                                    at + datetime.timedelta(seconds=40))
        self.assertEqual('2026-01-31 10:00:00', timed['reply_at'])
        self.assertEqual('2026-01-31 10:00:40', timed['actions_at'])
        self.assertIsNone(payload['reply_at'])
        self.assertEqual(payload.keys(), timed.keys())

    def test_times_are_in_utc(self):
        self.addCleanup(time.tzset)
        self.useFixture(fixtures.EnvironmentVariable('TZ', 'Asia/Tokyo'))
        time.tzset()
        at = datetime.datetime(2026, 1, 31, 10, 0, tzinfo=datetime.UTC)
        self.assertEqual('2026-01-31 10:00:00', scheduled(
            words.SCALE_IN, reply_at=at)['reply_at'])

    def test_longest_public_url_fits(self):
        url = 'http://' + 'h' * 120 + '/v1'
        self.assertEqual(130, len(url))
        payload = scheduled(words.PLANNED_MAINTENANCE, public_url=url,
                            project_id=str(uuid.uuid4()),
                            instance_id=INSTANCE)
        self.assertTrue(payload['reply_url'].startswith(url))
        self.assertRaises(errors.BadTrait, scheduled,
                          words.PLANNED_MAINTENANCE, public_url=url + 'x' * 9,
                          project_id=str(uuid.uuid4()), instance_id=INSTANCE)

    def test_slash_at_the_end_of_public_url(self):
        self.assertEqual(PROJECT_URL, scheduled(
            words.SCALE_IN, public_url=URL + '/')['reply_url'])

    def test_metadata_too_long(self):
        self.assertEqual(255, len(str({'k': 'x' * 246})))
        scheduled(words.SCALE_IN, meta={'k': 'x' * 246})
        exc = self.assertRaises(errors.BadTrait, scheduled, words.SCALE_IN,
                                meta={'k': 'x' * 247})
        self.assertEqual('metadata', exc.field)

    def test_no_string_that_a_client_would_evaluate(self):
        for value in ('[1]', '{"a": 1}'):
            self.assertRaises(errors.BadTrait, scheduled, words.SCALE_IN,
                              project_id=value)
            self.assertRaises(errors.BadTrait, scheduled, words.SCALE_IN,
                              meta=value)


class HostTest(base.BaseTestCase):

    def test_every_field(self):
        self.assertEqual(
            {'service': 'fenix', 'project_id': PROJECT, 'session_id': SID,
             'host': 'cmp-1.example.com', 'state': 'IN_MAINTENANCE'},
            payloads.host(SID, PROJECT, 'cmp-1.example.com',
                          words.IN_MAINTENANCE))

    def test_states_that_inspectors_know(self):
        payloads.host(SID, PROJECT, 'cmp-1', words.MAINTENANCE_COMPLETE)
        self.assertRaises(ValueError, payloads.host, SID, PROJECT, 'cmp-1',
                          words.MAINTENANCE_FAILED)

    def test_host_name_like_data(self):
        self.assertRaises(errors.BadTrait, payloads.host, SID, PROJECT,
                          '[x]', words.IN_MAINTENANCE)


class SessionTest(base.BaseTestCase):

    def session(self, state=words.MAINTENANCE_FAILED, reason=None,
                previous=words.SCALE_IN, vocabulary='doctor'):
        return payloads.session(SID, PROJECT, state, previous, 40, reason,
                                vocabulary)

    def test_every_field(self):
        self.assertEqual(
            {'service': 'fenix', 'project_id': PROJECT, 'session_id': SID,
             'state': 'MAINTENANCE_FAILED', 'previous_state': 'DOWN_SCALE',
             'percent_done': 40, 'reason': None}, self.session())

    def test_vocabulary(self):
        self.assertEqual('SCALE_IN', self.session(
            state=words.SCALE_IN, vocabulary='fenix')['state'])

    def test_reason_is_cut(self):
        self.assertEqual('x' * 255, self.session(reason='x' * 255)['reason'])
        reason = self.session(reason='x' * 256)['reason']
        self.assertEqual('x' * 252 + '...', reason)

    def test_reason_is_no_data(self):
        self.assertEqual(
            '(Errno 111) Connection (refused) 1',
            self.session(reason='[Errno 111] Connection\n{refused} 1')[
                'reason'])


class VocabularyTest(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.conf = self.useFixture(config_fixture.Config(conf.CONF))

    def test_default(self):
        self.assertEqual('doctor', payloads.vocabulary_of(
            conf.CONF, PROJECT, False))

    def test_constraints(self):
        self.assertEqual('fenix', payloads.vocabulary_of(
            conf.CONF, PROJECT, True))

    def test_configured(self):
        self.conf.config(group='workflow', vocabulary='fenix',
                         project_vocabulary={PROJECT: 'doctor'})
        for has_constraints in (False, True):
            self.assertEqual('doctor', payloads.vocabulary_of(
                conf.CONF, PROJECT, has_constraints))
        self.assertEqual('fenix', payloads.vocabulary_of(
            conf.CONF, 'other', False))


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(),
                    st.text(max_size=60))


class TraitTest(base.BaseTestCase):

    @hypothesis.given(st.dictionaries(st.text(max_size=20), SCALARS,
                                      max_size=6))
    @hypothesis.example({'version': 'it\'s "X"'})
    @hypothesis.example({'version': float('nan')})
    @hypothesis.example({'version': 'Zürich 🚀 \x07 \\d \u2028'})
    @hypothesis.example({'version': "it's \\d \x07"})
    def test_what_passes_is_read_back(self, meta):
        if payloads.trait_problem(meta) is None:
            text = str(meta)
            self.assertEqual(meta, ast.literal_eval(text[:255]))
            self.assertEqual(len(meta), len(yaml.safe_load(text[:255])))

    def test_what_passes(self):
        for value in (None, 1, True, 'x' * 255, [], {}, ['a'], META,
                      {'a': None, 'b': 1.5, 'c': '[x]', 'd': "it's"}):
            self.assertIsNone(payloads.trait_problem(value), value)

    def test_what_does_not(self):
        for value in ('x' * 256, ['x' * 252], '[', '{}', {'a': [1]},
                      {'a': {}}, {'a': float('inf')}, {'a': '\'"'},
                      {'\'"': 1}):
            self.assertIsNotNone(payloads.trait_problem(value), value)

    def test_six_ids_fit_and_seven_do_not(self):
        ids = [str(uuid.uuid4()) for _ in range(7)]
        self.assertIsNone(payloads.trait_problem(ids[:6]))
        self.assertIsNotNone(payloads.trait_problem(ids))
