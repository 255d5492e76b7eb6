# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import textwrap
import time

import fixtures

import fenix
from fenix import context
from fenix.workflow.actions import base
from fenix.workflow.actions import child
from fenix.workflow.actions import command
from tests.unit.workflow.actions import fakes


def shell(script):
    """Return a line of the allow-list that runs a script."""
    # oslo.config puts other options in for a single $.
    return shlex.join(['/bin/sh', '-c', script]).replace('$', '$$')


def alive(pid):
    """Tell whether a process runs; one that only waits to be buried, not."""
    try:
        stat = pathlib.Path(f'/proc/{pid}/stat').read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rsplit(')', 1)[1].split()[0] not in 'ZX'


class CommandTest(fakes.ActionTestCase):

    plugin = command.Command

    def setUp(self):
        super().setUp()
        self.dir = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def start(self, line, metadata=None, **more):
        self.make(commands={'it': line})
        run = fakes.run({'command': 'it', **(metadata or {})}, **more)
        return run, self.action.start(run)

    def pid(self, name):
        path = self.dir / name
        self.eventually(lambda: path.exists() and path.read_text().strip())
        return int(path.read_text())

    def test_done_with_its_output(self):
        run, status = self.start(shell('echo out; echo err >&2'))
        self.assertEqual(base.RUNNING, status.state)
        self.assertEqual(base.RunStatus(base.DONE, 'out\nerr\n'),
                         self.ended(run))

    def test_its_log_is_about_session_and_host(self):
        """What watches a command is not the thread that started it."""
        found = []
        self.useFixture(fixtures.MonkeyPatch(
            'fenix.workflow.actions.child.LOG.exception',
            lambda *args: found.append(context.current())))
        self.useFixture(fixtures.MonkeyPatch(
            'fenix.workflow.actions.child.Child._read',
            lambda child: 1 / 0))
        with context.active(context.of_session('s', host='h')):
            run, _ = self.start(shell('sleep 60'))
        self.assertIn('could not be watched', self.ended(run).reason)
        self.assertEqual([('s', 'h')], [
            (seen.session_id, seen.host) for seen in found])

    def test_the_exit_code_is_the_reason(self):
        run, _ = self.start(shell('echo no; exit 3'))
        status = self.ended(run)
        self.assertEqual((base.FAILED, 'no\n'), (status.state, status.output))
        self.assertEqual('command "it" ended with exit code 3', status.reason)

    def test_a_signal_is_the_reason(self):
        run, _ = self.start(shell('kill -SEGV $$'))
        self.assertIn('signal 11', self.ended(run).reason)

    def test_what_is_not_there_cannot_start(self):
        run, _ = self.start('/no/such/thing')
        status = self.ended(run)
        self.assertEqual(base.FAILED, status.state)
        self.assertIn('No such file', status.reason)

    def test_only_what_is_allowed(self):
        self.make(commands={'it': 'true', 'open': '"', 'void': ''})
        self.refuse(
            '/bin/true', 'it ', 'true', None, ['it'], 1, 'open', 'void')

    def test_a_line_that_names_an_option_that_is_not_there(self):
        self.make(commands={'it': 'echo $HOME'})
        self.refuse('it')

    def refuse(self, *names):
        for name in names:
            run = fakes.run({'command': name})
            status = self.action.start(run)
            self.assertEqual(base.FAILED, status.state)
            self.assertIn('[actions] commands', status.reason)
            self.assertEqual(base.LOST, self.action.status(run).state)

    def test_there_is_no_shell(self):
        run, _ = self.start('echo $$HOME; echo "a b" > x')
        self.assertEqual('$HOME; echo a b > x\n', self.ended(run).output)

    def test_the_environment(self):
        self.useFixture(fixtures.EnvironmentVariable('OS_PASSWORD', 'secret'))
        self.useFixture(fixtures.EnvironmentVariable('HOME', '/home/fenix'))
        run, _ = self.start(
            '/usr/bin/env',
            {'timeout': 10, 'new-version': '2.0', 'n': 3, 'dry': True,
             'list': ['x'], 'none': None, 'ld_preload': '/evil'},
            session_metadata={'openstack_version': 'X\nFENIX_HOST=evil'})
        env = self.ended(run).output
        self.assertNotIn('secret', env)
        names = {line.split('=')[0] for line in env.splitlines()}
        self.assertEqual(
            {'PATH', 'LANG', 'HOME', 'FENIX_HOST', 'FENIX_SESSION_ID',
             'FENIX_RUN_ID', 'FENIX_ACTION_TYPE', 'FENIX_METADATA_DRY',
             'FENIX_METADATA_N', 'FENIX_METADATA_NEW_VERSION',
             'FENIX_METADATA_LD_PRELOAD',
             'FENIX_SESSION_METADATA_OPENSTACK_VERSION'},
            names - {'PWD', 'SHLVL', '_'})
        for line in ('HOME=/home/fenix', 'FENIX_HOST=compute-1',
                     'FENIX_SESSION_ID=session', f'FENIX_RUN_ID={run.run_id}',
                     'FENIX_ACTION_TYPE=host', 'FENIX_METADATA_DRY=true',
                     'FENIX_METADATA_N=3', 'FENIX_METADATA_NEW_VERSION=2.0'):
            self.assertIn(line + '\n', env)

    def test_metadata_that_no_environment_can_hold(self):
        for value in ('\0', '\ud800', 'x' * 3_000_000):
            _, status = self.start('true', {'key': value})
            self.assertEqual(base.FAILED, status.state)
            self.assertIn('could not be started', status.reason)

    def test_the_timeout_ends_all_of_it(self):
        self.patch(child, 'GRACE', 0.3)
        run, _ = self.start(shell(
            f"trap '' TERM; sleep 60 & echo $! > {self.dir}/one;"
            f'echo $$ > {self.dir}/two; echo begun; wait; wait; sleep 60'),
            {'timeout': '0.5'})
        status = self.ended(run)
        self.assertEqual((base.FAILED, 'begun\n'),
                         (status.state, status.output))
        self.assertIn('did not end within 0.5 s', status.reason)
        self.assertFalse(alive(self.pid('one')))
        self.assertFalse(alive(self.pid('two')))

    def test_it_may_clean_up_when_its_time_is_over(self):
        run, _ = self.start(
            shell("trap 'echo tidy; exit 0' TERM; sleep 60 & wait"),
            {'timeout': 0.5})
        status = self.ended(run)
        self.assertEqual((base.FAILED, 'tidy\n'),
                         (status.state, status.output))

    def test_a_timeout_only_shortens(self):
        self.make(commands={'it': 'sleep 60'}, command_timeout=1)
        run = fakes.run({'command': 'it', 'timeout': 50})
        self.action.start(run)
        self.assertIn('within 1 s', self.ended(run).reason)

    def test_timeouts_that_are_none(self):
        for timeout in (0, -1, 'soon', float('nan'), []):
            _, status = self.start('true', {'timeout': timeout})
            self.assertEqual(base.FAILED, status.state)
            self.assertIn('"timeout"', status.reason)

    def test_long_output_keeps_its_ends(self):
        self.make(commands={'it': shell(
            'echo begin; seq 1 100000; echo end')}, output_limit=2000)
        run = fakes.run({'command': 'it'})
        self.action.start(run)
        output = self.ended(run).output
        self.assertLessEqual(len(output), 2000)
        self.assertGreater(len(output), 1800)
        self.assertTrue(output.startswith('begin\n1\n2\n'))
        self.assertTrue(output.endswith('99999\n100000\nend\n'))
        self.assertIn('bytes are left out', output)

    def test_output_that_is_no_text(self):
        run, _ = self.start(shell(r"printf 'a\377b\000c'"))
        self.assertEqual('a\ufffdb\ufffdc', self.ended(run).output)

    def test_output_is_there_while_it_runs(self):
        run, _ = self.start(shell('echo half; sleep 60'))
        self.eventually(lambda: self.action.status(run).output == 'half\n')
        self.assertEqual(base.RUNNING, self.action.status(run).state)
        self.action.cancel(run)
        self.ended(run)

    def test_a_run_is_executed_once(self):
        run, _ = self.start(shell(f'echo x >> {self.dir}/runs; sleep 0.3'))
        for _ in range(5):
            self.action.start(run)
        self.ended(run)
        self.assertEqual(base.DONE, self.action.start(run).state)
        self.assertEqual('x\n', (self.dir / 'runs').read_text())

    def test_cancel(self):
        run, _ = self.start(shell(f'echo $$ > {self.dir}/pid; sleep 60'))
        pid = self.pid('pid')
        self.action.cancel(run)
        self.action.cancel(run)
        self.assertEqual(base.LOST, self.ended(run).state)
        self.assertFalse(alive(pid))
        self.assertEqual(base.RUNNING, self.action.start(run).state)
        self.action.cancel(run)
        self.ended(run)
        self.action.cancel(fakes.run())

    def test_what_is_left_behind_ends_too(self):
        run, _ = self.start(shell(
            f'sleep 60 & echo $! > {self.dir}/pid; echo done'))
        self.assertEqual(base.RunStatus(base.DONE, 'done\n'),
                         self.ended(run))
        self.assertFalse(alive(self.pid('pid')))

    def test_a_service_that_was_started_does_not_hold_the_run(self):
        run, _ = self.start(shell(
            f"setsid sh -c 'echo $$ > {self.dir}/pid; exec sleep 60' & "
            f'while [ ! -s {self.dir}/pid ]; do sleep 0.02; done'))
        self.assertEqual(base.DONE, self.ended(run).state)
        self.assertTrue(alive(self.pid('pid')))
        os.kill(self.pid('pid'), signal.SIGKILL)

    def test_other_runs_are_lost(self):
        self.make(commands={'it': 'true', 'once': 'true'},
                  rerunnable_commands=['it'])
        run = fakes.run({'command': 'it'})
        self.assertEqual(base.LOST, self.action.status(run).state)
        self.assertTrue(self.action.may_rerun(run))
        self.assertFalse(self.action.may_rerun(fakes.run(
            {'command': 'once'})))

    def test_old_runs_are_forgotten(self):
        self.patch(command, 'REMEMBERED', 1)
        self.make(commands={'it': 'true'})
        runs = [fakes.run({'command': 'it'}) for _ in range(2)]
        for run in runs:
            self.action.start(run)
            self.assertEqual(base.DONE, self.ended(run).state)
        self.assertEqual([base.LOST, base.DONE],
                         [self.action.status(run).state for run in runs])

    def test_nothing_stays_open(self):
        def count():
            return len(os.listdir('/proc/self/fd'))
        run, _ = self.start('true')
        self.ended(run)
        before = count()
        for _ in range(3):
            run, _ = self.start('true')
            self.ended(run)
        self.eventually(lambda: count() <= before, timeout=5)

    def test_it_dies_with_a_killed_guard(self):
        run, _ = self.start(shell(
            f'echo $PPID > {self.dir}/guard; echo $$ > {self.dir}/pid;'
            'sleep 60'))
        pid = self.pid('pid')
        os.kill(self.pid('guard'), signal.SIGKILL)
        self.assertIn('guard', self.ended(run).reason)
        self.eventually(lambda: not alive(pid), timeout=5)


