# SPDX-License-Identifier: Apache-2.0
"""Moving instances: what goes well, and all that may go wrong."""

import dataclasses

from fenix import errors
from fenix import words
from tests.unit.engine import cases


class MoveCase(cases.EngineTestCase):
    """An instance on the first of two hosts."""

    def prepare(self, action='MIGRATE', **shape):
        cloud = super().prepare(**shape)
        self.vnfm.action = action
        self.vm = cloud.server('vm-0').id
        return cloud

    def fault(self, op, **values):
        self.cloud.model.faults.add(cases.fault(op, **values))

    def moves(self):
        return [line['what'] for line in self.cloud.timeline
                if line['what'].split('.')[0] in ('migrate', 'live-migrate',
                                                  'confirm')]

    def told(self):
        return len(self.vnfm.asked(words.INSTANCE_ACTION_DONE))


class TestMove(MoveCase):

    def test_cold(self):
        self.prepare()
        self.run_session()
        self.assertEqual(
            ['migrate.start', 'migrate.verify', 'migrate.confirm',
             'migrate.end'], self.moves())
        self.assertEqual(['vm-0'], self.cloud.on('compute-2'))
        self.assertEqual(1, self.told())
        self.assert_done()

    def test_live(self):
        self.prepare('LIVE_MIGRATE')
        self.run_session()
        self.assertEqual(['live-migrate.start', 'live-migrate.end'],
                         self.moves())
        self.assertEqual(1, self.told())
        self.assert_done()

    def test_stopped(self):
        """One that is stopped cannot move live, and stays stopped."""
        self.prepare('LIVE_MIGRATE')
        self.cloud.model.set_power(self.vm, False)
        self.run_session()
        self.assertEqual('migrate.start', self.moves()[0])
        self.assertEqual('SHUTOFF', self.cloud.server('vm-0').status)
        self.assert_done()

    def test_confirmed_by_nova_itself(self):
        """As with its option resize_confirm_window."""
        self.prepare()
        self.start()
        self.cloud.run(lambda: 'migrate.verify' in self.moves())
        self.cloud.model.confirm(self.vm)
        self.cloud.run()
        self.assertEqual(1, self.moves().count('migrate.confirm'))
        self.assertEqual(1, self.told())
        self.assert_done()

    def test_deleted_before_it_moves(self):
        self.prepare()
        self.vnfm.silent.add(words.PLANNED_MAINTENANCE)
        self.start()
        self.cloud.run(lambda: self.vnfm.asked(words.PLANNED_MAINTENANCE))
        self.cloud.model.delete(self.vm)
        self.cloud.run()
        self.assertEqual([], self.moves())

    def test_deleted_while_it_moves(self):
        self.prepare()
        self.start()
        self.cloud.run(lambda: 'migrate.start' in self.moves())
        self.cloud.model.delete(self.vm)
        self.cloud.run()
        self.assertEqual(0, self.told())
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)

    def test_resized_by_its_tenant(self):
        """That is waited for, and not ours to confirm."""
        self.prepare()
        self.cloud.model.resize(self.vm, '1')
        self.cloud.advance(5)
        host = self.cloud.server('vm-0').host
        self.assertEqual('VERIFY_RESIZE', self.cloud.server('vm-0').status)
        self.cloud.after(200, self.cloud.model.confirm, self.vm)
        self.run_session()
        self.assertEqual([], self.vnfm.asked(words.SCALE_IN))
        start, = self.cloud.lines('migrate.start')
        self.assertEqual(host, start['source'])
        self.assert_done()

    def test_resized_and_never_confirmed(self):
        self.prepare()
        self.cloud.model.resize(self.vm, '1')
        self.cloud.advance(5)
        self.run_session()
        self.assert_failed('compute-1 is still not empty',
                           f'migration of instance {self.vm}',
                           'its owner may confirm or revert the resize')
        self.assertEqual('VERIFY_RESIZE', self.cloud.server('vm-0').status)


