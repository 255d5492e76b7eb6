# SPDX-License-Identifier: Apache-2.0
import ast
import json
import pathlib
import re
import unittest

import fixtures
from oslotest import base

from fenix.sandbox import verifier
from fenix.sandbox.verifier import __main__ as command
from fenix.sandbox.verifier import rule
from tests.unit.engine import test_mutants
from tests.unit.sandbox import timelines


class VerifierTestCase(base.BaseTestCase):
    """Checks which breaches the verifier finds in a timeline."""

    def assertKept(self, timeline):
        self.assertEqual([], verifier.verify(timeline.lines))

    def assertBroken(self, rule, subject, timeline, what=''):
        breaches = verifier.verify(timeline.lines)
        self.assertEqual([(rule, subject)] * len(breaches),
                         [(each.rule, each.subject) for each in breaches])
        self.assertNotEqual([], breaches)
        self.assertIn(what, breaches[0].what)


class GoodTest(VerifierTestCase):

    def test_good_timeline(self):
        self.assertKept(timelines.good())

    def test_nothing_happened(self):
        self.assertEqual([], verifier.verify([]))

    def test_lines_in_any_order(self):
        timeline = timelines.good()
        timeline.lines.reverse()
        timeline.lines.sort(key=lambda line: line['t'])
        verifier.verify(timeline.lines)


class CommandTest(VerifierTestCase):

    def _run(self, timeline):
        path = self.create_tempfiles([('timeline', '\n'.join(
            json.dumps(line) for line in timeline.lines))], '.jsonl')[0]
        return command.main([path])

    def test_good(self):
        self.assertEqual(0, self._run(timelines.good()))

    def test_broken(self):
        timeline = timelines.Timeline()
        timeline.begin()
        timeline.start('x', 'h1', 'h2')
        self.assertEqual(1, self._run(timeline))

    def test_not_a_timeline(self):
        path = self.create_tempfiles([('broken', '[1]')], '.jsonl')[0]
        self.assertRaises(ValueError, command.main, [path])


class EmptinessTest(VerifierTestCase):

    def setUp(self):
        super().setUp()
        self.timeline = timelines.Timeline()
        self.timeline.begin()

    def test_server_on_it(self):
        self.timeline.told('h1', 'IN_MAINTENANCE')
        self.assertBroken(1, 'h1', self.timeline, 'with server x')

    def test_server_in_error_on_it(self):
        self.timeline.state('x', 'h1', 'ERROR')
        self.timeline.told('h1', 'IN_MAINTENANCE')
        self.assertBroken(1, 'h1', self.timeline, '(ERROR)')

    def test_not_disabled(self):
        self.timeline.empty()
        self.timeline.enable('h1')
        self.timeline.told('h1', 'IN_MAINTENANCE')
        self.assertBroken(1, 'h1', self.timeline, 'enabled')

    def test_told_late_as_the_bus_was_away(self):
        """What the bus had taken is heard when the host is back in use."""
        self.timeline.empty()
        self.timeline.record('bus.away')
        self.timeline.work('h1')
        self.timeline.enable('h1')
        self.timeline.record('bus.back')
        self.timeline.wait(10)
        self.timeline.told('h1', 'IN_MAINTENANCE')
        self.timeline.told('h1', 'MAINTENANCE_COMPLETE')
        self.assertKept(self.timeline)
        self.timeline.wait(10)
        self.timeline.told('h2', 'IN_MAINTENANCE')
        self.assertBroken(1, 'h2', self.timeline, 'enabled')

    def test_not_confirmed(self):
        ask = self.timeline.ask('PLANNED_MAINTENANCE')
        self.timeline.reply('ACK_PLANNED_MAINTENANCE', ask)
        self.timeline.start('x', 'h1', 'h2')
        self.timeline.wait(2)
        self.timeline.state('x', 'h2', 'VERIFY_RESIZE')
        self.timeline.told('h1', 'IN_MAINTENANCE')
        self.assertBroken(1, 'h1', self.timeline, 'during the move of x')

    def test_work_before_the_word(self):
        self.timeline.work('h1')
        self.timeline.told('h1', 'IN_MAINTENANCE')
        self.assertBroken(1, 'h1', self.timeline, 'work started')

    def test_controller_is_not_disabled(self):
        self.timeline.host('c1', compute=False, controller=True)
        self.timeline.told('c1', 'IN_MAINTENANCE')
        self.timeline.work('c1')
        self.timeline.told('c1', 'MAINTENANCE_COMPLETE')
        self.assertKept(self.timeline)


