# SPDX-License-Identifier: Apache-2.0
import dataclasses

import testtools

from fenix.sandbox import generator

RECIPE = generator.Recipe(hosts=10, servers=80)


class GeneratorTest(testtools.TestCase):

    def test_groups_that_wish_to_be_together(self):
        cloud = generator.generate(1, dataclasses.replace(
            RECIPE, together=1.0))
        kinds = {(group.anti_affinity, group.affinity)
                 for group in cloud.groups}
        self.assertEqual({(True, False), (False, True)}, kinds)
        for group in cloud.groups:
            if group.affinity:
                self.assertTrue(group.soft)
                self.assertEqual(0, group.max_per_host)

    def test_projects_that_move_instances_themselves(self):
        cloud = generator.generate(1, dataclasses.replace(
            RECIPE, own_action=0.5))
        own = [server for server in cloud.servers
               if server.migration_type == generator.OWN]
        self.assertTrue(0 < len(own) < len(cloud.servers))
        self.assertTrue(all(server.constrained for server in own))

    def test_wishes_change_nothing_else(self):
        plain = generator.generate(1, RECIPE)
        wishing = generator.generate(1, dataclasses.replace(
            RECIPE, together=0.5, own_action=0.5))
        self.assertEqual(plain.hosts, wishing.hosts)
        self.assertEqual(
            [(s.server_id, s.host, s.vcpus, s.group_id)
             for s in plain.servers],
            [(s.server_id, s.host, s.vcpus, s.group_id)
             for s in wishing.servers])
        self.assertNotEqual(plain.groups, wishing.groups)
