# SPDX-License-Identifier: Apache-2.0
"""What is looked at when a scenario is over, besides Nova's records."""

import types

import testtools

from fenix.sandbox.cloud import timeline
from tests.cloud import checks
from tests.cloud import faults
from tests.cloud import states
from tests.cloud.scenarios import model

SESSION, HOST = 'session-1', 'compute-1'
AT = '2026-01-31 10:00:30'


class FakeCloud:

    def __init__(self):
        self.requests = ['create', 'migrate', 'confirmResize']

    def actions(self, server):
        return self.requests

    def migrations(self, since):
        return [{'instance_uuid': 'a', 'status': 'confirmed'}]


class ChecksTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.patch(checks, 'ALARM', 0.0)
        self.timeline = timeline.Timeline()
        self.cloud = FakeCloud()
        self.play = types.SimpleNamespace(
            timeline=self.timeline, detail={}, since='', before={'a': HOST},
            result=types.SimpleNamespace(state=model.DONE),
            scenario=model.Scenario('a', notice=30.0),
            stage=types.SimpleNamespace(here=None, cloud=self.cloud,
                                        proxy=types.SimpleNamespace()),
            admin=types.SimpleNamespace(session=SESSION))
        self.play.fault = faults.Fault(self.play)

    def told(self, *states):
        for state in states:
            self.timeline.record('inspector', host=HOST, state=state)

    def test_inspector_was_told(self):
        self.told('IN_MAINTENANCE', 'MAINTENANCE_COMPLETE')
        self.assertEqual([], checks._inspected(self.play, [HOST]))

    def test_inspector_heard_nothing(self):
        self.told('IN_MAINTENANCE')
        self.assertEqual(
            ["MAINTENANCE_COMPLETE: [], not ['compute-1']"],
            checks._inspected(self.play, [HOST]))

    def test_inspector_heard_too_much(self):
        self.told(*2 * ['IN_MAINTENANCE', 'MAINTENANCE_COMPLETE'])
        self.assertEqual(2, len(checks._inspected(self.play, [HOST])))

    def announce(self, actions_at):
        self.timeline.record(
            'session', method='POST', session=SESSION, code=200, state=None,
            body={'maintenance_at': AT})
        self.timeline.record(
            'notify', event_type='maintenance.scheduled', message_id='m',
            payload={'session_id': SESSION, 'state': 'MAINTENANCE',
                     'actions_at': actions_at})
        return checks._started(self.play)

    def test_start(self):
        self.assertEqual([], self.announce(AT))

    def test_start_that_was_moved(self):
        self.assertEqual(['at 2026-01-31 10:00:31'],
                         self.announce('2026-01-31 10:00:31'))

    def test_start_with_little_notice(self):
        self.play.scenario = model.Scenario('a', notice=5.0)
        self.assertEqual([], self.announce('2026-01-31 10:00:31'))

    # What was to go wrong

    def fault(self, name):
        return (faults.FAULTS | states.FAULTS)[name](self.play)

    def test_nothing_went_wrong(self):
        self.assertIsNone(self.fault(None).missed())
        for name in ('no-valid-host', 'anti-affinity', 'nova-away',
                     'bus-restarts', 'database-restarts', 'engine-dies',
                     'confirmed-by-another', 'auto-confirmed'):
            self.assertIsNotNone(self.fault(name).missed(), name)

    def test_refused(self):
        fault = self.fault('no-valid-host')
        fault.struck = True
        self.assertEqual('Nova carried out every move', fault.missed())
        self.cloud.requests.append('migrate')
        self.assertIsNone(fault.missed())

    def test_refused_at_once(self):
        fault = self.fault('anti-affinity')
        fault.struck = True
        self.timeline.record('migrate.refused')
        self.assertIsNone(fault.missed())

    def test_ambush_that_failed(self):
        def fails(target):
            raise TimeoutError
        fault = self.fault('anti-affinity')
        fault.strike = fails
        self.assertRaises(TimeoutError, fault._watch, 'POST', '/servers/a',
                          {'migrate': {'host': HOST}})
        self.assertEqual('nothing stood in the way of a move',
                         fault.missed())

    def test_engine_was_killed_too_late(self):
        fault = self.fault('engine-dies')
        fault.killed, fault.server, fault.killed_at = 'engine', 'a', 10.0
        self.assertIsNone(fault.missed())
        self.timeline.record('migrate.confirm', server='a', t=11.0)
        self.assertIsNone(fault.missed())
        self.timeline.record('migrate.confirm', server='a', t=9.0)
        self.assertIsNotNone(fault.missed())

    def test_states_spoil_no_move(self):
        """In none of them is anything sent that Nova would refuse."""
        self.assertEqual(
            {'confirmed-by-another', 'auto-confirmed'},
            {name for name, each in states.FAULTS.items() if each.spoils})
