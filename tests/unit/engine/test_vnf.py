# SPDX-License-Identifier: Apache-2.0
"""The workflow ``vnf``: many hosts at once, each in its own step."""

import dataclasses

from fenix import errors
from fenix import words
from fenix.db import claims
from fenix.sandbox.cloud import config as cloud_config
from tests.unit.engine import cases
from tests.unit.engine.test_constraints import execute


class VnfCase(cases.EngineTestCase):
    """Six full hosts and two empty ones; everything has constraints."""

    SHAPE = {'hosts': 6, 'per_host': 2, 'spare': 2}
    SETTINGS = {'host_time': 5, 'migration_time': 5, 'reply_time': 1}

    def prepare(self, group=None, instance=None, **shape):
        cloud = super().prepare(**shape)
        cloud.constrain_group(**{'max_impacted_members': 4,
                                 **(group or {})})
        for number, server in enumerate(cloud.model.servers.values()):
            if number == 0 and server.group:
                cloud.constrain_group(server.group, anti_affinity_group=True)
            cloud.constrain(server.name, **{
                'lead_time': 10, 'group': server.group or 'group',
                **(instance or {})})
        return cloud

    def start(self, settings=None, **session):
        if not hasattr(self, 'cloud'):
            self.prepare()
        super().start(workflow='vnf', settings={
            **self.SETTINGS, **(settings or {})}, **session)

    def at_once(self, among=None):
        """Return how many hosts were in maintenance at once, at most.

        :param among: names of the hosts that count; None: all
        """
        out, most = set(), 0
        for host, state in self.cloud.host_events():
            if among is not None and host not in among:
                continue
            (out.add if state == 'IN_MAINTENANCE' else out.discard)(host)
            most = max(most, len(out))
        return most

    def moves(self):
        return self.cloud.lines('migrate.start') + self.cloud.lines(
            'live-migrate.start')


