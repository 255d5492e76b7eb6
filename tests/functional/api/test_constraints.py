# SPDX-License-Identifier: Apache-2.0
"""CONTRACT.md 1.4 and section 8, 1, 2 and 14."""

from fenix.db import constraints
from tests import fixtures
from tests.functional.api import base

INSTANCE = {
    'instance_id': 'i1', 'project_id': 'p1', 'group_id': 'g1',
    'instance_name': 'vdu', 'max_interruption_time': 120,
    'migration_type': 'LIVE_MIGRATE', 'resource_mitigation': True,
    'lead_time': 40}

GROUP = {
    'group_id': 'g1', 'project_id': 'p1', 'group_name': 'ha',
    'anti_affinity_group': True, 'max_instances_per_host': 1,
    'max_impacted_members': 2, 'recovery_time': 4,
    'resource_mitigation': True}


@fixtures.on_each_database
class ConstraintsTest(base.ApiTest):

    def call(self, method, path, body=None, status=200, project='p1'):
        return super().call(method, path, body, status,
                            X_Project_Id=project)

    def instance(self, **values):
        answer = self.call('PUT', '/v1/instance/i1', INSTANCE | values)
        return constraints.get_instance('i1'), answer['warnings']

    def group(self, **values):
        answer = self.call('PUT', '/v1/instance_group/g1', GROUP | values)
        return constraints.get_group('g1'), answer['warnings']

    def test_instance(self):
        self.call('PUT', '/v1/instance/i1/', INSTANCE)
        self.assertEqual(INSTANCE, self.call('GET', '/v1/instance/i1'))
        row, _ = self.instance(lead_time=41)
        self.assertEqual(41, row.lead_time)
        self.assertEqual(
            {'instances': [INSTANCE | {'lead_time': 41}]},
            self.call('GET', '/v1/instance'))

    def test_group(self):
        self.call('PUT', '/v1/instance_group/g1/', GROUP)
        self.assertEqual(GROUP, self.call('GET', '/v1/instance_group/g1'))
        self.assertEqual({'instance_groups': [GROUP]},
                         self.call('GET', '/v1/instance_group/'))

    def test_in_any_order(self):
        self.call('PUT', '/v1/instance/i1', INSTANCE)
        self.call('PUT', '/v1/instance_group/g1', GROUP)
        self.assertEqual({}, self.call('DELETE', '/v1/instance_group/g1'))
        self.assertEqual({}, self.call('DELETE', '/v1/instance/i1/'))
        for path in ('/v1/instance/i1', '/v1/instance_group/g1'):
            self.assertEqual({}, self.call('DELETE', path, b''))
            self.assertEqual('fenix.constraint.not_found',
                             self.call('GET', path, status=404)['code'])

    def test_as_tacker_sends_it(self):
        row, warnings = self.instance(
            project_id='stacks', max_interruption_time='120,',
            migration_type='MIGRATION,', resource_mitigation='True,',
            lead_time='120,')
        self.assertEqual([], warnings)
        self.assertEqual(
            ('p1', 120, 'MIGRATE', True, 120),
            (row.project_id, row.max_interruption_time, row.migration_type,
             row.resource_mitigation, row.lead_time))
        row, warnings = self.group(
            recovery_time='60,', resource_mitigation='False,',
            max_impacted_members='1')
        self.assertEqual([], warnings)
        self.assertEqual((60, False, 1), (
            row.recovery_time, row.resource_mitigation,
            row.max_impacted_members))

    def test_what_cannot_be_read(self):
        for field, value, default in [
                ('max_interruption_time', 'long', 120),
                ('max_interruption_time', True, 120),
                ('lead_time', None, 120), ('lead_time', -1, 120),
                ('lead_time', 2**40, 120), ('lead_time', {}, 120),
                ('migration_type', 'FLY', 'MIGRATE'),
                ('migration_type', 7, 'MIGRATE'),
                ('resource_mitigation', 'perhaps', True),
                ('group_id', 'x' * 65, None), ('group_id', ['g'], None)]:
            row, warnings = self.instance(**{field: value})
            self.assertEqual(default, getattr(row, field), (field, value))
            self.assertEqual(1, len(warnings))
            self.assertIn(field, warnings[0])
        row, warnings = self.group(max_impacted_members=0)
        self.assertEqual((1, 1), (row.max_impacted_members, len(warnings)))
        self.assertEqual(5, len(self.call(
            'PUT', '/v1/instance_group/g2', {})['warnings']))

    def test_a_list_of_types_as_etsi_has_it(self):
        row, warnings = self.instance(
            migration_type=['X', 'OWN_ACTION', 'MIGRATE'], lead_time=0.5)
        self.assertEqual(('OWN_ACTION', 1, []), (
            row.migration_type, row.lead_time, warnings))

    def test_the_path_counts(self):
        self.call('PUT', '/v1/instance/a.b.json', INSTANCE)
        self.assertEqual('a.b.json', self.call(
            'GET', '/v1/instance/a.b.json')['instance_id'])

    def test_owner(self):
        self.instance()
        # An administrator of another project may, and does not take it.
        self.call('PUT', '/v1/instance/i1', INSTANCE | {'lead_time': 1},
                  project='admin')
        row = constraints.get_instance('i1')
        self.assertEqual(('p1', 1), (row.project_id, row.lead_time))
        self.assertEqual([], self.call(
            'GET', '/v1/instance', project='admin')['instances'])
        self.assertEqual(1, len(self.call(
            'GET', '/v1/instance?project_id=p1',
            project='admin')['instances']))

    def test_without_a_project(self):
        self.call('PUT', '/v1/instance/i1', INSTANCE, project='')
        self.assertEqual('p1', constraints.get_instance('i1').project_id)
        self.call('PUT', '/v1/instance/i2', {'project_id': 7}, project='')
        self.assertEqual('', constraints.get_instance('i2').project_id)

    def test_bad(self):
        self.refused('fenix.invalid', 'PUT', '/v1/instance/' + 'x' * 65,
                     INSTANCE, field='instance_id')
        for body in ([], 'x', 7, b'{'):
            for path in ('/v1/instance/i1', '/v1/instance_group/g1'):
                self.refused('fenix.invalid', 'PUT', path, body)