class EngineDiesTest(fakes.ActionTestCase):
    """The engine is a process of its own here, to be killed."""

    plugin = command.Command

    ENGINE = textwrap.dedent('''
        import sys, time
        from fenix.workflow.actions import command
        from tests.unit.workflow.actions import fakes
        conf = fakes.configuration(commands={'it': sys.argv[1]})
        action = command.Command(conf, print)
        action.start(fakes.run({'command': 'it'}))
        time.sleep(60)
    ''')

    def test_its_commands_die_too(self):
        where = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        files = [where / name for name in ('shell', 'sleep')]
        line = shell(f'sleep 60 & echo $! > {files[1]};'
                     f'echo $$ > {files[0]}; wait')
        root = pathlib.Path(fenix.__file__).parents[1]
        engine = subprocess.Popen(
            [sys.executable, '-c', self.ENGINE, line], cwd=root,
            env={**os.environ, 'PYTHONPATH': str(root)})
        self.addCleanup(engine.wait)
        self.addCleanup(engine.kill)
        self.eventually(lambda: all(
            path.exists() and path.read_text().strip() for path in files))
        pids = [int(path.read_text()) for path in files]
        time.sleep(0.2)
        self.assertTrue(all(map(alive, pids)))
        engine.kill()
        self.eventually(lambda: not any(map(alive, pids)), timeout=8)
