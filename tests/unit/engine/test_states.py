# SPDX-License-Identifier: Apache-2.0
"""Instances in states in which Nova does not move everything in every way."""

from fenix import words
from fenix.clouds import base as clouds
from fenix.sandbox.cloud import config
from fenix.workflow.verbs import ways
from tests.unit.engine import cases
from tests.unit.engine import test_foresight
from tests.unit.engine import test_moves

#: What the owner does to bring an instance into a state, and out of it.
INTO = {'SHUTOFF': ('os-stop', 'os-start'), 'PAUSED': ('pause', 'unpause'),
        'SUSPENDED': ('suspend', 'resume'), 'RESCUE': ('rescue', 'unrescue'),
        'SHELVED': ('shelve', 'unshelve')}
#: In these nothing moves it, and they do not pass.
STUCK = ('SUSPENDED', 'RESCUE', 'SHELVED', 'ERROR')


class StateCase(test_moves.MoveCase):

    def bring(self, status):
        """Bring the instance into a state."""
        if status == 'ERROR':
            self.cloud.model.reset_state(self.vm, 'error')
        else:
            self.cloud.model.change_state(self.vm, INTO[status][0])
        self.assertEqual(status, self.cloud.server('vm-0').status)

    def warned(self, *texts):
        for text in texts:
            self.assertTrue(any(text in warning for warning
                                in self.cloud.warnings()),
                            self.cloud.warnings())


class TestWays(StateCase):
    """Each state that has a way, whatever was chosen."""

    def play(self, status, chosen):
        self.prepare(chosen)
        self.bring(status)
        self.run_session()
        self.assert_done()
        self.assertEqual(status, self.cloud.server('vm-0').status)
        self.assertEqual('compute-2', self.cloud.server('vm-0').host)
        return self.moves()[0]

    def test_stopped_and_cold(self):
        self.assertEqual('migrate.start', self.play('SHUTOFF', 'MIGRATE'))

    def test_stopped_and_live(self):
        self.assertEqual('migrate.start',
                         self.play('SHUTOFF', 'LIVE_MIGRATE'))

    def test_paused_and_cold(self):
        self.assertEqual('live-migrate.start',
                         self.play('PAUSED', 'MIGRATE'))

    def test_paused_and_live(self):
        self.assertEqual('live-migrate.start',
                         self.play('PAUSED', 'LIVE_MIGRATE'))

    def test_locked(self):
        """That is for owners; an administrator may move it."""
        self.prepare()
        self.cloud.model.lock_server(self.vm, True)
        self.run_session()
        self.assert_done()
        self.assertTrue(self.cloud.server('vm-0').locked)