class ConsentTest(VerifierTestCase):

    def _begin(self, **policies):
        timeline = timelines.Timeline(**policies)
        timeline.begin()
        return timeline

    def test_never_asked(self):
        timeline = self._begin()
        timeline.start('x', 'h1', 'h2')
        self.assertBroken(2, 'x', timeline, 'not asked')

    def test_before_the_answer(self):
        timeline = self._begin()
        ask = timeline.ask('PLANNED_MAINTENANCE')
        timeline.start('x', 'h1', 'h2')
        timeline.wait(1)
        timeline.reply('ACK_PLANNED_MAINTENANCE', ask)
        self.assertBroken(2, 'x', timeline, 'before the answer')

    def test_answer_counts_from_when_it_was_sent(self):
        timeline = self._begin()
        ask = timeline.ask('PLANNED_MAINTENANCE')
        timeline.reply('ACK_PLANNED_MAINTENANCE', ask)
        timeline.t -= 0.005
        timeline.start('x', 'h1', 'h2')
        self.assertKept(timeline)

    def test_answer_to_something_else(self):
        timeline = self._begin()
        ask = timeline.ask('PLANNED_MAINTENANCE')
        timeline.reply('ACK_PREPARE_MAINTENANCE', ask)
        timeline.start('x', 'h1', 'h2')
        self.assertBroken(2, 'x', timeline)

    def test_answer_to_an_earlier_question(self):
        timeline = self._begin()
        timeline.ask('PLANNED_MAINTENANCE')
        timeline.reply('ACK_PLANNED_MAINTENANCE', instances=['y'],
                       instance_actions={'y': 'MIGRATE'})
        timeline.start('x', 'h1', 'h2')
        self.assertBroken(2, 'x', timeline, 'before the answer')

    def test_answer_that_was_not_accepted(self):
        timeline = self._begin()
        ask = timeline.ask('PLANNED_MAINTENANCE')
        timeline.reply('ACK_PLANNED_MAINTENANCE', ask, code=500)
        timeline.start('x', 'h1', 'h2')
        self.assertBroken(2, 'x', timeline)

    def test_question_about_another_instance(self):
        timeline = self._begin()
        ask = timeline.ask('PLANNED_MAINTENANCE', ['y'])
        timeline.reply('ACK_PLANNED_MAINTENANCE', ask, instance='y')
        timeline.start('x', 'h1', 'h2')
        self.assertBroken(2, 'x', timeline, 'not asked')

    def test_old_answer_does_not_count_again(self):
        timeline = self._begin()
        timeline.empty()
        timeline.start('x', 'h2', 'h1')
        self.assertBroken(2, 'x', timeline, 'not asked')

    def test_again_after_failure(self):
        timeline = self._begin()
        ask = timeline.ask('PLANNED_MAINTENANCE')
        timeline.reply('ACK_PLANNED_MAINTENANCE', ask)
        timeline.start('x', 'h1', 'h2')
        timeline.fail('x', 'h1', 'h2')
        timeline.move('x', 'h1', 'h2')
        timeline.maintain('h1')
        self.assertKept(timeline)

    def test_refused(self):
        timeline = self._begin()
        ask = timeline.ask('PLANNED_MAINTENANCE')
        timeline.reply('NACK_PLANNED_MAINTENANCE', ask)
        timeline.start('x', 'h1', 'h2')
        self.assertBroken(2, 'x', timeline, 'refused')

    def test_refused_but_proceed(self):
        timeline = self._begin(on_refusal='proceed')
        ask = timeline.ask('PLANNED_MAINTENANCE')
        timeline.reply('NACK_PLANNED_MAINTENANCE', ask)
        timeline.start('x', 'h1', 'h2')
        self.assertKept(timeline)

    def test_silent(self):
        timeline = self._begin()
        timeline.ask('PLANNED_MAINTENANCE', window=20)
        timeline.wait(21)
        timeline.start('x', 'h1', 'h2')
        self.assertBroken(2, 'x', timeline, 'without an answer')

    def test_silent_but_proceed(self):
        timeline = self._begin(on_no_reply='proceed')
        timeline.ask('PLANNED_MAINTENANCE', window=20)
        timeline.wait(21)
        timeline.start('x', 'h1', 'h2')
        self.assertKept(timeline)

    def test_proceeds_before_the_window_ends(self):
        timeline = self._begin(on_no_reply='proceed')
        timeline.ask('PLANNED_MAINTENANCE', window=20)
        timeline.wait(15)
        timeline.start('x', 'h1', 'h2')
        self.assertBroken(2, 'x', timeline, 'before the answer')

    def test_own_action_chosen(self):
        timeline = self._begin()
        ask = timeline.ask('PLANNED_MAINTENANCE', ['x'])
        timeline.reply('ACK_PLANNED_MAINTENANCE', ask, instance='x',
                       instance_action='OWN_ACTION')
        timeline.start('x', 'h1', 'h2')
        self.assertBroken(2, 'x', timeline, 'OWN_ACTION')

    def test_nobody_subscribed(self):
        timeline = self._begin()
        timeline.server('y', 'h1', project='project-2')
        timeline.start('y', 'h1', 'h2')
        self.assertKept(timeline)

    def test_nobody_subscribed_and_fail(self):
        timeline = self._begin(on_unsubscribed='fail')
        timeline.server('y', 'h1', project='project-2')
        timeline.start('y', 'h1', 'h2')
        self.assertBroken(2, 'y', timeline, 'no alarm')


