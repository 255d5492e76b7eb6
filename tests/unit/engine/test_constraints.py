# SPDX-License-Identifier: Apache-2.0
"""What VNFMs registered for their instances and groups is kept to."""

import datetime

from fenix import words
from fenix.db import claims
from fenix.db import core
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

    def test_constraints_of_another_project_do_not_count(self):
        self.cloud = None
        super(ConstraintCase, self).prepare()
        for number in range(2):
            self.cloud.constrain(f'vm-{number}', project=cases.OTHER)
        self.run_session()
        asked, = self.vnfm.asked(words.PLANNED_MAINTENANCE)
        self.assertIsInstance(asked['instance_ids'], str)


class TestGroup(ConstraintCase):

    def together(self):
        """Return how many moves went on at once, at most."""
        open_, most = set(), 0
        for line in self.cloud.timeline:
            if line['what'] == 'migrate.start':
                open_.add(line['server'])
            elif line['what'] == 'migrate.end':
                open_.discard(line['server'])
            most = max(most, len(open_))
        return most

    def test_members_at_once(self):
        for limit in (1, 2):
            with self.subTest(limit):
                self.prepare(group={'max_impacted_members': limit})
                self.run_session()
                self.assertEqual(limit, self.together())
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