class TestOwnAction(MoveCase):

    def test_done(self):
        """The project takes it away itself, and is not told what it knows."""
        self.prepare('OWN_ACTION')
        self.start()
        self.cloud.run(self.step_of_move('requested'))
        self.cloud.model.migrate(self.vm, 'compute-2')
        self.cloud.after(10, self.cloud.model.confirm, self.vm)
        self.cloud.run()
        self.assertEqual(0, self.told())
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)

    def step_of_move(self, state):
        return lambda: any(move.state == state
                           for move in self.cloud.rows.moves)

    def test_replaced_by_another_instance(self):
        self.prepare('OWN_ACTION')
        self.start()
        self.cloud.run(self.step_of_move('requested'))
        self.cloud.create('replacement', 'compute-2')
        self.cloud.model.delete(self.vm)
        self.cloud.run()
        self.assert_done()

    def test_never_done(self):
        self.prepare('OWN_ACTION', options={'own_action_window': 60})
        self.run_session()
        self.assert_failed(cases.PROJECT, self.vm, 'itself and did not')
        # The session waits for hours; then the project is given time again.
        self.cloud.advance(7200)
        self.cloud.request('continue')
        self.cloud.run(self.step_of_move('requested'))
        self.cloud.model.delete(self.vm)
        self.cloud.run()
        self.assert_done()

    def test_goes_on_while_the_session_has_failed(self):
        """An own action in a pause is not late when the session continues."""
        self.prepare('OWN_ACTION', options={'own_action_window': 60})
        self.cloud.create('vm-1', 'compute-1')
        self.vnfm.answer = self.one_of_each
        self.fault('migrate', fail=True)
        self.run_session()
        self.assert_failed('ERROR')
        self.cloud.advance(3600)
        self.cloud.model.reset_state(self.cloud.server('vm-1').id, 'active')
        self.cloud.request('continue')
        self.cloud.after(30, self.cloud.model.delete, self.vm)
        self.cloud.run()
        self.assert_done()

    def one_of_each(self, question, payload):
        actions = ({self.vm: 'OWN_ACTION',
                    self.cloud.server('vm-1').id: 'MIGRATE'}
                   if question == words.PLANNED_MAINTENANCE else None)
        if actions and self.cloud.server('vm-1').host != 'compute-1':
            actions = None
        self.vnfm.reply(payload, 'ACK_' + payload['state'], actions=actions)


