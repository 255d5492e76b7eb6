# SPDX-License-Identifier: Apache-2.0
"""Hosts of all kinds, from their discovery to their return."""

from fenix import errors
from fenix import words
from fenix.db import claims
from fenix.db import core
from fenix.sandbox.cloud import config
from tests.unit.engine import cases


class TestDiscovery(cases.EngineTestCase):

    def hosts(self):
        return {host.name: host for host in self.cloud.rows.hosts}

    def test_all(self):
        self.prepare()
        self.cloud.model.add_host(config.HostConfig(
            'ctl', compute=False, controller=True))
        self.run_session()
        self.assertEqual({'compute-1', 'compute-2', 'ctl'},
                         set(self.hosts()))
        self.assert_done()

    def test_those_asked_for(self):
        self.prepare()
        self.run_session(hosts=['compute-1'])
        self.assert_maintained('compute-1')
        self.assert_done()

    def test_unknown(self):
        self.prepare()
        self.run_session(hosts=['compute-1', 'compute-9', 'nowhere'])
        self.assert_failed('compute-9, nowhere', 'other_hosts')
        self.assertEqual([], self.cloud.lines('service.disable'))
        self.delete()
        self.assert_gone()

    def test_other_hosts(self):
        self.prepare()
        self.run_session(hosts=['compute-1', 'switch-1'],
                         other_hosts=['switch-1'])
        self.assertEqual(
            [('host', 'compute-1'), ('host', 'switch-1')],
            sorted(entry[:2] for entry in self.cloud.work.started))
        self.assert_maintained('compute-1', 'switch-1')
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)

    def test_in_another_session(self):
        """What the API could not know: the hosts are found later."""
        self.prepare()
        self.claim(claims.HostClaims(('compute-2',)), 'another')
        self.run_session()
        self.assert_failed('compute-2 is in session another')
        self.assertEqual({}, self.hosts())
        self.claim(claims.HostRelease(), 'another')
        self.go_on()
        self.assert_done()

    @staticmethod
    @core.writer
    def claim(db, operation, session_id):
        operation.execute(db, session_id)

    def test_down(self):
        self.prepare()
        self.cloud.model.set_alive('compute-2', False)
        self.start()
        self.cloud.run(lambda: self.cloud.rows.hosts)
        self.assertTrue([text for text in self.cloud.warnings()
                         if 'compute-2 does not report up' in text])


class TestDown(cases.EngineTestCase):
    """What is on a host that is down, nobody can move."""

    SHAPE = {'hosts': 2, 'per_host': 1, 'spare': 1}

    def worked_on(self):
        return [host for _, host, _ in self.cloud.work.started]

    def test_comes_last_and_is_named(self):
        self.prepare()
        self.cloud.model.set_alive('compute-1', False)
        self.run_session()
        self.assert_failed('compute-1 is down', 'evacuate')
        self.assertEqual({'compute-2', 'compute-3'}, set(self.worked_on()))
        self.assertEqual([], [
            line for line in self.cloud.lines('migrate.start')
            if line['source'] == 'compute-1'])

    def test_continued_when_it_is_back(self):
        self.prepare()
        self.cloud.model.set_alive('compute-1', False)
        self.run_session()
        self.cloud.model.set_alive('compute-1', True)
        self.go_on()
        self.assertEqual('compute-1', self.worked_on()[-1])
        self.assert_done(ignore=[7])

    def test_back_before_its_turn(self):
        self.prepare()
        self.cloud.model.set_alive('compute-1', False)
        self.start()
        self.cloud.run(lambda: self.worked_on())
        self.cloud.model.set_alive('compute-1', True)
        self.cloud.run()
        self.assertIn('compute-1', self.worked_on()[1:])
        self.assert_done()

    def test_all_for_a_moment(self):
        """As when the message bus restarts: they are waited for."""
        self.prepare()
        self.start()
        self.cloud.run(lambda: self.worked_on())
        self.all_alive(False)
        self.cloud.after(60, self.all_alive, True)
        self.cloud.run()
        self.assertEqual([], self.vnfm.asked(words.SCALE_IN))
        self.assert_done()

    def test_all_when_a_server_is_to_move(self):
        """Nova takes no request to move what is on a host that is down."""
        self.prepare()
        self.cloud.cloud.fault = self.on_first_move(self.cloud.model.hosts)
        self.run_session()
        self.assertIn(2, [move.attempts for move in self.cloud.rows.moves])
        self.assert_done()

    def test_all_targets_when_a_server_is_to_move(self):
        """The one that was named refuses it, and there is no other yet."""
        self.prepare(spare=2)
        self.cloud.cloud.fault = self.on_first_move(
            set(self.cloud.model.hosts) - {'compute-1'})
        self.run_session()
        self.assertIn('refused',
                      [move.state for move in self.cloud.rows.moves])
        self.assert_done()

    def test_all_targets_for_good(self):
        self.prepare(options={'cloud_patience': 40.0})
        self.cloud.cloud.fault = self.on_first_move(
            set(self.cloud.model.hosts) - {'compute-1'}, seconds=1000)
        self.start()
        self.cloud.run()
        self.assert_failed('no host has room')

    def on_first_move(self, hosts, seconds=25):
        """Have hosts be down for a while when the first server moves."""
        def fault(kind):
            if kind == 'migrate':
                self.cloud.cloud.fault = lambda kind: None
                self.all_alive(False, hosts)
                self.cloud.after(seconds, self.all_alive, True, hosts)
        return fault

    def all_alive(self, alive, hosts=()):
        for host in hosts or self.cloud.model.hosts:
            self.cloud.model.set_alive(host, alive)

    def test_without_room(self):
        """Room is not made by emptying a host that is down."""
        self.prepare(per_host=2, spare=0)
        self.cloud.model.set_alive('compute-1', False)
        self.run_session()
        self.assert_failed()
        self.assertNotIn('compute-1', self.worked_on())


