# SPDX-License-Identifier: Apache-2.0
"""How sessions end before their time: deleted at any moment."""

from unittest import mock

from fenix import errors
from fenix import words
from fenix.engine import lanes
from fenix.workflow import marks
from fenix.workflow import turn as turns
from tests.unit.engine import cases


class DeleteCase(cases.EngineTestCase):

    def assert_given_back(self, ignore=()):
        """Nothing of the session is left, in Nova or elsewhere."""
        self.assert_gone()
        self.assertEqual([], self.cloud.disabled())
        self.assertEqual([], self.cloud.model.unfinished_migrations())
        self.assertEqual([], [breach for breach in self.cloud.verify()
                              if breach.rule not in ignore])
        out = [host for host, state in self.cloud.host_events()
               if state == 'IN_MAINTENANCE']
        back = [host for host, state in self.cloud.host_events()
                if state == 'MAINTENANCE_COMPLETE']
        self.assertEqual(out, back)
        if self.cloud.lines('vnf.scale'):
            self.assertEqual(1, len(self.vnfm.asked(
                words.MAINTENANCE_COMPLETE)))


class TestAnyTime(DeleteCase):
    """After any number of steps of the engine."""

    def walk(self, stride, **shape):
        steps = 0
        over = False
        while not over:
            self.prepare(**shape)
            self.cloud.model.times.settle = 0
            self.start()
            for _ in range(steps):
                over = not self.cloud.step()
            spoiled = [run.host for run in self.cloud.rows.runs
                       if run.state == 'running']
            with self.subTest(steps=steps):
                self.delete()
                # What had just ended well is not noticed too late.
                if spoiled and self.cloud.disabled():
                    self.assert_spoiled(*spoiled)
                else:
                    self.assert_given_back()
            steps += stride

    def assert_spoiled(self, host):
        self.assert_gone()
        self.assertEqual([host], self.cloud.disabled())
        self.assertIn('did not succeed', self.cloud.model.hosts[
            host].nova_compute.disabled_reason)
        self.assertNotIn((host, 'MAINTENANCE_COMPLETE'),
                         self.cloud.host_events())

    def test_small(self):
        self.walk(3, hosts=1, per_host=1, spare=1)

    def test_with_scaling_in(self):
        self.walk(11, hosts=3, per_host=2, spare=0)


