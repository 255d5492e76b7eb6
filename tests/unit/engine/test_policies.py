# SPDX-License-Identifier: Apache-2.0
"""What follows when a project refuses, is silent, or does not listen."""

from fenix import words
from tests.unit.engine import cases

#: How a project shows that it does not agree, and the policy for it.
WAYS = {'on_refusal': 'refuses', 'on_no_reply': 'is silent',
        'on_unsubscribed': 'does not listen'}


class PolicyCase(cases.EngineTestCase):
    """Two hosts, one instance each, and an empty third host."""

    SHAPE = {'hosts': 1, 'per_host': 1, 'spare': 1}

    def prepare(self, **shape):
        cloud = super().prepare(**shape)
        # A second project, on a host of its own.
        cloud.create('other', 'compute-2', project=cases.OTHER)
        return cloud

    def disagree(self, policy, question):
        """Have the second project not agree to a question."""
        other = self.cloud.projects[cases.OTHER]
        if policy == 'on_refusal':
            other.refused.add(question)
        elif policy == 'on_no_reply':
            other.silent.add(question)
        else:
            self.cloud.cloud.subscribed.discard(cases.OTHER)


class TestMaintenance(PolicyCase):
    """Policies for MAINTENANCE; a third host takes what has to move."""

    def start_with(self, policy, choice):
        self.prepare(hosts=1, per_host=1, spare=2)
        self.disagree(policy, words.MAINTENANCE)
        self.start(settings={policy: choice})
        self.cloud.run()

    def test_fail(self):
        for policy, why in (('on_refusal', 'refused MAINTENANCE'),
                            ('on_no_reply', 'did not answer MAINTENANCE'),
                            ('on_unsubscribed', 'listens to no alarm')):
            with self.subTest(policy):
                self.start_with(policy, 'fail')
                self.assert_failed(cases.OTHER, why, policy)
                self.assertEqual([], self.cloud.lines('service.disable'))

    def test_proceed(self):
        for policy in WAYS:
            with self.subTest(policy):
                self.start_with(policy, 'proceed')
                self.cloud.projects[cases.OTHER].refused.clear()
                self.assert_maintained('compute-1', 'compute-2', 'compute-3')
                self.assert_done()

    def test_skip(self):
        for policy in WAYS:
            with self.subTest(policy):
                self.start_with(policy, 'skip')
                self.assert_maintained('compute-1', 'compute-3')
                self.assertEqual(['other'], self.cloud.on('compute-2'))
                self.assertEqual([], self.cloud.disabled())
                self.assert_done()
                self.assertTrue([text for text in self.cloud.warnings()
                                 if 'compute-2 is left out' in text])

    def test_a_refusal_ends_the_session_at_once(self):
        self.prepare()
        self.disagree('on_refusal', words.MAINTENANCE)
        self.start(notice=3600)
        began = self.cloud.clock.now()
        self.cloud.run()
        self.assert_failed('refused')
        self.assertLess((self.cloud.clock.now() - began).seconds, 60)

    def test_the_default_is_of_the_configuration(self):
        self.prepare(options={'on_refusal': 'skip'}, spare=2)
        self.disagree('on_refusal', words.MAINTENANCE)
        self.run_session()
        self.assertEqual(['other'], self.cloud.on('compute-2'))
        self.assert_done()


class TestPlanned(PolicyCase):
    """Policies for PLANNED_MAINTENANCE."""

    def start_with(self, policy, choice):
        self.prepare(spare=2)
        self.disagree(policy, words.PLANNED_MAINTENANCE)
        self.start(settings={policy: choice})
        self.cloud.run()

    def test_fail(self):
        for policy in ('on_refusal', 'on_no_reply'):
            with self.subTest(policy):
                self.start_with(policy, 'fail')
                self.assert_failed('compute-2', cases.OTHER, policy,
                                   'PLANNED_MAINTENANCE')
                self.assertEqual(['other'], self.cloud.on('compute-2'))

    def test_proceed(self):
        for policy in ('on_refusal', 'on_no_reply'):
            with self.subTest(policy):
                self.start_with(policy, 'proceed')
                self.assert_maintained('compute-1', 'compute-2', 'compute-3')
                self.assert_done()

    def test_proceed_waits_for_the_end_of_the_window(self):
        self.prepare(spare=2, options={'reply_window': 77})
        self.disagree('on_no_reply', words.PLANNED_MAINTENANCE)
        self.run_session(settings={'on_no_reply': 'proceed'})
        asked, = [line['t'] for line in self.cloud.lines('notify')
                  if line['payload']['project_id'] == cases.OTHER
                  and line['payload']['state'] == 'PLANNED_MAINTENANCE']
        moved, = [line['t'] for line in self.cloud.lines('migrate.start')
                  if line['project'] == cases.OTHER]
        self.assertGreaterEqual(moved, asked + 77)
        self.assertLess(moved, asked + 80)

    def test_skip(self):
        for policy in ('on_refusal', 'on_no_reply'):
            with self.subTest(policy):
                self.start_with(policy, 'skip')
                self.assert_maintained('compute-1', 'compute-3')
                self.assertEqual(['other'], self.cloud.on('compute-2'))
                self.assertEqual([], self.cloud.disabled())
                self.assert_done()

    def test_a_window_left_open_by_a_host_that_is_left_out(self):
        """The other project on that host is asked about the next one."""
        cases.EngineTestCase.prepare(self, hosts=2)
        self.cloud.create('other', 'compute-1', project=cases.OTHER)
        self.cloud.create('third', 'compute-2')
        self.disagree('on_refusal', words.PLANNED_MAINTENANCE)
        self.vnfm.silent.add(words.PLANNED_MAINTENANCE)
        self.start(settings={'on_refusal': 'skip'})
        self.cloud.run(lambda: self.vnfm.asked(words.PLANNED_MAINTENANCE))
        self.vnfm.silent.clear()
        self.cloud.run()
        self.assertEqual(['other', 'vm-0'], self.cloud.on('compute-1'))
        self.assert_maintained('compute-2', 'compute-3')
        self.assert_done()