class TestOrder(cases.EngineTestCase):

    SHAPE = {'hosts': 1, 'per_host': 0, 'spare': 0}

    def order(self):
        return [(type_, host) for type_, host, _ in self.cloud.work.started]

    def test_controllers_before_computes_one_at_a_time(self):
        self.prepare()
        for name in ('ctl-1', 'ctl-2'):
            self.cloud.model.add_host(config.HostConfig(
                name, compute=False, controller=True))
        self.run_session(actions=[('work', 'host'), ('work', 'controller'),
                                  ('work', 'compute')])
        self.assertEqual(
            [('host', 'ctl-1'), ('controller', 'ctl-1'),
             ('host', 'ctl-2'), ('controller', 'ctl-2'),
             ('host', 'compute-1'), ('compute', 'compute-1')], self.order())
        times = [when for _, _, when in self.cloud.work.started]
        self.assertEqual(6, len(set(times)))
        self.assert_maintained('ctl-1', 'ctl-2', 'compute-1')
        self.assert_done()

    def test_both(self):
        """It is emptied first, and has the work of both kinds."""
        self.prepare()
        self.cloud.model.add_host(config.HostConfig('both', controller=True))
        server = self.cloud.create('vm', 'both')
        self.run_session(actions=[('work', 'host'), ('work', 'controller'),
                                  ('work', 'compute')])
        self.assertEqual('compute-1', server.host)
        self.assertEqual(
            [('host', 'both'), ('compute', 'both'), ('controller', 'both')],
            [entry for entry in self.order() if entry[1] == 'both'])
        self.assert_done()

    def test_one_host_at_a_time(self):
        self.prepare(hosts=3, per_host=1, spare=1)
        self.run_session()
        out = set()
        for host, state in self.cloud.host_events():
            if state == 'IN_MAINTENANCE':
                out.add(host)
                self.assertEqual(1, len(out))
            else:
                out.discard(host)
        self.assert_done()


