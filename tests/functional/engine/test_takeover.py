# SPDX-License-Identifier: Apache-2.0
"""Two engines: one dies or stands still, and the other takes over."""

import contextlib
import datetime
import os
import re
import signal

from tests import fixtures as fenix_fixtures
from tests.functional.engine import trial


def kill_the_dead(sandbox):
    """End what would start an engine again that died."""
    with contextlib.suppress(FileNotFoundError, ValueError,
                             ProcessLookupError):
        group = int(sandbox.directory.joinpath('died').read_text())
        os.killpg(group, signal.SIGKILL)


class TwoEngines(trial.TrialTestCase):

    def start_two(self, backend, tend, *more):
        rabbit = os.environ.get('FENIX_TEST_RABBIT_URL')
        if not rabbit:
            self.skipTest('FENIX_TEST_RABBIT_URL names no RabbitMQ')
        url = fenix_fixtures.admin_url(backend)
        if url is None:
            self.skipTest(f'FENIX_TEST_{backend.upper()}_URL names no '
                          f'{backend} server')
        return self.start(
            '--engines', '2', '--transport', rabbit, '--database',
            url.render_as_string(hide_password=False), *more, tend=tend)

    def stop_owner(self, sandbox, number):
        """Send a signal to the engine that moves something.

        :returns: its process
        """
        trial.wait_for(lambda: sandbox.happened('migrate.start'), 40)
        owner = next(process for process in sandbox.fenix.engines
                     if ': taken, epoch' in self.log(process))
        os.killpg(owner.pid, number)
        return owner

    def log(self, process):
        return self.directory.joinpath(f'{process.name}.log').read_text()


class TestTakeover(TwoEngines):

    def crash(self, backend, point, what):
        self.crash_at(point, what)
        sandbox = self.start_two(backend, kill_the_dead)
        self.run_session(sandbox)
        self.finish(sandbox)
        self.assertTrue(self.once.exists(), f'{point}={what} never was')

    def test_dies_while_it_empties_a_host_mysql(self):
        self.crash('mysql', 'after-commit', 'hosts:step:empty')

    def test_dies_after_a_request_to_move_mysql(self):
        self.crash('mysql', 'after-effect', 'migrate')

    def test_dies_after_a_request_to_move_postgresql(self):
        self.crash('postgresql', 'after-effect', 'migrate')

    def stands_still(self, backend):
        """An engine that stands still writes nothing when it goes on."""
        sandbox = self.start_two(backend, trial.look_on)
        self.run_session(sandbox)
        owner = self.stop_owner(sandbox, signal.SIGSTOP)
        self.addCleanup(os.killpg, owner.pid, signal.SIGCONT)
        other = next(process for process in sandbox.fenix.engines
                     if process is not owner)
        trial.wait_for(lambda: ': taken, epoch 2' in self.log(other))
        os.killpg(owner.pid, signal.SIGCONT)
        trial.wait_for(lambda: 'the lease ran out' in self.log(owner))
        self.finish(sandbox)

    def test_stands_still_mysql(self):
        self.stands_still('mysql')

    def test_stands_still_postgresql(self):
        self.stands_still('postgresql')

    def test_ends_in_order(self):
        """The lease of an engine that is stopped is not waited for."""
        self.set_options({'OS_ENGINE__LEASE_TIME': '60',
                          'OS_NOVA__UNKNOWN_WINDOW': '70'})
        sandbox = self.start_two('postgresql', trial.look_on)
        self.run_session(sandbox)
        owner = self.stop_owner(sandbox, 0)
        owner.stop()
        self.assertIn(' stopped', self.log(owner))
        self.finish(sandbox)


class TestSlowDatabase(TwoEngines):
    """Each statement takes a tenth of a second, and leases three."""

    def test_slow(self):
        self.set_options({'OS_ENGINE__LEASE_TIME': '3',
                          'OS_NOVA__UNKNOWN_WINDOW': '8'})
        self.set_options(trial.hard(statement=0.1))
        sandbox = self.start_two(
            'mysql', trial.look_on, '--hosts', '2', '--spare', '1',
            '--notice', '4')
        self.run_session(sandbox)
        self.finish(sandbox)
        for engine in sandbox.fenix.engines:
            log = self.log(engine)
            # Taken when it began, and perhaps once more to be deleted.
            self.assertNotIn(': taken, epoch 3', log)
            self.assertNotIn('the lease', log)


