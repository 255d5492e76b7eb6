# SPDX-License-Identifier: Apache-2.0
"""The summary of a run."""

import testtools

from tests.cloud import checks
from tests.cloud import results
from tests.cloud import table

Result = results.Result


class TableTest(testtools.TestCase):

    def test_row(self):
        self.assertEqual(
            ('a', 'DONE', '21.5 s', '3', '1', '40 ms', '0 s', '60 s',
             'good'),
            table.row(Result('a', 'MAINTENANCE_DONE', makespan_s=21.5,
                             moves=3, reaction_ms=40, interruption_s=0.0,
                             seconds=60.0, together=['compute-1'])))

    def test_row_of_what_did_not_run(self):
        self.assertEqual(
            ('a', '-', '-', '0', '0', '-', '-', '1 s', 'BAD'),
            table.row(Result('a', seconds=1.0, found={'x': ['y']})))

    def test_continued(self):
        self.assertIn('DONE (continued)', table.row(Result(
            'a', 'MAINTENANCE_DONE', continued=True)))

    def test_lines(self):
        lines = table.lines([Result('a'), Result('a long name', found={
            'services': ['one is down', 'two are down']})])
        self.assertEqual(4 + 2, len(lines))
        self.assertEqual(lines[2].index('-'), lines[3].index('-'))
        self.assertEqual('a long name: services: two are down', lines[-1])

    def test_summary(self):
        found = table.summary([
            Result('callers'), Result('api', found={'x': ['y']}),
            Result('twice')], 12.34)
        self.assertEqual((2, 1, 12.3), (found['good'], found['bad'],
                                        found['seconds']))
        # What a scenario was to show does not count if it is not good.
        self.assertEqual([3, 4], found['points'])
        self.assertIsNone(found['ended_early'])

    def test_summary_of_a_run_that_ended_early(self):
        found = table.summary([], 1.0, 'it was stopped')
        self.assertEqual('it was stopped', found['ended_early'])


class NotificationsTest(testtools.TestCase):

    def line(self, **payload):
        return {'t': 1.0, 'what': 'notify', 'event_type': 'maintenance.x',
                'payload': payload, 'context_project': None}

    def test_good(self):
        self.assertEqual([], checks.notifications([self.line(
            instance_ids=['a'], metadata={'a': 'b', 'n': 1, 'x': True},
            reply_at='2026-01-31 10:00:00', reply_url='http://x/y',
            actions_at=None)]))

    def test_too_long(self):
        self.assertIn('256 characters', checks.notifications(
            [self.line(state='x' * 256)])[0])

    def test_not_for_yaml(self):
        self.assertIn('not read', checks.notifications(
            [self.line(metadata={'a': None})])[0])

    def test_a_text_like_a_list(self):
        self.assertIn('looks like', checks.notifications(
            [self.line(state='[1]')])[0])

    def test_project_in_the_context(self):
        self.assertIn('of its own', checks.notifications(
            [{**self.line(), 'context_project': 'p'}])[0])
