# SPDX-License-Identifier: Apache-2.0
import inspect
import json

import jsonschema
import testtools

from fenix import errors
from fenix import policies
from fenix.api import openapi
from fenix.api import routes


class MatchTest(testtools.TestCase):

    def test_every_route_finds_itself(self):
        for route in routes.ROUTES:
            path = route.path.replace('{', '<').replace('}', '>')
            for slash in ('', '/') if path != '/' else ('',):
                found, names = routes.match(route.method, path + slash)
                self.assertIs(route, found)
                self.assertEqual({name: f'<{name}>' for name in names},
                                 names)

    def test_reserved_words_are_no_projects(self):
        for word in routes.RESERVED:
            for path in (f'/v1/maintenance/s/{word}',
                         f'/v1/maintenance/s/{word}/i'):
                try:
                    route, _ = routes.match('PUT', path)
                except (errors.NotFound, errors.MethodNotAllowed):
                    continue
                self.assertNotIn('project', route.path)

    def test_nothing_there(self):
        for path in ('', '//', '/v2', '/v1/maintenance//p', '/v1//',
                     '/v1/maintenance/s/p/i/x', '/V1', '/v1/instance//'):
            if path:
                self.assertRaises(errors.NotFound, routes.match, 'GET', path)

    def test_methods(self):
        error = self.assertRaises(errors.MethodNotAllowed, routes.match,
                                  'PATCH', '/v1/maintenance/s')
        self.assertEqual(['DELETE', 'GET', 'HEAD', 'POST', 'PUT'],
                         error.allowed)
        self.assertEqual('GET', routes.match('HEAD', '/v1')[0].method)
        self.assertRaises(errors.MethodNotAllowed, routes.match, 'HEAD',
                          '/v1/maintenance/s/p/i')


class PoliciesTest(testtools.TestCase):

    def test_documented_as_routed(self):
        documented = {(operation['method'], operation['path'], rule.name)
                      for rule in policies.list_rules()
                      for operation in getattr(rule, 'operations', ())}
        self.assertEqual({(route.method, route.path, route.policy)
                          for route in routes.ROUTES if route.policy},
                         documented)

    def test_handlers_that_know_the_owner_authorise(self):
        for route in routes.ROUTES:
            if route.by_owner:
                module = inspect.getsource(
                    inspect.getmodule(route.handler))
                self.assertIn('call.authorize(', module)


class OpenApiTest(testtools.TestCase):

    def test_document(self):
        document = json.loads(json.dumps(openapi.document()))
        operations = [operation for path in document['paths'].values()
                      for operation in path.values()]
        self.assertEqual(len(routes.ROUTES), len(operations))
        ids = {operation['operationId'] for operation in operations}
        self.assertEqual(len(operations), len(ids))
        for operation in operations:
            self.assertRegex(operation['summary'], r'.\.$|.;.+\.$')

    def test_schemas(self):
        for route in routes.ROUTES:
            if route.schema:
                jsonschema.Draft202012Validator.check_schema(route.schema)
