# SPDX-License-Identifier: Apache-2.0
"""Fenix with one of its rules taken out: the verifier must see it.

Each test breaks the code that keeps one rule and runs a session. The
verifier knows only what the cloud, the projects and the administrator saw.
"""

import collections
import dataclasses

import fixtures

from fenix import size
from fenix import words
from fenix.db import claims
from fenix.sandbox import verifier
from fenix.sandbox.cloud import scheduler
from fenix.workflow.planner import fitting
from fenix.workflow.verbs import asking
from fenix.workflow.verbs import grouping
from fenix.workflow.verbs import hosting
from fenix.workflow.verbs import moving
from fenix.workflow.verbs import telling
from fenix.workflow.verbs import viewing
from fenix.workflow.workflows import default
from fenix.workflow.workflows import hoststeps
from tests.unit.engine import cases


class MutantCase(cases.EngineTestCase):
    """Runs a session with a mutant of Fenix."""

    def patch(self, owner, name, mutant):
        self.useFixture(fixtures.MonkeyPatch(
            f'{getattr(owner, "__module__", owner.__name__)}.'
            f'{owner.__qualname__}.{name}' if isinstance(owner, type)
            else f'{owner.__name__}.{name}', mutant))

    def assert_caught(self, rule, what):
        """The verifier finds a breach of that rule, with these words."""
        lines = [*self.cloud.timeline,
                 {'t': self.cloud.clock.seconds(), 'what': 'end'}]
        found = collections.defaultdict(list)
        for breach in verifier.verify(lines):
            found[breach.rule].append(breach.what)
        self.assertIn(rule, found)
        self.assertIn(what, '; '.join(found[rule]))


class TestRule1(MutantCase):

    def test_nobody_looks_whether_the_host_is_empty(self):
        self.prepare()
        self.patch(hosting, 'empty', lambda turn, host: True)
        self.patch(hoststeps.HostSteps, 'empty',
                   lambda self, host: 'maintain')
        self.run_session()
        self.assert_caught(1, 'with server')

    def test_done_before_it_is_confirmed(self):
        """The source is free only when the move is confirmed."""
        self.prepare()
        original = moving.follow

        def hasty(turn, row):
            done = original(turn, row)
            return done or row.state == 'confirming'

        self.patch(hosting, 'empty', lambda turn, host: True)
        self.patch(moving, 'follow', hasty)
        self.cloud.model.times.confirm = 20
        self.run_session()
        self.assert_caught(1, 'during the move')

    def test_nobody_disables(self):
        self.prepare()
        self.patch(hosting, 'disable', lambda turn, host: True)
        self.patch(hosting, 'empty', lambda turn, host: True)
        self.run_session()
        self.assert_caught(1, 'nova-compute is enabled')


class TestRule2(MutantCase):

    def test_nobody_waits_for_the_answer(self):
        self.prepare()
        self.vnfm.delay = 20
        self.patch(asking, 'consent', lambda turn, ask: (
            'proceed' if ask.published_at else None))
        self.patch(hoststeps.HostSteps, 'unasked',
                   lambda self, host, row: self.picture.ask_about(
                       host.question, host.name, row.instance_id) is None)
        self.run_session(notice=100)
        self.assert_caught(2, 'before the answer')

    def test_nobody_asks(self):
        self.prepare()
        self.patch(hoststeps.HostSteps, 'ask',
                   lambda self, host: 'empty' if self.disable(host) else None)
        self.patch(hoststeps.HostSteps, 'unasked',
                   lambda self, host, row: False)
        self.patch(asking, 'action_for',
                   lambda turn, row, instance_id: words.MIGRATE)
        self.run_session()
        self.assert_caught(2, 'was not asked')

    def test_a_refusal_counts_as_agreement(self):
        self.prepare()
        self.vnfm.refused.add(words.PLANNED_MAINTENANCE)
        self.patch(asking, 'consent', lambda turn, ask: (
            'proceed' if asking.answered(turn, ask) else None))
        self.run_session()
        self.assert_caught(2, 'refused')

    def test_own_action_is_done_for_the_project(self):
        self.prepare()
        self.vnfm.action = 'OWN_ACTION'
        self.patch(asking, 'action_for',
                   lambda turn, row, instance_id: words.MIGRATE)
        self.run_session()
        self.assert_caught(2, 'OWN_ACTION')


