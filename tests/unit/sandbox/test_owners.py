# SPDX-License-Identifier: Apache-2.0
"""What owners do with servers of the sandbox, and what can move then."""

import testtools

from fenix.sandbox.cloud import config
from fenix.sandbox.cloud import errors
from tests.unit.sandbox import worlds

#: How each state is reached, and whether Nova then moves cold and live.
MATRIX = {
    'ACTIVE': ((), True, True),
    'SHUTOFF': (('os-stop',), True, False),
    'PAUSED': (('pause',), False, True),
    'SUSPENDED': (('suspend',), False, False),
    'RESCUE': (('rescue',), False, False),
    'SHELVED': (('shelve',), False, False),
    'SHELVED_OFFLOADED': (('shelve', 'shelveOffload'), False, False)}


class TestOwners(testtools.TestCase):

    def server(self, status='ACTIVE'):
        self.world = worlds.World()
        self.model = self.world.model
        server = self.world.server()
        for change in MATRIX[status][0]:
            self.model.change_state(server.id, change)
        self.assertEqual(status, server.status)
        return server

    def test_what_nova_moves(self):
        """As real Nova was seen to answer."""
        for status, (_, cold, live) in MATRIX.items():
            for request, accepted in ((self.cold, cold), (self.live, live)):
                server = self.server(status)
                if accepted:
                    request(server)
                    self.assertEqual(status, server.status)
                    self.assertEqual('compute-2', server.host)
                else:
                    raised = self.assertRaises(
                        errors.Conflict, request, server)
                    self.assertIn('while it is in vm_state', str(raised))

    def cold(self, server):
        self.model.migrate(server.id, 'compute-2')
        self.world.wait(10)
        self.assertEqual('VERIFY_RESIZE', server.status)
        self.model.confirm(server.id)
        self.world.wait(10)

    def live(self, server):
        self.model.live_migrate(server.id, 'compute-2')
        self.assertEqual('MIGRATING', server.status)
        self.world.wait(10)

    def test_shelved_and_back(self):
        server = self.server('SHELVED')
        self.assertEqual([2, 0, 0], self.world.vcpus())
        self.model.change_state(server.id, 'shelveOffload')
        self.assertEqual(([0, 0, 0], None), (self.world.vcpus(),
                                             server.host))
        self.model.disable('compute-1', 'why')
        self.model.change_state(server.id, 'unshelve')
        self.assertEqual(('ACTIVE', 'compute-2'),
                         (server.status, server.host))
        self.assertEqual([0, 2, 0], self.world.vcpus())

    def test_no_room_to_come_back_to(self):
        server = self.server('SHELVED_OFFLOADED')
        for number in range(1, 4):
            self.model.disable(f'compute-{number}', 'why')
        self.model.change_state(server.id, 'unshelve')
        self.assertEqual('SHELVED_OFFLOADED', server.status)
        self.assertEqual('Error', server.actions[-1].message)

    def test_it_takes_time(self):
        server = self.server()
        self.model.times = config.Times(power=5)
        self.model.change_state(server.id, 'pause')
        self.assertEqual(('ACTIVE', 'pausing'),
                         (server.status, server.task_state))
        raised = self.assertRaises(errors.Conflict, self.model.live_migrate,
                                   server.id, 'compute-2')
        self.assertIn('while it is in task_state pausing', str(raised))
        self.world.wait(5)
        self.assertEqual('PAUSED', server.status)

    def test_only_from_some_states(self):
        server = self.server('SUSPENDED')
        self.assertRaises(errors.Conflict, self.model.change_state,
                          server.id, 'pause')
        self.model.change_state(server.id, 'resume')
        self.model.change_state(server.id, 'pause')
        self.model.change_state(server.id, 'unpause')
        self.assertEqual('ACTIVE', server.status)