class TestWay(VnfCase):

    def test_done(self):
        self.run_session()
        self.assert_done()
        self.assertGreater(self.at_once(), 1)
        self.assert_maintained(*self.cloud.model.hosts)
        self.assertEqual(12, len(self.moves()))

    def test_one_at_a_time(self):
        self.run_session(settings={'hosts_at_once': 1})
        self.assert_done()
        self.assertEqual(1, self.at_once())

    def test_nothing_spare(self):
        self.prepare(hosts=4, spare=0)
        self.run_session()
        self.assert_done()
        self.assertEqual(1, len(self.vnfm.asked(words.SCALE_IN)))

    def test_url_form(self):
        """Without constraints: by URL, one question of a project at once."""
        cases.EngineTestCase.prepare(self)
        self.run_session()
        self.assert_done()

    def test_live_or_cold(self):
        """An interruption that would be noticed is made with notice."""
        for longest, live in ((10, 2), (0, 0)):
            with self.subTest(longest):
                self.prepare(hosts=1, spare=1, instance={
                    'migration_type': 'LIVE_MIGRATE',
                    'max_interruption_time': longest})
                self.vnfm.action = None
                self.run_session()
                self.assert_done()
                self.assertEqual(live, len(
                    self.cloud.lines('live-migrate.start')))
                self.assertEqual(2, len(self.moves()))

    def test_the_cloud_is_surveyed_rarely(self):
        self.prepare()
        looks = []
        survey = self.cloud.cloud.survey
        self.cloud.cloud.survey = lambda: looks.append(1) or survey()
        self.run_session()
        self.assert_done()
        self.assertLessEqual(len(looks), 3)

    def test_surveys_that_take_longer_than_their_interval(self):
        self.prepare(hosts=1, spare=1)
        survey = self.cloud.cloud.survey

        def slowly():
            found = survey()
            self.cloud.advance(5)
            return found

        self.cloud.cloud.survey = slowly
        self.start(settings={'survey_interval': 2})
        self.cloud.run(self.step_is('compute-1', 'ask'))
        self.cloud.take()
        self.cloud.run()
        self.assert_done()

    def test_moves_at_once(self):
        for limit in (1, 2):
            with self.subTest(limit):
                self.prepare()
                self.run_session(settings={'moves_at_once': limit})
                self.assert_done()
                self.assertEqual(limit, self.most_moves())

    def test_moves_per_source(self):
        for limit in (1, 2):
            with self.subTest(limit):
                self.prepare()
                self.run_session(settings={'moves_per_source': limit})
                self.assert_done()
                self.assertEqual(limit, self.most_moves('source'))

    def test_moves_per_target(self):
        for limit in (1, 2):
            with self.subTest(limit):
                self.prepare()
                self.run_session(settings={'moves_per_target': limit,
                                           'moves_per_source': 2})
                self.assert_done()
                self.assertEqual(limit, self.most_moves('target'))

    def test_share_of_an_aggregate(self):
        for share, expected in ((0.5, 1), (1.0, 2)):
            with self.subTest(share):
                self.prepare()
                self.cloud.model.add_aggregate(
                    'fast', ['compute-7', 'compute-8'])
                # Only the aggregate binds: of eight hosts, four may be out.
                self.run_session(settings={'zone_share': share})
                self.assert_done()
                self.assertEqual(expected, self.at_once(
                    {'compute-7', 'compute-8'}))

    def test_controllers_come_first_one_by_one(self):
        self.prepare(hosts=2, spare=1)
        for name in ('controller-1', 'controller-2'):
            self.cloud.model.add_host(cloud_config.HostConfig(
                name, compute=False, controller=True))
        self.run_session()
        self.assert_done()
        self.assertEqual(
            [(f'controller-{n}', state) for n in (1, 2) for state in (
                'IN_MAINTENANCE', 'MAINTENANCE_COMPLETE')],
            self.cloud.host_events()[:4])


    def test_computes_that_are_controllers_go_one_by_one(self):
        self.prepare(hosts=2, spare=2)
        for number in range(3):
            self.cloud.model.add_host(cloud_config.HostConfig(
                f'both-{number}', controller=True))
        self.run_session()
        self.assert_done()
        self.assertGreater(self.at_once(), 1)
        events = [state for host, state in self.cloud.host_events()
                  if host.startswith('both')]
        self.assertEqual(
            3 * ['IN_MAINTENANCE', 'MAINTENANCE_COMPLETE'], events)


