# SPDX-License-Identifier: Apache-2.0
import contextlib
import io
import json
import pathlib
import tempfile
from unittest import mock

from oslotest import base
from testtools import matchers

from fenix.sandbox import command
from fenix.sandbox import database
from fenix.sandbox import display
from fenix.sandbox import installation
from fenix.sandbox import messages
from fenix.sandbox import options
from fenix.sandbox import processes
from fenix.sandbox import summary
from tests.unit.sandbox import timelines


class OptionsTest(base.BaseTestCase):

    def _refused(self, *argv):
        with contextlib.redirect_stderr(io.StringIO()) as stderr:
            self.assertRaises(SystemExit, options.parse, argv)
        return stderr.getvalue()

    def test_defaults_are_the_demo(self):
        found = options.parse(['run'])
        self.assertEqual((3, 2, 0, 'cooperative', 'default'), (
            found.hosts, found.instances_per_host, found.spare, found.vnfm,
            found.workflow))

    def test_up_has_no_session(self):
        self._refused('up', '--json')

    def test_wrong(self):
        self._refused()
        self._refused('run', '--vnfm', 'lazy')
        self._refused('run', '--migration-time', '-1')
        self._refused('run', '--hosts', '1')

    def test_engines_need_servers(self):
        self.assertIn('--transport', self._refused('run', '--engines', '2'))


class SummaryTest(base.BaseTestCase):

    def _figures(self, timeline, *argv, **session):
        return summary.sum_up(
            options.parse(['run', *argv]),
            {'state': 'MAINTENANCE_DONE', 'reason': None,
             'engine_cpu_s': 1.5, 'engine_rss_mb': 90.0, **session},
            timeline.lines)

    def test_good(self):
        figures = self._figures(timelines.good())
        self.assertEqual(list(summary.ORDER), list(figures))
        self.assertTrue(summary.good(figures))
        self.assertEqual(figures, json.loads(json.dumps(figures)))
        text = summary.text(figures)
        self.assertIn('MAINTENANCE_DONE', text)
        self.assertIn('p50 50.0, p99 50.0 (n 1)', text)

    def test_breach(self):
        timeline = timelines.Timeline()
        timeline.begin()
        timeline.start('x', 'h1', 'h2')
        figures = self._figures(timeline)
        self.assertEqual([2], [each['rule']
                               for each in figures['violations']])
        self.assertFalse(summary.good(figures))
        self.assertIn('rule 2: x: moved', summary.text(figures))

    def test_failed(self):
        figures = self._figures(timelines.good(),
                                state='MAINTENANCE_FAILED')
        self.assertFalse(summary.good(figures))

    def test_bound_of_own_actions(self):
        figures = self._figures(timelines.good(), '--action', 'OWN_ACTION',
                                '--migration-time', '50', '--host-time',
                                '3')
        self.assertEqual(6, figures['lower_bound_s'])


class DisplayTest(base.BaseTestCase):

    def test_every_message_of_a_run(self):
        stream = io.StringIO()
        with display.Plain(stream) as shown:
            shown.narrator.name_project('project-1', 'VNFM')
            for line in timelines.good().lines:
                shown.line(line)
        text = stream.getvalue()
        for sentence in ('x moves from h1 to h2', 'x is on h2',
                         'Fenix to VNFM: PLANNED_MAINTENANCE',
                         'VNFM to Fenix: ACK_PLANNED_MAINTENANCE '
                         '(x MIGRATE)',
                         'Fenix tells all: h1 is IN_MAINTENANCE',
                         'the session is MAINTENANCE_DONE'):
            self.assertIn(sentence, text)

    def test_repeated_message(self):
        narrator = messages.Narrator()
        timeline = timelines.Timeline()
        line = timeline.told('h1', 'IN_MAINTENANCE')
        self.assertNotIn('again', narrator.tell(line))
        self.assertIn('again', narrator.tell(line))

    def test_live_table(self):
        stream = io.StringIO()
        stream.isatty = lambda: True
        with display.make(stream) as shown:
            self.assertIsInstance(shown, display.Live)
            for line in timelines.good().lines[:14]:
                shown.line(line)
            shown.say('hello')
        self.assertIn('IN_MAINTENANCE', stream.getvalue())
        self.assertIn('hello', stream.getvalue())


