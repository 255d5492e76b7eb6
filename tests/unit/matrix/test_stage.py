# SPDX-License-Identifier: Apache-2.0
"""Which hosts scenarios have, and that no two runs get in each other's way."""

import pathlib

import fixtures
import testtools

from tests.cloud import scenarios
from tests.cloud import stage
from tests.cloud.scenarios import model
from tools.cloud import cloud
from tools.cloud import errors
from tools.cloud import site


class StageTest(testtools.TestCase):

    def make(self, computes, cells):
        directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        here = cloud.Cloud(site.Site(directory, computes=computes,
                                     cells=cells))
        self.patch(cloud.Cloud, 'open', lambda: here)
        return stage.Stage()

    def numbers(self, here, *wanted):
        return [int(name.rpartition('-')[2])
                for name in here.some_hosts(*wanted)]

    def test_one_cell(self):
        here = self.make(5, 1)
        self.assertEqual([1, 2, 3], self.numbers(here, 3, 1))
        self.assertEqual([1, 2, 3, 4, 5], self.numbers(here, 5, 1))

    def test_two_cells(self):
        """A scenario of one cell plays in the first one."""
        here = self.make(7, 2)
        self.assertEqual([1, 2, 3, 4, 5], self.numbers(here, 5, 1))
        self.assertEqual([1, 2, 3, 6, 7], self.numbers(here, 5, 2))

    def test_every_scenario_plays_on_one_cloud(self):
        here = self.make(7, 2)
        for scenario in scenarios.ALL.values():
            self.assertIsNone(here.lacks(scenario), scenario.name)

    def test_a_cell_is_missing(self):
        here = self.make(5, 1)
        self.assertEqual('2 cells', here.lacks(scenarios.ALL['two-cells']))

    def test_hosts_are_missing(self):
        here = self.make(5, 2)
        self.assertEqual('5 hosts, 1 cells', here.lacks(
            scenarios.ALL['two-hosts-at-once']))
        self.assertIsNone(here.lacks(model.Scenario('one-host')))

    def test_a_crowd_needs_hosts_of_its_own(self):
        here = self.make(3, 1)
        self.assertEqual('more than 3 hosts', here.lacks(
            model.Scenario('many', hosts=3, crowd=100)))

    def test_one_run_at_a_time(self):
        first = self.make(5, 1)
        second = stage.Stage()
        first._reserve()
        self.assertRaisesRegex(errors.CloudError, 'another run plays',
                               second._reserve)
        first._stack.close()
        second._reserve()
        second._stack.close()