class TestProjects(VnfCase):

    def other(self, *hosts):
        """Put an instance of another project onto hosts."""
        for number, host in enumerate(hosts):
            self.cloud.model.delete(self.cloud.model.servers_on(host)[-1].id)
            self.cloud.advance(1)
            self.cloud.create(f'other-{number}', host, project=cases.OTHER)
        return self.cloud.projects[cases.OTHER]

    def ended(self, host):
        """Return when a host was back."""
        return next(line['t'] for line in self.cloud.lines('notify')
                    if line['payload'].get('host') == host
                    and line['payload']['state'] == 'MAINTENANCE_COMPLETE')

    def test_a_slow_project_delays_its_own_host_alone(self):
        self.prepare(options={'reply_window': 1000})
        other = self.other('compute-1')
        self.start()
        self.cloud.run(lambda: self.cloud.rows.session.phase == 'run_hosts')
        other.delay = 900
        self.cloud.run()
        self.assert_done()
        others = [self.ended(name) for name in self.cloud.model.hosts
                  if name != 'compute-1']
        self.assertLess(max(others) + 300, self.ended('compute-1'))

    def test_a_silent_project_fails_the_session_when_others_are_done(self):
        self.prepare(options={'reply_window': 60})
        self.other('compute-1').silent.add(words.PLANNED_MAINTENANCE)
        self.run_session()
        self.assert_failed('compute-1', 'did not answer')
        self.assertEqual([], self.cloud.rows.hosts and [
            host.name for host in self.cloud.rows.hosts
            if host.announced or host.step == 'maintain'])
        self.cloud.projects[cases.OTHER].silent.clear()
        self.go_on()
        self.assert_done()

    def test_the_host_of_a_project_that_refuses_is_left_out(self):
        self.prepare()
        self.other('compute-1').refused.add(words.PLANNED_MAINTENANCE)
        self.run_session(settings={'on_refusal': 'skip'})
        self.assert_done()
        self.assert_maintained(*set(self.cloud.model.hosts) - {'compute-1'})

    def test_a_question_about_an_instance_that_was_deleted(self):
        """It is taken back, though its host has to wait."""
        self.prepare(options={'reply_window': 100})
        other = self.other('compute-1', 'compute-2')
        other.silent.add(words.PLANNED_MAINTENANCE)
        self.cloud.work.seconds = 300
        self.start(settings={'hosts_at_once': 1, 'survey_interval': 20})
        self.cloud.run(lambda: other.asked(words.PLANNED_MAINTENANCE)
                       and self.open_asks())
        asked, = self.open_asks()
        self.cloud.model.delete(asked.instance_ids[0])
        other.silent.clear()
        self.cloud.run(lambda: asked.id not in {
            row.id for row in self.open_asks()})
        asks = {row.id: row.state for row in self.cloud.rows.asks}
        self.assertEqual('withdrawn', asks[asked.id])
        self.assertTrue(self.step_is(asked.host, 'ask')())
        self.cloud.work.seconds = 5
        self.cloud.run()
        self.assert_done(ignore=[7])

    def open_asks(self):
        return [row for row in self.cloud.rows.asks
                if row.project_id == cases.OTHER and row.state == 'open'
                and row.question == words.PLANNED_MAINTENANCE]

    def test_notice_of_a_silent_project(self):
        self.prepare(instance={'lead_time': 200})
        self.vnfm.silent.add(words.PLANNED_MAINTENANCE)
        self.run_session(settings={'on_no_reply': 'proceed'})
        self.assert_done()

    def test_notice_overlaps_with_work(self):
        """Who wants long notice is asked before there is room for it."""
        self.prepare(hosts=4, spare=2, instance={'lead_time': 100})
        self.vnfm.silent.add(words.PLANNED_MAINTENANCE)
        self.start(settings={'on_no_reply': 'proceed'})
        self.cloud.run()
        self.assert_done()
        asked = [line['t'] for line in self.cloud.lines('notify')
                 if line['payload']['state'] == 'PLANNED_MAINTENANCE']
        ended = max(self.ended(name) for name in self.cloud.model.hosts)
        # Two rounds of hosts; each with its own notice would take 240 s.
        self.assertLess(ended - min(asked), 200)

    def test_own_action(self):
        self.prepare(hosts=2, spare=1)
        self.vnfm.action = 'OWN_ACTION'
        self.start()
        deleted = set()
        for _ in range(4):
            self.cloud.run(lambda: self.own_moves() - deleted)
            instance_id = min(self.own_moves() - deleted)
            self.cloud.model.delete(instance_id)
            deleted.add(instance_id)
        self.cloud.run()
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state,
                         self.cloud.rows.session.reason)

    def own_moves(self):
        return {move.instance_id for move in self.cloud.rows.moves
                if move.state == 'requested'}


