# SPDX-License-Identifier: Apache-2.0
from fenix.db import leases
from fenix.db import models
from fenix.db import plans
from tests import fixtures
from tests.functional.api import base


@fixtures.on_each_database
class PlansTest(base.ApiTest):

    def setUp(self):
        super().setUp()
        self.engine = models.new_id()
        leases.register(self.engine, 'host', 60)
        self.ringer.ring = self.answer
        self.found = {'complete': True, 'ends_at': 'some day'}
        self.asked = []

    def answer(self, plan_id):
        """Be the engine that hears the bell."""
        request = plans.take(self.engine)
        self.assertEqual(plan_id, request.id)
        self.asked.append(request)
        plans.answer(plan_id, self.engine, self.found)

    def test_of_what_is_not_there(self):
        body = base.request(hosts=['cmp-1'], workflow='vnf',
                            settings={'hosts_at_once': 3})
        self.assertEqual(self.found, self.call('POST', '/v1/plan', body))
        request, = self.asked
        self.assertEqual(
            ('vnf', ['cmp-1'], {'hosts_at_once': 3}),
            tuple(request.body[name]
                  for name in ('workflow', 'hosts', 'settings')))
        self.assertEqual([], base.stored(models.PlanRequest))
        self.assertEqual([], base.stored(models.Session))
        self.assertEqual([], base.stored(models.Claim))

    def test_of_a_session(self):
        session = base.new_session()
        self.assertEqual(
            {'session_id': session.id, **self.found},
            self.call('GET', f'/v1/maintenance/{session.id}/plan'))
        self.assertEqual(session.id, self.asked[0].session_id)

    def test_of_an_unknown_session(self):
        answer = self.call('GET', '/v1/maintenance/unknown/plan', status=404)
        self.assertEqual('fenix.session.not_found', answer['code'])

    def test_as_strict_as_a_session(self):
        self.refused('fenix.invalid', 'POST', '/v1/plan',
                     base.request(hosts='cmp-1'), field='hosts')
        self.refused('fenix.invalid', 'POST', '/v1/plan',
                     base.request(settings={'confirm_timeout': 90}),
                     field='settings.confirm_timeout')
        self.refused('fenix.session.unknown_workflow', 'POST', '/v1/plan',
                     base.request(workflow='none'), field='workflow')

    def test_it_could_not_be_made(self):
        self.found = {'problem': 'Nova does not answer'}
        answer = self.call('POST', '/v1/plan', base.request(), status=503)
        self.assertIn('Nova does not answer', answer['error'])

    def test_no_engine(self):
        self.ringer.ring = lambda plan_id: None
        self.config(group='api', plan_timeout=1)
        answer = self.call('POST', '/v1/plan', base.request(), status=503)
        self.assertIn('No engine', answer['error'])
        self.assertEqual([], base.stored(models.PlanRequest))

    def test_too_many_wait_in_one_process(self):
        """Most threads are left for what projects have to say."""
        self.config(group='api', threads=11)

        def ask_again(plan_id):
            self.answer(plan_id)
            self.call('POST', '/v1/plan', base.request(),
                      status=200 if len(self.asked) == 1 else 503)

        self.ringer.ring = ask_again
        self.call('POST', '/v1/plan', base.request())
        self.assertEqual(2, len(self.asked))
        # All places are free again.
        self.ringer.ring = self.answer
        self.call('POST', '/v1/plan', base.request())

    def test_nobody_waits_for_longer_than_it_is_kept(self):
        self.assertRaises(ValueError, self.config, group='api',
                          plan_timeout=plans.KEPT)
