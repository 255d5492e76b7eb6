# SPDX-License-Identifier: Apache-2.0
"""Child processes: started, watched, measured and stopped for sure."""

import collections.abc
import contextlib
import os
import pathlib
import signal
import subprocess
import sys

#: Seconds that a process has to end when it is asked to.
GRACE = 20.0
#: Lines of its log that are shown of a process that died.
TAIL = 25


class ProcessError(Exception):
    """A process ended that should not have, or not well."""


def environment() -> dict[str, str]:
    """Return the environment of a child: it finds this very Fenix."""
    source = str(pathlib.Path(__file__).resolve().parents[2])
    paths = [source, *filter(None, [os.environ.get('PYTHONPATH')])]
    return {**os.environ, 'PYTHONPATH': os.pathsep.join(paths)}


def run(module: str, *arguments: str):
    """Run a module of Fenix to its end.

    :raises ProcessError: it failed
    """
    done = subprocess.run(  # noqa: S603 - our own modules
        [sys.executable, '-m', module, *arguments], env=environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors='replace', check=False)
    if done.returncode != 0:
        raise ProcessError(f'{module} failed:\n{done.stdout}')


class Process:
    """A module of Fenix in a process of its own.

    :param name: what it is called, also its log file
    """

    def __init__(self, name: str, directory: pathlib.Path, module: str,
                 *arguments: str):
        self.name = name
        self._log = directory / f'{name}.log'
        self._command = [sys.executable, '-m', module, *arguments]
        self._process: subprocess.Popen | None = None

    def start(self):
        """Start it; what it prints goes to its log."""
        with self._log.open('ab') as log:
            self._process = subprocess.Popen(  # noqa: S603 - our modules
                self._command, env=environment(), stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT,
                # Ctrl-C on the terminal is for the sandbox, which then
                # stops its children in order.
                start_new_session=True)

    @property
    def pid(self) -> int:
        """Id of the process."""
        return self._process.pid

    def check(self):
        """Make sure that it runs.

        :raises ProcessError: it does not, with the end of its log
        """
        code = self._process.poll()
        if code is not None:
            raise ProcessError(f'{self.name} ended with {code}; the last '
                               f'lines of its log:\n{self.tail()}')

    def tail(self) -> str:
        """Return the last lines of its log."""
        text = self._log.read_text(errors='replace')
        return '\n'.join(text.splitlines()[-TAIL:])

    def kill(self):
        """End it and its children as ``kill -9`` does."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def stop(self):
        """Ask it to end, and make it if it does not."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE)
        # Whatever is left of its process group.
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def cpu_seconds(pid: int) -> float | None:
    """Return the processor time of a process and its children.

    None where the system does not tell.
    """
    ticks = os.sysconf('SC_CLK_TCK')
    try:
        return sum(sum(map(int, _stat(each)[11:13])) / ticks
                   for each in _family(pid))
    except OSError:
        return None


def cpu_of_all(pid: int) -> float | None:
    """Return the processor time of a process and all children it ever had.

    None where the system does not tell.
    """
    ticks = os.sysconf('SC_CLK_TCK')
    try:
        ended = sum(map(int, _stat(pid)[13:15])) / ticks
        return round(ended + cpu_seconds(pid), 1)
    except (OSError, TypeError):
        return None


def memory_mb(pid: int) -> float | None:
    """Return the most memory that a process and its children had."""
    try:
        return sum(map(peak_mb, _family(pid)))
    except OSError:
        return None


def peak_mb(pid: int) -> float:
    """Return the most memory that a process had, without its children.

    :raises OSError: it is gone, or the system does not tell
    """
    for line in pathlib.Path(f'/proc/{pid}/status').read_text().splitlines():
        if line.startswith('VmHWM:'):
            return int(line.split()[1]) / 1024
    return 0.0


def threads(pid: int) -> int:
    """Return how many threads a process has.

    :raises OSError: it is gone, or the system does not tell
    """
    return len(list(pathlib.Path(f'/proc/{pid}/task').iterdir()))


def _stat(pid):
    # The name in brackets may hold blanks.
    text = pathlib.Path(f'/proc/{pid}/stat').read_text()
    return text.rpartition(')')[2].split()


def _family(pid) -> collections.abc.Iterator[int]:
    yield pid
    for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
        for child in (task / 'children').read_text().split():
            yield from _family(int(child))
