# SPDX-License-Identifier: Apache-2.0
"""What a plan tells of a session, and that it touches nothing."""

import datetime

import fixtures
import oslo_db.exception

from fenix import words
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


def spelt(when):
    return when.strftime('%Y-%m-%dT%H:%M:%S.%fZ')


def between(one, other):
    """Return the seconds between two times as a plan spells them."""
    begin, end = [datetime.datetime.fromisoformat(text)
                  for text in (one, other)]
    return round((end - begin).total_seconds(), 1)


class PlanCase(cases.EngineTestCase):

    def let_pass(self, seconds):
        end = self.cloud.clock.seconds() + seconds
        self.cloud.run(lambda: self.cloud.clock.seconds() >= end)

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
        """Host, instance, group, and how much room is missing."""
        self.prepare(hosts=2, per_host=2, spare=0)
        found = self.plan(hosts=['compute-1'])
        bound, other = [server for server in self.cloud.model.servers.values()
                        if server.host == 'compute-1']
        self.assertEqual('vm-0', bound.name)
        flavor = bound.flavor
        size = (f'{flavor.vcpus} VCPU, {flavor.ram_mb} MB RAM, '
                f'{flavor.disk_gb} GB disk')
        room, = found['scale_in']
        self.assertEqual(
            'host compute-1 cannot be emptied; '
            f'instance {bound.id} ({size}) may go to none of 1 hosts: group '
            f'{bound.group} wants at most 1 on a host, and its other members '
            f'are on compute-2; instance {other.id} ({size}) finds no room, '
            f'the nearest is compute-2 with {flavor.vcpus} VCPU, 0 MB RAM, '
            f'0 GB disk missing; missing in all: {flavor.vcpus} VCPU, 0 MB '
            'RAM, 0 GB disk', room['reason'])
        self.assertEqual(2 * flavor.vcpus, room['vcpus'])
        self.assertEqual({bound.id, other.id}, set(found['would_do']))
        self.assertEqual(([], True),
                         (found['obstacles'], found['complete']))

    def test_one_host_and_nowhere_to_go(self):
        self.prepare(hosts=1, per_host=1, spare=0)
        found = self.plan(hosts=['compute-1'])
        server = self.cloud.server('vm-0')
        room, = found['scale_in']
        self.assertEqual(server.flavor.vcpus, room['vcpus'])
        self.assertEqual([server.id], found['would_do'])
        self.assertEqual(
            ([], True, 0), (found['obstacles'], found['complete'],
                            found['moves']))

    def test_an_instance_in_error(self):
        self.prepare(hosts=1, per_host=1, spare=1)
        server = self.cloud.server('vm-0')
        server.vm_state = 'error'
        found = self.plan(hosts=['compute-1'])
        for words_ in (server.id, 'compute-1', 'is ERROR and cannot be moved'):
            self.assertIn(words_, found['obstacles'][-1])
        self.assertEqual((False, None), (found['complete'], found['gap']))

    def survey_with(self, change):
        """Have the cloud's next surveys changed."""
        survey = self.cloud.cloud.survey

        def changed():
            found = survey()
            change(found)
            return found

        self.cloud.cloud.survey = changed

    def test_a_host_that_placement_does_not_know(self):
        self.prepare(hosts=1, per_host=1, spare=2)
        self.survey_with(lambda found: found.capacities.pop('compute-2'))
        found = self.plan(hosts=['compute-1', 'compute-2'])
        self.assertEqual(
            ['Placement has no resource provider of compute-2'],
            found['obstacles'])
        self.assertEqual((False, None), (found['complete'], found['gap']))
        # It is no obstacle to others.
        self.assertTrue(self.plan(hosts=['compute-1'])['complete'])

    def test_a_resize_of_its_owner(self):
        self.prepare(hosts=1, per_host=1, spare=1)
        self.cloud.server('vm-0').vm_state = 'resized'
        found = self.plan(hosts=['compute-1'])
        self.assertIn('is VERIFY_RESIZE and cannot be moved',
                      found['obstacles'][0])
        self.assertFalse(found['complete'])

    def test_a_resize_of_ours(self):
        self.prepare(hosts=1, per_host=1, spare=1)
        self.start(workflow='vnf')
        self.cloud.run(
            lambda: self.cloud.server('vm-0').status == 'VERIFY_RESIZE')
        found = self.plan(self.cloud.session_id)
        self.assertEqual(([], True), (found['obstacles'], found['complete']))

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

    def test_scattered_room(self):
        """Who is to make room for others is asked for that, and again."""
        self.prepare(hosts=3, per_host=1, spare=0)
        self.cloud.create('other', 'compute-1', cases.OTHER)
        hosts = ['compute-1', 'compute-2', 'compute-3']
        found = self.plan(hosts=hosts)
        self.assertTrue(found['complete'], found)
        asks = {name: self.host(found, name)['asks'] for name in hosts}
        first = found['hosts'][0]
        prepare, = first['asks']
        self.assertEqual(words.PREPARE_MAINTENANCE, prepare['question'])
        move, = first['moves']
        self.assertEqual([move['instance_id']], prepare['instance_ids'])
        self.assertIn(move['target'], hosts)
        # There it is asked about with the others.
        again = [ask for ask in asks[move['target']]
                 if move['instance_id'] in ask['instance_ids']]
        self.assertEqual([words.PLANNED_MAINTENANCE],
                         [ask['question'] for ask in again])
        self.assertEqual(
            {cases.PROJECT, cases.OTHER},
            {ask['project_id'] for ask in asks['compute-1']})
        for ask in sum(asks.values(), []):
            self.assertGreaterEqual(
                ask['notice_s'], self.cloud.conf.planner.reply_time)
            self.assertGreaterEqual(ask['asked_at'], found['starts_at'])

    def test_when_projects_have_to_scale_in(self):
        self.prepare(hosts=2, per_host=2, spare=0)
        found = self.plan()
        room, = found['scale_in']
        conf = self.cloud.conf
        self.assertEqual(found['starts_at'], room['asked_at'])
        self.assertEqual(conf.planner.reply_time,
                         between(room['asked_at'], room['expected_at']))
        self.assertEqual(conf.workflow.scale_in_window, room['notice_s'])
        self.assertEqual(room['notice_s'],
                         between(room['asked_at'], room['answer_by']))
        self.assertGreaterEqual(
            min(move['from'] for host in found['hosts']
                for move in host['moves']), room['expected_at'])

    def test_what_is_done(self):
        self.prepare(hosts=2, per_host=2, spare=1)
        self.cloud.work.seconds = 100
        self.start(workflow='vnf', notice=100)
        self.cloud.run(self.step_is('compute-1', 'done'))
        found = self.plan(self.cloud.session_id)
        rows = self.cloud.rows
        done = self.host(found, 'compute-1')
        self.assertEqual({
            (move.instance_id, move.source, move.target, spelt(
                move.intended_at), spelt(move.ended_at))
            for move in rows.moves if move.source == 'compute-1'}, {
            (move['instance_id'], 'compute-1', move['target'], move['from'],
             move['until']) for move in done['moves']})
        self.assertEqual([True] * 2, [move['done'] for move in done['moves']])
        self.assertEqual(max(move['until'] for move in done['moves']),
                         done['maintenance_from'])
        self.assertEqual(
            [spelt(row.step_at) for row in rows.hosts
             if row.name == 'compute-1'], [done['maintenance_until']])
        ask, = done['asks']
        put = [row for row in rows.asks if row.host == 'compute-1'][0]
        self.assertEqual(
            (put.question, set(put.instance_ids), spelt(put.published_at),
             done['asked_at']),
            (ask['question'], set(ask['instance_ids']), ask['asked_at'],
             ask['asked_at']))
        self.assertEqual(ask['notice_s'], between(
            ask['asked_at'], min(move['from'] for move in done['moves'])))
        empty = self.host(found, 'compute-3')
        self.assertEqual([], empty['moves'])
        self.assertGreaterEqual(
            between(empty['maintenance_from'], empty['maintenance_until']),
            100)

    def test_under_way(self):
        self.prepare(hosts=1, per_host=2, spare=1)
        self.cloud.work.seconds = 100
        self.start(workflow='vnf', notice=100)
        self.cloud.run(lambda: sum(
            move.state == 'done' for move in self.cloud.rows.moves) == 1)
        host = self.host(self.plan(self.cloud.session_id), 'compute-1')
        self.assertEqual({True, False},
                         {move['done'] for move in host['moves']})
        begun = [(row.instance_id, spelt(row.intended_at))
                 for row in self.cloud.rows.moves]
        self.assertEqual(begun, [(move['instance_id'], move['from'])
                                 for move in host['moves'][:len(begun)]])
        self.cloud.run(self.step_is('compute-1', 'maintain'))
        row = [row for row in self.cloud.rows.hosts
               if row.name == 'compute-1'][0]
        self.let_pass(50)
        found = self.plan(self.cloud.session_id)
        host = self.host(found, 'compute-1')
        self.assertLessEqual(host['maintenance_from'], spelt(row.step_at))
        self.assertEqual(found['ends_at'], host['maintenance_until'])
        # What is left is the work on it, and no plan is shorter.
        self.assertEqual('hosts in hand', found['lower_bound']['binding'])
        self.assertEqual(0.0, found['gap'])

    def test_the_gap_of_what_is_left(self):
        self.prepare(hosts=2, per_host=2, spare=1)
        self.start(workflow='vnf', notice=100)
        for step in ('ask', 'empty', 'maintain', 'done'):
            self.cloud.run(self.step_is('compute-1', step))
            found = self.plan(self.cloud.session_id)
            self.assertTrue(found['complete'], found)
            self.assertGreaterEqual(found['gap'], 0)
            self.assertAlmostEqual(
                found['duration_s'] / found['lower_bound_s'] - 1,
                found['gap'], 2)
        self.cloud.run()
        found = self.plan(self.cloud.session_id)
        self.assertEqual((0.0, None), (found['duration_s'], found['gap']))

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
