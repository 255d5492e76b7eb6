# SPDX-License-Identifier: Apache-2.0
"""Whatever goes wrong where: nothing is lost, and nothing happens twice.

A short walk through all shapes; ``python -m tests.walk`` is the long one.
"""

import ast
import gc
import pathlib

from oslotest import base

import fenix
from tests.walk import __main__ as command
from tests.walk import faults
from tests.walk import mutants
from tests.walk import shapes
from tests.walk import walk

#: Points at which something goes wrong: one in so many.
STRIDE = 13
#: What went wrong once, and was mended: (shape, plan).
MENDED = [
    # Who stood still after its look at the lease started the work anew.
    ('spare', 'before-effect=start_run:0=long-pause'),
    # Or, after the driver's look at a host, disabled it or said why.
    ('spare', 'send=disable:1=long-pause'),
    ('continued', 'send=set_reason:0=long-pause'),
    # Or told the world old news.
    ('spare', 'before-effect=publish:9=long-pause'),
    ('spare', 'after-commit=effect:publish:3=pause'),
    # A request to disable a host came when the host had been given back.
    ('spare', 'send=disable:1=late'),
    ('spare', 'send=disable:1=late-and-dead'),
    # Who had lost its session cancelled an action of the new owner.
    ('spare', 'before-effect=start_run:0=pause'),
    ('spare', 'after-effect=start_run:0=pause'),
    # A request to say why a host stays disabled came after it was enabled.
    ('continued', 'send=set_reason:0=late'),
    ('continued', 'send=set_reason:0=late-and-dead'),
    # A move that had failed was waited for, as if room were missing.
    ('vnf-full', 'send=migrate:0=refused'),
    # Nova would not enable a host whose session was deleted.
    ('deleted', 'send=enable:1=refused'),
]
#: Where a clock of the machine would be read.
CLOCKLESS = ('db', 'engine', 'notify', 'workflow')
CLOCKS = frozenset(['now', 'utcnow', 'today', 'time', 'time_ns',
                    'localtime', 'gmtime'])


class TestWalk(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        gc.disable()
        self.addCleanup(gc.unfreeze)
        self.addCleanup(gc.enable)

    def walk(self, shape, first):
        one = walk.Walk(shape, depth=1, wanted=command.FAULTS,
                        stride=STRIDE, first=first)
        one.run(walk.refer(shape))
        self.assertGreater(one.figures.crashes, 10)
        self.assertEqual([], one.figures.problems[:3])


def _add_tests():
    for number, shape in enumerate(shapes.ALL):
        def test(self, shape=shape, number=number):
            self.walk(shape, number)
        name = f'test_{shape.name}'.replace('-', '_')
        test.__name__ = name
        setattr(TestWalk, name, test)


_add_tests()


class TestMended(base.BaseTestCase):

    def test_mended(self):
        for shape, plan in MENDED:
            self.assertEqual([], walk.replay(shapes.BY_NAME[shape], plan),
                             plan)


class TestMutants(base.BaseTestCase):
    """The walk finds each rule that is broken."""

    def test_mutants(self):
        for mutant in mutants.ALL:
            self.check(mutant)

    def check(self, mutant):
        shape = shapes.BY_NAME[mutant.shape]
        reference = walk.refer(shape)
        self.assertEqual([], walk.replay(shape, mutant.plan, reference),
                         mutant.rule)
        with mutant.use():
            found = walk.replay(shape, mutant.plan, reference)
        self.assertIn(mutant.found, [kind for kind, _ in found], mutant.rule)


class TestPlans(base.BaseTestCase):

    def test_spelled(self):
        text = ('after-commit=hosts:step:done:0=crash '
                'send=migrate:1=late-and-dead')
        plan = walk.parse(text)
        self.assertEqual(('after-commit', 'hosts:step:done', 0, 'crash'),
                         plan[0])
        self.assertEqual(text, walk.spell(plan))

    def test_reads_change_nothing(self):
        self.assertEqual({}, faults.at('before-effect', ('survey',)))
        self.assertIn('crash', faults.at('before-effect', ('migrate',)))

    def test_who_stands_still_at_the_last_look(self):
        """Requests of the cloud have one; notifications do not."""
        self.assertIn('long-pause', faults.at('send', ('enable',)))
        self.assertNotIn('long-pause', faults.at('send', ('publish',)))


class TestClocks(base.BaseTestCase):
    """The machine's clock may be hours wrong: nobody reads it."""

    def test_no_clock(self):
        root = pathlib.Path(fenix.__file__).parent
        for folder in CLOCKLESS:
            for path in root.joinpath(folder).rglob('*.py'):
                if path == root / 'db' / 'sqlite.py':
                    continue    # It gives SQLite its clock.
                self.assertEqual(set(), self.read_in(path), path)

    def read_in(self, path):
        return {ast.unparse(node) for node in ast.walk(
                    ast.parse(path.read_text()))
                if isinstance(node, ast.Attribute) and node.attr in CLOCKS
                and ast.unparse(node.value) in (
                    'time', 'datetime', 'datetime.datetime',
                    'datetime.date', 'timeutils')}