class TestRule3(MutantCase):

    def prepare(self, group=None, **instance):
        super().prepare(hosts=1, per_host=2)
        self.cloud.constrain_group(**(group or {}))
        for number in range(2):
            self.cloud.constrain(f'vm-{number}', **instance)

    def test_nobody_claims(self):
        self.prepare()
        self.patch(grouping, 'claim', lambda turn, host, instance: True)
        self.run_session()
        self.assert_caught(3, '2 members impacted at once')

    def test_no_time_to_recover(self):
        self.prepare(group={'recovery_time': 20})
        self.patch(grouping, 'release', lambda turn, row: turn.claims.append(
            claims.GroupRelease('group', row.instance_id, 0)))
        self.run_session()
        self.assert_caught(3, 'recovery takes 20 s')

    def test_recovery_is_forgotten_where_two_may_be_impacted(self):
        """As if it were enough that no more than two are weighed on."""
        super().prepare(hosts=2, per_host=1, spare=1)
        self.cloud.constrain_group(max_impacted_members=2,
                                   recovery_time=300)
        for number in range(2):
            self.cloud.constrain(f'vm-{number}')
        self.cloud.work.seconds = 30
        self.patch(grouping, 'release', lambda turn, row: turn.claims.append(
            claims.GroupRelease('group', row.instance_id, 0)))
        self.run_session()
        self.assert_caught(3, 'recovery takes 300 s')

    def test_lead_time_is_forgotten(self):
        self.prepare(lead_time=300)
        self.vnfm.silent.add(words.PLANNED_MAINTENANCE)
        original = asking.ask

        def short(turn, question, project_id, instance_ids, window, **more):
            return original(turn, question, project_id, instance_ids,
                            min(window, 20), **more)

        self.patch(asking, 'ask', short)
        self.run_session(settings={'on_no_reply': 'proceed'})
        self.assert_caught(3, 'lead time is 300 s')

    def test_members_pile_up(self):
        self.prepare(group={'max_instances_per_host': 1,
                            'max_impacted_members': 2})
        self.patch(fitting.Room, 'allows',
                   lambda room, unit, i: room.names[i] not in unit.sources)
        self.run_session()
        self.assert_caught(3, 'members on')

    def test_affinity_is_forgotten(self):
        """Nova itself would refuse it, were its filter on."""
        super().prepare(hosts=0, spare=2)
        group = self.cloud.model.create_group(
            'near', cases.PROJECT, 'affinity')
        for name in ('one', 'two'):
            self.cloud.create(name, 'compute-1', group=group.id)
        self.patch(scheduler.Scheduler, '_group_refusal',
                   lambda self, host, server: None)
        original = viewing.instance
        self.patch(viewing, 'instance', lambda *args: dataclasses.replace(
            original(*args), movable=True, fixed=''))
        self.run_session(workflow='vnf')
        self.assert_caught(3, 'all are to be on one host')

    def forget(self, forgotten, per_host=1, aggregate=(), **settings):
        """Run a session whose planner forgets what was set.

        :param forgotten: limits of the planner, as if they were not set
        :param aggregate: names of the hosts in an aggregate
        """
        super().prepare(hosts=3, per_host=per_host, spare=2)
        self.cloud.model.add_aggregate('fast', aggregate)
        original = viewing.limits
        self.patch(viewing, 'limits', lambda option: dataclasses.replace(
            original(option), **forgotten))
        self.run_session(workflow='vnf', settings=settings)

    def test_too_many_hosts_at_once(self):
        self.forget({'hosts_at_once': 0}, hosts_at_once=1)
        self.assert_caught(3, 'hosts at once, 1 allowed')

    def test_too_many_of_a_zone(self):
        self.forget({'zone_share': 1.0}, zone_share=0.2)
        self.assert_caught(3, 'of zone nova at once, 1 allowed')

    def test_too_many_of_an_aggregate(self):
        self.forget({'zone_share': 1.0}, zone_share=0.8, aggregate=[
            'compute-4', 'compute-5'])
        self.assert_caught(3, '2 of 2 hosts of aggregate fast at once')

    def test_too_little_stays_free(self):
        self.forget({'floor': size.Size()}, free_vcpus=10)
        self.assert_caught(3, 'vcpus stay free, 10 are to')

    def test_too_many_moves_at_once(self):
        self.forget({'moves_at_once': 0}, per_host=2, moves_at_once=1,
                    moves_per_source=0)
        self.assert_caught(3, 'moves at once, 1 allowed')

    def test_too_many_moves_off_a_host(self):
        self.forget({'moves_per_source': 0}, per_host=2, moves_per_source=1)
        self.assert_caught(3, 'moves off compute-')

    def test_too_many_moves_to_a_host(self):
        self.forget({'moves_per_target': 0}, per_host=2, moves_per_target=1,
                    moves_per_source=0)
        self.assert_caught(3, 'moves to compute-')


