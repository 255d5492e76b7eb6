# SPDX-License-Identifier: Apache-2.0
"""The engines and the API of a run: started, killed, and counted."""

import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

from fenix.sandbox import processes
from fenix.sandbox.chaos import chance

#: Seconds that the nursery has to answer.
ANSWER_TIME = 60.0


@dataclasses.dataclass
class Life:
    """One process, from its start to its end.

    :ivar fate: of an engine; None for an API
    :ivar born: monotonic seconds
    :ivar marks: the file that a process leaves which dies at a point, by
        the point
    :ivar killed_t: when it was killed or stopped by us, seconds since the
        epoch; else None
    :ivar ending: why we ended it, in one word
    :ivar ended_t: when it was gone
    """

    name: str
    kind: str
    fate: chance.Fate | None
    marks: dict[str, pathlib.Path]
    log: pathlib.Path
    pid: int = 0
    born: float = 0.0
    ending: str | None = None
    killed_t: float | None = None
    ended_t: float | None = None
    status: int | None = None

    @property
    def point(self) -> str | None:
        """The point at which it died, if it did."""
        if self.status != -signal.SIGKILL:
            return None
        return next((point for point, mark in self.marks.items()
                     if mark.exists()), None)

    @property
    def unexpected(self) -> bool:
        """Whether it ended although nobody wanted it to, or not well."""
        if self.status is None or self.point is not None:
            return False
        return self.ending is None or self.status not in (
            0, -signal.SIGKILL)

    def signal(self, number: int):
        """Send it a signal; it may be gone."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self, why: str):
        """End it as ``kill -9`` does."""
        self.ending = self.ending or why
        self.killed_t = time.time()
        self.signal(signal.SIGKILL)


class Crew:
    """Starts processes of Fenix from one that has everything imported.

    :param directory: for logs
    :param configuration: file of Fenix' options
    """

    def __init__(self, directory: pathlib.Path, configuration: pathlib.Path):
        self._directory = directory
        self._changed = threading.Condition()
        self._lives: dict[str, Life] = {}
        self._log = directory.joinpath('nursery.log').open('ab')
        self._nursery = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, '-m', 'fenix.cmd.nursery', '--config-file',
             str(configuration)], env=processes.environment(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            start_new_session=True)
        threading.Thread(target=self._listen, name='chaos-crew',
                         daemon=True).start()

    @property
    def pid(self) -> int:
        """Id of the process that starts all the others."""
        return self._nursery.pid

    def start(self, kind: str, name: str,
              fate: chance.Fate | None = None) -> Life:
        """Start a process.

        :param kind: engine or api
        :raises processes.ProcessError: the nursery does not answer
        """
        points = fate.points if fate is not None else ()
        life = Life(name, kind, fate, {
            point: self._directory / f'{name}.died-{number}'
            for number, point in enumerate(points)},
            self._directory / f'{name.partition(".")[0]}.log')
        command = {'start': kind, 'name': name, 'log': str(life.log),
                   'at': {point: str(mark)
                          for point, mark in life.marks.items()}}
        with self._changed:
            self._lives[name] = life
            self._nursery.stdin.write(json.dumps(command).encode() + b'\n')
            self._nursery.stdin.flush()
            if not self._changed.wait_for(lambda: life.pid, ANSWER_TIME):
                raise processes.ProcessError(
                    f'the nursery does not answer: '
                    f'{self._directory}/nursery.log')
        return life

    def _listen(self):
        for text in self._nursery.stdout:
            told = json.loads(text)
            with self._changed:
                if 'started' in told:
                    life = self._lives[told['started']]
                    life.born = time.monotonic()
                    life.pid = told['pid']
                else:
                    life = self._lives.pop(told['ended'])
                    life.status = told['status']
                    life.ended_t = time.time()
                self._changed.notify_all()

    def wait(self, life: Life, seconds: float) -> bool:
        """Wait until a process has ended; return whether it has."""
        with self._changed:
            return self._changed.wait_for(
                lambda: life.ended_t is not None, seconds)

    def stop(self):
        """End everything; what stands still dies as well."""
        with self._changed:
            self._nursery.stdin.close()
        try:
            self._nursery.wait(processes.GRACE)
        except subprocess.TimeoutExpired:
            self._nursery.kill()
            self._nursery.wait()
        self._log.close()
