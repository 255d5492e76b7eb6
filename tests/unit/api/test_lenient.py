# SPDX-License-Identifier: Apache-2.0
import hypothesis
import testtools
from hypothesis import strategies

from fenix import words
from fenix.api import lenient

ANYTHING = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers()
    | strategies.floats() | strategies.text(),
    lambda inner: strategies.lists(inner, max_size=3)
    | strategies.dictionaries(strategies.text(), inner, max_size=3))


class ReaderTest(testtools.TestCase):

    def read(self, kind, value, *args):
        reader = lenient.Reader({'f': value})
        return getattr(reader, kind)('f', *args), len(reader.warnings)

    def test_number(self):
        for value, number in [
                (5, 5), ('5', 5), ('60,', 60), (' 60 ;', 60), ('"60"', 60),
                (0.2, 1), ('1.0', 1), (0, 0), (2**31 - 1, 2**31 - 1)]:
            self.assertEqual((number, 0), self.read('number', value, 9))
        for value in (None, '', 'x', True, -1, 2**31, float('inf'), [5], {},
                      '9' * 5000, 'nan'):
            self.assertEqual((9, 1), self.read('number', value, 9), value)

    def test_truth(self):
        for value in (True, 1, 'True,', 'yes', ' on', '"true"'):
            self.assertEqual((True, 0), self.read('truth', value, False))
        for value in (False, 0, 'False,', 'no', 'OFF'):
            self.assertEqual((False, 0), self.read('truth', value, True))
        for value in (None, '', 2, 'perhaps', [True], {}):
            self.assertEqual((True, 1), self.read('truth', value, True))

    def test_action(self):
        for value, action in [
                ('MIGRATE', 'MIGRATE'), ('migration,', 'MIGRATE'),
                ('LIVE_MIGRATION', 'LIVE_MIGRATE'), ('Own_Action',
                                                     'OWN_ACTION'),
                (['X', 'LIVE_MIGRATE'], 'LIVE_MIGRATE')]:
            self.assertEqual((action, 0), self.read('action', value, 'd'))
        for value in (None, '', 'FLY', 1, [], ['X'], {}):
            self.assertEqual(('d', 1), self.read('action', value, 'd'))

    def test_text(self):
        self.assertEqual(('abc', 0), self.read('text', 'abc', 3))
        self.assertEqual(('7', 0), self.read('text', 7, 3))
        self.assertEqual((None, 0), self.read('text', '', 3))
        self.assertEqual((None, 1), self.read('text', 'abcd', 3))
        self.assertEqual((None, 1), self.read('text', [], 3))

    def test_missing(self):
        reader = lenient.Reader({})
        self.assertEqual(3, reader.number('f', 3))
        self.assertEqual(['f is missing, 3 is used'], reader.warnings)

    @hypothesis.given(ANYTHING)
    def test_anything(self, value):
        number, _ = self.read('number', value, 5)
        self.assertIn(number, range(2**31))
        self.assertIn(self.read('truth', value, True)[0], (True, False))
        self.assertIn(self.read('action', value, words.MIGRATE)[0],
                      words.ALLOWED_ACTIONS)
        text, _ = self.read('text', value, 64)
        self.assertTrue(text is None or 0 < len(text) <= 64)
