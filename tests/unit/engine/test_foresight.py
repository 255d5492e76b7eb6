# SPDX-License-Identifier: Apache-2.0
"""What a plan tells of a session, and that it touches nothing."""

import fixtures
import oslo_db.exception

from fenix.db import core
from fenix.db import leases
from fenix.db import models
from fenix.db import pictures
from fenix.db import plans
from fenix.engine import planning
from fenix.workflow.workflows import default
from fenix.workflow.workflows import vnf
from tests.unit.engine import cases

WORKFLOWS = {'default': default.DefaultWorkflow, 'vnf': vnf.VnfWorkflow}


class PlanCase(cases.EngineTestCase):

    def plan(self, session_id=None, workflow='vnf', hosts=(), **settings):
        """Ask for a plan, and be the engine that makes it."""
        desk = planning.Planning(self.cloud.conf, self.cloud.clock,
                                 WORKFLOWS.get)
        desk.cloud = self.cloud.cloud
        if not hasattr(self, 'planner'):
            self.planner = models.new_id()
            leases.register(self.planner, 'here', 1e8)
        before = self.everything()
        plan_id = plans.ask({} if session_id else {
            'workflow': workflow, 'hosts': list(hosts), 'other_hosts': [],
            'maintenance_at': self.cloud.clock.seconds() + 100,
            'settings': settings}, session_id)
        self.assertTrue(desk.answer_one(self.planner))
        self.assertFalse(desk.answer_one(self.planner))
        found = plans.answer_to(plan_id)
        plans.forget(plan_id)
        self.assertEqual(before, self.everything())
        return found

    def fail_to_store(self, *errors):
        """Have answers fail to be stored, at first."""
        answer = plans.answer
        errors = list(errors)

        def fail(*args):
            if errors:
                raise errors.pop(0)
            answer(*args)

        self.useFixture(fixtures.MonkeyPatch('fenix.db.plans.answer', fail))

    def everything(self):
        with core.engine().connect() as connection:
            rows = [connection.execute(table.select()).all()
                    for table in models.Base.metadata.sorted_tables
                    if table.name != 'engines']
        return rows, list(self.cloud.timeline)

    def host(self, found, name):
        return next(host for host in found['hosts']
                    if host['name'] == name)


class TestForesight(PlanCase):

    def test_of_what_is_not_there(self):
        self.prepare(hosts=2, per_host=2, spare=2)
        found = self.plan()
        self.assertTrue(found['complete'], found)
        self.assertEqual([], found['obstacles'])
        self.assertEqual(4, found['moves'])
        self.assertGreaterEqual(found['duration_s'], found['lower_bound_s'])
        self.assertGreaterEqual(found['gap'], 0)
        first = self.host(found, 'compute-1')
        targets = {move['target'] for move in first['moves']}
        self.assertLessEqual(targets, {'compute-3', 'compute-4'})
        ask, = first['asks']
        self.assertEqual(cases.PROJECT, ask['project_id'])
        self.assertEqual({move['instance_id'] for move in first['moves']},
                         set(ask['instance_ids']))
        self.assertLess(first['asked_at'], first['maintenance_from'])
        self.assertLess(first['maintenance_from'],
                        first['maintenance_until'])
        self.assertEqual(
            found['ends_at'],
            max(host['maintenance_until'] for host in found['hosts']))

    def test_one_host_at_a_time(self):
        self.prepare(hosts=2, per_host=1, spare=2)
        many, one = self.plan(), self.plan(workflow='default')
        self.assertLess(many['duration_s'], one['duration_s'])
        works = sorted((host['maintenance_from'], host['maintenance_until'])
                       for host in one['hosts'])
        for before, after in zip(works, works[1:], strict=False):
            self.assertGreaterEqual(after[0], before[1])

    def test_room_has_to_be_made(self):
        self.prepare(hosts=2, per_host=2, spare=0)
        found = self.plan()
        room, = found['scale_in']
        self.assertEqual(cases.PROJECT, room['project_id'])
        self.assertGreaterEqual(room['vcpus'], 2)
        self.assertTrue(found['would_do'])

    def test_what_stands_in_the_way(self):
        self.prepare(hosts=1, per_host=1, spare=0)
        found = self.plan(hosts=['compute-1'])
        self.assertIsNone(found['gap'] if not found['complete'] else None)
        self.assertTrue(found['scale_in'] or found['obstacles'])

    def test_a_host_that_nobody_knows(self):
        self.prepare()
        found = self.plan(hosts=['compute-9'])
        self.assertFalse(found['complete'])
        self.assertIn('compute-9', found['obstacles'][0])

    def test_a_running_session(self):
        self.prepare(hosts=2, per_host=1, spare=1)
        self.start()
        self.cloud.run(self.step_is('compute-3', 'done'))
        found = self.plan(self.cloud.session_id)
        self.assertEqual('done', self.host(found, 'compute-3')['step'])
        self.assertEqual([], self.host(found, 'compute-3')['moves'])
        self.assertEqual(2, found['moves'])
        self.assertTrue(found['complete'], found)
        self.assertLessEqual(found['lower_bound_s'], found['duration_s'])

    def test_an_answer_that_cannot_be_stored(self):
        self.prepare()
        self.fail_to_store(TypeError('no JSON'))
        self.assertEqual({'problem': 'it could not be stored: no JSON'},
                         self.plan())

    def test_the_database_is_away_when_the_answer_is_there(self):
        """The next look finds the request again."""
        self.prepare()
        away = oslo_db.exception.DBConnectionError()
        self.fail_to_store(away, away)
        self.assertRaises(oslo_db.exception.DBConnectionError, self.plan)
        desk = planning.Planning(self.cloud.conf, self.cloud.clock,
                                 WORKFLOWS.get)
        desk.cloud = self.cloud.cloud
        self.assertTrue(desk.answer_one(self.planner))
        self.assertFalse(desk.answer_one(self.planner))

    def test_hosts_in_hand(self):
        """Their room will be there for those that are left."""
        self.prepare(hosts=1, per_host=1, spare=2)
        self.cloud.create('other', 'compute-2')
        self.cloud.work.seconds = 600
        self.start(workflow='vnf')
        self.cloud.run(self.step_is('compute-3', 'maintain'))
        began = self.cloud.clock.seconds()
        self.useFixture(fixtures.MonkeyPatch(
            'fenix.db.pictures.load', self.nobody_asked))
        for spent in (0, 590):
            self.cloud.run(
                lambda: self.cloud.clock.seconds() >= began + spent)  # noqa: B023
            found = self.plan(self.cloud.session_id)
            self.assertTrue(found['complete'], found)
            self.assertLessEqual(found['lower_bound_s'], found['duration_s'])
        # Then the others go at once.
        self.assertLess(found['duration_s'], 800)

    def nobody_asked(self, session_id, load=pictures.load):
        rows = load(session_id)
        for host in rows.hosts:
            if host.step == 'ask':
                host.step = 'pending'
        return rows

    def test_nova_does_not_answer(self):
        self.prepare()

        def fail():
            raise RuntimeError('no route')

        self.cloud.cloud.survey = fail
        self.assertIn('no route', self.plan()['problem'])
