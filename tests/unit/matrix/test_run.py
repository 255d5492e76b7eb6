# SPDX-License-Identifier: Apache-2.0
"""A run always ends with its table and its object."""

import contextlib
import io
import json
import logging
import signal
import tempfile

import requests
import testtools

from tests.cloud import play
from tests.cloud import results
from tests.cloud import run
from tests.cloud import stage
from tools.cloud import errors


class Stage:
    """A cloud on which every scenario is good; it may end badly."""

    problem = None

    def __init__(self):
        site = type('site', (), {'cells': 1})
        self.here = type('cloud', (), {'site': site})

    def lacks(self, scenario):
        """It has everything."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.problem is not None:
            raise self.problem


class Play:

    def __init__(self, here, scenario, directory):
        self._name = scenario.name

    def run(self):
        return results.Result(self._name)


class RunTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.patch(stage, 'Stage', Stage)
        self.patch(play, 'Play', Play)
        # The ones of the test runner stay.
        self.patch(signal, 'signal', lambda *arguments: None)
        self.patch(logging, 'basicConfig', lambda **arguments: None)
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.arguments = ['--directory', made.name, 'twice', 'silent']

    def run_it(self):
        """Return exit code and the object of the last line."""
        with contextlib.redirect_stdout(io.StringIO()) as out:
            code = run.main(self.arguments)
        return code, json.loads(out.getvalue().splitlines()[-1])

    def test_good(self):
        code, summary = self.run_it()
        self.assertEqual((0, 2, None), (
            code, summary['good'], summary['ended_early']))

    def test_the_stage_breaks_down(self):
        for problem in (errors.CloudError('it is gone'),
                        requests.HTTPError('it is gone'),
                        KeyboardInterrupt()):
            self.patch(Stage, 'problem', problem)
            code, summary = self.run_it()
            self.assertEqual((1, 2), (code, summary['good']))
            self.assertIsNotNone(summary['ended_early'])
