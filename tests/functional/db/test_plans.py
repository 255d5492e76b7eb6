# SPDX-License-Identifier: Apache-2.0
from fenix import errors
from fenix.db import leases
from fenix.db import models
from fenix.db import plans
from fenix.db import sessions
from tests import fixtures
from tests.functional.db import records


@fixtures.on_each_database
class PlansTest:

    def setUp(self):
        super().setUp()
        self.first, self.second = models.new_id(), models.new_id()
        for engine_id in (self.first, self.second):
            leases.register(engine_id, 'host', 60)

    def test_one_engine_answers(self):
        plan = plans.ask({'workflow': 'vnf'})
        self.assertIsNone(plans.answer_to(plan))
        request = plans.take(self.first)
        self.assertEqual((plan, {'workflow': 'vnf'}, None),
                         (request.id, request.body, request.session_id))
        self.assertIsNone(plans.take(self.second))
        plans.answer(plan, self.second, {'late': True})
        self.assertIsNone(plans.answer_to(plan))
        plans.answer(plan, self.first, {'gap': 0.0})
        self.assertEqual({'gap': 0.0}, plans.answer_to(plan))
        self.assertIsNone(plans.take(self.second))

    def test_another_answers_for_one_that_died(self):
        plan = plans.ask({})
        plans.take(self.first)
        leases.release(self.first)
        self.assertEqual(plan, plans.take(self.second).id)

    def test_one_that_could_not_be_answered(self):
        plan = plans.ask({})
        self.assertEqual(plan, plans.take(self.first).id)
        self.assertIsNone(plans.take(self.second))
        self.assertEqual(plan, plans.take(self.first).id)
        plans.answer(plan, self.first, {})
        self.assertIsNone(plans.take(self.first))

    def test_forgotten(self):
        plan = plans.ask({})
        plans.forget(plan)
        self.assertIsNone(plans.take(self.first))
        plans.answer(plan, self.first, {})
        self.assertIsNone(plans.answer_to(plan))

    def test_of_a_session(self):
        self.assertRaises(errors.SessionNotFound, plans.ask, {},
                          models.new_id())
        session = records.session()
        sessions.create(session)
        plans.ask({}, session.id)
        self.assertEqual(session.id, plans.take(self.first).session_id)

    def test_no_more_than_can_be_made(self):
        for _ in range(plans.MOST):
            plans.ask({})
        error = self.assertRaises(errors.Unavailable, plans.ask, {})
        self.assertIn('try again later', str(error))
        plans.answer(plans.take(self.first).id, self.first, {})
        plans.ask({})

    def test_expire(self):
        plan = plans.ask({})
        plans.expire()
        self.assertEqual(plan, plans.take(self.first).id)