class TestStuck(StateCase):

    def told_and_failed(self, status, workflow='default'):
        """It is told at the start, and when its turn comes."""
        self.prepare(options={'empty_timeout': 60.0,
                              'scale_in_window': 30.0})
        self.bring(status)
        self.start(workflow=workflow)
        self.cloud.run(lambda: self.cloud.warnings())
        self.warned(f'is {status} and cannot be moved')
        self.warned(ways.REMEDIES[status])
        self.cloud.run()
        self.assert_failed(self.vm, f'is {status} and cannot be moved',
                           ways.REMEDIES[status])
        self.assertEqual([], self.moves())
        self.assertEqual([], self.vnfm.asked(words.SCALE_IN))
        if status in INTO:
            self.cloud.model.change_state(self.vm, INTO[status][1])
        else:
            self.cloud.model.reset_state(self.vm, 'active')
        self.go_on()
        self.assert_done()

    def test_suspended(self):
        self.told_and_failed('SUSPENDED')

    def test_rescued(self):
        self.told_and_failed('RESCUE')

    def test_shelved(self):
        self.told_and_failed('SHELVED')

    def test_in_error(self):
        self.told_and_failed('ERROR')

    def test_suspended_vnf(self):
        self.told_and_failed('SUSPENDED', 'vnf')

    def test_in_error_vnf(self):
        self.told_and_failed('ERROR', 'vnf')

    def test_it_is_offloaded(self):
        """It has no host then, and is nobody's concern."""
        self.prepare()
        self.bring('SHELVED')
        self.run_session()
        self.cloud.model.change_state(self.vm, 'shelveOffload')
        self.go_on()
        self.assert_done()
        self.assertEqual('SHELVED_OFFLOADED',
                         self.cloud.server('vm-0').status)
        self.assertEqual([], self.moves())

    def test_it_was_offloaded_before(self):
        self.prepare()
        self.bring('SHELVED')
        self.cloud.model.change_state(self.vm, 'shelveOffload')
        self.run_session()
        self.assert_done()
        self.assertEqual([], self.moves())

    def own_action(self, act, *args):
        """For what its owner does, the state does not matter."""
        self.prepare('OWN_ACTION')
        self.cloud.constrain('vm-0', migration_type='OWN_ACTION')
        self.cloud.constrain_group()
        self.bring('SHELVED')
        self.start()
        self.cloud.run(lambda: any(
            move.state == 'requested' for move in self.cloud.rows.moves))
        getattr(self.cloud.model, act)(self.vm, *args)
        self.cloud.run()
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state,
                         self.cloud.rows.session.reason)

    def test_its_owner_offloads_it(self):
        self.own_action('change_state', 'shelveOffload')

    def test_its_owner_deletes_it(self):
        self.own_action('delete')


class TestTasks(StateCase):
    """The owner does something when its turn comes."""

    def busy(self, seconds, **options):
        self.prepare(options=options)
        self.vnfm.silent.add(words.PLANNED_MAINTENANCE)
        self.start()
        self.cloud.run(lambda: self.vnfm.asked(words.PLANNED_MAINTENANCE))
        self.cloud.model.times = config.Times(power=seconds)
        self.cloud.model.change_state(self.vm, 'pause')
        self.vnfm.silent.clear()
        self.vnfm.answer(words.PLANNED_MAINTENANCE,
                         self.vnfm.asked(words.PLANNED_MAINTENANCE)[-1])
        self.cloud.run()

    def test_it_passes(self):
        self.busy(120)
        self.warned(f'instance {self.vm}', 'busy with pausing',
                    'that is waited for')
        self.assertEqual('live-migrate.start', self.moves()[0])
        self.assert_done(ignore={7})

    def test_it_does_not_pass(self):
        self.busy(1e6, migration_timeout=200.0)
        self.assert_failed(self.vm, 'busy with pausing',
                           'that was waited for 200 s')
        self.assertEqual([], self.moves())


