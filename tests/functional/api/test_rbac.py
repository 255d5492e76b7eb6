# SPDX-License-Identifier: Apache-2.0
"""Who may do what: the matrix in rbac.yaml."""

import pathlib

import yaml
from keystoneauth1 import fixture as tokens
from keystonemiddleware import fixture

from fenix.api import routes
from fenix.db import constraints
from fenix.db import models
from tests import fixtures
from tests.functional.api import base
from tests.functional.db import records

MATRIX = yaml.safe_load(
    pathlib.Path(__file__).with_name('rbac.yaml').read_text())

BODIES = {
    'fenix:session:create': base.request(),
    'fenix:plan:create': base.request(),
    'fenix:session:continue': {},
    'fenix:action:report': {'state': 'DONE'},
    'fenix:project:reply': {'state': 'ACK_MAINTENANCE'},
    'fenix:constraint:put': {'project_id': 'p3', 'lead_time': 9},
}


class RbacTest(base.ApiTest, fixtures.DatabaseTestCase):

    AUTH = 'keystone'

    def setUp(self):
        super().setUp()
        self.config(group='api', plan_timeout=1)
        self.tokens = self.useFixture(fixture.AuthTokenFixture())
        self.headers = {name: {'X_Auth_Token': name}
                        for name in MATRIX['callers']}
        self.add('admin', 'boss', ['admin'])
        self.add('own', 'p1', ['_member_'])
        self.add('reader', 'p1', ['reader'])
        self.add('other', 'p2', ['member'])
        self.add('unscoped', None, [])
        self.headers['unscoped'] |= {
            'X_Project_Id': 'p1', 'X_Tenant_Id': 'p1', 'X_Tenant': 'p1',
            'X_Roles': 'admin', 'X_Role': 'admin',
            'X_Identity_Status': 'Confirmed'}
        system = tokens.V3Token()
        system.set_system_scope()
        system.add_role(name='admin')
        self.tokens.add_token(system, 'system')
        self.add('expired', 'p1', ['admin'],
                 expires='2020-01-01T00:00:00.000000Z')
        self.headers['nobody'] = {
            'X_Project_Id': 'p1', 'X_Roles': 'admin',
            'X_Identity_Status': 'Confirmed'}

    def add(self, name, project_id, roles, **values):
        self.tokens.add_token_data(
            token_id=name, user_id=name, project_id=project_id,
            role_list=roles, **values)

    def prepare(self):
        self.database.empty()
        self.ringer.rung.clear()
        self.session = base.new_session(state='MAINTENANCE_FAILED')
        self.run_ = records.run(self.session.id)
        base.store(self.run_, records.instance(
            self.session.id, instance_id='i1', project_id='p1'))
        constraints.put_instance(models.InstanceConstraint(
            instance_id='i1', project_id='p1', max_interruption_time=1,
            migration_type='MIGRATE', resource_mitigation=True,
            lead_time=1))
        constraints.put_group(models.GroupConstraint(
            group_id='g1', project_id='p1', anti_affinity_group=True,
            max_instances_per_host=1, max_impacted_members=1,
            recovery_time=1, resource_mitigation=True))

    def test_matrix(self):
        wrong = []
        for call, codes in MATRIX['calls']:
            method, path = call.split()
            codes = codes.split()
            for name, code in zip(MATRIX['callers'], codes, strict=True):
                self.prepare()
                before = records.everything()
                response = self.send(
                    method, path.format(session=self.session.id,
                                        run=self.run_.id),
                    self.body(method, path), **self.headers[name])
                if response.status_int != int(code):
                    wrong.append(f'{call} by {name}: {response.status}, '
                                 f'not {code}')
                if code != '200' and before != records.everything():
                    wrong.append(f'{call} by {name} was stored')
                if code == '401':
                    self.assertIn('WWW-Authenticate', response.headers)
        self.assertEqual([], wrong, '\n'.join(['', *wrong]))

    def body(self, method, path):
        try:
            route, _ = routes.match(method, path.partition('?')[0])
        except routes.errors.NotFound:
            return None
        return BODIES.get(route.policy)

    def test_all_routes_are_in_the_matrix(self):
        found = set()
        for call, _ in MATRIX['calls']:
            method, path = call.partition('?')[0].split()
            try:
                found.add(routes.match(method, path)[0].policy)
            except routes.errors.NotFound:
                pass
        self.assertEqual({route.policy for route in routes.ROUTES}, found)

    def test_owner_is_the_project_of_the_token(self):
        self.prepare()
        self.call('PUT', '/v1/instance/new', {'project_id': 'stacks'},
                  X_Auth_Token='own')
        self.assertEqual('p1', constraints.get_instance('new').project_id)

    def test_session_is_of_the_administrators_project(self):
        self.prepare()
        self.call('POST', '/v1/maintenance', base.request(),
                  X_Auth_Token='admin')
        self.assertEqual({'admin', 'boss'}, {
            row.project_id for row in base.stored(models.Session)})

    def test_who_is_unknown_learns_nothing_of_his_body(self):
        answer = self.call('PUT', '/v1/maintenance/x/p1', b'{', 401)
        self.assertEqual('fenix.unauthorized', answer['code'])
        answer = self.call('PUT', '/v1/maintenance/x/p1', b'{', 403,
                           X_Auth_Token='other')
        self.assertEqual('fenix.forbidden', answer['code'])

    def test_invalid_service_token(self):
        self.call('GET', '/v1/instance', status=401, X_Auth_Token='own',
                  X_Service_Token='forged')