class ImpactTest(VerifierTestCase):

    def setUp(self):
        super().setUp()
        self.timeline = timelines.Timeline()
        self.timeline.group('g')
        self.timeline.begin()
        self.timeline.host('h3')
        self.timeline.server('y', 'h3')
        self.timeline.host('h4')

    def _constrain(self, *servers, **limits):
        for server in servers or ('x', 'y'):
            self.timeline.constraint('instance', server, group_id='n',
                                     lead_time='5,')
        self.timeline.constraint('group', 'n', **limits)

    def _agreed(self, *servers):
        for server in servers or ('x', 'y'):
            ask = self.timeline.ask('PLANNED_MAINTENANCE', [server])
            self.timeline.reply('ACK_PLANNED_MAINTENANCE', ask,
                                instance=server)

    def test_within_limits(self):
        self._constrain(max_impacted_members=2, recovery_time=2,
                        max_instances_per_host=2)
        self._agreed()
        self.timeline.start('x', 'h1', 'h2')
        self.timeline.start('y', 'h3', 'h2')
        self.assertKept(self.timeline)

    def test_too_many_at_once(self):
        self._constrain(max_impacted_members='1,')
        self._agreed()
        self.timeline.start('x', 'h1', 'h2')
        self.timeline.start('y', 'h3', 'h4')
        self.assertBroken(3, 'n', self.timeline, '2 members')

    def test_one_is_in_error(self):
        self._constrain(max_impacted_members=1)
        self._agreed()
        self.timeline.state('y', 'h3', 'ERROR')
        self.timeline.start('x', 'h1', 'h2')
        self.assertBroken(3, 'n', self.timeline, '2 members')

    def test_deleted_constraint_holds_no_more(self):
        self._constrain(max_impacted_members=1)
        self.timeline.constraint('group', 'n', 'DELETE')
        self._agreed()
        self.timeline.start('x', 'h1', 'h2')
        self.timeline.start('y', 'h3', 'h4')
        self.assertKept(self.timeline)

    def test_recovered(self):
        self._constrain(max_impacted_members=1, recovery_time=2)
        self._agreed()
        self.timeline.move('x', 'h1', 'h2')
        self.timeline.wait(2)
        self.timeline.start('y', 'h3', 'h4')
        self.assertKept(self.timeline)

    def test_recovery_where_two_may_be_impacted(self):
        """A share may have been granted before the other was given back."""
        self.timeline.server('z', 'h1')
        self._constrain('x', 'y', 'z', max_impacted_members=2,
                        recovery_time=2)
        self._agreed('x', 'y', 'z')
        self.timeline.move('x', 'h1', 'h2')
        self.timeline.start('y', 'h3', 'h4')
        self.assertKept(self.timeline)
        self.timeline.start('z', 'h1', 'h4')
        self.assertBroken(3, 'n', self.timeline, 'recovery')

    def test_recovery_registered_when_the_impact_was_over(self):
        self._agreed()
        self.timeline.move('x', 'h1', 'h2')
        self._constrain(max_impacted_members=1, recovery_time=60)
        self.timeline.start('y', 'h3', 'h4')
        self.assertKept(self.timeline)

    def test_granted_during_recovery(self):
        """All wait for who recovers, however many may be impacted."""
        self._constrain(max_impacted_members=2, recovery_time=60)
        self._agreed()
        self.timeline.move('x', 'h1', 'h2')
        self.timeline.wait(40)
        self.timeline.start('y', 'h3', 'h4')
        self.assertBroken(3, 'n', self.timeline, 'recovery takes 60 s')

    def test_not_recovered(self):
        self._constrain(max_impacted_members=1, recovery_time=2)
        self._agreed()
        self.timeline.move('x', 'h1', 'h2')
        self.timeline.wait(1.5)
        self.timeline.start('y', 'h3', 'h4')
        self.assertBroken(3, 'n', self.timeline, 'recovery')

    def test_lead_time(self):
        self.timeline = timelines.Timeline(on_no_reply='proceed')
        self.timeline.begin()
        self._constrain('x')
        self.timeline.ask('PLANNED_MAINTENANCE', ['x'], window=2)
        self.timeline.wait(4)
        self.timeline.start('x', 'h1', 'h2')
        self.assertBroken(3, 'x', self.timeline, 'lead time')

    def test_per_host(self):
        self._constrain(max_instances_per_host=1)
        self._agreed()
        self.timeline.start('x', 'h1', 'h3')
        self.assertBroken(3, 'n', self.timeline, 'on h3')

    def test_a_move_counts_on_both_hosts(self):
        self._constrain(anti_affinity_group='True,')
        self._agreed()
        self.timeline.start('y', 'h3', 'h4')
        self.timeline.start('x', 'h1', 'h3')
        self.assertBroken(3, 'n', self.timeline, 'on h3')

    def test_anti_affinity_of_nova(self):
        self.timeline.server('m', 'h1', group='g')
        self.timeline.server('n', 'h2', group='g')
        self._agreed('m')
        self.timeline.start('m', 'h1', 'h2')
        self.assertBroken(3, 'g', self.timeline, 'on h2')

    def test_anti_affinity_made_better(self):
        for server, host in (('k', 'h1'), ('m', 'h1'), ('n', 'h1')):
            self.timeline.server(server, host, group='g')
        self._agreed('m')
        self.timeline.start('m', 'h1', 'h2')
        self.assertKept(self.timeline)


    def _affine(self, policy):
        self.timeline.group('a', policy)
        for server, host in (('k', 'h1'), ('m', 'h1')):
            self.timeline.server(server, host, group='a')
        self._agreed('k', 'm')
        self.timeline.move('k', 'h1', 'h2')

    def test_affinity_of_nova(self):
        self._affine('affinity')
        self.assertBroken(3, 'a', self.timeline, 'k leaves 1 others on h1')

    def test_soft_affinity_of_nova(self):
        self._affine('soft-affinity')
        self.assertKept(self.timeline)

    def test_affinity_made_better(self):
        self.timeline.group('a', 'affinity')
        for server, host in (('k', 'h1'), ('m', 'h2')):
            self.timeline.server(server, host, group='a')
        self._agreed('k')
        self.timeline.start('k', 'h1', 'h2')
        self.assertKept(self.timeline)