class TestPrepare(PolicyCase):
    """Policies for PREPARE_MAINTENANCE: room is scattered over two hosts."""

    SHAPE = {'hosts': 2, 'per_host': 1, 'spare': 0}

    def prepare(self, **shape):
        # Two hosts of four VCPU, one instance of two on each.
        cloud = cases.EngineTestCase.prepare(self, **shape)
        cloud.model.delete(cloud.server('vm-0').id)
        cloud.advance(1)
        cloud.create('other', 'compute-1', project=cases.OTHER)
        return cloud

    def test_skip_chooses_another_host(self):
        for policy in WAYS:
            with self.subTest(policy):
                self.prepare()
                # It would come first: its instance has no floating address.
                self.cloud.model.set_floating(
                    self.cloud.server('vm-1').id, '10.9.9.9')
                self.disagree(policy, words.PREPARE_MAINTENANCE)
                self.start(settings={policy: 'skip'})
                if policy == 'on_unsubscribed':
                    # Only now, so that MAINTENANCE is not skipped.
                    self.cloud.cloud.subscribed.add(cases.OTHER)
                    self.cloud.run(lambda: self.cloud.rows.session.phase
                                   == 'make_room')
                    self.cloud.cloud.subscribed.discard(cases.OTHER)
                    self.cloud.advance(60)
                self.cloud.run()
                first, *_ = self.cloud.lines('migrate.start')
                self.assertEqual('compute-2', first['source'])
                self.assertEqual([], self.cloud.disabled())
                if policy == 'on_unsubscribed':
                    self.assertEqual('MAINTENANCE_DONE', self.cloud.state)
                else:
                    self.assert_done()

    def test_skip_of_all_fails_clearly(self):
        self.prepare()
        self.disagree('on_refusal', words.PREPARE_MAINTENANCE)
        self.vnfm.refused.add(words.PREPARE_MAINTENANCE)
        self.vnfm.scale_in = self.cloud.projects[cases.OTHER].scale_in = 0
        self.run_session(settings={'on_refusal': 'skip'})
        self.assert_failed('does not agree')
        self.assertEqual([], self.cloud.lines('migrate.start'))

    def test_fail(self):
        self.prepare()
        for project in self.cloud.projects.values():
            project.refused.add(words.PREPARE_MAINTENANCE)
        self.run_session()
        self.assert_failed('refused PREPARE_MAINTENANCE', 'on_refusal')

    def test_proceed(self):
        self.prepare()
        for project in self.cloud.projects.values():
            project.refused.add(words.PREPARE_MAINTENANCE)
        self.run_session(settings={'on_refusal': 'proceed'})
        self.assert_done()


class TestComplete(cases.EngineTestCase):

    def test_no_policy_for_the_end(self):
        for way in ('silent', 'refused'):
            with self.subTest(way):
                self.prepare()
                getattr(self.vnfm, way).add(words.MAINTENANCE_COMPLETE)
                self.run_session()
                self.assert_done()
                self.assertEqual(1, len(self.vnfm.asked(
                    words.MAINTENANCE_COMPLETE)))

    def test_a_silent_end_takes_its_window_and_no_longer(self):
        self.prepare(options={'complete_window': 500})
        self.vnfm.silent.add(words.MAINTENANCE_COMPLETE)
        self.start()
        self.cloud.run(lambda: self.vnfm.asked(words.MAINTENANCE_COMPLETE))
        asked = self.cloud.clock.now()
        self.cloud.run()
        self.assert_done()
        self.assertEqual(
            500, round((self.cloud.clock.now() - asked).total_seconds()))