class TestRule4(MutantCase):

    def test_nobody_enables(self):
        self.prepare()
        self.patch(hosting, 'enable', lambda turn, host: True)
        self.run_session()
        self.delete()
        self.assert_caught(4, 'left disabled')

    def test_complete_before_it_is_enabled(self):
        self.prepare()

        def hasty(self, host):
            self.announce_host(host, words.MAINTENANCE_COMPLETE)
            later = self.turn.later(5, host.step_at)
            return ('done' if self.passed(later) and self.enable(host)
                    else None)

        self.patch(hoststeps.HostSteps, 'give_back', hasty)
        self.run_session()
        self.assert_caught(4, 'before it was enabled')

    def test_nobody_tells_that_a_host_is_back(self):
        self.prepare()
        original = telling.host_state

        def deaf(turn, host, state):
            if state == words.IN_MAINTENANCE:
                original(turn, host, state)
            else:
                turn.change(host, announced=False)

        self.patch(telling, 'host_state', deaf)
        self.run_session()
        self.delete()
        self.assert_caught(4, 'never followed')

    def test_projects_that_scaled_in_are_forgotten(self):
        super().prepare(hosts=3, per_host=2, spare=0)
        self.patch(default.DefaultWorkflow, 'informed', lambda self: [])
        self.run_session()
        self.assert_caught(4, 'scaled in and was never told')

    def test_what_others_disabled_is_enabled(self):
        self.prepare()
        host = self.cloud.model.hosts['compute-1'].nova_compute
        host.disabled, host.reason = True, 'broken fan'
        self.cloud.record('service.disable', host='compute-1', changed=True,
                          before='enabled', reason='broken fan')

        def greedy(turn, host):
            service = self.cloud.model.hosts[host.name].nova_compute
            if service.disabled:
                service.disabled = False
                self.cloud.record('service.enable', host=host.name,
                                  changed=True, before='disabled',
                                  reason=None)
            return True

        self.patch(hosting, 'enable', greedy)
        self.run_session()
        self.assert_caught(4, 'another hand')


class TestRule5(MutantCase):

    def test_done_is_told_twice(self):
        self.prepare()
        original = telling.moved

        def twice(turn, instance):
            original(turn, instance)
            original(turn, instance)

        self.patch(telling, 'moved', twice)
        self.run_session()
        self.assert_caught(5, 'none was')

    def test_done_is_never_told(self):
        self.prepare()
        self.patch(telling, 'moved', lambda turn, instance: None)
        self.run_session()
        self.delete()
        self.assert_caught(5, 'never told')

    def test_an_answer_is_lost(self):
        """A project that had agreed is asked once more, for nothing."""
        self.prepare()
        self.cloud.constrain('vm-0')
        original, seen = asking.take, []

        def careless(turn, reply):
            decided = original(turn, reply)
            if reply.state == 'ACK_PLANNED_MAINTENANCE' and not seen:
                seen.append(reply)
                for row in decided:
                    asking.withdraw(turn, row)
            return decided

        self.patch(asking, 'take', careless)
        self.run_session()
        self.assert_caught(5, 'asked PLANNED_MAINTENANCE again')


class TestRule7(MutantCase):

    def test_windows_never_end(self):
        self.prepare()
        self.vnfm.silent.add(words.PLANNED_MAINTENANCE)
        self.patch(asking, 'answered', lambda turn, row: (
            row.state not in ('waiting', 'open')))
        self.run_session()
        self.cloud.advance(1000)
        self.assert_caught(7, 'nothing went on')


class TestRule8(MutantCase):

    def test_a_project_is_asked_about_a_foreign_instance(self):
        self.prepare(hosts=1, per_host=1)
        self.cloud.create('other', 'compute-1', project=cases.OTHER)
        for name, owner in (('vm-0', cases.PROJECT), ('other', cases.OTHER)):
            self.cloud.constrain(name, project=owner, group=name)
        original = asking.ask

        def careless(turn, question, project_id, instance_ids, window,
                     **more):
            if more.get('instance_id'):
                project_id = cases.PROJECT
            return original(turn, question, project_id, instance_ids, window,
                            **more)

        self.patch(asking, 'ask', careless)
        self.run_session()
        self.assert_caught(8, 'belongs to another project')