class LimitsTest(VerifierTestCase):
    """Four hosts of four VCPU in two zones; two VCPU are used on two."""

    def begin(self, **settings):
        self.timeline = timelines.Timeline(settings=settings)
        for number, zone in enumerate('aabb', 1):
            self.timeline.host(f'h{number}', zone=zone)
        for server, host in (('x', 'h1'), ('y', 'h2'), ('z', 'h1')):
            self.timeline.server(server, host)
        self.timeline.subscribe()
        self.timeline.post()
        self.timeline.wait(11)
        for host in ('h1', 'h2', 'h3', 'h4'):
            self.timeline.disable(host)
        for server in ('x', 'y', 'z'):
            ask = self.timeline.ask('PLANNED_MAINTENANCE', [server])
            self.timeline.reply('ACK_PLANNED_MAINTENANCE', ask,
                                instance=server)

    def two_hosts(self):
        """Empty two hosts of one zone, each into another one."""
        self.timeline.start('x', 'h1', 'h3')
        self.timeline.start('y', 'h2', 'h4')

    def test_none(self):
        self.begin()
        self.two_hosts()
        self.timeline.start('z', 'h1', 'h3')
        self.assertKept(self.timeline)

    def test_hosts_at_once(self):
        self.begin(hosts_at_once=1)
        self.two_hosts()
        self.assertBroken(3, timelines.SESSION, self.timeline,
                          '2 hosts at once, 1 allowed')

    def test_one_after_the_other(self):
        self.begin(hosts_at_once=1, moves_at_once=1, zone_share=0.5)
        self.timeline.move('x', 'h1', 'h3')
        self.timeline.move('z', 'h1', 'h3')
        self.timeline.maintain('h1')
        self.timeline.move('y', 'h2', 'h4')
        self.assertKept(self.timeline)

    def test_emptied_and_not_yet_back(self):
        """Between two moves, and from the last one to the work, too."""
        self.begin(hosts_at_once=1)
        self.timeline.move('x', 'h1', 'h3')
        self.timeline.move('z', 'h1', 'h3')
        self.timeline.start('y', 'h2', 'h4')
        self.assertBroken(3, timelines.SESSION, self.timeline, '2 hosts')

    def test_in_maintenance(self):
        self.begin(hosts_at_once=1)
        self.timeline.told('h4', 'IN_MAINTENANCE')
        self.timeline.start('y', 'h2', 'h3')
        self.assertBroken(3, timelines.SESSION, self.timeline, '2 hosts')

    def test_given_up_with_the_session(self):
        self.begin(hosts_at_once=1)
        self.timeline.start('x', 'h1', 'h3')
        self.timeline.fail('x', 'h1', 'h3')
        self.timeline.session('GET', 'MAINTENANCE_FAILED')
        self.timeline.session('PUT')
        self.timeline.start('y', 'h2', 'h4')
        self.assertKept(self.timeline)

    def test_moves_at_once(self):
        self.begin(moves_at_once=1)
        self.two_hosts()
        self.assertBroken(3, timelines.SESSION, self.timeline,
                          '2 moves at once, 1 allowed')

    def test_moves_per_source(self):
        self.begin(moves_per_source=1)
        self.two_hosts()
        self.assertKept(self.timeline)
        self.timeline.start('z', 'h1', 'h4')
        self.assertBroken(3, timelines.SESSION, self.timeline,
                          '2 moves off h1 at once')

    def test_moves_per_target(self):
        self.begin(moves_per_target=1)
        self.two_hosts()
        self.assertKept(self.timeline)
        self.timeline.start('z', 'h1', 'h3')
        self.assertBroken(3, timelines.SESSION, self.timeline,
                          '2 moves to h3 at once')

    def test_zone_share(self):
        self.begin(zone_share=0.5)
        self.two_hosts()
        self.assertBroken(3, timelines.SESSION, self.timeline,
                          '2 of 2 hosts of zone a at once, 1 allowed')

    def test_share_of_an_aggregate(self):
        self.begin(zone_share=0.5)
        self.timeline.record('aggregate.create', aggregate='fast',
                             hosts=['h2', 'h3'])
        self.timeline.start('y', 'h2', 'h4')
        self.assertKept(self.timeline)
        self.timeline.told('h3', 'IN_MAINTENANCE')
        self.assertBroken(3, timelines.SESSION, self.timeline,
                          '2 of 2 hosts of aggregate fast at once, 1 allowed')

    def test_zones_count_by_themselves(self):
        self.begin(zone_share=0.5)
        self.timeline.start('x', 'h1', 'h2')
        self.timeline.told('h3', 'IN_MAINTENANCE')
        self.assertKept(self.timeline)

    def test_floor(self):
        # Of 16, 4 are used on h1, which is out, and 2 on h2.
        self.begin(free_vcpus=8)
        self.timeline.start('x', 'h1', 'h3')
        self.assertKept(self.timeline)
        self.timeline.start('y', 'h2', 'h4')
        self.assertBroken(3, timelines.SESSION, self.timeline,
                          '4 vcpus stay free, 8 are to')

    def test_floor_that_others_took(self):
        self.begin(free_vcpus=8)
        self.timeline.start('x', 'h1', 'h3')
        self.timeline.wait(1)
        self.timeline.server('new', 'h4', project='project-2')
        self.timeline.start('z', 'h1', 'h3')
        self.assertKept(self.timeline)

    def test_room_that_placement_gives(self):
        self.begin(free_vcpus=8)
        for line in self.timeline.lines:
            if line['what'] == 'host.create':
                line['room'] = {'vcpus': 3, 'ram_mb': 4096, 'disk_gb': 40}
        self.timeline.start('x', 'h1', 'h3')
        self.assertBroken(3, timelines.SESSION, self.timeline,
                          '5 vcpus stay free')

    def test_moves_of_others(self):
        self.begin(hosts_at_once=1, moves_at_once=1)
        self.timeline.start('x', 'h1', 'h3')
        self.timeline.host('h5')
        self.timeline.server('w', 'h5', project='project-2')
        self.timeline.record('resize.start', server='w', source='h5',
                             target='h4', request_id=None)
        self.assertKept(self.timeline)