class TestFailure(MoveCase):

    def test_error(self):
        self.prepare()
        self.fault('migrate', fail=True)
        self.run_session()
        self.assert_failed('compute-1', self.vm, 'ERROR',
                           'made to fail')
        self.assertEqual(0, self.told())
        self.cloud.model.reset_state(self.vm, 'active')
        self.go_on()
        self.assertEqual(2, self.moves().count('migrate.start'))
        self.assertEqual(1, len(self.vnfm.asked(words.PLANNED_MAINTENANCE)))
        self.assert_done()

    def test_error_before_its_reason(self):
        """Nova shows ERROR a moment before it has written down why."""
        self.prepare()
        self.fault('migrate', fail=True)
        look, early = self.cloud.cloud.look_at_server, []

        def look_early(instance_id):
            found = look(instance_id)
            if found.server.status != 'ERROR' or early:
                return found
            early.append(instance_id)
            return dataclasses.replace(
                found, server=dataclasses.replace(found.server, fault=None),
                actions=tuple(dataclasses.replace(
                    action, finished=False, failed=False, message=None)
                    for action in found.actions))

        self.cloud.cloud.look_at_server = look_early
        self.run_session()
        self.assertEqual([self.vm], early)
        self.assert_failed('ended in ERROR', 'made to fail')

    def test_error_that_nobody_mends(self):
        self.prepare()
        self.fault('migrate', fail=True)
        self.run_session()
        self.go_on()
        self.assert_failed(self.vm, 'is in ERROR on compute-1')
        self.assertEqual(1, self.moves().count('migrate.start'))

    def test_live_migration_failed(self):
        self.prepare('LIVE_MIGRATE')
        self.fault('live', fail=True)
        self.run_session()
        self.assert_failed('compute-1', self.vm, 'LIVE_MIGRATE', 'failed')
        self.assertEqual('ACTIVE', self.cloud.server('vm-0').status)
        self.go_on()
        self.assert_done()

    def test_live_migration_whose_action_has_no_error(self):
        """Nova tells it with the migration's record alone."""
        self.prepare('LIVE_MIGRATE')
        self.fault('live', fail=True)
        look = self.cloud.cloud.look_at_server

        def without_error(instance_id):
            found = look(instance_id)
            return dataclasses.replace(found, actions=tuple(
                dataclasses.replace(action, message=None, failed=False)
                for action in found.actions))

        self.cloud.cloud.look_at_server = without_error
        self.run_session()
        self.assert_failed('ended it as failed', self.vm)

    def test_no_valid_host(self):
        """Nova takes the request and then finds that it cannot."""
        self.prepare()
        self.start()
        self.cloud.run(self.step_is('compute-1', 'empty'))
        self.cloud.model.disable('compute-2', 'by hand')
        self.cloud.run()
        self.assert_failed('compute-1', self.vm, 'failed')
        self.cloud.model.enable('compute-2')
        self.go_on()
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)

    def test_a_target_that_refuses(self):
        """Another one is found, with a new look at the cloud."""
        self.prepare(spare=2)
        self.start()
        self.cloud.run(self.step_is('compute-1', 'empty'))
        self.cloud.model.disable('compute-2', 'by hand')
        self.cloud.run()
        self.assert_done()
        self.assertEqual(
            [('refused', 'compute-2'), ('done', 'compute-3')],
            [(move.state, move.target) for move in sorted(
                self.cloud.rows.moves, key=lambda move: move.intended_at)])

    def test_a_target_that_nova_refuses_at_once(self):
        self.prepare(spare=2)
        self.cloud.cloud.fault = self.refuse_target
        self.refusals = 1
        self.run_session()
        self.assert_done()
        self.assertEqual(1, self.moves().count('migrate.start'))

    def test_a_target_is_not_asked_twice(self):
        self.prepare(spare=1)
        self.cloud.cloud.fault = self.refuse_target
        self.refusals = 100
        self.run_session()
        self.assert_failed('No valid host', 'no host has room')
        self.assertEqual(99, self.refusals)
        self.cloud.cloud.fault = lambda kind: None
        self.go_on()
        self.assert_done()

    def test_targets_are_bounded(self):
        self.prepare(spare=5, options={'max_targets': 2})
        self.cloud.cloud.fault = self.refuse_target
        self.refusals = 100
        self.run_session()
        self.assert_failed('No valid host')
        self.assertEqual(98, self.refusals)

    def refuse_target(self, kind):
        if kind == 'migrate' and self.refusals:
            self.refusals -= 1
            raise errors.TargetRefused('No valid host was found.')

    def test_refused(self):
        self.prepare()
        self.start()
        self.cloud.cloud.fault = self.refuse_migrate
        self.cloud.run()
        self.assert_failed('Nova refused', 'is locked')
        self.assertEqual([], self.moves())
        self.cloud.cloud.fault = lambda kind: None
        self.go_on()
        self.assert_done()

    def refuse_migrate(self, kind):
        if kind == 'migrate':
            raise errors.CloudRefused('Instance is locked')

    def test_never_ends(self):
        self.prepare(options={'migration_timeout': 300})
        self.fault('migrate', seconds=1e6)
        self.start()
        self.cloud.run(lambda: self.moves())
        began = self.cloud.clock.now()
        self.cloud.run()
        self.assert_failed('did not end in time', 'RESIZE', 'compute-1')
        self.assertEqual(300, round(
            (self.cloud.clock.now() - began).total_seconds()))

    def test_ends_after_it_was_given_up(self):
        """Its project, which agreed to the move, waits for its end."""
        for action, op in (('MIGRATE', 'migrate'), ('LIVE_MIGRATE', 'live')):
            with self.subTest(action):
                self.prepare(action, options={'migration_timeout': 60})
                self.fault(op, seconds=600)
                self.run_session()
                self.assert_failed('did not end in time')
                self.assertEqual(0, self.told())
                self.cloud.advance(1000)
                if action == 'MIGRATE':
                    self.cloud.model.confirm(self.vm)
                    self.cloud.advance(100)
                self.go_on()
                self.assertEqual(1, self.told())
                self.assert_done()
                self.assertEqual('done', self.cloud.rows.moves[0].state)

    def test_given_up_where_it_was(self):
        """One that never left is not told to have been moved."""
        self.prepare('LIVE_MIGRATE')
        self.fault('live', fail=True)
        self.run_session()
        self.assert_failed('LIVE_MIGRATE')
        self.go_on()
        self.assertEqual(1, self.told())
        self.assert_done()

    def test_confirmation_never_ends(self):
        self.prepare(options={'confirm_timeout': 150})
        self.cloud.model.times.confirm = 1e6
        self.run_session()
        self.assert_failed('confirmation', 'did not end in time')
        self.assertEqual(1, self.moves().count('migrate.confirm'))

    def test_suspended(self):
        self.prepare()
        found = self.cloud.cloud.survey

        def suspended():
            survey = found()
            servers = {key: dataclasses.replace(server, status='SUSPENDED')
                       for key, server in survey.servers.items()}
            return dataclasses.replace(survey, servers=servers)

        self.cloud.cloud.survey = suspended
        self.run_session()
        self.assert_failed(self.vm, 'is SUSPENDED and cannot be moved',
                           'its owner may resume it')
        self.assertEqual([], self.vnfm.asked(words.SCALE_IN))

    def test_paused(self):
        """Nova moves such an instance live, and in no other way."""
        self.prepare()
        look = self.cloud.cloud.look_at_server

        def paused(instance_id):
            found = look(instance_id)
            status = found.server.status
            return dataclasses.replace(found, server=dataclasses.replace(
                found.server, status='PAUSED' if status == 'ACTIVE'
                else status))

        self.cloud.cloud.look_at_server = paused
        self.run_session()
        self.assertEqual(['live-migrate.start', 'live-migrate.end'],
                         self.moves())
        self.assert_done()

    def test_the_rest_is_safe(self):
        """Moves in flight are settled before a session has failed."""
        self.prepare(hosts=1, per_host=2)
        self.fault('migrate', fail=True, seconds=1,
                   server=self.cloud.server('vm-1').id)
        self.run_session()
        self.assert_failed(self.cloud.server('vm-1').id)
        self.assertEqual('ACTIVE', self.cloud.server('vm-0').status)
        self.assertEqual('compute-2', self.cloud.server('vm-0').host)
        self.cloud.advance(1)   # Nova tells of its end before Placement.
        self.assertEqual(1, self.moves().count('migrate.end'))
        self.assertEqual(1, self.told())