class TestFaults(VnfCase):

    def test_a_host_that_fails_lets_others_settle(self):
        self.prepare()
        self.cloud.work.fail.add('compute-1')
        self.run_session()
        self.assert_failed('compute-1', 'it broke')
        for host in self.cloud.rows.hosts:
            self.assertEqual(host.name == 'compute-1', host.announced)
        self.assertEqual([], [
            move.state for move in self.cloud.rows.moves
            if move.state not in ('done', 'refused')])
        self.cloud.work.fail.clear()
        self.go_on()
        self.assert_done()

    def test_a_host_fails_while_slow_requests_are_on_their_way(self):
        """Their answers concern hosts that have stopped."""
        self.prepare()
        submit, sources = self.cloud.submit, {}

        def slowly(runner, effects):
            for effect in effects:
                if effect.kind == 'confirm':
                    sources[effect.host] = None
                if effect.kind == 'confirm' and (
                        effect.host != next(iter(sources))):
                    self.cloud.after(60, submit, runner, [effect])
                else:
                    submit(runner, [effect])

        self.cloud.submit = slowly
        self.cloud.work.fail |= {f'compute-{n}' for n in range(1, 7)}
        began = self.cloud.clock.seconds()
        self.run_session(settings={'survey_interval': 9000})
        self.assert_failed('it broke')
        self.assertGreater(len(sources), 1)
        self.assertLess(self.cloud.clock.seconds(), began + 1000)

    def test_a_target_that_refuses(self):
        self.prepare()
        self.refusals = 3
        self.cloud.cloud.fault = self.refuse_target
        self.run_session()
        self.assert_done()
        self.assertEqual(0, self.refusals)

    def refuse_target(self, kind):
        if kind == 'migrate' and self.refusals:
            self.refusals -= 1
            raise errors.TargetRefused('No valid host was found.')

    def test_no_target_takes_it(self):
        self.prepare()
        self.refusals = 1000
        self.cloud.cloud.fault = self.refuse_target
        self.run_session()
        self.assert_failed('No valid host')
        self.cloud.cloud.fault = lambda kind: None
        self.go_on()
        self.assert_done()

    def test_another_engine_takes_over(self):
        self.prepare()
        for number in range(0, 400, 40):
            self.cloud.after(number, self.cloud.take)
        self.run_session()
        self.assert_done()
        self.assertEqual(12, len(self.moves()))

    def test_another_engine_takes_over_hosts_that_are_disabled(self):
        """Those that were only asked have not begun for that."""
        self.prepare()
        self.vnfm.delay = 5
        self.start(settings={'hosts_at_once': 1, 'disable_undone': True})
        self.cloud.run(lambda: sum(
            row.step == 'ask' for row in self.cloud.rows.hosts) > 2)
        self.cloud.take()
        most = []
        self.cloud.run(lambda: most.append(self.in_flight()))
        self.assert_done()
        self.assertEqual(1, max(most))

    def in_flight(self):
        """Return how many hosts are being emptied or maintained."""
        picture = self.cloud.runner.picture
        return len([host for host in picture.active_hosts()
                    if host.step != 'ask']) if picture else 0

    def test_a_session_beside_this_one(self):
        """Its impact on the group counts, and no survey is lost by it."""
        self.prepare(group={'max_impacted_members': 1, 'recovery_time': 5})
        execute(claims.GroupClaim('group', 1, 'somebody'), 'another')
        self.start()
        self.cloud.after(200, execute, claims.GroupRelease(
            'group', 'somebody', 30), 'another')
        began = self.cloud.clock.seconds()
        self.cloud.run()
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)
        grouped = {row.instance_id for row in self.cloud.rows.instances
                   if row.group_id is None}
        self.assertGreaterEqual(min(
            line['t'] for line in self.moves()
            if line['server'] in grouped), began + 230)

    def test_a_host_that_is_down_comes_last(self):
        self.prepare()
        self.cloud.model.force_down('compute-1', True)
        self.run_session()
        self.assert_failed('compute-1', 'down')
        self.assert_maintained(*set(self.cloud.model.hosts) - {'compute-1'})
        self.cloud.model.force_down('compute-1', False)
        self.go_on()
        self.assert_done(ignore=[7])

    def test_all_hosts_are_down_for_a_moment(self):
        """As when the message bus restarts: nobody has to make room."""
        for step in ('ask', 'empty', 'maintain'):
            with self.subTest(step):
                self.prepare()
                self.start()
                self.cloud.run(self.step_is('compute-1', step))
                self.all_alive(False)
                self.cloud.after(60, self.all_alive, True)
                self.cloud.run()
                self.assertEqual([], self.vnfm.asked(words.SCALE_IN))
                self.assert_done()

    def test_hosts_that_nova_leaves_out(self):
        """As those of a silent cell before 2.69: that is waited for."""
        for workflow in ('vnf', 'default'):
            with self.subTest(workflow):
                self.prepare()
                cases.EngineTestCase.start(
                    self, workflow=workflow, settings=self.SETTINGS)
                self.cloud.run(
                    lambda: self.cloud.rows.session.phase == 'make_room')
                self.cloud.cloud.survey = self.without(
                    'compute-1', self.cloud.cloud.survey)
                self.cloud.after(100, delattr, self.cloud.cloud, 'survey')
                self.cloud.run()
                self.assert_done(ignore=[7])

    def test_a_host_that_nova_does_not_list_any_more(self):
        self.prepare()
        self.start()
        self.cloud.run(lambda: self.cloud.rows.session.phase == 'make_room')
        self.cloud.cloud.survey = self.without(
            'compute-1', self.cloud.cloud.survey)
        self.cloud.run()
        self.assert_failed('Nova does not list compute-1')

    def without(self, name, survey):
        """Return a way to survey that knows nothing of a host."""
        def found():
            whole = survey()
            return dataclasses.replace(
                whole, servers={
                    key: server for key, server in whole.servers.items()
                    if server.host != name},
                **{what: {key: each for key, each
                          in getattr(whole, what).items() if key != name}
                   for what in ('hosts', 'capacities')})
        return found

    def all_alive(self, alive):
        for host in self.cloud.model.hosts:
            self.cloud.model.set_alive(host, alive)

    def test_an_instance_that_comes_late(self):
        self.prepare()
        self.start()
        self.cloud.run(self.step_is('compute-1', 'empty'))
        self.cloud.create('late', 'compute-1')
        self.cloud.run()
        self.assert_done()
        self.assertNotEqual('compute-1', self.cloud.server('late').host)

    def test_an_instance_that_cannot_move(self):
        self.prepare(options={'settle_time': 1, 'scale_in_window': 10})
        sick = self.cloud.model.servers_on('compute-1')[-1]
        self.cloud.model.reset_state(sick.id, 'error')
        self.run_session()
        self.assert_failed('compute-1', sick.id)
        self.cloud.model.reset_state(sick.id, 'active')
        self.go_on()
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state,
                         self.cloud.rows.session.reason)