class GiveBackTest(VerifierTestCase):

    def setUp(self):
        super().setUp()
        self.timeline = timelines.Timeline()
        self.timeline.begin()

    def test_left_disabled(self):
        self.timeline.finish()
        self.assertBroken(4, 'h1', self.timeline, 'left disabled')

    def test_failed_session_keeps_its_hosts(self):
        self.timeline.close()
        self.assertKept(self.timeline)

    def test_deleted_session_gives_back(self):
        self.timeline.enable('h1')
        self.timeline.session('DELETE')
        self.timeline.close()
        self.assertKept(self.timeline)

    def test_deleted_session_keeps_them(self):
        self.timeline.session('DELETE')
        self.timeline.close()
        self.assertBroken(4, 'h1', self.timeline, 'left disabled')

    def test_failed_host_stays_disabled(self):
        self.timeline.empty()
        self.timeline.told('h1', 'IN_MAINTENANCE')
        self.timeline.record('host.work.start', host='h1',
                             session=timelines.SESSION)
        self.timeline.record('host.work.end', host='h1', ok=False,
                             session=timelines.SESSION)
        self.timeline.finish()
        self.assertKept(self.timeline)

    def test_never_complete(self):
        self.timeline.empty()
        self.timeline.told('h1', 'IN_MAINTENANCE')
        self.timeline.enable('h1')
        self.timeline.finish()
        self.assertBroken(4, 'h1', self.timeline, 'never followed')

    def test_complete_before_enabled(self):
        self.timeline.empty()
        self.timeline.told('h1', 'IN_MAINTENANCE')
        self.timeline.told('h1', 'MAINTENANCE_COMPLETE')
        self.timeline.enable('h1')
        self.timeline.finish()
        self.assertBroken(4, 'h1', self.timeline, 'before it was enabled')

    def _disabled_before(self):
        timeline = timelines.Timeline()
        timeline.host('h3', status='disabled', reason='broken fan')
        timeline.begin()
        timeline.empty()
        timeline.maintain('h1')
        return timeline

    def test_disabled_before_stays_so(self):
        timeline = self._disabled_before()
        timeline.told('h3', 'IN_MAINTENANCE')
        timeline.work('h3')
        timeline.told('h3', 'MAINTENANCE_COMPLETE')
        timeline.finish()
        self.assertKept(timeline)

    def test_disabled_before_and_enabled(self):
        timeline = self._disabled_before()
        timeline.enable('h3')
        timeline.finish()
        self.assertBroken(4, 'h3', timeline)

    def test_disabled_before_and_marked(self):
        timeline = self._disabled_before()
        timeline.disable('h3', changed=False, before='disabled')
        timeline.close()
        self.assertBroken(4, 'h3', timeline, 'marked as ours')

    def test_scaled_in_and_never_told(self):
        self.timeline.record('vnf.scale', project='project-1',
                             direction='in', servers=['y'])
        self.timeline.enable('h1')
        self.timeline.session('DELETE')
        self.timeline.close()
        self.assertBroken(4, 'project-1', self.timeline, 'never told')

    def test_scaled_in_and_told(self):
        self.timeline.record('vnf.scale', project='project-1',
                             direction='in', servers=['y'])
        self.timeline.empty()
        self.timeline.maintain('h1')
        self.timeline.finish()
        self.assertKept(self.timeline)