class TestDelete(DeleteCase):

    def test_while_an_instance_moves(self):
        """What was begun is brought to its end, and confirmed."""
        self.prepare()
        self.start()
        self.cloud.run(lambda: self.cloud.lines('migrate.start'))
        self.delete()
        self.assert_given_back()
        self.assertEqual(1, len(self.cloud.lines('migrate.confirm')))
        self.assertEqual(1, len(self.vnfm.asked(
            words.INSTANCE_ACTION_DONE)))

    def test_while_a_project_moves_an_instance_itself(self):
        """That may take it long, and is not ours to wait for."""
        self.prepare()
        self.vnfm.action = 'OWN_ACTION'
        self.start()
        self.cloud.run(lambda: self.cloud.rows.moves)
        began = self.cloud.clock.seconds()
        self.delete()
        self.assert_given_back()
        self.assertLess(self.cloud.clock.seconds(), began + 10)

    def test_state(self):
        self.prepare()
        self.start()
        self.cloud.run(lambda: self.cloud.lines('migrate.start'))
        self.cloud.request('delete')
        self.cloud.run(lambda: self.cloud.state == 'DELETING')
        self.cloud.run()
        self.assert_given_back()
        self.assertEqual('DELETING', self.cloud.states()[-1])

    def test_failed_session(self):
        self.prepare()
        self.vnfm.refused.add(words.PLANNED_MAINTENANCE)
        self.run_session()
        self.assertTrue(self.cloud.disabled())
        self.delete()
        self.assert_given_back()

    def test_done_session(self):
        self.prepare()
        self.run_session()
        self.delete()
        self.assert_given_back()

    def test_before_an_engine_saw_it(self):
        self.prepare()
        self.cloud.session()
        self.delete()
        self.assert_given_back()
        self.assertEqual([], self.vnfm.heard)

    def test_continue_of_a_session_that_is_being_deleted(self):
        self.prepare()
        self.vnfm.refused.add(words.PLANNED_MAINTENANCE)
        self.run_session()
        self.cloud.request('delete')
        self.cloud.request('continue')
        self.cloud.run()
        self.assert_given_back()

    def test_host_whose_action_failed(self):
        """It stays disabled, and Nova says why."""
        self.prepare()
        self.cloud.work.fail.add('compute-2')
        self.run_session()
        self.assert_failed('it broke')
        self.delete()
        self.assert_gone()
        self.assertEqual(['compute-2'], self.cloud.disabled())
        reason = self.cloud.model.hosts['compute-2'].nova_compute
        self.assertIn('fenix:' + self.cloud.session_id,
                      reason.disabled_reason)
        self.assertIn('it broke', reason.disabled_reason)
        self.assertEqual([('compute-2', 'IN_MAINTENANCE')],
                         self.cloud.host_events())
        marked = marks.find(self.cloud.cloud)['compute-2']
        self.assertEqual((True, None), (marked.on_purpose, marked.state))
        self.assertTrue(marks.release(self.cloud.cloud, marked, 'root'))
        self.assertEqual([], self.cloud.disabled())
        publisher = mock.Mock()
        self.assertEqual(1, marks.tell(
            self.cloud.conf, publisher, 'compute-2'))
        ((sent,),), _ = publisher.publish.call_args
        self.assertEqual(('compute-2', 'MAINTENANCE_COMPLETE'), (
            sent.payload['host'], sent.payload['state']))
        self.assertEqual(0, marks.tell(
            self.cloud.conf, publisher, 'compute-2'))

    def test_marks_of_a_session_that_lives(self):
        self.prepare()
        self.cloud.work.fail.add('compute-2')
        self.run_session()
        marked = marks.find(self.cloud.cloud)['compute-2']
        self.assertEqual('MAINTENANCE_FAILED', marked.state)
        self.assertRaises(ValueError, marks.release, self.cloud.cloud,
                          marked, 'root')

    def test_host_whose_action_failed_and_was_skipped(self):
        self.prepare()
        self.cloud.work.fail.add('compute-2')
        self.run_session()
        run, = [run for run in self.cloud.rows.runs
                if run.state == 'failed']
        self.cloud.request('report', run=run.id, state='SKIP')
        self.delete()
        self.assert_gone()
        self.assertEqual([], self.cloud.disabled())
        self.assert_maintained('compute-2')

    def test_host_disabled_before(self):
        self.prepare(spare=2)
        self.cloud.model.disable('compute-3', 'broken fan')
        self.start()
        self.cloud.run(self.step_is('compute-3', 'done'))
        self.delete()
        self.assert_gone()
        self.assertEqual(['compute-3'], self.cloud.disabled())

    def test_after_scaling_in(self):
        self.prepare(hosts=3, per_host=2, spare=0)
        self.start()
        self.cloud.run(lambda: self.cloud.lines('vnf.scale'))
        self.delete()
        self.assert_given_back()

    def test_when_the_last_question_waits_for_the_bus(self):
        """A project that scaled in is told so, whatever comes between."""
        self.prepare(hosts=3, per_host=2, spare=0)
        self.start()
        self.cloud.run(lambda: self.cloud.rows.session.phase == 'finish')
        self.cloud.publish_error = errors.PublishError('no bus')
        self.cloud.run(lambda: any(
            ask.question == words.MAINTENANCE_COMPLETE
            for ask in self.cloud.rows.asks))
        self.cloud.after(100, setattr, self.cloud, 'publish_error', None)
        self.delete()
        self.assert_given_back()

    def test_a_question_that_waits_for_the_bus_is_not_put(self):
        self.prepare(hosts=3, per_host=2, spare=0)
        self.start()
        self.cloud.run(lambda: self.cloud.rows.session.phase == 'make_room')
        self.cloud.publish_error = errors.PublishError('no bus')
        self.cloud.run(lambda: any(
            ask.question == words.SCALE_IN for ask in self.cloud.rows.asks))
        self.cloud.after(100, setattr, self.cloud, 'publish_error', None)
        self.delete()
        self.assert_given_back(ignore=[7])
        self.assertEqual([], self.vnfm.asked(words.SCALE_IN))
        self.assertEqual([], self.vnfm.asked(words.MAINTENANCE_COMPLETE))


