# SPDX-License-Identifier: Apache-2.0
"""The walls of the house: who may import what.

The rules are those of the architecture page of the documentation. They are
read from the source, so that an import inside a function counts too.
"""

import ast
import pathlib

import testtools

ROOT = pathlib.Path(__file__).parents[2]
HEADER = '# SPDX-License-Identifier: Apache-2.0'
MAX_LINES = 450

#: What everybody may use.
GROUND = ['fenix._threading', 'fenix.conf', 'fenix.context',
          'fenix.errors', 'fenix.words',
          'fenix.metrics', 'fenix.size', 'fenix.version']

#: Part of the house: the parts that it may import, besides itself. The
#: longest name that fits a module decides.
MAY_IMPORT = {
    'fenix._threading': [],
    'fenix.context': [],
    'fenix.errors': [],
    'fenix.metrics': [],
    'fenix.words': [],
    'fenix.size': [],
    'fenix.version': [],
    'fenix.conf': ['fenix.context', 'fenix.version'],
    'fenix.policies': [],
    'fenix.db': GROUND,
    'fenix.bell': GROUND,
    'fenix.notify': [*GROUND, 'fenix.db'],
    'fenix.clouds': GROUND,
    # Pure: the dry run, the engine and the tests call the same functions.
    'fenix.workflow.planner': ['fenix.words', 'fenix.size'],
    'fenix.workflow': [*GROUND, 'fenix.clouds', 'fenix.notify', 'fenix.db'],
    'fenix.engine': [*GROUND, 'fenix.workflow', 'fenix.clouds',
                     'fenix.notify', 'fenix.db', 'fenix.bell'],
    # Meets the engine in the database and at the bell, nowhere else.
    'fenix.api': [*GROUND, 'fenix.policies', 'fenix.notify', 'fenix.db',
                  'fenix.bell'],
    'fenix.wsgi': [*GROUND, 'fenix.api'],
    # A cloud of its own: talks to Fenix over HTTP and the bus only.
    'fenix.sandbox': ['fenix._threading', 'fenix.cmd'],
    'fenix.osc': [],
    'fenix.cmd': ['fenix'],
}

#: Library: the parts of the house that may know it.
KNOWN_TO = {
    'sqlalchemy': ['fenix.db'],
    'alembic': ['fenix.db'],
    'oslo_db': ['fenix.db', 'fenix.conf.database'],
    'keystoneauth1': ['fenix.clouds', 'fenix.conf.service_user'],
    'novaclient': ['fenix.clouds'],
    'aodhclient': ['fenix.clouds'],
    'keystonemiddleware': ['fenix.api'],
    'pecan': ['fenix.api'],
    'webob': ['fenix.api'],
    # The sandbox has a stand-in for ceilometer, which listens on the bus.
    'oslo_messaging': ['fenix.bell', 'fenix.notify',
                       'fenix.sandbox.cloud.bus'],
    'werkzeug': ['fenix.sandbox'],
    'rich': ['fenix.sandbox'],
    'prometheus_client': ['fenix.metrics'],
    'eventlet': [],
}

#: The first import of an entry point selects native threads.
ENTRY_POINTS = ('fenix.cmd.', 'fenix.wsgi.')


def module_name(path):
    """The dotted name of a file, given relative to the root."""
    parts = path.with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


def is_module(name):
    path = ROOT.joinpath(*name.split('.'))
    return path.is_dir() or path.with_suffix('.py').is_file()


def within(name, parts):
    """Whether a module is one of the parts or inside one of them."""
    return any(name == part or name.startswith(part + '.') for part in parts)