class OnceTest(VerifierTestCase):

    def setUp(self):
        super().setUp()
        self.timeline = timelines.Timeline()
        self.timeline.begin()

    def _agreed(self, *instances):
        ask = self.timeline.ask('PLANNED_MAINTENANCE',
                                list(instances) or 'http://fenix')
        self.timeline.reply('ACK_PLANNED_MAINTENANCE', ask)

    def test_two_moves_at_once(self):
        self._agreed()
        self.timeline.start('x', 'h1', 'h2')
        self.timeline.wait(0.5)
        self.timeline.start('x', 'h1', 'h2')
        self.assertBroken(5, 'x', self.timeline, 'a second move')

    def test_moved_away_twice(self):
        self._agreed()
        self.timeline.move('x', 'h1', 'h2')
        self._agreed()
        self.timeline.move('x', 'h2', 'h1')
        self._agreed()
        self.timeline.move('x', 'h1', 'h2')
        self.assertBroken(5, 'x', self.timeline, 'a second time')

    def test_confirmed_twice(self):
        self._agreed()
        self.timeline.start('x', 'h1', 'h2')
        self.timeline.state('x', 'h2', 'VERIFY_RESIZE')
        for _ in range(2):
            self.timeline.record('migrate.confirm', server='x', source='h1',
                                 target='h2', request_id=None)
        self.assertBroken(5, 'x', self.timeline, 'confirmed')

    def test_disabled_twice(self):
        self.timeline.disable('h1')
        self.assertBroken(5, 'h1', self.timeline, 'disabled a second time')

    def test_reason_changed(self):
        self.timeline.disable('h1', changed=False, before='disabled')
        self.assertKept(self.timeline)

    def test_disabled_after_complete(self):
        self.timeline.disable('h2')
        self.assertBroken(5, 'h2', self.timeline, 'COMPLETE')

    def test_worked_on_twice(self):
        self.timeline.disable('h2', reason='by hand')
        self.timeline.work('h2')
        self.assertBroken(5, 'h2', self.timeline, 'worked on again')

    def test_work_repeated_after_failure(self):
        self.timeline.empty()
        self.timeline.told('h1', 'IN_MAINTENANCE')
        self.timeline.record('host.work.start', host='h1',
                             session=timelines.SESSION)
        self.timeline.record('host.work.end', host='h1', ok=False,
                             session=timelines.SESSION)
        self.timeline.work('h1')
        self.timeline.enable('h1')
        self.timeline.told('h1', 'MAINTENANCE_COMPLETE')
        self.timeline.finish()
        self.assertKept(self.timeline)

    def test_work_never_announced(self):
        self.timeline.empty()
        self.timeline.work('h1')
        self.timeline.enable('h1')
        self.timeline.finish()
        self.assertBroken(5, 'h1', self.timeline, 'never came')

    def test_message_sent_again(self):
        ask = self.timeline.ask('PLANNED_MAINTENANCE')
        self.timeline.lines.append(dict(ask))
        self.assertKept(self.timeline)

    def test_message_id_used_twice(self):
        ask = self.timeline.ask('PLANNED_MAINTENANCE')
        self.timeline.lines.append(
            {**ask, 'payload': {**ask['payload'], 'allowed_actions': []}})
        self.assertBroken(5, ask['message_id'], self.timeline, 'payloads')

    def test_scale_in_sent_again(self):
        ask = self.timeline.ask('DOWN_SCALE')
        self.timeline.lines.append(dict(ask))
        self.assertBroken(5, ask['message_id'], self.timeline, 'SCALE_IN')

    def test_done_was_not_told(self):
        self._agreed()
        self.timeline.start('x', 'h1', 'h2')
        self.timeline.end('x', 'h1', 'h2')
        self.timeline.maintain('h1')
        self.timeline.finish()
        self.assertBroken(5, 'x', self.timeline, 'never told')

    def test_done_was_told_twice(self):
        self.timeline.empty()
        self.timeline.done('x')
        self.assertBroken(5, 'x', self.timeline, 'none was')

    def test_asked_again_although_agreed(self):
        for _ in range(2):
            self._agreed('x')
            self.timeline.wait(1)
        self.assertBroken(5, 'project-1', self.timeline, 'asked')

    def test_asked_again_after_continuation(self):
        self._agreed('x')
        self.timeline.session('PUT')
        self._agreed('x')
        self.assertKept(self.timeline)


