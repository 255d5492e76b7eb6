# SPDX-License-Identifier: Apache-2.0
"""Runs a command and ends it when whoever asked for it is gone.

A program of its own, started as ``python -I -S guard.py STATUS_FD GRACE
COMMAND [ARGUMENT...]``; it imports nothing of Fenix, so that it starts in a
moment. Its standard input is a pipe that the engine holds open. When that
closes, by will or because the engine was killed, or when the guard itself is
told to end, the command's whole process group gets SIGTERM and, ``GRACE``
seconds later, SIGKILL. What a command leaves running in its group when it
ends is ended too: the end of a run is the end of its work.

To ``STATUS_FD`` it writes lines: ``pid N``, then ``exit N`` (negative: the
number of the signal that ended the command), or ``error TEXT`` if the
command could not be started.
"""

import os
import select
import signal
import subprocess
import sys
import time

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
#: Seconds between two looks whether a group that was told to end has ended.
LOOK = 0.02


def main(argv):
    status = int(argv[1])
    grace = float(argv[2])
    os.set_inheritable(status, False)
    signals, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for number in (signal.SIGCHLD, *ENDING):
        signal.signal(number, lambda *args: None)
    try:
        child = subprocess.Popen(  # noqa: S603
            argv[3:], stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        tell(status, f'error {error}')
        return 1
    tell(status, f'pid {child.pid}')
    while child.poll() is None:
        ready, _, _ = select.select([0, signals], [], [])
        if 0 in ready and not os.read(0, 4096):
            break
        if signals in ready and any(
                number in ENDING for number in os.read(signals, 4096)):
            break
    end_group(child, grace)
    tell(status, f'exit {child.returncode}')
    return 0


def tell(status, line):
    """Write a line to the engine, which may be gone."""
    try:
        os.write(status, (line.replace('\n', ' ') + '\n').encode())
    except BrokenPipeError:
        pass


def end_group(child, grace):
    """End all processes of the command's group."""
    try:
        for number in (signal.SIGTERM, signal.SIGKILL):
            os.killpg(child.pid, number)
            until = time.monotonic() + grace
            while time.monotonic() < until:
                child.poll()
                os.killpg(child.pid, 0)
                time.sleep(LOOK)
    except ProcessLookupError:
        pass        # Nobody is left in the group.
    except PermissionError:
        # What is left has become another user, and is not ours to end.
        pass
    child.poll()


if __name__ == '__main__':
    sys.exit(main(sys.argv))
