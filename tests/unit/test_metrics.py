# SPDX-License-Identifier: Apache-2.0
import os
import re
import subprocess
import sys

import fixtures
import testtools
from prometheus_client import parser

from fenix import metrics

COUNT = '''
from fenix import metrics
metrics.REQUESTS.labels('GET', '/', '200').observe(0.2)
metrics.TAKEN.inc()
'''
EXPOSE = '''
from fenix import metrics
print(metrics.expose([metrics.ENGINES.family(3)]).decode())
'''


class MetricsTest(testtools.TestCase):

    def test_table(self):
        rows = metrics.table()
        names = [row[0] for row in rows]
        self.assertEqual(sorted(set(names)), names)
        for name, kind, _, text in rows:
            self.assertRegex(name, '^fenix_[a-z_]+$')
            self.assertEqual(kind == 'counter', name.endswith('_total'))
            self.assertEqual(kind == 'histogram', name.endswith('_seconds')
                             and kind != 'gauge')
            self.assertTrue(text)
        self.assertIn('fenix_outbox_age_seconds', names)

    def test_labels_have_few_values(self):
        labels = {label for *_, labels, _ in metrics.table()
                  for label in labels}
        self.assertEqual({'method', 'route', 'status', 'outcome', 'cause',
                          'call', 'event_type', 'state', 'part', 'pool'},
                         labels)

    def test_documentation_names_what_there_is(self):
        root = os.path.join(os.path.dirname(__file__), '..', '..')
        with open(os.path.join(root, 'doc/source/admin/monitoring.rst'),
                  encoding='utf-8') as file:
            text = file.read()
        self.assertIn('.. metrics-table::', text)
        known = {row[0] for row in metrics.table()}
        named = set(re.findall(r'\bfenix_[a-z_]+', text))
        self.assertEqual(set(), {
            name for name in named
            if name.removesuffix('_count') not in known})

    def test_exposed(self):
        text = metrics.expose([metrics.SESSIONS.family(
            ('DELETING', 2)), metrics.ASKS.family(5)]).decode()
        families = {family.name: family for family in
                    parser.text_string_to_metric_families(text)}
        (sample,) = families['fenix_sessions'].samples
        self.assertEqual(({'state': 'DELETING'}, 2),
                         (sample.labels, sample.value))
        self.assertEqual(5, families['fenix_asks_open'].samples[0].value)
        self.assertIn('process_resident_memory_bytes', families)
        # A process that has done nothing yet says so.
        self.assertIn('fenix_takeovers', families)
        self.assertNotIn('_created', text)

    def test_several_processes(self):
        """Each process of a WSGI server answers for all."""
        directory = self.useFixture(fixtures.TempDir()).path

        def run(code):
            return subprocess.run(
                [sys.executable, '-c', code], check=True, text=True,
                stdout=subprocess.PIPE,
                env={**os.environ, 'PROMETHEUS_MULTIPROC_DIR': directory},
                cwd=os.path.join(os.path.dirname(__file__), '..', '..'),
            ).stdout

        run(COUNT)
        run(COUNT)
        lines = run(EXPOSE).splitlines()
        self.assertIn('fenix_api_request_seconds_count{method="GET",'
                      'route="/",status="200"} 2.0', lines)
        self.assertIn('fenix_sessions_taken_total 2.0', lines)
        self.assertIn('fenix_engines 3.0', lines)
