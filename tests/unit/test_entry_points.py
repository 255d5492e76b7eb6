# SPDX-License-Identifier: Apache-2.0
"""Every entry point leads to something, and the programs run on threads."""

import importlib
import os
import pathlib
import subprocess
import sys
import tomllib

import testtools

ROOT = pathlib.Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']

#: Imports an entry point in an interpreter that nobody has prepared.
CLEAN = """
import {module}
from eventlet import patcher
from oslo_service import backend
assert backend.get_backend_type() is backend.BackendType.THREADING
assert not patcher.is_monkey_patched('thread')
"""

#: A WSGI server's module reads the configuration when it is imported.
WSGI_CONF = {'OS_DATABASE__CONNECTION': 'sqlite://',
             'OS_API__AUTH_STRATEGY': 'noauth'}


def load(reference):
    module, name = reference.split(':')
    return getattr(importlib.import_module(module), name)


class EntryPointsTest(testtools.TestCase):

    def test_all_load(self):
        groups = {'scripts': PROJECT['scripts'], **PROJECT['entry-points']}
        for group, references in groups.items():
            for name, reference in references.items():
                self.assertTrue(callable(load(reference)), f'{group} {name}')

    def test_each_program_selects_threads(self):
        modules = {reference.split(':')[0]
                   for reference in PROJECT['scripts'].values()}
        for module in sorted(modules | {'fenix.wsgi.api'}):
            done = subprocess.run(
                [sys.executable, '-W', 'ignore', '-c',
                 CLEAN.format(module=module)],
                env={**os.environ, **WSGI_CONF}, cwd=ROOT,
                capture_output=True, text=True, timeout=60)
            self.assertEqual(0, done.returncode, (
                module, done.stdout + done.stderr))
