# SPDX-License-Identifier: Apache-2.0
from fenix import errors
from fenix.db import constraints
from fenix.db import models
from tests import fixtures
from tests.functional.db import records


def instance(key='i1', project='p1', **values):
    return models.InstanceConstraint(**{
        'instance_id': key, 'project_id': project, 'group_id': 'g1',
        'max_interruption_time': 120, 'migration_type': 'MIGRATE',
        'resource_mitigation': True, 'lead_time': 40, **values})


def group(key='g1', project='p1', **values):
    return models.GroupConstraint(**{
        'group_id': key, 'project_id': project, 'anti_affinity_group': True,
        'max_instances_per_host': 1, 'max_impacted_members': 1,
        'recovery_time': 4, 'resource_mitigation': True, **values})


@fixtures.on_each_database
class ConstraintsTest:
    def test_put_and_get(self):
        constraints.put_instance(instance())
        constraints.put_group(group())
        found = constraints.get_instance('i1')
        self.assertEqual((40, True, 'MIGRATE'), (
            found.lead_time, found.resource_mitigation,
            found.migration_type))
        self.assertEqual(4, constraints.get_group('g1').recovery_time)

    def test_put_replaces(self):
        constraints.put_instance(instance(instance_name='a'))
        before = constraints.get_instance('i1').updated_at
        constraints.put_instance(instance(lead_time=120))
        found = constraints.get_instance('i1')
        self.assertEqual((120, None), (found.lead_time, found.instance_name))
        self.assertGreaterEqual(found.updated_at, before)
        constraints.put_group(group())
        constraints.put_group(group(recovery_time=60))
        self.assertEqual(60, constraints.get_group('g1').recovery_time)

    def test_put_at_once(self):
        results = records.race(*[
            lambda a=number: constraints.put_instance(instance(lead_time=a))
            for number in range(6)])
        self.assertEqual([None] * 6, results)
        self.assertEqual(1, len(records.everything()[
            'instance_constraints']))

    def test_another_project(self):
        constraints.put_instance(instance())
        constraints.put_group(group())
        for put, other in (
                (constraints.put_instance, instance(project='p2')),
                (constraints.put_group, group(project='p2'))):
            self.assertRaises(errors.Forbidden, put, other)
        self.assertFalse(constraints.delete_instance('i1', 'p2'))
        self.assertFalse(constraints.delete_group('g1', 'p2'))
        self.assertEqual('p1', constraints.get_instance('i1').project_id)
        constraints.put_instance(instance(project='p2'), any_project=True)
        self.assertEqual('p2', constraints.get_instance('i1').project_id)

    def test_delete(self):
        self.assertFalse(constraints.delete_instance('i1'))
        self.assertFalse(constraints.delete_group('g1'))
        # The group first: nothing refers to anything.
        constraints.put_group(group())
        constraints.put_instance(instance())
        self.assertTrue(constraints.delete_group('g1', 'p1'))
        self.assertTrue(constraints.delete_instance('i1', 'p1'))
        self.assertRaises(errors.ConstraintNotFound,
                          constraints.get_instance, 'i1')
        self.assertRaises(errors.ConstraintNotFound,
                          constraints.get_group, 'g1')

    def test_of_many(self):
        for key, project in (('i1', 'p1'), ('i2', 'p1'), ('i3', 'p2')):
            constraints.put_instance(instance(key, project))
        constraints.put_group(group())
        found = constraints.of_instances(
            ['i1', 'i3', None, *(f'none-{n}' for n in range(1200))])
        self.assertEqual({'i1': 'p1', 'i3': 'p2'},
                         {key: row.project_id for key, row in found.items()})
        self.assertEqual(['g1'], list(constraints.of_groups(['g1', 'g2'])))
        self.assertEqual({}, constraints.of_instances([]))
        self.assertEqual(
            ['i1', 'i2'],
            [row.instance_id for row in
             constraints.instances_of_project('p1')])
        self.assertEqual([], constraints.groups_of_project('p2'))