class TestOneHost(cases.EngineTestCase):

    def test_disabled_before(self):
        """It is reported, maintained all the same, and left as it was."""
        self.prepare(hosts=1, spare=2)
        self.cloud.model.disable('compute-3', 'broken fan')
        self.run_session()
        self.assert_maintained('compute-1', 'compute-2', 'compute-3')
        self.assertEqual(['compute-3'], self.cloud.disabled())
        service = self.cloud.model.hosts['compute-3'].nova_compute
        self.assertEqual('broken fan', service.disabled_reason)
        self.assertTrue([text for text in self.cloud.warnings()
                         if 'compute-3 was disabled before' in text])
        self.assert_done()

    def test_disabled_anew_by_another_hand(self):
        self.prepare()
        self.start()
        self.cloud.run(self.step_is('compute-2', 'maintain'))
        self.cloud.model.disable('compute-2', 'mine now')
        self.cloud.run()
        self.assertEqual(['compute-2'], self.cloud.disabled())
        self.assertTrue([text for text in self.cloud.warnings()
                         if 'disabled anew by another hand' in text])

    def test_an_instance_that_comes_later(self):
        """Its project is asked, and has its full time."""
        for step in ('ask', 'empty', 'maintain'):
            with self.subTest(step):
                self.prepare(hosts=1, spare=1)
                self.cloud.project(cases.OTHER)
                self.cloud.model.faults.add(cases.fault(
                    'migrate', seconds=30))
                self.start()
                self.cloud.run(self.step_is('compute-1', step))
                self.cloud.create('late', 'compute-1', project=cases.OTHER)
                came = self.cloud.clock.seconds()
                other = self.cloud.projects[cases.OTHER]
                other.silent.add(words.PLANNED_MAINTENANCE)
                self.cloud.runner.picture = None    # Another engine.
                self.cloud.run()
                self.assertEqual(1, len(other.asked(
                    words.PLANNED_MAINTENANCE)))
                self.assert_failed(cases.OTHER, 'did not answer')
                self.assertGreaterEqual(self.cloud.clock.seconds(), came + 120)
                self.assertIn('late', self.cloud.on('compute-1'))
                other.silent.clear()
                self.go_on()
                self.assertEqual([], self.cloud.on('compute-1'))
                self.assertEqual('MAINTENANCE_DONE', self.cloud.state)

    def test_never_empty(self):
        """Placement has an allocation that belongs to nobody."""
        self.prepare()
        flavor = self.cloud.model.flavors['1']
        self.cloud.model._allocate('ghost', 'compute-2', flavor)
        self.run_session()
        self.assert_failed('compute-2 is still not empty',
                           'allocation of ghost')
        self.assertNotIn(('compute-2', 'IN_MAINTENANCE'),
                         self.cloud.host_events())
        self.cloud.model._free('ghost')
        self.go_on()
        self.assert_done(ignore=[7])

    def test_service_not_up_after_the_work(self):
        self.prepare(options={})
        self.cloud.conf.set_override('service_up_timeout', 60.0, 'actions')
        self.start()
        self.cloud.run(self.step_is('compute-2', 'give_back'))
        self.cloud.model.force_down('compute-2', True)
        self.cloud.run()
        self.assert_failed('compute-2', 'do not report up')
        self.assertEqual([('compute-2', 'IN_MAINTENANCE')],
                         self.cloud.host_events())
        self.assertIn('compute-2', self.cloud.disabled())
        self.cloud.model.force_down('compute-2', False)
        self.go_on()
        self.assertEqual(2, len(self.cloud.work.started))
        self.assert_done()

    def test_work_begins_when_it_was_told(self):
        """An inspector knows before a host goes down."""
        self.prepare()
        self.run_session()
        for host in ('compute-1', 'compute-2'):
            told, = [line['t'] for line in self.cloud.lines('notify')
                     if line['payload'].get('host') == host
                     and line['payload']['state'] == 'IN_MAINTENANCE']
            order = [line for line in self.cloud.timeline if line['what']
                     == 'host.work.start' and line['host'] == host
                     or line['what'] == 'notify'
                     and line['payload'].get('host') == host]
            self.assertEqual('notify', order[0]['what'])
            self.assertEqual('host.work.start', order[1]['what'])
            self.assertLessEqual(told, order[1]['t'])

    def test_cannot_be_disabled(self):
        def fault(kind):
            if kind == 'disable':
                raise errors.CloudUnknown('504')

        self.prepare()
        self.cloud.cloud.fault = fault
        self.run_session()
        self.assert_failed('could not disable', '504')
        self.cloud.cloud.fault = lambda kind: None
        self.go_on()
        self.assert_done(ignore=[7])

    def test_answer_to_disable_and_enable_is_lost(self):
        self.prepare()
        for kind in ('disable', 'enable'):
            self.lose(kind, errors.CloudUnknown('no answer'))
        self.run_session()
        for what in ('service.disable', 'service.enable'):
            changed = [line['host'] for line in self.cloud.lines(what)
                       if line['changed']]
            self.assertEqual(sorted(set(changed)), sorted(changed))
        self.assert_done()

    def lose(self, kind, error):
        made = getattr(self.cloud.cloud, kind)
        lost = []

        def lossy(*args):
            answer = made(*args)
            if not lost:
                lost.append(answer)
                raise error
            return answer

        setattr(self.cloud.cloud, kind, lossy)
