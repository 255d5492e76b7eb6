# SPDX-License-Identifier: Apache-2.0
"""Each check of Nova's records finds what it is for."""

import copy

import testtools

from tests.cloud import audit

FIRST, SECOND = 'compute-1', 'compute-2'


class FakeCloud:
    """Two hosts; both servers were moved from the first to the second."""

    def __init__(self):
        self.hosts = {host: {'status': 'enabled', 'state': 'up',
                             'disabled_reason': None}
                      for host in (FIRST, SECOND)}
        self.all = {server: {'name': server, 'status': 'ACTIVE',
                             'OS-EXT-SRV-ATTR:host': SECOND}
                    for server in 'ab'}
        self.moves = [{'instance_uuid': server, 'source_compute': FIRST,
                       'dest_compute': SECOND, 'status': 'confirmed',
                       'migration_type': 'migration'} for server in 'ab']
        self.done = {server: ['create', 'migrate', 'confirmResize']
                     for server in 'ab'}
        self.allocated = {FIRST: set(), SECOND: {'a', 'b'}}

    def computes(self):
        return self.hosts

    def servers(self):
        return self.all

    def migrations(self, since):
        return self.moves

    def actions(self, server):
        return self.done[server]

    def consumers(self):
        return self.allocated


class AuditTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.cloud = FakeCloud()
        self.patch(audit, 'SETTLE', 0.0)

    def found(self, pairs=(), before=(), **arguments):
        found = audit.audit(self.cloud, '', pairs, dict.fromkeys(
            before, FIRST), **arguments)
        return sorted(name for name, what in found.items() if what)

    def test_good(self):
        self.assertEqual([], self.found(before='ab'))

    def test_host_disabled(self):
        self.cloud.hosts[FIRST]['status'] = 'disabled'
        self.assertEqual(['hosts enabled and up'], self.found())
        self.assertEqual([], self.found(skipped=[FIRST]))

    def test_host_down(self):
        self.cloud.hosts[FIRST]['state'] = 'down'
        self.assertEqual(['hosts enabled and up'], self.found())

    def test_server_in_error(self):
        self.cloud.all['a']['status'] = 'ERROR'
        self.assertEqual(['all servers run'], self.found())

    def test_pair_together(self):
        self.assertEqual(['pairs apart'], self.found(pairs=['ab']))

    def test_outside(self):
        self.assertEqual([], audit.outside(self.cloud, [('ab', [SECOND])]))
        self.assertEqual(['a is on compute-2'], audit.outside(
            self.cloud, [('a', [FIRST]), ('b', [SECOND])]))

    def test_other_ways(self):
        def found(**ways):
            return audit.other_ways(self.cloud, '', ways)
        self.assertEqual([], found(a='migration'))
        self.assertEqual(['a: migration, not live-migration'],
                         found(a='live-migration', b='migration'))
        # Its owner was to move it.
        self.assertEqual(['b: migration, not None'], found(b=None))

    def test_unknown(self):
        self.assertEqual([], audit.unknown(self.cloud, ['b', 'a']))
        self.assertEqual(['b', 'c'], audit.unknown(self.cloud, ['a', 'c']))

    def test_not_emptied(self):
        del self.cloud.moves[1], self.cloud.done['b']
        self.assertEqual(['every host was emptied'], self.found(before='ab'))

    def test_failed_migration(self):
        failed = copy.copy(self.cloud.moves[0]) | {'status': 'error'}
        self.cloud.moves.append(failed)
        self.cloud.done['a'].append('migrate')
        self.assertEqual(['migrations ended well'], self.found())
        self.assertEqual([], self.found(faults=True))

    def test_moved_twice_off_a_host(self):
        self.cloud.moves.append(copy.copy(self.cloud.moves[0]))
        self.cloud.done['a'] += ['migrate', 'confirmResize']
        self.assertEqual(['off each host once'], self.found())

    def test_requested_twice(self):
        self.cloud.done['a'].append('migrate')
        self.assertEqual(['one request for each move'], self.found())

    def test_confirmed_twice(self):
        self.cloud.done['a'].append('confirmResize')
        self.assertEqual(['one request for each move'], self.found())

    def test_confirmation_that_nobody_asked_for(self):
        """Nova notes each, its own (resize_confirm_window) too."""
        self.cloud.done['a'].remove('confirmResize')
        self.assertEqual(['one request for each move'], self.found())
        self.assertEqual(['one request for each move'],
                         self.found(faults=True))

    def test_allocation_left_behind(self):
        self.cloud.allocated[FIRST].add('a')
        self.assertEqual(['Placement agrees'], self.found())
