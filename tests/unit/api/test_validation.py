# SPDX-License-Identifier: Apache-2.0
import json

import testtools

from fenix import errors
from fenix.api import validation


class ReadJsonTest(testtools.TestCase):

    def test_good(self):
        for data, body in [(b'', {}), (b' \r\n', {}), (b'{"a": 1}', {'a': 1}),
                           (b'[1.5, true, null]', [1.5, True, None]),
                           ('"\u00e9\U0001f600"'.encode(), '\u00e9\U0001f600'),
                           (b'"\\ud83d\\ude00"', '\U0001f600'),
                           (str(-2**63).encode(), -2**63)]:
            self.assertEqual(body, validation.read_json(data))

    def test_bad(self):
        for data in (b'{', b'\xff', b'nonsense', b'{"a": NaN}', b'[Infinity]',
                     b'1e999', str(2**63).encode(), b'1' * 5000,
                     b'-' + b'1' * 30, b'["\\u0000"]', b'{"\\u0000": 1}',
                     b'"\\ud800"', b'[' * 100_000, b'{"a":' * 100_000):
            error = self.assertRaises(
                errors.Invalid, validation.read_json, data)
            self.assertLess(len(str(error)), 250)

    def test_field_of_a_bad_text(self):
        error = self.assertRaises(errors.Invalid, validation.read_json,
                                  b'{"a": {"b": ["\\u0000"]}}')
        self.assertEqual('a', error.field)


class SchemaTest(testtools.TestCase):

    SCHEMA = {
        'type': 'object', 'required': ['a'], 'additionalProperties': False,
        'properties': {
            'a': {'type': 'string', 'minLength': 1, 'maxLength': 2},
            'b': {'type': ['integer', 'null'], 'minimum': 1, 'maximum': 2},
            'c': {'enum': ['x', 'y']},
            'd': {'type': 'array', 'maxItems': 2, 'uniqueItems': True,
                  'items': {'type': 'object', 'required': ['e'],
                            'additionalProperties': False,
                            'properties': {'e': {'type': 'number'}}}}}}

    def check(self, body):
        error = self.assertRaises(
            errors.Invalid, validation.Schema(self.SCHEMA).check, body)
        return error.field, str(error)

    def test_good(self):
        validation.Schema(self.SCHEMA).check(
            {'a': 'a', 'b': None, 'c': 'y', 'd': [{'e': 1.5}]})

    def test_bad(self):
        for body, field, text in [
                ([], None, 'The body is not an object: []'),
                ({}, 'a', 'a is missing.'),
                ({'a': 1}, 'a', 'a is not a text: 1'),
                ({'a': ''}, 'a', 'a must not be empty: ""'),
                ({'a': 'abc'}, 'a', 'a is longer than 2 characters: "abc"'),
                ({'a': 'a', 'b': 'x'}, 'b',
                 'b is not a whole number or null: "x"'),
                ({'a': 'a', 'b': 0}, 'b', 'b is less than 1: 0'),
                ({'a': 'a', 'b': 3}, 'b', 'b is more than 2: 3'),
                ({'a': 'a', 'c': 'z'}, 'c', 'c is none of x, y: "z"'),
                ({'a': 'a', 'd': [{'e': 1}] * 2}, 'd',
                 'd names something twice: [{"e": 1}, {"e": 1}]'),
                ({'a': 'a', 'd': [{}]}, 'd[0].e', 'd[0].e is missing.'),
                ({'a': 'a', 'd': [{'e': 1}, {'e': True}]}, 'd[1].e',
                 'd[1].e is not a number: true'),
                ({'a': 'a', 'd': [{'e': 1, 'f': 1}]}, 'd[0].f',
                 'd[0].f is not known.'),
                ({'a': 'a', 'z': 1}, 'z', 'z is not known.')]:
            self.assertEqual((field, text), self.check(body))
        self.assertIn('d has more than 2 items',
                      self.check({'a': 'a', 'd': [{'e': n}
                                                  for n in range(3)]})[1])

    def test_short(self):
        for body in ({'a': 'x' * 9999}, {'a': 'a', 'y' * 9999: 1}):
            self.assertLess(len(json.dumps(self.check(body))), 400)
