# SPDX-License-Identifier: Apache-2.0
"""The timeline file, and that a run can be repeated."""

import json

import fixtures
import testtools

from fenix.sandbox.cloud import config
from fenix.sandbox.cloud import model as cloud_model
from fenix.sandbox.cloud import timeline


class TestTimeline(testtools.TestCase):

    def test_lines_in_file_and_memory_and_told(self):
        self.useFixture(fixtures.FakeLogger())
        path = self.useFixture(fixtures.TempDir()).join('timeline')
        told = []
        lines = timeline.Timeline(path, clock=lambda: 5.0)
        lines.subscribe(lambda line: 1 / 0)
        lines.subscribe(told.append)
        lines.record('notify', payload={'a': [1]})
        lines.record('server.state', t=7.5, server='s')
        lines.close()
        lines.record('late')
        expected = [
            {'t': 5.0, 'what': 'notify', 'payload': {'a': [1]}},
            {'t': 7.5, 'what': 'server.state', 'server': 's'},
            {'t': 5.0, 'what': 'end'}]
        with open(path, encoding='utf-8') as stream:
            self.assertEqual(expected, [json.loads(each) for each in stream])
        self.assertEqual(expected, lines.lines[:3])
        self.assertEqual(expected, told[:3])


class TestRepeatable(testtools.TestCase):

    def run_once(self, seed):
        lines = []
        model = cloud_model.Model(
            lambda: 0.0, lambda what, **fields: lines.append((what, fields)),
            config.Times(boot=10, jitter=0.5), seed)
        model.load(config.CloudConfig())
        for number in range(4):
            model.create(f'vm-{number}', '2', 'project')
        model.advance(100)
        return lines

    def test_the_same_seed_makes_the_same_run(self):
        self.assertEqual(self.run_once(1), self.run_once(1))
        self.assertNotEqual(self.run_once(1), self.run_once(2))

    def test_jitter_has_its_limits(self):
        ends = [fields['t'] for what, fields in self.run_once(3)
                if what == 'server.state' and fields['state'] == 'ACTIVE']
        self.assertEqual(4, len(set(ends)))
        self.assertTrue(all(5 < end < 15.1 for end in ends), ends)