class TestQueues(DeleteCase):
    """What waits in the executor when a session ends."""

    def wait_until(self, kind):
        """Run until a call waits, and note from then on as whose they do."""
        self.cloud.run(lambda: kind in self.waiting())
        self.submitted = []
        submit = self.cloud.submit

        def note(runner, effects):
            self.submitted += [(effect.kind, runner.rank)
                               for effect in effects]
            submit(runner, effects)
        self.cloud.submit = note

    def waiting(self):
        return [effect.kind for _, effect in self.cloud.effects]

    def wait_for_a_move(self):
        """A look at an instance that moves waits, and what nobody needs."""
        self.prepare(hosts=2)
        self.start()
        self.cloud.run(lambda: self.cloud.lines('migrate.start'))
        self.wait_until('look_at_server')
        self.cloud.submit(self.cloud.runner, [
            turns.Effect('look_at_host', 'compute-2')])
        self.submitted.clear()

    def test_a_deleted_session_looks_anew_at_what_moves(self):
        self.wait_for_a_move()
        self.cloud.request('delete')
        self.cloud.runner.turn()
        self.assertIn(('look_at_server', lanes.DELETED), self.submitted)
        self.assertEqual(1, self.waiting().count('look_at_server'))
        self.assertNotIn('look_at_host', self.waiting())
        self.cloud.run()
        self.assert_given_back()

    def test_so_does_one_that_fails(self):
        self.wait_for_a_move()
        self.cloud.runner._reason = 'a test'
        self.cloud.ring()
        self.cloud.runner.turn()
        self.assertIn(('look_at_server', lanes.FAILED), self.submitted)
        self.assertNotIn('look_at_host', self.waiting())
        self.cloud.run()
        self.assert_failed('a test')
        self.go_on()
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)

    def test_it_goes_on_like_others_and_ends_again(self):
        self.wait_for_a_move()
        for _ in range(2):
            self.cloud.runner._reason = 'a test'
            self.cloud.ring()
            self.cloud.run(lambda: self.cloud.state == 'MAINTENANCE_FAILED')
            self.submitted.clear()
            self.cloud.request('continue')
            self.cloud.run(lambda: 'look_at_server' in self.waiting())
            self.assertIn(('look_at_server', lanes.OTHERS), self.submitted)
        self.cloud.run()
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)

    def test_a_move_that_was_not_sent_yet_is_not_sent_any_more(self):
        self.prepare()
        self.start()
        self.wait_until('migrate')
        began = self.cloud.clock.seconds()
        self.delete()
        self.assert_given_back()
        self.assertEqual([], self.cloud.lines('migrate.start'))
        self.assertLess(self.cloud.clock.seconds(), began + 5)

    def test_nor_made_anew_but_looked_for(self):
        """An earlier request of the same move may come late."""
        self.prepare()
        self.start()
        self.cloud.run(lambda: 'migrate' in self.waiting())
        self.cloud.cloud.migrate = mock.Mock(
            side_effect=errors.CloudUnknown('no answer'))
        self.cloud.step()
        self.wait_until('migrate')
        began = self.cloud.clock.seconds()
        self.delete()
        self.assert_given_back(ignore=[7])
        self.assertEqual(1, self.cloud.cloud.migrate.call_count)
        self.assertGreaterEqual(self.cloud.clock.seconds(), began + 90)

    def test_one_without_an_answer_is_looked_for_once(self):
        """It would not be sent again, however long one waits."""
        self.prepare()
        self.start()
        self.cloud.cloud.migrate = mock.Mock(
            side_effect=errors.CloudUnknown('no answer'))
        self.cloud.run(lambda: self.cloud.rows.moves
                       and self.cloud.rows.moves[0].state == 'unknown')
        began = self.cloud.clock.seconds()
        self.delete()
        self.assert_given_back(ignore=[7])
        self.assertEqual(1, self.cloud.cloud.migrate.call_count)
        took = self.cloud.clock.seconds() - began
        window = self.cloud.conf.nova.unknown_window
        self.assertGreaterEqual(took, window)
        self.assertLess(took, window + 5)

    def test_a_host_that_was_not_disabled_yet(self):
        self.prepare()
        self.start()
        self.wait_until('disable')
        self.cloud.cloud.disable = mock.Mock()
        self.delete()
        self.cloud.cloud.disable.assert_not_called()
        self.assert_given_back()


