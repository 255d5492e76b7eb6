# SPDX-License-Identifier: Apache-2.0
"""The managers find what their clients could not have understood."""

import datetime

import testtools

from fenix.sandbox import alarms
from fenix.sandbox.cloud import timeline
from tests.cloud import clients
from tests.cloud.scenarios import model

PROJECT, SESSION, SERVER = 'project-1', 'session-1', 'server-1'
URL = f'http://fenix/v1/maintenance/{SESSION}/{PROJECT}'
ONE = f'{URL}/{SERVER}'


class Answer:
    def __init__(self, body, code):
        self.status_code = code
        self._body = body

    def json(self):
        return self._body


class User:
    """Is answered the same, whatever it sends."""

    name, project_id, code = 'user', PROJECT, 200

    def __init__(self):
        self.sent = []

    def call(self, method, url, json=None):
        if method != 'GET':
            self.sent.append((method, url, json))
        return Answer({'instance_ids': [SERVER]}, self.code)

    def url(self, service_type, path):
        return f'http://{service_type}{path}'


class Vnf:
    """One server, which is not the active one of a pair."""

    name, active, group, pair = 'vnf0', 'a', 'group-1', ()
    servers = others = (SERVER,)

    def own(self):
        return {SERVER: {}}


class Tap:
    def note_alarm(self, alarm):
        """Forget it."""


def alarm(state, about=URL, reply_url=URL, **traits):
    at = datetime.datetime.now(datetime.UTC)
    traits = {'service': 'fenix', 'project_id': PROJECT,
              'session_id': SESSION, 'state': state, 'instance_ids': about,
              'reply_url': reply_url, 'metadata': {}, 'reply_at':
              at + datetime.timedelta(seconds=0.2),
              'allowed_actions': ['MIGRATE'], **traits}
    return alarms.Alarm('message-1', alarms.SCHEDULED, {
        name: value for name, value in traits.items() if value is not None})


class ManagerTest(testtools.TestCase):

    manner = model.URL

    def setUp(self):
        super().setUp()
        self.user = User()
        self.timeline = timeline.Timeline()
        self.start()

    def start(self, **fields):
        self.manager = clients.MANAGERS[self.manner](
            model.Vnf(self.manner, **fields), Vnf(), self.user,
            self.timeline, Tap())

    def hear(self, *arguments, **traits):
        self.manager._handle(alarm(*arguments, **traits))
        return self.manager.problems

    def bodies(self):
        return [body for method, url, body in self.user.sent
                if '/maintenance/' in url]

    def assert_bad(self, text, *arguments, **traits):
        problems = self.hear(*arguments, **traits)
        self.assertNotEqual([], problems)
        self.assertIn(text, problems[0])