class TestUnknown(MoveCase):
    """No answer, or a 5xx: look, do not resend."""

    def lose(self, kind, *, effect):
        """Lose the answer to the first request of a kind."""
        made = getattr(self.cloud.cloud, kind)
        self.calls = []

        def lossy(*args):
            self.calls.append(self.cloud.clock.now())
            if len(self.calls) > self.losses:
                return made(*args)
            if effect:
                made(*args)
            self.cloud.advance(self.awaited)
            raise errors.CloudUnknown('no answer')

        setattr(self.cloud.cloud, kind, lossy)

    losses = 1
    #: Seconds for which it is waited for an answer that does not come.
    awaited = 0

    def test_with_effect(self):
        for action, kind in (('MIGRATE', 'migrate'),
                             ('LIVE_MIGRATE', 'live_migrate')):
            with self.subTest(action):
                self.prepare(action)
                self.lose(kind, effect=True)
                self.run_session()
                self.assertEqual(1, len(self.calls))
                move, = self.cloud.rows.moves
                self.assertEqual(1, move.attempts)
                self.assertIsNotNone(move.request_id)
                self.assert_done()

    def test_without_effect(self):
        """Issued again, but only when it is sure to be lost."""
        self.prepare()
        self.lose('migrate', effect=False)
        self.run_session()
        self.assertEqual(2, len(self.calls))
        window = self.cloud.conf.nova.unknown_window
        self.assertGreaterEqual(
            (self.calls[1] - self.calls[0]).total_seconds(), window)
        self.assertEqual([2], [move.attempts
                               for move in self.cloud.rows.moves])
        self.assert_done()

    def test_is_not_given_up_while_its_request_may_be_on_its_way(self):
        """The deadline passes first; what is issued again has its time."""
        for timeout in (50, 91):
            with self.subTest(timeout):
                self.prepare(options={'migration_timeout': timeout})
                self.lose('migrate', effect=False)
                self.run_session()
                self.assertEqual(2, len(self.calls))
                self.assertEqual(['done'], [
                    move.state for move in self.cloud.rows.moves])
                self.assert_done()

    def test_looked_for_since_no_answer_came(self):
        """How long a request was on its way before is no time to look."""
        self.awaited = 80
        for kind in ('migrate', 'confirm'):
            with self.subTest(kind):
                self.prepare()
                self.lose(kind, effect=False)
                self.run_session()
                self.assertEqual(2, len(self.calls))
                self.assertGreaterEqual(
                    (self.calls[1] - self.calls[0]).total_seconds(),
                    self.awaited + self.cloud.conf.nova.unknown_window)
                # The verifier sees nothing of a request that is lost.
                self.assert_done(ignore=[7])

    def test_without_effect_for_ever(self):
        self.prepare()
        self.losses = 99
        self.lose('migrate', effect=False)
        self.run_session()
        self.assert_failed('asked 3 times: no answer')
        self.assertEqual(3, len(self.calls))

    def test_confirmation_with_effect(self):
        self.prepare()
        self.lose('confirm', effect=True)
        self.run_session()
        self.assertEqual(1, len(self.calls))
        self.assert_done()

    def test_confirmation_without_effect(self):
        self.prepare()
        self.lose('confirm', effect=False)
        self.run_session()
        self.assertEqual(2, len(self.calls))
        self.assert_done()

    def test_a_server_that_its_tenant_works_on_meanwhile(self):
        """No trace, but not ours to touch either: the deadline ends it."""
        self.prepare(options={'migration_timeout': 200})
        self.lose('migrate', effect=False)
        self.start()
        self.cloud.run(lambda: self.calls)
        self.cloud.model.resize(self.vm, '1')
        self.cloud.run()
        self.assert_failed('did not end in time', 'VERIFY_RESIZE')
        self.assertEqual(1, len(self.calls))


class TestReading(MoveCase):
    """A cloud that cannot be read is asked again, for a while."""

    def broken(self, *args):
        raise errors.CloudError('503')

    def test_for_a_while(self):
        self.prepare()
        for read in ('survey', 'look_at_host', 'look_at_server', 'service',
                     'subscriptions'):
            with self.subTest(read):
                self.prepare()
                works = getattr(self.cloud.cloud, read)
                setattr(self.cloud.cloud, read, self.broken)
                self.cloud.after(100, setattr, self.cloud.cloud, read, works)
                self.run_session()
                self.assertEqual('MAINTENANCE_DONE', self.cloud.state)

    def test_for_too_long(self):
        for read in ('survey', 'look_at_host', 'look_at_server', 'service',
                     'subscriptions'):
            with self.subTest(read):
                self.prepare()
                works = getattr(self.cloud.cloud, read)
                setattr(self.cloud.cloud, read, self.broken)
                if read == 'look_at_server':
                    self.cloud.after(2000, setattr, self.cloud.cloud, read,
                                     works)
                self.run_session()
                self.assert_failed('could not be read', '503')
                setattr(self.cloud.cloud, read, works)
                self.go_on()
                self.assertEqual('MAINTENANCE_DONE', self.cloud.state)


