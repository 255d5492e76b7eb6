# SPDX-License-Identifier: Apache-2.0
"""Whatever goes wrong where: nothing is lost, and nothing happens twice.

A short walk through all shapes; ``python -m tests.walk`` is the long one.
"""

import ast
import contextlib
import gc
import io
import json
import os
import pathlib
import re
import warnings

import fixtures
from oslotest import base

import fenix
from fenix.engine import executor
from fenix.engine import points
from fenix.sandbox.chaos import chance
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
    # A session that was read anew was taken for a deleted one.
    ('vnf-many', 'before-commit=effect:publish:3=database'),
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


class TestJobs(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.addCleanup(gc.unfreeze)

    def test_figures_are_the_same(self):
        """However many sessions run at once."""
        shape = shapes.BY_NAME['refused']
        reference = walk.refer(shape)
        reference.told.add('what nobody is told')       # A problem in each.
        one, three = (walk.Walk(
            shape, depth=2, wanted=['crash'], stride=11, jobs=jobs)
            for jobs in (1, 3))
        one.run(reference)
        three.run(reference)
        self.assertEqual(one.figures, three.figures)
        self.assertGreater(one.figures.pairs, 3)
        self.assertEqual(one.figures.runs, len(one.figures.problems))

    def test_children_run_at_once(self):
        """Each of the two waits for the other."""
        self.useFixture(fixtures.Timeout(60, gentle=True))
        children = walk._Children(3)
        ends = [os.pipe(), os.pipe()]
        for here, there in (ends, ends[::-1]):
            read, write = os.pipe()
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                child = os.fork()
            if not child:
                os.write(there[1], b'.')
                os.read(here[0], 1)
                os.write(write, json.dumps({'runs': 1}).encode())
                os._exit(0)
            os.close(write)
            children.add(child, read)
        self.assertEqual([walk.Figures(runs=1)] * 2, children.figures())


class TestCommand(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.addCleanup(gc.unfreeze)
        self.addCleanup(gc.enable)

    def main(self, *arguments):
        """Return the exit code and the figures."""
        with contextlib.redirect_stdout(io.StringIO()) as out:
            code = command.main(['spare', '--no-pairs', *arguments])
        return code, json.loads(out.getvalue().splitlines()[-1])

    def test_exit_code(self):
        code, figures = self.main('--fault', 'unanswered', '--jobs', '2')
        self.assertEqual((0, 0), (code, figures['repeated']))
        self.assertEqual({'unanswered': figures['crashes']},
                         figures['faults'])
        mutant = next(mutant for mutant in mutants.ALL
                      if mutant.plan == 'send=migrate:0=unanswered')
        with mutant.use():
            code, figures = self.main('--fault', 'unanswered')
        self.assertEqual(1, code)
        self.assertGreater(figures['repeated'], 0)

    def test_pairs(self):
        """They are walked through in sessions of each workflow."""
        self.assertEqual({'default', 'vnf'}, {
            shape.session.get('workflow', 'default')
            for shape in shapes.ALL if shape.small})


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


class TestPoints(base.BaseTestCase):
    """Those that the contributor's guide names, and those that there are."""

    GUIDE = (pathlib.Path(fenix.__file__).parents[1]
             / 'doc/source/contributor/contributing.rst')

    def setUp(self):
        super().setUp()
        text = self.GUIDE.read_text().split('\nPoints', 1)[1].split(
            '\nThe walk\n', 1)[0]
        self.stages = set(re.findall(r'``([a-z-]+=[a-z:]*<kind>)``', text))
        kinds, reads, silent = (
            set(re.findall('``(\\w+)``', part)) for part in re.search(
                r'The kinds that change something are(.*?);(.*?)asks a plug-in'
                r'.*own:(.*?)\.', text, re.DOTALL).groups())
        self.kinds, self.reads, self.silent = kinds, reads, silent

    def points(self, kinds):
        return {stage.replace('<kind>', kind)
                for stage in self.stages for kind in kinds
                if not ('outcome:' in stage and kind in self.silent)}

    def test_stages(self):
        self.assertEqual(6, len(self.stages))
        self.assertEqual(self.stages, set(re.findall(
            r'``([a-z-]+=[a-z:]*<kind>)``', points.__doc__)))

    def test_kinds(self):
        self.assertLessEqual(executor.CHANGES, self.kinds)
        self.assertEqual(set(chance.EFFECTS), self.kinds)
        self.assertEqual(set(chance.UNCOMMITTED), self.silent)

    def test_the_walk_visits_all(self):
        visited = set()
        for shape in shapes.ALL:
            visited |= _visited(shape)
        self.assertEqual(set(), self.points(self.kinds | self.reads)
                         - visited)
        # Chaos dies at more of them, under the same names.
        self.assertEqual(set(), set(chance.POINTS) - visited)
        self.assertEqual(set(), self.points(self.kinds) - set(chance.POINTS))


def _visited(shape):
    """Return the points of a session in which nothing goes wrong."""
    found = set()

    class Visitor(walk.Walk):

        def _at(self, point, names, request):
            found.update(f'{point}={name}' for name in names)

    Visitor(shape).run()
    return found


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