class ProcessTest(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def _process(self, module, *arguments):
        process = processes.Process('child', self.directory, module,
                                    *arguments)
        self.addCleanup(process.stop)
        process.start()
        return process

    def test_runs_until_it_is_stopped(self):
        process = self._process('http.server', '0', '--bind', '127.0.0.1')
        process.check()
        self.assertGreaterEqual(processes.cpu_seconds(process.pid), 0)
        self.assertGreater(processes.memory_mb(process.pid), 0)
        process.stop()
        self.assertRaises(processes.ProcessError, process.check)

    def test_died(self):
        process = self._process('no.such.module')
        process._process.wait()
        error = self.assertRaises(processes.ProcessError, process.check)
        self.assertIn("No module named 'no'", str(error))

    def test_killed(self):
        process = self._process('http.server', '0', '--bind', '127.0.0.1')
        process.kill()
        self.assertRaises(processes.ProcessError, process.check)

    def test_run_fails(self):
        error = self.assertRaises(processes.ProcessError, processes.run,
                                  'no.such.module')
        self.assertIn("No module named 'no'", str(error))


class InstallationTest(base.BaseTestCase):

    URLS = {'auth': 'http://a', 'control': 'http://c',
            'notifications': 'http://n'}

    def _made(self, **arguments):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        path = pathlib.Path(directory.name)
        made = installation.Installation(path, 12347, **arguments)
        self.addCleanup(made.stop)
        with mock.patch.object(processes, 'run') as run, \
                mock.patch.object(processes.Process, 'start'):
            made.start(self.URLS, 'project-1')
        self.assertEqual(('db', 'sync'), run.call_args.args[-2:])
        return made, (path / 'fenix.conf').read_text()

    def test_embedded(self):
        made, text = self._made()
        self.assertEqual(['fenix-allinone'],
                         [process.name for process in made.processes])
        self.assertIn('transport_url = fake://', text)
        self.assertIn('publisher = webhook', text)

    def test_over_a_bus(self):
        made, text = self._made(transport_url='rabbit://r', engines=2,
                                database_url='sqlite:////tmp/x')
        self.assertEqual(['fenix-api', 'fenix-engine-1', 'fenix-engine-2'],
                         [process.name for process in made.processes])
        self.assertIn('publisher = oslo', text)

    def test_vocabulary(self):
        _made, text = self._made(vocabulary='fenix')
        self.assertIn('project_vocabulary = project-1:fenix', text)


class DatabaseTest(base.BaseTestCase):

    def test_file(self):
        with database.fresh('sqlite:////tmp/x') as url:
            self.assertEqual('sqlite:////tmp/x', url)

    def test_unknown(self):
        self.assertRaises(database.DatabaseError,
                          database.fresh('oracle://x/y').__enter__)

    def test_removed_at_the_end(self):
        for url, name in (('mysql+pymysql://u:p%40@h:1/d', '_mysql'),
                          ('postgresql+psycopg://u@h/d', '_postgresql')):
            with mock.patch.object(database, name) as execute:
                self.assertRaises(ZeroDivisionError, self._fail, url)
            statements = [call.args[1] for call in execute.call_args_list]
            self.assertThat(statements[0], matchers.StartsWith(
                'CREATE DATABASE fenix_sandbox_'))
            self.assertThat(statements[1], matchers.StartsWith(
                'DROP DATABASE fenix_sandbox_'))

    def _fail(self, url):
        with database.fresh(url) as made:
            self.assertIn('/fenix_sandbox_', made)
            self.assertEqual(url.split('/d')[0], made.rsplit('/', 1)[0])
            raise ZeroDivisionError


class CommandTest(base.BaseTestCase):

    def _main(self, *argv):
        with contextlib.redirect_stderr(io.StringIO()) as stderr:
            code = command.main(list(argv))
        return code, stderr.getvalue()

    def test_what_a_person_can_act_on(self):
        error = processes.ProcessError('the child died')
        with mock.patch.object(command.run, 'Sandbox', side_effect=error):
            self.assertEqual(
                (command.BROKEN, 'fenix-sandbox: the child died\n'),
                self._main('run', '--json'))

    def test_interrupted(self):
        with mock.patch.object(command.run, 'Sandbox',
                               side_effect=KeyboardInterrupt):
            self.assertEqual(command.INTERRUPTED,
                             self._main('up')[0])
