# SPDX-License-Identifier: Apache-2.0
"""What VNFMs registered for their instances and groups is kept to."""

import datetime

import fixtures

from fenix import errors
from fenix import words
from fenix.db import claims
from fenix.db import core
from fenix.engine import posted
from fenix.engine import reading
from fenix.workflow import turn as turns
from tests.unit.engine import cases

SECOND = datetime.timedelta(seconds=1)


@core.writer
def execute(db, operation, session_id):
    """Have another session do something with claims."""
    operation.execute(db, session_id)


class ConstraintCase(cases.EngineTestCase):
    """Two instances with constraints on the first of two hosts."""

    SHAPE = {'hosts': 1, 'per_host': 2, 'spare': 1}

    def prepare(self, instance=None, group=None, **shape):
        cloud = super().prepare(**shape)
        cloud.constrain_group(**(group or {}))
        for server in list(cloud.model.servers.values()):
            cloud.constrain(server.name, **(instance or {}))
        return cloud

    def starts(self):
        return self.cloud.lines('migrate.start')


class TestForm(ConstraintCase):

    def test_one_question_for_each_instance(self):
        self.prepare()
        self.cloud.model.delete(self.cloud.server('vm-1').id)
        self.cloud.advance(1)
        self.cloud.create('plain-0', 'compute-1', flavor='1')
        self.cloud.create('plain-1', 'compute-1', flavor='1')
        self.run_session()
        asked = self.vnfm.asked(words.PLANNED_MAINTENANCE)
        own, = [payload for payload in asked
                if isinstance(payload['instance_ids'], list)]
        vm = self.cloud.server('vm-0').id
        self.assertEqual([vm], own['instance_ids'])
        self.assertTrue(own['reply_url'].endswith(vm))
        self.assertEqual(2, len(asked))
        self.assert_done()

    def test_words(self):
        """Who registers constraints was written for upstream Fenix."""
        self.prepare(hosts=3, spare=0, per_host=2)
        self.run_session()
        told = {payload['state'] for _, payload in self.vnfm.heard}
        self.assertIn('SCALE_IN', told)
        self.assertIn('INSTANCE_ACTION_DONE', told)
        self.assertFalse(told & {'DOWN_SCALE', 'ADMIN_ACTION_DONE'})
        self.assert_done()

    def test_words_as_configured_for_the_project(self):
        self.prepare()
        self.cloud.conf.set_override(
            'project_vocabulary', {cases.PROJECT: 'doctor'}, 'workflow')
        self.run_session()
        told = {payload['state'] for _, payload in self.vnfm.heard}
        self.assertIn('ADMIN_ACTION_DONE', told)
        self.assert_done()

    def test_window_is_at_least_the_lead_time(self):
        self.prepare(instance={'lead_time': 300})
        self.vnfm.silent.add(words.PLANNED_MAINTENANCE)
        self.run_session(settings={'on_no_reply': 'proceed'})
        asked = min(line['t'] for line in self.cloud.lines('notify')
                    if line['payload']['state'] == 'PLANNED_MAINTENANCE')
        self.assertGreaterEqual(self.starts()[0]['t'], asked + 300)
        self.assert_done()

    def test_migration_type(self):
        self.prepare(instance={'migration_type': 'LIVE_MIGRATE'})
        self.vnfm.action = None
        self.run_session()
        self.assertEqual([], self.starts())
        self.assertEqual(2, len(self.cloud.lines('live-migrate.start')))
        self.assert_done()

    def test_own_action_is_not_ours_to_assume(self):
        """A silent project does not act itself, whatever it registered."""
        self.prepare(instance={'migration_type': 'OWN_ACTION'})
        self.vnfm.silent.add(words.PLANNED_MAINTENANCE)
        self.run_session(settings={'on_no_reply': 'proceed'})
        self.assertEqual(2, len(self.starts()))
        self.assert_done()

    def test_only_of_projects_that_are_concerned(self):
        """A large cloud costs a small session no more than a small one."""
        self.prepare()
        other = self.cloud.create('elsewhere', 'compute-2', cases.OTHER)
        same = self.cloud.create('aside', 'compute-2')
        read = set()
        original = reading.constraints_of
        self.useFixture(fixtures.MonkeyPatch(
            'fenix.engine.reading.constraints_of',
            lambda ids: read.update(ids) or original(ids)))
        self.run_session(hosts=['compute-1'])
        self.assertIn(same.id, read)
        self.assertNotIn(other.id, read)
        self.assert_done()

    def test_constraints_of_another_project_do_not_count(self):
        self.cloud = None
        super(ConstraintCase, self).prepare()
        for number in range(2):
            self.cloud.constrain(f'vm-{number}', project=cases.OTHER)
        self.run_session()
        asked, = self.vnfm.asked(words.PLANNED_MAINTENANCE)
        self.assertIsInstance(asked['instance_ids'], str)


