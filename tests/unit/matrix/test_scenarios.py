# SPDX-License-Identifier: Apache-2.0
"""The scenarios are whole: what they name is there."""

import itertools
import re

import testtools

from tests.cloud import clients
from tests.cloud import pairwise
from tests.cloud import points
from tests.cloud import scenarios
from tests.cloud import stage
from tests.cloud.scenarios import doctor
from tests.cloud.scenarios import model
from tools.cloud import site


class ScenariosTest(testtools.TestCase):

    def test_names_are_unique(self):
        names = [scenario.name for group in scenarios.GROUPS.values()
                 for scenario in group]
        self.assertEqual(len(set(names)), len(names))
        self.assertEqual(set(), set(names) & scenarios.GROUPS.keys())

    def test_subset(self):
        self.assertEqual(set(), set(scenarios.SUBSET)
                         - scenarios.ALL.keys())

    def test_managers(self):
        for scenario in scenarios.ALL.values():
            for vnf in scenario.vnfs:
                self.assertIn(vnf.manner, clients.MANAGERS)
                # The pair, and for WORKER somebody else.
                self.assertGreaterEqual(vnf.instances, 2)
            if scenario.hosts == model.WORKER:
                self.assertGreater(scenario.vnfs[0].instances, 2)

    def test_instances_fill_the_hosts(self):
        for scenario in (*scenarios.GROUPS['doctor'],
                         *scenarios.GROUPS['vnf']):
            (vnf,) = scenario.vnfs
            self.assertEqual(
                doctor.PER_HOST * (scenario.hosts - scenario.spare),
                vnf.instances, scenario.name)

    def test_several_hosts_at_once(self):
        for scenario in scenarios.GROUPS['vnf']:
            self.assertEqual(2, scenario.at_once)
            self.assertTrue(scenario.settings.keys()
                            & {'hosts_at_once', 'zone_share'})
            # More of these than may be out have servers.
            self.assertGreater(scenario.hosts - scenario.spare, 2)

    def test_shares(self):
        """The hosts with servers fit two by two, but not all of them."""
        scenario = scenarios.ALL['shares']
        areas = [*scenario.zones.values(), *scenario.aggregates.values()]
        self.assertEqual(
            sorted(range(1, scenario.hosts + 1)),
            sorted(itertools.chain(*scenario.zones.values())))
        for hosts in areas:
            self.assertEqual(1, int(scenario.settings['zone_share']
                                    * len(hosts)))
        full = range(1, scenario.hosts - scenario.spare + 1)
        self.assertEqual([(2, 3)], [
            pair for pair in itertools.combinations(full, 2)
            if not any(set(pair) <= set(hosts) for hosts in areas)])
        # And one of them is in two aggregates.
        self.assertEqual(2, sum(1 in hosts for hosts
                                in scenario.aggregates.values()))

    def test_the_subset_plays_on_every_cloud(self):
        for name in scenarios.SUBSET:
            self.assertEqual(1, scenarios.ALL[name].cells)

    def test_zones(self):
        for scenario in scenarios.ALL.values():
            for vnf in scenario.vnfs:
                self.assertIn(vnf.zone, {None, *scenario.zones})

    def test_two_cells(self):
        """Those of the second cell are empty, and others are not."""
        for scenario in scenarios.ALL.values():
            if scenario.cells == 2:
                self.assertEqual(site.IN_SECOND_CELL, scenario.spare)
                self.assertGreater(scenario.hosts, site.IN_SECOND_CELL)

    def test_crowds(self):
        """They fill whole hosts, however many hosts there are for them."""
        for scenario in scenarios.ALL.values():
            if scenario.crowd:
                self.assertIsInstance(scenario.hosts, int)
                for hosts in (2, 4):
                    self.assertEqual(0, scenario.crowd % (
                        hosts * doctor.PER_HOST * stage.HALF))

    def test_work(self):
        for scenario in scenarios.ALL.values():
            self.assertIn(scenario.work, stage.WORKS)

    def test_failures_have_reasons(self):
        for scenario in scenarios.ALL.values():
            fails = scenario.ends != model.DONE
            self.assertEqual(fails, bool(scenario.reason), scenario.name)
            re.compile(scenario.reason)

    def test_every_point_is_shown(self):
        self.assertEqual(list(range(1, 18)), sorted(points.POINTS))
        for point, names in points.SHOWN.items():
            self.assertNotEqual([], names, points.POINTS[point])
        claimed = {point for scenario in scenarios.ALL.values()
                   for point in scenario.points}
        self.assertEqual(points.POINTS.keys(), claimed)


class DoctorTest(testtools.TestCase):

    def test_all_use_cases(self):
        """Cold and live, spare or not, both vocabularies, 3 and 5 hosts."""
        found = {(each.hosts, each.spare, each.vnfs[0].action,
                  each.vnfs[0].vocabulary)
                 for each in scenarios.GROUPS['doctor']}
        self.assertEqual(set(itertools.product(
            (3, 5), (0, 1), ('MIGRATE', 'LIVE_MIGRATE'),
            ('doctor', 'fenix'))), found)

    def test_subset_has_every_pair(self):
        chosen = [row for row in doctor.WHOLE
                  if doctor.scenario(row).name in scenarios.SUBSET]
        found = set().union(*map(pairwise.pairs, chosen))
        for row in doctor.ROWS:
            self.assertEqual(set(), pairwise.pairs(row) - found)

    def test_subset_is_small(self):
        """It is cheaper than what the first choice leads to."""
        self.assertLess(len(doctor.COVER), len(pairwise.cover(doctor.ROWS)))
        for row in doctor.COVER:
            self.assertIn(row, doctor.WHOLE)

    def test_tacker_speaks_one_vocabulary(self):
        self.assertNotIn(('tacker', 'doctor'), [
            (row['manner'], row['vocabulary']) for row in doctor.ROWS])


class ChosenTest(testtools.TestCase):

    def names(self, *arguments, **keywords):
        return [each.name for each in
                scenarios.chosen(*arguments, **keywords)]

    def test_all(self):
        self.assertEqual(list(scenarios.ALL), self.names([]))

    def test_subset(self):
        self.assertEqual(set(scenarios.SUBSET),
                         set(self.names([], subset=True)))

    def test_groups_and_names(self):
        self.assertEqual(['callers', 'api', 'cold-fails'],
                         self.names(['cold-fails', 'tokens']))

    def test_part_of_the_subset(self):
        self.assertEqual(list(scenarios.faults.SUBSET), [
            name for name in self.names(['faults'], subset=True)])

    def test_unknown(self):
        self.assertRaises(KeyError, scenarios.chosen, ['nothing'])
