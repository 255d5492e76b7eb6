# SPDX-License-Identifier: Apache-2.0
"""Every crash point of a session is crashed once; nothing happens twice."""

import collections

from oslotest import base

from fenix.engine import runner
from tests.unit.engine import harness


class Walk(base.BaseTestCase):
    """Crashes an engine at each point that a session passes."""

    def run_once(self, crash_at=None, **shape):
        """Run a session; die when the point of that number is reached.

        :returns: the harness, and how many points were passed
        """
        cloud = harness.Harness(**shape)
        cloud.setUp()
        passed = 0

        def crash(point, names):
            nonlocal passed
            if point.endswith('effect') and names[0] in runner.READS:
                return False    # The same as around the commit.
            passed += 1
            return passed == crash_at

        cloud.crash = crash
        cloud.session()
        cloud.take()
        cloud.run()
        return cloud, passed

    def walk(self, **shape):
        whole, points = self.run_once(**shape)
        self.check(whole, 'no crash')
        whole.cleanUp()
        for point in range(1, points + 1):
            cloud, _ = self.run_once(point, **shape)
            self.assertEqual(1, cloud.crashes)
            self.check(cloud, f'crash at point {point} of {points}')
            cloud.cleanUp()

    def check(self, cloud, where):
        self.assertEqual('MAINTENANCE_DONE', cloud.state, where)
        moves = collections.Counter(
            (line['server'], line['source']) for line
            in cloud.lines('migrate.start'))
        self.assertEqual({1}, set(moves.values()), where)
        self.assertEqual([], cloud.lines('migrate.refused'), where)
        for what in ('service.disable', 'service.enable'):
            changes = collections.Counter(
                line['host'] for line in cloud.lines(what)
                if line['changed'])
            self.assertEqual({1}, set(changes.values()), where)
        self.check_notifications(cloud, where)

    def check_notifications(self, cloud, where):
        """Nothing is lost; what is repeated has the same message id."""
        first = {}
        for notification in cloud.published:
            first.setdefault(notification.message_id, notification)
        hosts = collections.Counter(
            (notification.payload['host'], notification.payload['state'])
            for notification in first.values()
            if notification.event_type == 'maintenance.host')
        self.assertEqual(
            {(host, state): 1 for host in cloud.model.hosts
             for state in ('IN_MAINTENANCE', 'MAINTENANCE_COMPLETE')},
            dict(hosts), where)
        told = [state for state, _ in cloud.projects[harness.PROJECT].heard]
        self.assertGreaterEqual(told.count('ADMIN_ACTION_DONE'),
                                len(cloud.lines('migrate.start')), where)
        self.assertIn('MAINTENANCE', told, where)


class TestWalk(Walk):

    def test_nothing_spare(self):
        self.walk(options={'settle_time': 1})

    def test_one_spare(self):
        self.walk(hosts=2, spare=1)