def imports(path, tree):
    """Yield (line, module) for every import, wherever it stands."""
    package = list(path.parent.parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            above = package[:len(package) - node.level + 1]
            base = '.'.join((above if node.level else [])
                            + ([node.module] if node.module else []))
            for alias in node.names:
                name = f'{base}.{alias.name}'
                yield node.lineno, name if is_module(name) else base


def breaches(path, source):
    """Return what is wrong with one file of fenix/.

    :param path: where it is, relative to the root
    """
    tree = ast.parse(source)
    name = module_name(path)
    part = max((part for part in MAY_IMPORT if within(name, [part])),
               key=len, default=None)
    if part is None and name != 'fenix':
        return [f'{path}: {name} is in no part of the house']
    allowed = [part, *MAY_IMPORT[part]] if part else []
    found = sorted(imports(path, tree))
    wrong = []
    for line, imported in found:
        if within(imported, ['fenix']):
            known = within(imported, allowed)
        else:
            known = within(name, KNOWN_TO.get(imported.split('.')[0], [name]))
        if not known:
            wrong.append(f'{path}:{line}: {name} may not import {imported}')
    if name.startswith(ENTRY_POINTS):
        first = [imported for _, imported in found
                 if imported.split('.')[0] in ('fenix', *KNOWN_TO)
                 or imported.startswith('oslo')][:1]
        if first != ['fenix._threading']:
            wrong.append(f'{path}: fenix._threading has to come first')
    return wrong + form_breaches(path, source)


def form_breaches(path, source):
    """Return what is wrong with the form of a Python file."""
    wrong = []
    lines = source.splitlines()
    if lines and HEADER not in lines[:2]:
        wrong.append(f'{path}:1: the licence line is missing')
    # Tests are read one at a time.
    if len(lines) > MAX_LINES and path.parts[0] != 'tests':
        wrong.append(f'{path}: {len(lines)} lines are more than a reader '
                     'can keep in mind')
    return wrong


def files(top):
    for path in sorted((ROOT / top).rglob('*.py')):
        yield path.relative_to(ROOT), path.read_text()


class HouseTest(testtools.TestCase):

    def test_fenix(self):
        wrong = [line for path, source in files('fenix')
                 for line in breaches(path, source)]
        self.assertEqual([], wrong, '\n' + '\n'.join(wrong))

    def test_form_of_the_rest(self):
        wrong = [line for top in ('tests', 'tools', 'doc/source')
                 for path, source in files(top)
                 for line in form_breaches(path, source)]
        self.assertEqual([], wrong, '\n' + '\n'.join(wrong))


class RulesTest(testtools.TestCase):
    """Each rule catches what it is for."""

    def assertBreach(self, path, *lines):
        path = pathlib.Path(path)
        self.assertEqual(1, len(breaches(
            path, '\n'.join([HEADER, *lines]))), lines)

    def assertNoBreach(self, path, *lines):
        path = pathlib.Path(path)
        self.assertEqual([], breaches(path, '\n'.join([HEADER, *lines])))

    def test_imports_run_downwards(self):
        for path, line in [
                ('fenix/api/x.py', 'import fenix.engine'),
                ('fenix/api/x.py', 'from fenix import workflow'),
                ('fenix/api/handlers/x.py', 'from fenix.clouds import base'),
                ('fenix/db/x.py', 'from fenix import notify'),
                ('fenix/clouds/x.py', 'from fenix.db import models'),
                ('fenix/notify/x.py', 'from fenix import engine'),
                ('fenix/workflow/x.py', 'from fenix import engine'),
                ('fenix/engine/x.py', 'from fenix import api'),
                ('fenix/conf/x.py', 'from fenix import errors'),
                ('fenix/workflow/planner/x.py', 'from fenix import conf'),
                ('fenix/workflow/planner/x.py', 'from fenix import db'),
                ('fenix/workflow/planner/x.py', 'import fenix.clouds.base'),
                ('fenix/sandbox/x.py', 'from fenix import conf'),
                ('fenix/sandbox/cloud/x.py', 'from fenix import errors')]:
            self.assertBreach(path, line)

    def test_imports_that_hide(self):
        self.assertBreach('fenix/api/x.py', 'def f():',
                          '    from fenix import engine')
        self.assertBreach('fenix/api/handlers/x.py',
                          'from ... import engine')
        self.assertBreach('fenix/api/x.py', 'from ..engine import x')
        self.assertBreach('fenix/api/x.py', 'import fenix.engine as api')

    def test_libraries(self):
        for library, parts in KNOWN_TO.items():
            self.assertBreach('fenix/words.py', f'import {library}')
            self.assertBreach('fenix/words.py', f'from {library} import x')
            for part in parts:
                self.assertNoBreach(part.replace('.', '/') + '.py',
                                    f'from {library}.x import y')
        self.assertBreach('fenix/sandbox/cloud/nova.py',
                          'import oslo_messaging')
        self.assertBreach('fenix/sandbox/cloud/nova.py',
                          'import keystoneauth1.session')

    def test_downwards_and_oneself(self):
        self.assertNoBreach('fenix/workflow/planner/x.py', 'import fractions',
                            'from fenix.workflow.planner import y',
                            'from fenix import size')
        self.assertNoBreach('fenix/engine/x.py', 'from fenix import words',
                            'from fenix.db import models')

    def test_entry_points_select_threads(self):
        self.assertNoBreach('fenix/cmd/x.py', 'import sys',
                            'from fenix import _threading',
                            'from fenix import conf')
        self.assertBreach('fenix/cmd/x.py', 'from fenix import conf',
                          'from fenix import _threading')
        self.assertBreach('fenix/wsgi/x.py', 'import oslo_config',
                          'from fenix import _threading')

    def test_new_part(self):
        self.assertBreach('fenix/attic.py')

    def test_form(self):
        path = pathlib.Path('fenix/words.py')
        self.assertEqual(1, len(form_breaches(path, 'import os')))
        self.assertEqual([], form_breaches(
            path, '\n'.join([HEADER] * MAX_LINES)))
        self.assertEqual(1, len(form_breaches(
            path, '\n'.join([HEADER] * (MAX_LINES + 1)))))