class TestServerGroups(VnfCase):
    """Those of Nova bind even where the VNFM registered nothing."""

    def prepare(self, policy, places, spare):
        """Set up hosts, and the members of a server group on some of them.

        :param places: the host of each member
        """
        cases.EngineTestCase.prepare(self, hosts=0, spare=spare, options={
            'settle_time': 1, 'scale_in_window': 10, 'empty_timeout': 10})
        group = self.cloud.model.create_group('nova', cases.PROJECT, policy)
        for number, host in enumerate(places):
            self.cloud.create(f'vm-{number}', host, group=group.id)

    def hosts(self):
        return {server.host for server in self.cloud.model.servers.values()}

    def test_hard_anti_affinity(self):
        self.prepare('anti-affinity', ['compute-1', 'compute-2'], spare=3)
        self.run_session()
        self.assert_done()
        self.assertEqual(2, len(self.hosts()))

    def test_hard_anti_affinity_without_another_host(self):
        self.prepare('anti-affinity', ['compute-1', 'compute-2'], spare=2)
        self.run_session()
        self.assertEqual('MAINTENANCE_FAILED', self.cloud.state)
        self.assertEqual([], self.moves())
        self.assertEqual([], self.cloud.verify())

    def test_soft_anti_affinity(self):
        self.prepare('soft-anti-affinity', ['compute-1', 'compute-2'],
                     spare=4)
        # Where either could go to either of the other hosts at any time.
        self.run_session(hosts=['compute-1', 'compute-2'])
        self.assert_done()
        self.assertEqual(2, len(self.hosts()))

    def test_soft_anti_affinity_without_another_host(self):
        """A wish holds nothing up."""
        self.prepare('soft-anti-affinity', ['compute-1', 'compute-2'],
                     spare=2)
        self.run_session()
        self.assert_done()

    def test_hard_affinity(self):
        """Nova lets no member go, so the others' host is left to a human."""
        self.prepare('affinity', ['compute-1', 'compute-1'], spare=3)
        self.run_session()
        self.assert_failed('compute-1', 'affinity group')
        self.assert_maintained('compute-2', 'compute-3')
        self.assertEqual([], self.moves())
        self.assertEqual({'compute-1'}, self.hosts())
        self.assertEqual([], self.cloud.verify())