class TestGroup(ConstraintCase):

    def test_members_at_once(self):
        for limit in (1, 2):
            with self.subTest(limit):
                self.prepare(group={'max_impacted_members': limit})
                self.run_session()
                self.assertEqual(limit, self.most_moves())
                self.assert_done()

    def test_recovery(self):
        self.prepare(group={'recovery_time': 50})
        self.run_session()
        first, second = self.starts()
        end = next(line for line in self.cloud.lines('migrate.end'))
        self.assertGreaterEqual(second['t'], end['t'] + 50)
        self.assertLess(second['t'], end['t'] + 53)
        self.assert_done()

    def test_a_session_beside_this_one(self):
        """Its impact on the group, and the recovery from it, count."""
        self.prepare(group={'recovery_time': 30})
        execute(claims.GroupClaim('group', 1, 'somebody'), 'another')
        self.start()
        self.cloud.after(200, execute, claims.GroupRelease(
            'group', 'somebody', 30), 'another')
        began = self.cloud.clock.seconds()
        self.cloud.run()
        self.assertGreaterEqual(self.starts()[0]['t'], began + 230)
        self.assertLess(self.starts()[0]['t'], began + 235)
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)

    def test_a_session_beside_this_one_that_never_ends(self):
        self.prepare(options={'migration_timeout': 400})
        execute(claims.GroupClaim('group', 1, 'somebody'), 'another')
        self.run_session()
        self.assert_failed('waited too long for its group group')
        self.assertEqual([], self.starts())
        execute(claims.GroupRelease('group', 'somebody', 0), 'another')
        self.go_on()
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)

    def test_an_only_member_waits_no_longer(self):
        """That its claim was tried in vain does not begin the wait anew."""
        self.prepare(per_host=1, options={'migration_timeout': 400})
        execute(claims.GroupClaim('group', 1, 'somebody'), 'another')
        began = self.cloud.clock.seconds()
        self.run_session()
        self.assert_failed('waited too long for its group group')
        self.assertLess(self.cloud.clock.seconds(), began + 500)

    def wait_for_group(self):
        """Have a session beside this one keep the group busy."""
        self.prepare(per_host=1)
        execute(claims.GroupClaim('group', 1, 'somebody'), 'another')
        self.start()
        self.cloud.run(lambda: self.cloud.runner.memory.busy)
        self.cloud.runner.turn()

    def try_again(self):
        """Have the next turn try to get the group."""
        self.cloud.runner.memory.busy.clear()
        self.cloud.runner.timers['compute-1'] = self.cloud.clock.now()

    def test_what_is_remembered_while_another_keeps_the_group(self):
        self.wait_for_group()
        since = self.cloud.clock.now() - SECOND
        memory = self.cloud.runner.memory
        kept = {'unanswered': {'compute-9': since},
                'targets_down': {'compute-9': since},
                'stalled_at': since, 'held_up': {'vm': since}}
        for name, value in kept.items():
            setattr(memory, name, value)
        failing = memory.readings['service', 'compute-9'] = turns.Reading()
        failing.fail(since, 'no answer')
        targets = memory.targets['compute-1']
        self.assertEqual([self.cloud.server('vm-0').id], list(targets.where))
        end = self.cloud.clock.now() + 10 * SECOND
        busy = set()

        def until():
            busy.update(self.cloud.runner.memory.busy.values())
            return self.cloud.clock.now() > end

        self.cloud.run(until)
        self.assertGreater(len(busy), 5)
        memory = self.cloud.runner.memory
        self.assertEqual(kept | {'held_up': {
            **kept['held_up'], **memory.held_up}}, {
            name: getattr(memory, name) for name in kept})
        self.assertEqual(failing, memory.readings['service', 'compute-9'])
        self.assertEqual(targets, memory.targets['compute-1'])

    def test_what_a_turn_remembered_that_wrote_nothing(self):
        """It goes with the turn, which is taken again."""
        self.wait_for_group()
        runner = self.cloud.runner
        effect = turns.Effect('service', 'compute-9')
        failing = runner.memory.readings[effect.what] = turns.Reading()
        failing.fail(self.cloud.clock.now(), 'no answer')
        self.try_again()
        before = runner.memory.copy([effect.what])
        runner.post(posted.Result(
            effect, self.cloud.clock.now(), error=errors.CloudError('no')))
        commit = self.useFixture(fixtures.MockPatch(
            'fenix.db.pictures.commit',
            side_effect=claims.Busy('group', None))).mock
        runner.turn()
        self.assertEqual(1, commit.call_count)
        runner.memory.busy.clear()
        self.assertEqual(before.readings, runner.memory.readings)
        self.assertEqual(before.held_up, runner.memory.held_up)
        self.assertEqual(before.in_flight, runner.memory.in_flight)
        self.assertEqual([effect], [
            message.effect for message in runner._kept])

    def test_a_run_that_changed_meanwhile(self):
        self.wait_for_group()
        runner = self.cloud.runner
        self.try_again()
        changed = posted.RunChanged('one')
        runner.post(changed)
        runner.turn()
        self.assertEqual([changed], runner._kept)

    def test_planned_anew_after_the_others_left(self):
        """Where they went to counts, though the survey is older."""
        self.prepare(spare=2, group={'max_instances_per_host': 1,
                                     'max_impacted_members': 1})
        self.start(hosts=['compute-1'])

        def forget_targets():
            self.cloud.runner.memory.targets.clear()
            return False

        self.cloud.run(forget_targets)
        self.assertEqual(2, len({
            row.target for row in self.cloud.rows.moves}))
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)

    def test_a_member_in_error(self):
        """It weighs on its group wherever it is."""
        self.prepare(options={'migration_timeout': 100},
                     hosts=1, spare=2)
        self.cloud.create('sick', 'compute-3')
        self.cloud.constrain('sick')
        self.cloud.model.reset_state(self.cloud.server('sick').id, 'error')
        self.start(hosts=['compute-1', 'compute-2', 'compute-3'])
        self.cloud.run()
        self.assert_failed('waited too long for its group')
        self.cloud.model.reset_state(self.cloud.server('sick').id, 'active')
        self.go_on()
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)

    def test_a_failed_move_weighs_until_its_instance_is_well(self):
        self.prepare(group={'max_impacted_members': 1})
        self.cloud.model.faults.add(cases.fault('migrate', fail=True))
        self.run_session()
        self.assert_failed('ERROR')
        self.assertEqual(['group'], [claim.key for claim
                                     in self.cloud.claims()
                                     if claim.kind == 'group'])
        sick = self.starts()[0]['server']
        self.cloud.model.reset_state(sick, 'active')
        self.go_on()
        self.assert_done()
        self.assertEqual([], self.cloud.claims())

    def test_a_failed_move_weighs_until_its_instance_is_gone(self):
        self.prepare(group={'max_impacted_members': 1})
        self.cloud.model.faults.add(cases.fault('migrate', fail=True))
        self.run_session()
        self.assert_failed('ERROR')
        self.cloud.model.delete(self.starts()[0]['server'])
        self.cloud.advance(1)
        self.go_on()
        self.assert_done()
        self.assertEqual(2, len(self.starts()))

    def test_under_the_id_of_another_projects_server_group(self):
        """It binds nobody but its own project."""
        cases.EngineTestCase.prepare(self, hosts=2, spare=2)
        group = self.cloud.server('vm-0').group
        self.cloud.create('other', 'compute-1', project=cases.OTHER)
        self.cloud.constrain('other', project=cases.OTHER, group=group)
        self.cloud.constrain_group(group, project=cases.OTHER,
                                   recovery_time=5000)
        began = self.cloud.clock.seconds()
        self.run_session(workflow='vnf', settings={
            'host_time': 5, 'migration_time': 5, 'survey_interval': 9000})
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)
        self.assertLess(self.cloud.clock.seconds(), began + 2000)

    def test_that_another_project_registered(self):
        self.prepare(group={'project': cases.OTHER, 'recovery_time': 5000})
        began = self.cloud.clock.seconds()
        self.run_session()
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)
        self.assertLess(self.cloud.clock.seconds(), began + 2000)

    def test_an_instance_changes_its_group_while_it_moves(self):
        """What it held of the former one is given back."""
        self.prepare(group={'recovery_time': 50})
        self.cloud.constrain_group('another')
        self.start()
        self.cloud.run(self.starts)
        first = self.starts()[0]['server']
        self.cloud.constrain(
            self.cloud.model.servers[first].name, group='another')
        self.cloud.run()
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)
        self.assertEqual([], self.cloud.claims())
        end = self.cloud.lines('migrate.end')[0]['t']
        self.assertGreaterEqual(self.starts()[1]['t'], end + 50)
        self.assertLess(self.starts()[1]['t'], end + 60)

    def test_anti_affinity(self):
        """Members are on different hosts, before and after."""
        self.prepare(hosts=2, spare=1, per_host=1,
                     group={'anti_affinity_group': True})
        self.run_session()
        hosts = [self.cloud.server(f'vm-{number}').host
                 for number in range(2)]
        self.assertEqual(2, len(set(hosts)))
        self.assert_done()

    def test_members_on_one_host(self):
        self.prepare(hosts=2, spare=2, per_host=2,
                     group={'max_instances_per_host': 2,
                            'max_impacted_members': 4})
        self.run_session()
        for host in self.cloud.model.hosts:
            self.assertLessEqual(len(self.cloud.on(host)), 2)
        self.assert_done()
