# SPDX-License-Identifier: Apache-2.0
from oslotest import base

from fenix.sandbox.verifier import bound
from fenix.sandbox.verifier import measures
from tests.unit.sandbox import timelines


class MeasuresTest(base.BaseTestCase):

    def test_good(self):
        timeline = timelines.good()
        figures = measures.measure(timeline.lines)
        self.assertEqual(
            {'hosts': 2, 'hosts_maintained': 2, 'instances_start': 1,
             'instances_end': 1, 'moves': 1, 'moves_per_instance_max': 1,
             'service_interruption_s': None, 'notifications': 8,
             'hosts_left_disabled': [],
             'reaction_ms': {'n': 1, 'p50': 50.0, 'p99': 50.0}},
            {name: figures[name] for name in figures
             if name != 'makespan_s'})
        # Two hosts of 2 s, a move of 2.1 s, 0.65 s until it starts and
        # 0.4 s at the end; the first 0.3 s are before the start.
        self.assertAlmostEqual(7.1, figures['makespan_s'], 0)

    def test_left_disabled(self):
        timeline = timelines.Timeline()
        timeline.begin()
        self.assertEqual(
            ['h1'], measures.measure(timeline.lines)['hosts_left_disabled'])

    def test_not_done(self):
        timeline = timelines.Timeline()
        timeline.begin()
        self.assertIsNone(measures.measure(timeline.lines)['makespan_s'])

    def test_active_instance_moves(self):
        timeline = timelines.Timeline()
        timeline.begin()
        timeline.record('vnf.active', project='project-1', server='x')
        timeline.empty()
        self.assertEqual(
            2, measures.measure(timeline.lines)['service_interruption_s'])

    def test_active_instance_switches_over(self):
        timeline = timelines.Timeline()
        timeline.server('y', 'h2')
        timeline.begin()
        timeline.record('vnf.active', project='project-1', server='x')
        timeline.record('vnf.switch.end', project='project-1', active='y')
        timeline.empty()
        self.assertEqual(
            0, measures.measure(timeline.lines)['service_interruption_s'])

    def test_active_instance_is_deleted(self):
        timeline = timelines.Timeline()
        timeline.begin()
        timeline.record('vnf.active', project='project-1', server='x')
        timeline.record('server.delete', server='x', project='project-1',
                        host='h1')
        timeline.wait(3)
        timeline.record('end')
        self.assertEqual(
            3, measures.measure(timeline.lines)['service_interruption_s'])


class ReactionTest(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.timeline = timelines.Timeline()
        self.timeline.begin()
        self.timeline.server('y', 'h1')

    def _n(self):
        return measures.measure(self.timeline.lines)['reaction_ms']['n']

    def _ask(self, *servers):
        return [self.timeline.ask('PLANNED_MAINTENANCE', [server])
                for server in servers]

    def _reply(self, server, ask, **body):
        self.timeline.reply('ACK_PLANNED_MAINTENANCE', ask, instance=server,
                            **body)

    def test_the_last_of_two_counts(self):
        first, second = self._ask('x', 'y')
        self._reply('x', first)
        self._reply('y', second)
        self.timeline.request('x')
        self.assertEqual(0, self._n())
        self.timeline.request('y')
        self.assertEqual(1, self._n())

    def test_the_second_was_asked_after_the_first_reply(self):
        first, = self._ask('x')
        self._reply('x', first)
        second, = self._ask('y')
        self.timeline.wait(1)
        self._reply('y', second)
        self.timeline.request('x')
        self.timeline.request('y')
        self.assertEqual(1, self._n())

    def test_own_action_does_not_count(self):
        ask, = self._ask('x')
        self._reply('x', ask, instance_action='OWN_ACTION')
        self.timeline.request('x')
        self.assertEqual(0, self._n())

    def test_recovering_group_does_not_count(self):
        for server in ('x', 'y'):
            self.timeline.constraint('instance', server, group_id='n')
        self.timeline.constraint('group', 'n', recovery_time=5)
        ask, = self._ask('y')
        self._reply('y', ask)
        self.timeline.move('y', 'h1', 'h2')
        ask, = self._ask('x')
        self._reply('x', ask)
        self.timeline.request('x')
        self.assertEqual(0, self._n())

    def test_request_before_the_answer_was_read(self):
        ask, = self._ask('x')
        self._reply('x', ask)
        self.timeline.t -= 0.005
        self.timeline.request('x')
        figures = measures.measure(self.timeline.lines)['reaction_ms']
        self.assertEqual({'n': 1, 'p50': 0, 'p99': 0}, figures)


class BoundTest(base.BaseTestCase):

    def _cloud(self, hosts, per_host, **fields):
        return ([bound.Host(f'h{n}', vcpus=4) for n in range(hosts)],
                [bound.Server(f'h{n}', vcpus=2, **fields)
                 for n in range(hosts) for _ in range(per_host)])

    def test_one_at_a_time(self):
        hosts, servers = self._cloud(3, 1)
        self.assertEqual(3 * (2 + 10), bound.lower_bound(
            hosts, servers, 2, 10, one_at_a_time=True))

    def test_empty_host_needs_no_move(self):
        hosts, servers = self._cloud(3, 2)
        hosts.append(bound.Host('spare', vcpus=4))
        self.assertEqual(3 * 12 + 10, bound.lower_bound(
            hosts, servers, 2, 10, one_at_a_time=True))

    def test_given_up_instances_need_no_move(self):
        hosts, servers = self._cloud(3, 2)
        self.assertEqual(2, bound.scale_in_needed(hosts, servers, 2))
        self.assertEqual(2 * 12 + 10, bound.lower_bound(
            hosts, servers, 2, 10, one_at_a_time=True, given_up=2))

    def test_as_many_as_capacity_allows(self):
        hosts, servers = self._cloud(4, 1)
        self.assertEqual(2 * 12, bound.lower_bound(
            hosts, servers, 2, 10, one_at_a_time=False))

    def test_anti_affinity_keeps_hosts(self):
        hosts, servers = self._cloud(4, 1, apart='g')
        servers = servers[:3]
        self.assertEqual(3 * 12 + 10, bound.lower_bound(
            hosts, servers, 2, 10, one_at_a_time=False))

    def test_controllers_one_at_a_time(self):
        hosts, servers = self._cloud(2, 0)
        hosts += [bound.Host(f'c{n}', compute=False) for n in range(3)]
        self.assertEqual(30, bound.lower_bound(
            hosts, servers, 2, 10, one_at_a_time=False))
        self.assertEqual(50, bound.lower_bound(
            hosts, servers, 2, 10, one_at_a_time=True))

    def test_from_a_timeline(self):
        timeline = timelines.good()
        self.assertEqual(2 * 10 + 2, measures.least_time(
            timeline.lines, 2, 10, one_at_a_time=True, step=0))
