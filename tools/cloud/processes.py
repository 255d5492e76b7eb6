# SPDX-License-Identifier: Apache-2.0
"""Processes that outlive the command that started them.

Each has a file with its id and the time at which it began, as the kernel
counts it: an id that is used again is not taken for ours.
"""

import collections
import contextlib
import os
import pathlib
import signal
import subprocess
import time

#: Seconds that a process has to end when it is asked to.
GRACE = 20.0
LOOK = 0.1
#: Lines of its log that are shown of a process that died.
TAIL = 20


class Processes:
    """Processes by their names.

    :param run: directory for the files with their ids
    :param log: directory for what they print
    """

    def __init__(self, run: pathlib.Path, log: pathlib.Path):
        self._run = run
        self._log = log

    def names(self) -> list[str]:
        """Return what was ever started here."""
        return sorted(path.stem for path in self._run.glob('*.pid'))

    def pid(self, name: str) -> int | None:
        """Return the id of a process, None if it does not run."""
        try:
            pid, began = (self._run / f'{name}.pid').read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        stat = _stat(int(pid))
        return int(pid) if stat and stat[0] != 'Z' and stat[19] == began \
            else None

    def began(self, name: str) -> float:
        """Return when a process that runs was started, as files tell it."""
        return (self._run / f'{name}.pid').stat().st_mtime

    def start(self, name: str, command: list[str],
              environment: dict[str, str], directory: pathlib.Path):
        """Start a process that does not run, in a group of its own."""
        if self.pid(name):
            return
        with self.log(name).open('ab') as log:
            process = subprocess.Popen(  # noqa: S603 - our own commands
                command, env=environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
                cwd=directory)
        # It is not waited for: the next command will not be its parent.
        process.returncode = 0
        note(self._run, name, process.pid)

    def stop(self, *names: str):
        """Ask processes to end, make those that do not, and wait."""
        pids = self._pids(names)
        for pid in pids.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
                # A frozen one would not hear it.
                os.killpg(pid, signal.SIGCONT)
        _wait(lambda: any(map(self.pid, pids)))
        # Whatever is left of their groups.
        self._kill(pids)

    def kill(self, *names: str):
        """End processes and their children as ``kill -9`` does."""
        self._kill(self._pids(names))

    def freeze(self, *names: str):
        """Have processes and their children stand still."""
        self._signal(self._pids(names), signal.SIGSTOP)

    def thaw(self, *names: str):
        """Have frozen processes go on."""
        self._signal(self._pids(names), signal.SIGCONT)

    def log(self, name: str) -> pathlib.Path:
        """Return the log of a process."""
        return self._log / f'{name}.log'

    def tail(self, name: str) -> str:
        """Return the last lines of the log of a process."""
        text = self.log(name).read_text(errors='replace')
        return '\n'.join(text.splitlines()[-TAIL:])

    def _pids(self, names):
        found = {name: self.pid(name) for name in names}
        return {name: pid for name, pid in found.items() if pid}

    def _kill(self, pids):
        self._signal(pids, signal.SIGKILL)
        _wait(lambda: _groups().keys() & pids.values())

    @staticmethod
    def _signal(pids, number):
        for pid in pids.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, number)


def note(run: pathlib.Path, name: str, pid: int):
    """Write down that a process is there."""
    (run / f'{name}.pid').write_text(f'{pid} {_stat(pid)[19]}')


def memory_mb(pid: int) -> int:
    """Return the memory of a process and its children.

    What processes share counts in parts.
    """
    total = 0
    for each in _groups().get(pid, []):
        with contextlib.suppress(OSError):
            rollup = pathlib.Path(f'/proc/{each}/smaps_rollup').read_text()
            total += sum(int(line.split()[1]) for line in rollup.splitlines()
                         if line.startswith('Pss:'))
    return total // 1024


def _wait(there):
    """Wait until something is not there any more, but not for ever."""
    deadline = time.monotonic() + GRACE
    while there() and time.monotonic() < deadline:
        time.sleep(LOOK)


def _groups():
    """Return the processes that run, by their group."""
    found = collections.defaultdict(list)
    for path in pathlib.Path('/proc').iterdir():
        stat = _stat(path.name) if path.name.isdigit() else None
        if stat and stat[0] != 'Z':
            found[int(stat[2])].append(int(path.name))
    return found


def _stat(pid):
    """Return what the kernel tells after the name of a process.

    [0] is its state, [2] its group, [19] when it began.
    """
    try:
        text = pathlib.Path(f'/proc/{pid}/stat').read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in brackets may hold blanks.
    return text.rpartition(')')[2].split()