class DeadlinesTest(VerifierTestCase):

    def setUp(self):
        super().setUp()
        self.timeline = timelines.Timeline()
        self.timeline.begin()

    def _end(self, seconds=50):
        self.timeline.wait(seconds)
        self.timeline.record('end')

    def test_silent_and_hanging(self):
        self.timeline.ask('PLANNED_MAINTENANCE')
        self._end(100)
        self.assertBroken(7, 'project-1', self.timeline, 'nothing went on')

    def test_answered_and_hanging(self):
        ask = self.timeline.ask('PLANNED_MAINTENANCE')
        self.timeline.wait(1)
        self.timeline.reply('ACK_PLANNED_MAINTENANCE', ask)
        self._end(80)
        self.assertBroken(7, 'project-1', self.timeline, 'nothing went on')

    def test_hanging_for_no_reason(self):
        self._end(100)
        self.assertBroken(7, timelines.SESSION, self.timeline, 'still')

    def test_failed_and_left_alone(self):
        self.timeline.session('GET', 'MAINTENANCE_FAILED')
        self._end(1000)
        self.assertKept(self.timeline)

    def test_continued_and_hanging(self):
        self.timeline.session('GET', 'MAINTENANCE_FAILED')
        self.timeline.wait(1000)
        self.timeline.session('PUT')
        self._end(100)
        self.assertBroken(7, timelines.SESSION, self.timeline, 'still')

    def test_work_may_take_long(self):
        self.timeline.empty()
        self.timeline.told('h1', 'IN_MAINTENANCE')
        self._end(10000)
        self.assertKept(self.timeline)

    def test_own_action_may_take_long(self):
        ask = self.timeline.ask('PLANNED_MAINTENANCE', ['x'])
        self.timeline.reply('ACK_PLANNED_MAINTENANCE', ask, instance='x',
                            instance_action='OWN_ACTION')
        self.timeline.told('h2', 'MAINTENANCE_COMPLETE')
        self._end(200)
        self.assertKept(self.timeline)

    def test_goes_on_too_late(self):
        self.timeline.ask('PLANNED_MAINTENANCE')
        self.timeline.wait(60)
        self.timeline.session('GET', 'MAINTENANCE_FAILED')
        self._end()
        self.assertBroken(7, 'project-1', self.timeline)

    def test_fails_in_time(self):
        self.timeline.ask('PLANNED_MAINTENANCE')
        self.timeline.wait(21)
        self.timeline.session('GET', 'MAINTENANCE_FAILED')
        self._end()
        self.assertKept(self.timeline)

    def test_no_deadline(self):
        self.timeline.notify('scheduled', project_id='project-1',
                             state='PLANNED_MAINTENANCE', instance_ids=['x'])
        self.assertBroken(7, 'project-1', self.timeline, 'reply_at')


