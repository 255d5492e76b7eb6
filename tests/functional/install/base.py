# SPDX-License-Identifier: Apache-2.0
"""Fenix as an operator installs it: files in a directory, and programs."""

import contextlib
import os
import pathlib
import subprocess
import sys
import time

import fixtures
import requests
import testtools

from fenix.sandbox import processes

ROOT = pathlib.Path(__file__).parents[3]
ETC = ROOT / 'etc'

#: Seconds until a program must answer.
PATIENCE = 90.0


class InstallTestCase(testtools.TestCase):
    """Programs that read ``~/.fenix`` as they would read ``/etc/fenix``.

    oslo.config looks there first, and treats both alike.
    """

    def setUp(self):
        super().setUp()
        self.home = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.etc = self.home / '.fenix'
        self.etc.mkdir()
        self.set_environment(HOME=str(self.home))
        for name in os.environ:
            # Neither options of oslo.config nor credentials of a cloud.
            if name.startswith('OS_') and not name.startswith('OS_TEST'):
                self.set_environment(**{name: None})

    def set_environment(self, **values):
        for name, value in values.items():
            self.useFixture(fixtures.EnvironmentVariable(name, value))

    def write(self, name, text):
        """Write a configuration file."""
        path = self.etc / name
        path.write_text(text)
        return path

    def run_module(self, module, *arguments):
        """Run a program of Fenix to its end; returns the process."""
        return subprocess.run(
            [sys.executable, '-W', 'ignore', '-m', module, *arguments],
            env=processes.environment(), cwd=self.home, text=True,
            capture_output=True, timeout=120, check=False)

    def start(self, name, *command):
        """Start a program; it is stopped at the end of the test."""
        log = self.home / f'{name}.log'
        self.addOnException(lambda _: self.addDetail(
            log.name, testtools.content.text_content(
                log.read_text(errors='replace'))))
        with log.open('ab') as output:
            process = subprocess.Popen(
                command, env=processes.environment(), cwd=self.home,
                stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT)
        self.addCleanup(self.stop, process)
        return process

    def stop(self, process):
        """Ask it to end, as systemd does, and make it if it does not."""
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
        if process.poll() is None:
            process.kill()
        return process.wait()

    def until(self, condition, process=None):
        """Wait until a condition holds, and return what it gave."""
        end = time.monotonic() + PATIENCE
        while not (found := condition()):
            if process is not None and process.poll() is not None:
                self.fail(f'The program ended with {process.returncode}')
            if time.monotonic() > end:
                self.fail(f'Not so within {PATIENCE:g} seconds')
            time.sleep(0.1)
        return found

    def get(self, url, **headers):
        """GET; None as long as nobody answers."""
        with contextlib.suppress(requests.RequestException):
            return requests.get(url, headers=headers, timeout=5,
                                proxies={'http': ''})
