# SPDX-License-Identifier: Apache-2.0
"""The rules that never bend, one by one (architecture, "Rules")."""

from fenix import errors
from fenix import words
from fenix.db import claims
from fenix.db import inbox
from tests.unit.engine import cases
from tests.unit.engine import test_constraints


class TestRules(cases.EngineTestCase):

    def test_1_a_host_goes_into_maintenance_empty(self):
        """No server of anybody, no migration, no allocation, disabled."""
        self.prepare(hosts=1, per_host=2)
        publish, seen = self.cloud.publish, []

        def look(notifications):
            for notification in notifications:
                if notification.payload['state'] == 'IN_MAINTENANCE':
                    host = notification.payload['host']
                    model = self.cloud.model
                    seen.append(host)
                    self.assertIn(host, self.cloud.disabled())
                    self.assertEqual([], model.servers_on(host))
                    self.assertEqual({}, model.allocations[host])
                    self.assertFalse([
                        migration for migration
                        in model.unfinished_migrations()
                        if migration.touches(host)])
            publish(notifications)

        self.cloud.publish = look
        # One that stays long after Nova says that the instance has left.
        self.cloud.model.times.settle = 30
        self.run_session()
        self.assertEqual(['compute-2', 'compute-1'], seen)

    def test_2_nothing_is_touched_without_consent(self):
        self.prepare(hosts=1, per_host=1)
        self.cloud.create('other', 'compute-1', project=cases.OTHER)
        self.cloud.projects[cases.OTHER].delay = 60
        self.run_session(notice=100)
        for project in (cases.PROJECT, cases.OTHER):
            agreed, = [line['t'] for line in self.cloud.lines('reply')
                       if line['project'] == project
                       and line['state'] == 'ACK_PLANNED_MAINTENANCE']
            moved, = [line['t'] for line in self.cloud.lines('migrate.start')
                      if line['project'] == project]
            self.assertLessEqual(agreed, moved)
        self.assert_done()

    def test_3_a_group_is_never_strained(self):
        self.prepare(hosts=1, per_host=2)
        self.cloud.constrain_group(recovery_time=20)
        for number in range(2):
            self.cloud.constrain(f'vm-{number}', lead_time=40)
        test_constraints.execute(
            claims.GroupClaim('group', 1, 'elsewhere'), 'another')
        self.start()
        self.cloud.after(100, test_constraints.execute, claims.GroupRelease(
            'group', 'elsewhere', 20), 'another')
        free = self.cloud.clock.seconds() + 120
        self.cloud.run()
        first, second = [line['t']
                         for line in self.cloud.lines('migrate.start')]
        ended = self.cloud.lines('migrate.end')[0]['t']
        self.assertGreaterEqual(first, free)
        self.assertGreaterEqual(second, ended + 20)
        self.assert_done()

    def test_4_everything_is_given_back(self):
        self.prepare(hosts=3, per_host=2, spare=0)
        self.start()
        self.cloud.run(self.step_is('compute-1', 'give_back'))
        self.delete()
        self.assertEqual([], self.cloud.disabled())
        self.assert_maintained('compute-1')
        self.assertEqual(1, len(self.vnfm.asked(words.MAINTENANCE_COMPLETE)))
        self.assertEqual([], self.cloud.verify())

    def test_5_one_intent_one_change(self):
        """Whatever becomes of the answer."""
        self.prepare()
        for kind in ('disable', 'enable', 'migrate', 'confirm'):
            self.lose_answer(kind)
        self.run_session()
        for what in ('migrate.start', 'migrate.confirm'):
            self.assertEqual(1, len(self.cloud.lines(what)))
        for what in ('service.disable', 'service.enable'):
            changed = [line['host'] for line in self.cloud.lines(what)
                       if line['changed']]
            self.assertEqual(sorted(set(changed)), sorted(changed))
        self.assert_done()

    def lose_answer(self, kind):
        """Lose the answer to the first request of a kind."""
        made, lost = getattr(self.cloud.cloud, kind), []

        def lossy(*args):
            answer = made(*args)
            if not lost:
                lost.append(kind)
                raise errors.CloudUnknown('no answer')
            return answer

        setattr(self.cloud.cloud, kind, lossy)

    def test_6_only_the_current_epoch_writes(self):
        self.prepare()
        self.start()
        self.cloud.run(self.step_is('compute-1', 'ask'))
        old, seq = self.cloud.runner, self.cloud.rows.session.seq
        self.cloud.take()
        # The old one wakes up, with all it knew, and wants to go on.
        old.post('inbox')
        inbox.add_request(self.cloud.session_id, 'delete', {})
        old.turn()
        self.assertTrue(old.ended)
        self.assertEqual([], list(self.cloud.effects))
        self.assertEqual(seq, self.cloud.rows.session.seq)
        self.assertFalse(self.cloud.rows.session.deleting)
        self.assertEqual(2, self.cloud.runner.epoch)

    def test_7_silence_never_hangs_a_session(self):
        for question in sorted(words.QUESTIONS):
            for policy in ('fail', 'skip', 'proceed'):
                with self.subTest(question=question, policy=policy):
                    self.prepare(hosts=3, per_host=2, spare=0, options={
                        'scale_in_window': 300, 'complete_window': 300,
                        'max_scale_in_rounds': 2})
                    self.vnfm.silent.add(question)
                    self.start(settings={'on_no_reply': policy})
                    began = self.cloud.clock.seconds()
                    self.cloud.run()
                    self.assertIn(self.cloud.state, (
                        'MAINTENANCE_DONE', 'MAINTENANCE_FAILED'))
                    self.assertLess(self.cloud.clock.seconds(),
                                    began + 1500)
                    self.assertEqual([], self.cloud.verify())

    def test_8_a_tenant_answers_only_for_itself(self):
        self.prepare()
        self.cloud.create('other', 'compute-1', project=cases.OTHER)
        for project in self.cloud.projects.values():
            project.silent.add(words.PLANNED_MAINTENANCE)
        self.start()
        self.cloud.run(lambda: self.cloud.projects[cases.OTHER].asked(
            words.PLANNED_MAINTENANCE))
        mine = self.cloud.server('vm-0').id
        for about in ({'action': 'MIGRATE'}, {'instance_id': mine},
                      {'actions': {mine: 'MIGRATE'}}):
            inbox.add_reply(self.cloud.session_id, cases.OTHER,
                            'ACK_PLANNED_MAINTENANCE', **about)
            self.cloud.ring()
            self.cloud.runner.turn()
        states = {ask.project_id: ask.state for ask in self.cloud.rows.asks
                  if ask.question == words.PLANNED_MAINTENANCE}
        self.assertEqual('open', states[cases.PROJECT])
        self.cloud.run()
        self.assertEqual([], [
            line for line in self.cloud.lines('migrate.start')
            if line['project'] == cases.PROJECT])
