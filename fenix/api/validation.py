# SPDX-License-Identifier: Apache-2.0
"""From bytes to a body that fits its schema, or an error that says why."""

import functools
import json
import math

import jsonschema
from jsonschema import exceptions

from fenix import errors

#: How much of a wrong value an error repeats.
_SHOWN = 100


def read_json(data):
    """Return what the body of a request says; an empty one says ``{}``.

    :raises errors.Invalid: it is no JSON, or holds what no database takes
    """
    if not data.strip():
        return {}
    try:
        body = json.loads(data, parse_constant=_refuse, parse_int=_whole,
                          parse_float=_finite)
        check_texts(body)
        return body
    except RecursionError:
        raise errors.Invalid('The body is nested too deeply.') from None
    except ValueError as exc:
        raise errors.Invalid(f'The body is not valid JSON: {exc}') from None


def _refuse(text):
    raise ValueError(f'{text[:_SHOWN]} is not a number that can be kept')


def _whole(text):
    # The digits are counted first: reading very many of them is refused
    # by Python in its own words.
    if len(text) > 20 or not -2**63 <= int(text) < 2**63:
        _refuse(text)
    return int(text)


def _finite(text):
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def check_texts(value, field=None):
    """Refuse characters that databases and other programs choke on.

    :raises errors.Invalid: a NUL or half of a surrogate pair
    """
    if isinstance(value, str):
        if '\0' in value or not _encodable(value):
            raise errors.Invalid('A text holds a character that is not '
                                 'allowed.', field=field)
    elif isinstance(value, list):
        for item in value:
            check_texts(item, field)
    elif isinstance(value, dict):
        for key, item in value.items():
            check_texts(key, field)
            check_texts(item, field or key)


def _encodable(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Schema:
    """A JSON schema, ready for use."""

    def __init__(self, schema):
        self.schema = schema
        self._validator = jsonschema.Draft202012Validator(schema)

    def check(self, body):
        """Check a body.

        :raises errors.Invalid: it does not fit; names the field
        """
        error = exceptions.best_match(self._validator.iter_errors(body))
        if error is not None:
            raise errors.Invalid(_message(error), field=_field(error))


schema = functools.lru_cache(maxsize=None)(Schema)


def _field(error):
    if error.validator == 'required':
        missing = [name for name in error.validator_value
                   if name not in error.instance]
        return _path([*error.absolute_path, missing[0]])
    if error.validator == 'additionalProperties':
        known = error.schema.get('properties', {})
        extra = [name for name in error.instance if name not in known]
        return _path([*error.absolute_path, extra[0]])
    return _path(error.absolute_path)


def _path(parts):
    """Spell a place in a body, for example ``actions[0].type``."""
    path = ''
    for part in parts:
        if isinstance(part, int):
            path += f'[{part}]'
        else:
            path += f'.{part}' if path else part
    return path[:_SHOWN] or None


def _message(error):
    field = _field(error)
    if error.validator == 'required':
        return f'{field} is missing.'
    if error.validator == 'additionalProperties':
        return f'{field} is not known.'
    where = field or 'The body'
    value = json.dumps(error.instance)
    value = value if len(value) <= _SHOWN else value[:_SHOWN] + '…'
    rule = error.validator_value
    wrong = {
        'type': lambda: 'is not ' + _kinds(rule),
        'enum': lambda: 'is none of ' + ', '.join(map(str, rule)),
        'minLength': lambda: 'must not be empty',
        'maxLength': lambda: f'is longer than {rule} characters',
        'maxItems': lambda: f'has more than {rule} items',
        'uniqueItems': lambda: 'names something twice',
        'minimum': lambda: f'is less than {rule}',
        'maximum': lambda: f'is more than {rule}',
    }[error.validator]()
    return f'{where} {wrong}: {value}'


_KINDS = {'object': 'an object', 'array': 'a list', 'string': 'a text',
          'integer': 'a whole number', 'number': 'a number',
          'boolean': 'true or false', 'null': 'null'}


def _kinds(rule):
    kinds = [rule] if isinstance(rule, str) else rule
    return ' or '.join(_KINDS[kind] for kind in kinds)
