# SPDX-License-Identifier: Apache-2.0
"""A command that runs under a guard, watched by one thread."""

import os
import pathlib
import selectors
import signal
import subprocess
import sys
import threading
import time

from oslo_log import log as logging

from fenix import context
from fenix.workflow.actions import base

LOG = logging.getLogger(__name__)

GUARD = pathlib.Path(__file__).with_name('guard.py')

#: Seconds between asking a command to end and killing it.
GRACE = 5.0

#: Bytes that are read at once: all that a pipe holds.
CHUNK = 65536


class Output:
    """The beginning and the end of what a command wrote.

    :param limit: characters that are kept in all
    """

    def __init__(self, limit):
        # The note in the middle takes its share of the limit.
        self._half = max((limit - 64) // 2, 0)
        self._head = b''
        self._tail = b''
        self._left_out = 0

    def add(self, data):
        """Take what was read."""
        room = self._half - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        too_much = len(self._tail) - self._half
        if too_much > 0:
            self._left_out += too_much
            self._tail = self._tail[too_much:]

    def __str__(self):
        note = (f'\n[... {self._left_out} bytes are left out ...]\n'.encode()
                if self._left_out else b'')
        text = (self._head + note + self._tail).decode(errors='replace')
        # A zero byte is no text for every database.
        return text.replace('\0', '\N{REPLACEMENT CHARACTER}')


class Child:
    """One command while it runs and after it.

    :param what: how reasons call it
    :param argv: its words
    :param env: its whole environment
    :param timeout: seconds after which it is ended and has failed
    :param output_limit: characters of output to keep
    :param ended: called without arguments, from a thread, when it has ended
    :raises OSError, ValueError: it cannot be started with these words and
        this environment
    """

    def __init__(self, what, argv, env, timeout, output_limit, ended):
        self._what = what
        self._timeout = timeout
        self._output = Output(output_limit)
        self._ended = ended
        self._lock = threading.Lock()
        self._result = None
        self._why = None
        self._told = b''
        self._status, status = os.pipe()
        try:
            # Words of the operator's list, and no shell.
            self._guard = subprocess.Popen(  # noqa: S603
                [sys.executable, '-I', '-S', str(GUARD), str(status),
                 str(GRACE), *argv],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, env=env, cwd='/',
                pass_fds=[status], start_new_session=True)
        except BaseException:
            os.close(self._status)
            raise
        finally:
            os.close(status)
        self._deadline = time.monotonic() + timeout
        threading.Thread(target=context.carried(self._watch), daemon=True,
                         name=f'watch-{self._guard.pid}').start()

    def status(self):
        """Return how it stands, with the output so far."""
        with self._lock:
            output = str(self._output)
            if self._result is None:
                return base.RunStatus(base.RUNNING, output)
            return base.RunStatus(*self._result[:1], output,
                                  *self._result[1:])

    def end(self, why):
        """Have it ended; it then has failed for that reason."""
        with self._lock:
            if self._result is None and self._why is None:
                self._why = why
                # The guard waits for just that.
                self._guard.stdin.close()

    def _watch(self):
        try:
            self._read()
        except Exception as error:
            LOG.exception('Watching %s went wrong', self._what)
            self.end(f'{self._what} could not be watched: {error}')
        self._kill_what_has_no_guard()
        with self._lock:
            self._result = self._judge()
            self._guard.stdin.close()
        self._guard.stdout.close()
        os.close(self._status)
        self._ended()

    def _read(self):
        """Read until the guard has ended, and what is there then."""
        output = self._guard.stdout.fileno()
        os.set_blocking(output, False)
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            selector.register(self._status, selectors.EVENT_READ)
            while True:
                left = (None if self._why
                        else max(0, self._deadline - time.monotonic()))
                ready = [key.fd for key, _ in selector.select(left)]
                if not ready:
                    self.end(f'{self._what} did not end within '
                             f'{self._timeout:g} s and was ended')
                if output in ready and not self._take(output):
                    selector.unregister(output)
                if self._status in ready:
                    told = os.read(self._status, CHUNK)
                    self._told += told
                    if not told:
                        break
        # What the pipe holds, and not to its end: a service that the command
        # started may keep it open.
        self._take(output)

    def _take(self, output):
        """Take some output; false at its end, or when none is there."""
        try:
            data = os.read(output, CHUNK)
        except BlockingIOError:
            return False
        with self._lock:
            self._output.add(data)
        return bool(data)

    def _kill_what_has_no_guard(self):
        said = self._said()
        if 'pid' in said and 'exit' not in said:
            try:
                os.killpg(int(said['pid']), signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
        self._guard.wait()

    def _said(self):
        return dict(line.split(' ', 1) for line
                    in self._told.decode(errors='replace').splitlines())

    def _judge(self):
        """Return the state and the reason."""
        said = self._said()
        if self._why:
            return base.FAILED, self._why
        if 'error' in said:
            return (base.FAILED,
                    f'{self._what} could not be started: {said["error"]}')
        code = said.get('exit')
        if code == '0':
            return base.DONE, None
        if code is None:
            return base.FAILED, f'the guard of {self._what} was killed'
        if code.startswith('-'):
            return (base.FAILED,
                    f'{self._what} was ended by signal {code[1:]}')
        if not code.isdigit():
            return base.FAILED, f'{self._what} could not be ended'
        return base.FAILED, f'{self._what} ended with exit code {code}'