class TestAdversity(DeleteCase):
    """A session is deleted while something else is away."""

    def run_to_maintenance(self, **shape):
        self.prepare(**shape)
        self.start()
        self.cloud.run(lambda: self.cloud.work.started)
        self.cloud.run(self.step_is('compute-2', 'give_back'))

    def test_bus_down_for_a_while(self):
        self.run_to_maintenance()
        self.cloud.publish_error = errors.PublishError('no bus')
        self.cloud.after(1000, setattr, self.cloud, 'publish_error', None)
        self.delete()
        self.assert_given_back()

    def test_bus_down_for_ever(self):
        """Hosts are given back at once; it ends after [notify] max_delay."""
        self.run_to_maintenance()
        self.cloud.publish_error = errors.PublishError('no bus')
        began = self.cloud.clock.seconds()
        self.cloud.request('delete')
        self.cloud.run(lambda: not self.cloud.disabled())
        self.assertLess(self.cloud.clock.seconds(), began + 10)
        self.cloud.run()
        self.assert_gone()
        waited = self.cloud.clock.seconds() - began
        self.assertGreaterEqual(waited, self.cloud.conf.notify.max_delay)
        self.assertLess(waited, self.cloud.conf.notify.max_delay + 60)

    def test_aodh_down(self):
        """A project that scaled in is told, whether it listens or not."""
        self.prepare(hosts=3, per_host=2, spare=0)
        self.start()
        self.cloud.run(lambda: self.cloud.lines('vnf.scale'))

        def subscriptions(event_type):
            raise errors.CloudError('503')

        self.cloud.cloud.subscriptions = subscriptions
        self.cloud.advance(100)
        began = self.cloud.clock.seconds()
        self.delete()
        self.assert_given_back(ignore=[7])
        self.assertLess(self.cloud.clock.seconds(), began + 10)

    def fail_with(self, error):
        def fault(kind):
            raise error

        self.cloud.cloud.fault = fault

    def test_nova_down_for_an_hour(self):
        self.run_to_maintenance()
        self.fail_with(errors.CloudUnknown('504'))
        self.cloud.after(3600, setattr, self.cloud.cloud, 'fault',
                         lambda kind: None)
        self.delete()
        self.assert_given_back()

    def test_nova_refuses(self):
        """What could not be enabled is not said to be back."""
        self.run_to_maintenance()
        self.fail_with(errors.CloudRefused('no such service'))
        self.delete()
        self.assert_gone()
        self.assertIn('compute-2', self.cloud.disabled())
        self.assertEqual([('compute-2', 'IN_MAINTENANCE')],
                         self.cloud.host_events())

    def test_a_move_that_never_ends(self):
        self.prepare(options={'migration_timeout': 300})
        self.cloud.model.faults.add(cases.fault('migrate', seconds=1e6))
        self.start()
        self.cloud.run(lambda: self.cloud.lines('migrate.start'))
        began = self.cloud.clock.seconds()
        self.delete()
        self.assert_gone()
        self.assertLess(self.cloud.clock.seconds(), began + 310)