class UrlManagerTest(ManagerTest):

    def test_good(self):
        for state in ('MAINTENANCE', 'PREPARE_MAINTENANCE',
                      'PLANNED_MAINTENANCE'):
            self.assertEqual([], self.hear(state))
        self.assertEqual([], self.hear('ADMIN_ACTION_DONE', [SERVER]))
        self.assertEqual(
            [{'state': 'ACK_MAINTENANCE', 'session_id': SESSION,
              'instance_ids': [SERVER]}]
            + [{'state': f'ACK_{state}_MAINTENANCE', 'session_id': SESSION,
                'instance_actions': {SERVER: 'MIGRATE'}}
               for state in ('PREPARE', 'PLANNED')], self.bodies())

    def test_words_of_the_other_vocabulary(self):
        self.assert_bad('no word', 'INSTANCE_ACTION_DONE', [SERVER])
        self.start(vocabulary='fenix')
        self.assert_bad('no word', 'ADMIN_ACTION_DONE', [SERVER])

    def test_unknown_state(self):
        self.assert_bad('no word', 'INSTANCE_ACTION_FAILED', [SERVER])

    def test_list_where_it_wants_a_url(self):
        self.assert_bad('about', 'MAINTENANCE', [SERVER])

    def test_other_urls(self):
        self.assert_bad('answered at', 'MAINTENANCE', reply_url=ONE)
        self.start()
        self.assert_bad('lists instances at', 'MAINTENANCE', ONE)

    def test_missing(self):
        for name in ('service', 'metadata', 'reply_url', 'instance_ids'):
            self.start()
            self.manager._check_form(alarm('MAINTENANCE', **{name: None}))
            self.assertIn(f"without ['{name}']", self.manager.problems[0])

    def test_actions_that_are_allowed(self):
        self.assert_bad('without MIGRATE', 'PLANNED_MAINTENANCE',
                        allowed_actions=['OWN_ACTION'])

    def test_twice(self):
        self.start(mode=model.TWICE)
        self.hear('MAINTENANCE')
        first, second = self.bodies()
        self.assertEqual({**first, 'vendor': {'x': [1]}}, second)

    def agreed(self, state):
        self.timeline.record('reply', project=PROJECT, state=state, code=200)

    def test_refuses_after_another_agreed(self):
        self.start(mode=model.CONTRADICTING)
        self.agreed('ACK_MAINTENANCE')
        self.assertEqual([], self.hear('MAINTENANCE'))
        self.assertEqual(['NACK_MAINTENANCE'],
                         [body['state'] for body in self.bodies()])

    def test_nobody_agreed_before(self):
        self.start(mode=model.CONTRADICTING)
        self.agreed('ACK_SCALE_IN')
        self.assert_bad('nobody sent ACK_MAINTENANCE', 'MAINTENANCE')


class InstanceManagerTest(ManagerTest):

    manner = model.INSTANCE

    def test_good(self):
        self.assertEqual([], self.hear('MAINTENANCE'))
        self.assertEqual([], self.hear('PLANNED_MAINTENANCE', [SERVER], ONE))
        self.assertEqual({'state': 'ACK_PLANNED_MAINTENANCE',
                          'instance_action': 'MIGRATE'}, self.bodies()[-1])

    def test_url_where_it_wants_a_list(self):
        self.assert_bad('about', 'PLANNED_MAINTENANCE')

    def test_more_than_one(self):
        self.assert_bad('about', 'PLANNED_MAINTENANCE', [SERVER, 'b'], ONE)

    def test_path_without_the_instance(self):
        """Its replies name no instance: nothing else would."""
        self.assert_bad('answered at', 'PLANNED_MAINTENANCE', [SERVER], URL)

    def test_constraints_of_what_is_gone_are_deleted_too(self):
        self.manager.register([SERVER, 'b'])
        self.manager.forget(['b'])
        self.user.sent.clear()
        self.manager.withdraw()
        self.assertEqual(
            {'/instance/b', f'/instance/{SERVER}'},
            {url.removeprefix('http://maintenance') for _, url, _ in
             self.user.sent if '/instance/' in url})


class TackerManagerTest(ManagerTest):

    manner = model.TACKER

    def start(self, **fields):
        super().start(**{'vocabulary': 'fenix', **fields})

    def test_answers_twice_and_to_done(self):
        self.assertEqual([], self.hear('PLANNED_MAINTENANCE', [SERVER], ONE))
        self.assertEqual([], self.hear('INSTANCE_ACTION_DONE', [SERVER], ONE))
        first, second, done = self.bodies()
        self.assertEqual(first, second)
        self.assertEqual(
            {'state': 'ACK_INSTANCE_ACTION_DONE', 'session_id': SESSION,
             'instance_ids': [SERVER]}, done)

    def test_answers_for_others(self):
        other = f'{URL}/other'
        self.hear('PLANNED_MAINTENANCE', ['other'], other)
        self.assertEqual({other}, {url for _, url, _ in self.user.sent})

    def test_bears_only_200(self):
        self.user.code = 204
        self.hear('MAINTENANCE')
        self.manager.withdraw()
        self.assertEqual(2, len(self.manager.problems))

    def test_the_group_goes_before_its_members(self):
        self.manager.register([SERVER])
        self.user.sent.clear()
        self.manager.withdraw()
        self.assertIn('/instance_group/', self.user.sent[0][1])
        self.assertIn('/instance/', self.user.sent[1][1])
