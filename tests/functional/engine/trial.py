# SPDX-License-Identifier: Apache-2.0
"""A sandbox with real processes, some of which die on the way."""

import collections
import concurrent.futures
import contextlib
import functools
import io
import os
import pathlib
import time
import urllib.parse

import fixtures
import testtools

from fenix.sandbox import display
from fenix.sandbox import options as command_line
from fenix.sandbox import processes
from fenix.sandbox import run
from fenix.sandbox import summary
from tests.functional.notify import broker

#: Full hosts: room is made on one, and the others are emptied. That takes ten
#: seconds, and longer on a machine with much else to do.
SMALL = ('--hosts', '3', '--instances-per-host', '1', '--notice', '2',
         '--migration-time', '0.3', '--host-time', '0.3',
         '--switch-time', '0.1', '--window', '15', '--timeout', '180')
#: Options of Fenix, as oslo.config finds them in the environment.
HASTE = {'OS_ENGINE__LEASE_TIME': '1.5', 'OS_ENGINE__POLL_INTERVAL': '0.2',
         'OS_NOVA__TIMEOUT': '2', 'OS_NOVA__UNKNOWN_WINDOW': '6',
         'OS_NOVA__OBSERVE_INTERVAL': '0.1',
         'OS_NOTIFY__TIMEOUT': '2', 'OS_NOTIFY__RETRY_INTERVAL': '0.2'}
#: What the cloud says of a move, by the action that was chosen.
MOVES = {'MIGRATE': 'migrate.start', 'LIVE_MIGRATE': 'live-migrate.start'}


PORTS = {'rabbit': 5672, 'mysql+pymysql': 3306, 'postgresql+psycopg': 5432}


def hard(**conditions):
    """Return the environment of an engine that has it hard.

    :param conditions: statement=seconds that each statement of the database
        takes longer, clock=seconds by which the machine's clock is wrong
    """
    path = pathlib.Path(__file__).with_name('conditions')
    return {
        'PYTHONPATH': os.pathsep.join(
            [str(path), *filter(None, [os.environ.get('PYTHONPATH')])]),
        **{f'FENIX_TEST_{name.upper()}': str(value)
           for name, value in conditions.items()}}


class Trial(run.Sandbox):
    """A sandbox that can stand the death of its processes.

    :param tend: called with the trial now and again; sees to the processes
    """

    def __init__(self, options, screen, tend):
        super().__init__(options, screen)
        self.tend = tend

    def _start(self):
        super()._start()
        self.fenix.check = lambda: self.tend(self)

    def happened(self, what, **fields):
        """Return the lines of the timeline that say so."""
        return [line for line in list(self.timeline.lines)
                if line['what'] == what
                and fields.items() <= line.items()]


def start_again(trial):
    """Start the processes that died, as an administrator would."""
    for process in trial.fenix.processes:
        try:
            process.check()
        except processes.ProcessError:
            process.start()


def look_on(trial):
    """Leave the processes alone."""


class TrialTestCase(testtools.TestCase):
    """Runs sessions in a sandbox, and judges them."""

    #: An SQLite file with the tables of Fenix, when one was made.
    tables: bytes | None = None

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MonkeyPatch(
            'fenix.sandbox.installation.processes.run',
            functools.partial(self.make_tables, processes.run)))
        self.directory = pathlib.Path(self.useFixture(
            fixtures.TempDir()).path)
        self.once = self.directory / 'died'
        self.set_options(HASTE)

    def set_options(self, values):
        for name, value in values.items():
            self.useFixture(fixtures.EnvironmentVariable(name, value))

    def make_tables(self, run, *command):
        """Migrate an SQLite file once; later ones are copies of it."""
        path = self.directory / 'fenix.sqlite'
        if self.options.database is None and self.tables is not None:
            path.write_bytes(self.tables)
            return
        run(*command)
        if self.options.database is None:
            TrialTestCase.tables = path.read_bytes()

    def restart(self, process, options):
        """Start a process again, with an environment of its own."""
        process.stop()
        with contextlib.ExitStack() as stack:
            for name, value in options.items():
                stack.enter_context(
                    fixtures.EnvironmentVariable(name, value))
            process.start()

    def wire_to(self, url):
        """Return a wire to a server, and the URL that goes over it."""
        parts = urllib.parse.urlsplit(url)
        wire = self.useFixture(broker.Wire(
            (parts.hostname, parts.port or PORTS[parts.scheme])))
        user = parts.netloc.rpartition('@')[0]
        return wire, parts._replace(
            netloc=f'{user}@127.0.0.1:{wire.port}').geturl()

    def crash_at(self, point, what):
        """Have the engine die as by ``kill -9``, the first time only."""
        self.set_options({'FENIX_CRASH_AT': f'{point}={what}',
                          'FENIX_CRASH_ONCE': str(self.once)})

    def start(self, *arguments, tend=start_again):
        """Start a sandbox; it is stopped at the end of the test."""
        self.options = command_line.parse(
            ['run', '--directory', str(self.directory), *SMALL, *arguments])
        self.screen = io.StringIO()
        self.addDetail('story', testtools.content.Content(
            testtools.content_type.UTF8_TEXT,
            lambda: [self.screen.getvalue().encode()]))
        self.addOnException(self._keep_logs)
        trial = Trial(self.options, display.Plain(self.screen), tend)
        trial.__enter__()
        self.addCleanup(trial.__exit__, None, None, None)
        return trial

    def _keep_logs(self, _):
        for log in self.directory.glob('*.log'):
            text = log.read_text(errors='replace')[-100000:]
            self.addDetail(log.name, testtools.content.text_content(text))

    def run_session(self, trial):
        """Run a session meanwhile; ``finish`` waits for it."""
        pool = concurrent.futures.ThreadPoolExecutor(1)
        self.addCleanup(pool.shutdown)
        self.session = pool.submit(trial.run_session)

    def finish(self, trial):
        """Wait until the session is over; it has to be done, and well."""
        session = self.session.result()
        self.judge(summary.sum_up(
            self.options, session, trial.timeline.lines), trial)

    def judge(self, figures, trial):
        self.assertEqual(('MAINTENANCE_DONE', None, []), (
            figures['state'], figures['reason'], figures['violations']))
        self.assertEqual([], figures['hosts_left_disabled'])
        lines = trial.timeline.lines
        for what, names in ((MOVES[self.options.action],
                             ('server', 'source')),
                            ('service.disable', ('host',)),
                            ('service.enable', ('host',)),
                            ('host.work.end', ('host',))):
            changes = collections.Counter(
                tuple(line[name] for name in names) for line in lines
                if line['what'] == what and line.get('changed', True))
            self.assertEqual({1}, set(changes.values()), (what, changes))


def wait_for(condition, seconds=20.0):
    """Wait until a condition holds, and return what it gave."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise AssertionError(f'not so within {seconds:g} seconds')
        time.sleep(0.05)
    return found