class TestApart(TwoEngines):
    """What one engine has is not what the other has."""

    def start_apart(self, backend, environments):
        """Start engines that have an environment each.

        :param environments: makes that of one, from its process and the URL
            of the database
        """
        sandbox = self.start_two(backend, trial.look_on, '--notice', '8',
                                 '--migration-time', '3', '--timeout', '120')
        url = re.search(r'^connection = (\S+)$',
                        sandbox.fenix.configuration.read_text(), re.M)[1]
        self.wait_for_starts(sandbox, 1)
        for engine in sandbox.fenix.engines:
            self.restart(engine, environments(engine, url))
        self.wait_for_starts(sandbox, 2)
        self.run_session(sandbox)
        return sandbox

    def wait_for_starts(self, sandbox, count):
        for engine in sandbox.fenix.engines:
            trial.wait_for(lambda one=engine: len(re.findall(
                r'engine on \S+ started$', self.log(one), re.M)) == count,
                60)

    def other(self, sandbox, owner):
        return next(engine for engine in sandbox.fenix.engines
                    if engine is not owner)

    def test_clocks_an_hour_wrong(self):
        """One is ahead, the other behind, and the first of them dies."""
        wrong = iter((3600, -3600))
        sandbox = self.start_apart(
            'mysql', lambda engine, url: trial.hard(clock=next(wrong)))
        owner = self.stop_owner(sandbox, signal.SIGKILL)
        other = self.other(sandbox, owner)
        trial.wait_for(lambda: ': taken, epoch 2' in self.log(other), 40)
        self.finish(sandbox)
        first, second = (
            datetime.datetime.fromisoformat(re.findall(
                r'^(\S+ [\d:]+)\.\d+ .* started$', self.log(engine),
                re.M)[-1])
            for engine in sandbox.fenix.engines)
        self.assertLess(datetime.timedelta(seconds=7000), first - second)

    def test_one_is_cut_off_from_the_database(self):
        """It still sees Nova, and must change nothing there."""
        wires = {}

        def over_a_wire(engine, url):
            wires[engine], url = self.wire_to(url)
            return {'OS_DATABASE__CONNECTION': url}

        sandbox = self.start_apart('mysql', over_a_wire)
        owner = self.stop_owner(sandbox, 0)
        wires[owner].cut()
        other = self.other(sandbox, owner)
        trial.wait_for(lambda: ': taken, epoch 2' in self.log(other), 40)
        wires[owner].mend()
        trial.wait_for(lambda: 'the lease ran out' in self.log(owner), 40)
        self.finish(sandbox)


class TestManyHosts(TwoEngines):
    """The same with the workflow ``vnf``, and three hosts in flight."""

    AT_ONCE = 3
    MANY = ('--workflow', 'vnf', '--constraints', '--hosts', '6',
            '--spare', '3', '--instances-per-host', '2',
            '--migration-time', '4', '--host-time', '1', '--lead-time', '1',
            '--recovery-time', '0', '--timeout', '150',
            '--setting=moves_per_source=0',
            f'--setting=hosts_at_once={AT_ONCE}')

    def start_two(self, backend, tend):
        return super().start_two(backend, tend, *self.MANY)

    def leaving(self, sandbox):
        """Return the hosts that instances are leaving just now."""
        ended = {line['server'] for line in sandbox.happened('migrate.end')}
        return {line['source'] for line in sandbox.happened('migrate.start')
                if line['server'] not in ended}

    def dies(self, backend):
        sandbox = self.start_two(backend, trial.look_on)
        self.run_session(sandbox)
        trial.wait_for(
            lambda: len(self.leaving(sandbox)) == self.AT_ONCE, 60)
        owner = self.stop_owner(sandbox, signal.SIGKILL)
        other = next(process for process in sandbox.fenix.engines
                     if process is not owner)
        trial.wait_for(lambda: ': taken, epoch 2' in self.log(other))
        self.finish(sandbox)

    def test_dies_mysql(self):
        self.dies('mysql')

    def test_dies_postgresql(self):
        self.dies('postgresql')