class TestPlans(test_foresight.PlanCase):
    """What a plan tells of them before anything is begun."""

    def test_what_cannot_be_moved(self):
        self.prepare(hosts=2, per_host=1, spare=1)
        server = self.cloud.server('vm-0')
        self.cloud.model.change_state(server.id, 'suspend')
        for workflow in ('default', 'vnf'):
            found = self.plan(workflow=workflow)
            self.assertFalse(found['complete'])
            self.assertIn(
                f'instance {server.id} of project {cases.PROJECT} on '
                'compute-1 is SUSPENDED and cannot be moved: its owner may '
                'resume it', found['obstacles'])

    def test_what_may_last(self):
        self.prepare(hosts=2, per_host=1, spare=1)
        server = self.cloud.server('vm-0')
        self.cloud.model.resize(server.id, '1')
        self.cloud.advance(5)
        found = self.plan()
        self.assertIn('its owner may confirm or revert the resize',
                      found['obstacles'][-1])

    def test_the_way_that_nova_takes(self):
        self.prepare(hosts=1, per_host=2, spare=1)
        for name, change in (('vm-0', 'pause'), ('vm-1', 'os-stop')):
            self.cloud.model.change_state(
                self.cloud.server(name).id, change)
        found = self.plan(hosts=['compute-1'])
        self.assertEqual(
            {self.cloud.server('vm-0').id: 'LIVE_MIGRATE',
             self.cloud.server('vm-1').id: 'MIGRATE'},
            {move['instance_id']: move['action']
             for move in self.host(found, 'compute-1')['moves']})

    def test_pinned_to_a_zone(self):
        """One that may not leave its zone finds no room outside of it."""
        self.prepare(hosts=1, per_host=1, spare=1)
        self.cloud.model.hosts['compute-2'].zone = 'west'
        self.cloud.server('vm-0').zone_asked = 'nova'
        self.assertEqual([], self.targets())
        self.cloud.server('vm-0').zone_asked = None
        self.assertEqual(['compute-2'], self.targets())

    def bound_to(self, extra_specs, hosts=1, traits=(), **properties):
        """Let the flavor of all instances bind them, on some first hosts."""
        self.prepare(hosts=1, per_host=1, spare=2)
        model = self.cloud.model
        names = list(model.hosts)[:hosts]
        model.flavors['2'].extra_specs = extra_specs
        model.aggregates['some'] = names
        model.properties['some'] = properties
        for name in names:
            model.hosts[name].traits = tuple(traits)

    def test_bound_by_properties_of_aggregates(self):
        ssd = {'aggregate_instance_extra_specs:disk': 'ssd'}
        self.bound_to(ssd, hosts=2, disk='ssd')
        self.assertEqual(['compute-2'], self.targets())
        self.cloud.model.aggregates['some'] = ['compute-1', 'compute-3']
        self.assertEqual(['compute-3'], self.targets())
        self.cloud.model.aggregates['some'] = ['compute-1']
        self.assertEqual([], self.targets())

    def test_bound_by_traits(self):
        self.bound_to({'trait:CUSTOM_FAST': 'required'}, hosts=2,
                      traits=['CUSTOM_FAST'])
        self.assertEqual(['compute-2'], self.targets())
        model = self.cloud.model
        model.flavors['2'].extra_specs = {'trait:CUSTOM_SLOW': 'forbidden'}
        model.hosts['compute-2'].traits = ['CUSTOM_SLOW']
        self.assertEqual(['compute-3'], self.targets())

    def test_what_its_own_host_does_not_fit_is_left_to_nova(self):
        """It need not go by it, and did not."""
        self.bound_to({'aggregate_instance_extra_specs:disk': 'ssd',
                       'trait:CUSTOM_FAST': 'required'})
        self.assertEqual(1, len(self.targets()))

    def test_nova_refuses_no_target_that_does_not_fit(self):
        self.bound_to({'aggregate_instance_extra_specs:disk': 'ssd'}, hosts=3,
                      disk='ssd')
        self.cloud.model.aggregates['some'] = ['compute-1', 'compute-3']
        self.cloud.session(hosts=['compute-1'])
        self.cloud.take()
        self.cloud.run()
        self.assert_done()
        self.assertEqual('compute-3', self.cloud.server('vm-0').host)
        self.assertEqual(1, len(self.cloud.rows.moves))

    def targets(self):
        """Return where the plan moves what is on the first host."""
        found = self.plan(hosts=['compute-1'])
        return [move['target'] for move
                in self.host(found, 'compute-1')['moves']]


class TestTable(cases.base.BaseTestCase):

    def test_ways(self):
        """Every state of Nova's has a way, a remedy, or passes."""
        self.assertEqual('MIGRATE', ways.way('SHUTOFF', 'LIVE_MIGRATE'))
        self.assertIsNone(ways.way('RESIZE', 'MIGRATE'))
        self.assertEqual('OWN_ACTION', ways.way('ERROR', 'OWN_ACTION'))
        server = clouds.Server('i', 'p', 'n', 'h', None, 'SUSPENDED')
        self.assertIn('resume', ways.stands_in_the_way(server))
        self.assertIsNone(ways.stands_in_the_way(server, 'OWN_ACTION'))