class TestContinue(cases.EngineTestCase):
    """It goes on where it stopped."""

    def test_answers_stay_valid(self):
        """One instance failed to move: its project is not asked again."""
        self.prepare(hosts=1, per_host=2)
        self.cloud.model.faults.add(cases.fault('migrate', fail=True))
        self.run_session()
        self.assert_failed('ERROR')
        sick, = [server.id for server in self.cloud.model.servers.values()
                 if server.status == 'ERROR']
        self.cloud.model.reset_state(sick, 'active')
        self.go_on()
        for question in (words.MAINTENANCE, words.PLANNED_MAINTENANCE):
            self.assertEqual(1, len(self.vnfm.asked(question)))
        self.assertEqual(3, len(self.cloud.lines('migrate.start')))
        self.assert_done()

    def test_an_answer_that_came_in_the_pause_counts(self):
        self.prepare(hosts=1, per_host=1)
        self.cloud.create('other', 'compute-1', project=cases.OTHER)
        other = self.cloud.projects[cases.OTHER]
        other.refused.add(words.PLANNED_MAINTENANCE)
        self.vnfm.delay = 20
        self.run_session(notice=60)
        self.assert_failed('refused PLANNED')
        self.cloud.advance(25)
        while self.cloud._later:
            _, _, call, args = self.cloud._later.pop(0)
            call(*args)
        self.vnfm.delay = 0
        other.refused.clear()
        self.go_on()
        self.assertEqual(1, len(self.vnfm.asked(words.PLANNED_MAINTENANCE)))
        self.assertEqual(2, len(other.asked(words.PLANNED_MAINTENANCE)))
        self.assert_done()

    def test_a_window_that_ended_in_the_pause(self):
        """The pause was not the project's time: it is asked again."""
        self.prepare(hosts=1, per_host=1)
        self.cloud.create('other', 'compute-1', project=cases.OTHER)
        other = self.cloud.projects[cases.OTHER]
        other.refused.add(words.PLANNED_MAINTENANCE)
        self.vnfm.silent.add(words.PLANNED_MAINTENANCE)
        self.run_session()
        self.assert_failed('refused PLANNED')
        self.cloud.advance(7200)
        other.refused.clear()
        self.vnfm.silent.clear()
        self.go_on()
        self.assertEqual(2, len(self.vnfm.asked(words.PLANNED_MAINTENANCE)))
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)

    def test_who_refused_is_asked_again(self):
        for question in (words.MAINTENANCE, words.PLANNED_MAINTENANCE):
            with self.subTest(question):
                self.prepare()
                self.vnfm.refused.add(question)
                self.run_session()
                self.go_on()
                self.assert_failed(f'refused {question}')
                self.vnfm.refused.clear()
                self.go_on()
                self.assertEqual(3, len(self.vnfm.asked(question)))
                self.assert_done()

    def test_hosts_that_are_done_stay_so(self):
        self.prepare()
        self.vnfm.refused.add(words.PLANNED_MAINTENANCE)
        self.run_session()
        self.assert_maintained('compute-2')
        self.vnfm.refused.clear()
        self.go_on()
        self.assert_maintained('compute-1', 'compute-2')
        self.assertEqual(2, len(self.cloud.work.started))

    def test_a_session_that_has_not_failed(self):
        self.prepare()
        self.start()
        self.cloud.run(lambda: self.cloud.lines('migrate.start'))
        self.cloud.request('continue')
        self.cloud.run()
        self.assertEqual(0, self.cloud.rows.session.round)
        self.assert_done()