class TenancyTest(VerifierTestCase):

    def setUp(self):
        super().setUp()
        self.timeline = timelines.Timeline()
        self.timeline.begin()
        self.timeline.server('y', 'h2', project='project-2')

    def test_own(self):
        self.timeline.ask('PLANNED_MAINTENANCE', ['x'])
        self.assertKept(self.timeline)

    def test_told_of_a_foreign_instance(self):
        self.timeline.ask('PLANNED_MAINTENANCE', ['y'])
        self.assertBroken(8, 'y', self.timeline, 'was told to')

    def test_listed_a_foreign_instance(self):
        ask = self.timeline.ask('PLANNED_MAINTENANCE')
        self.timeline.reply('ACK_PLANNED_MAINTENANCE', ask,
                            instances=['x', 'y'])
        self.assertBroken(8, 'y', self.timeline, 'was listed to')

    def test_context_of_a_project(self):
        ask = self.timeline.ask('PLANNED_MAINTENANCE', ['x'])
        ask['context_project'] = 'project-1'
        self.assertBroken(8, ask['message_id'], self.timeline, 'context')


def _pattern(node):
    """Return a regular expression for what a piece of code says."""
    if isinstance(node, ast.Constant):
        return re.escape(node.value)
    return ''.join(re.escape(part.value) if isinstance(part, ast.Constant)
                   else '.*' for part in node.values)


def _clauses():
    """Return a regular expression for each breach that the code names.

    It is named where it is noted, or returned to where that is done.
    """
    directory = pathlib.Path(verifier.__file__).parent
    for path in sorted(directory.glob('*.py')):
        for node in ast.walk(ast.parse(path.read_text())):
            what = None
            if isinstance(node, ast.Call) and (
                    getattr(node.func, 'attr', '') == 'breach'):
                what = node.args[2]
            elif isinstance(node, ast.Return) and path.stem == 'consent':
                what = node.value
            if isinstance(what, ast.JoinedStr) or isinstance(
                    getattr(what, 'value', None), str):
                yield _pattern(what)


class CompletenessTest(base.BaseTestCase):

    def test_each_clause_has_a_broken_timeline(self):
        """The tests above make the verifier say all that it can say."""
        said = set()
        original = rule.Rule.breach

        def breach(self, line, subject, what, *kind):
            said.add(what)
            original(self, line, subject, what, *kind)

        self.useFixture(fixtures.MonkeyPatch(
            'fenix.sandbox.verifier.rule.Rule.breach', breach))
        result = unittest.TestResult()
        for kind in VerifierTestCase.__subclasses__():
            unittest.defaultTestLoader.loadTestsFromTestCase(kind).run(result)
        self.assertTrue(result.wasSuccessful())
        clauses = list(_clauses())
        self.assertGreater(len(clauses), 40)
        self.assertEqual([], [
            clause for clause in clauses
            if not any(re.fullmatch(clause, what) for what in said)])

    def test_each_rule_is_checked_and_has_a_mutant(self):
        """Rule 6 is seen nowhere in a cloud (the module says why)."""
        checked = {kind.number for kind in verifier.RULES}
        self.assertEqual({1, 2, 3, 4, 5, 7, 8}, checked)
        self.assertEqual(
            {f'TestRule{number}' for number in checked},
            {name for name in vars(test_mutants) if name.startswith(
                'TestRule')})
