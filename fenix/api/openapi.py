# SPDX-License-Identifier: Apache-2.0
"""The API as an OpenAPI 3.1 document, printed from the table of routes.

    python -m fenix.api.openapi > openapi.json
"""

import json
import re
import sys

from fenix import version
from fenix.api import routes

ERROR = {
    'type': 'object',
    'properties': {
        'error': {'type': 'string', 'description': 'For a human.'},
        'code': {'type': 'string',
                 'description': 'For a program; never changes.'},
        'field': {'type': ['string', 'null'],
                  'description': 'The field of the body that is wrong.'},
    },
    'required': ['error', 'code', 'field'],
}

_JSON = 'application/json'


def document():
    """Return the document."""
    paths = {}
    for route in routes.ROUTES:
        paths.setdefault(route.path, {})[
            route.method.lower()] = _operation(route)
    return {
        'openapi': '3.1.0',
        'info': {'title': 'Fenix', 'version': version.release(),
                 'license': {'name': 'Apache-2.0',
                             'identifier': 'Apache-2.0'}},
        'paths': paths,
        'components': {
            'schemas': {'Error': ERROR},
            'securitySchemes': {'token': {
                'type': 'apiKey', 'in': 'header', 'name': 'X-Auth-Token'}},
        },
    }


def _operation(route):
    resource = route.handler.__module__.rpartition('.')[2]
    operation = {
        'operationId': '.'.join([
            resource, route.handler.__name__, route.method.lower(),
            *_names(route.path)]),
        'summary': route.handler.__doc__.split('\n')[0],
        'tags': [resource],
        'parameters': [{'name': name, 'in': 'path', 'required': True,
                        'schema': {'type': 'string'}}
                       for name in _names(route.path)],
        'responses': {
            '200': {'description': 'Done, or recorded to be done.',
                    'content': {_JSON: {'schema': {'type': 'object'}}}},
            'default': {'description': 'Refused, or failed.', 'content': {
                _JSON: {'schema': {'$ref': '#/components/schemas/Error'}}}},
        },
    }
    if route.policy:
        operation['security'] = [{'token': []}]
        operation['x-policy'] = route.policy
    if route.schema:
        operation['requestBody'] = {
            'required': 'required' in route.schema,
            'content': {_JSON: {'schema': route.schema}}}
    return operation


def _names(path):
    return re.findall(r'{(\w+)}', path)


if __name__ == '__main__':
    json.dump(document(), sys.stdout, indent=2)
    print()
