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
#: Where a clock of the machine may be read, and why.
CLOCKS_ALLOWED = {
    'db/sqlite.py': 'it gives SQLite its clock',
    'sandbox': 'a cloud and its tenants, which have clocks of their own',
}
CLOCKS = frozenset(['now', 'utcnow', 'utcnow_ts', 'today', 'time', 'time_ns',
                    'localtime', 'gmtime', 'ctime', 'CLOCK_REALTIME'])
CLOCK_MODULES = frozenset(['time', 'datetime', 'timeutils',
                           'oslo_utils.timeutils'])


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


class TestClocks(base.BaseTestCase):
    """The machine's clock may be hours wrong: nobody reads it."""

    def test_no_clock(self):
        root = pathlib.Path(fenix.__file__).parent
        for path in root.rglob('*.py'):
            place = path.relative_to(root)
            if not any(place.is_relative_to(allowed)
                       for allowed in CLOCKS_ALLOWED):
                self.assertEqual(
                    set(), clocks_read(ast.parse(path.read_text())), place)

    def test_allowed_places_read_one(self):
        root = pathlib.Path(fenix.__file__).parent
        for allowed in CLOCKS_ALLOWED:
            place = root / allowed
            paths = place.rglob('*.py') if place.is_dir() else [place]
            self.assertTrue(any(
                clocks_read(ast.parse(path.read_text())) for path in paths),
                allowed)

    def test_however_it_is_imported(self):
        for source in ('import time; time.time()',
                       'import time as t; t.time_ns()',
                       'from time import time',
                       'from time import localtime as when',
                       'import time; time.clock_gettime(time.CLOCK_REALTIME)',
                       'import datetime as d; d.datetime.now(d.UTC)',
                       'from datetime import datetime; datetime.utcnow()',
                       'from datetime import datetime as d; d.now()',
                       'from datetime import date; date.today()',
                       'from oslo_utils import timeutils; '
                       'timeutils.utcnow()',
                       'import oslo_utils.timeutils as t; t.utcnow()',
                       'import oslo_utils.timeutils; '
                       'oslo_utils.timeutils.utcnow()'):
            self.assertEqual(1, len(clocks_read(ast.parse(source))), source)
        for source in ('import time; time.monotonic(); time.sleep(1)',
                       'from time import monotonic',
                       'import datetime; datetime.datetime(2026, 1, 1)',
                       'from fenix.db import clock; clock.now()',
                       'self.clock.now()'):
            self.assertEqual(set(), clocks_read(ast.parse(source)), source)


def clocks_read(tree):
    """Return how a module reads a clock of the machine, under any name."""
    names = {}
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update({
                alias.asname or alias.name.partition('.')[0]:
                alias.name if alias.asname else alias.name.partition('.')[0]
                for alias in node.names})
        elif isinstance(node, ast.ImportFrom):
            names.update({
                alias.asname or alias.name: f'{node.module}.{alias.name}'
                for alias in node.names})
    for name, origin in names.items():
        module, _, what = origin.rpartition('.')
        if module in CLOCK_MODULES and what in CLOCKS:
            found.add(f'import {origin} as {name}')
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS:
            first, dot, rest = ast.unparse(node.value).partition('.')
            origin = names.get(first, '') + dot + rest
            if not CLOCK_MODULES.isdisjoint(
                    [origin, origin.rpartition('.')[0]]):
                found.add(ast.unparse(node))
    return found
