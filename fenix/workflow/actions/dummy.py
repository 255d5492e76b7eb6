# SPDX-License-Identifier: Apache-2.0
"""An action that does nothing, to try sessions and their failures."""

import math
import threading
import time

from oslo_utils import strutils

from fenix.workflow.actions import base


class Dummy(base.Action):
    """Is done at once, or as its metadata says.

    Metadata: ``seconds`` is how long it takes, ``fail`` (true) makes it
    fail at its end. After a takeover it starts again.
    """

    rerunnable = True

    def __init__(self, conf, changed):
        super().__init__(conf, changed)
        self._lock = threading.Lock()
        # When it ends, by the monotonic clock, and its timer; by run id.
        self._runs = {}

    def start(self, run):
        try:
            seconds = float(run.metadata.get('seconds') or 0)
        except (TypeError, ValueError):
            seconds = math.nan
        if not 0 <= seconds <= threading.TIMEOUT_MAX:
            return base.RunStatus(base.FAILED, reason=(
                '"seconds" in the metadata of a dummy has to be a number '
                'that is not negative'))
        with self._lock:
            if run.run_id not in self._runs:
                timer = threading.Timer(seconds, self.changed, [run.run_id])
                timer.daemon = True
                self._runs[run.run_id] = time.monotonic() + seconds, timer
                if seconds:
                    timer.start()
        return self.status(run)

    def status(self, run):
        with self._lock:
            ends_at, _timer = self._runs.get(run.run_id, (None, None))
        if ends_at is None:
            return base.RunStatus(base.LOST)
        where = f' for host {run.host}' if run.host else ''
        if time.monotonic() < ends_at:
            return base.RunStatus(
                base.RUNNING, output=f'dummy action {run.type}{where} runs\n')
        if strutils.bool_from_string(run.metadata.get('fail')):
            return base.RunStatus(
                base.FAILED, output=f'dummy action {run.type}{where} fails\n',
                reason='the metadata of the action ask it to fail')
        return base.RunStatus(
            base.DONE, output=f'dummy action {run.type}{where} is done\n')

    def cancel(self, run):
        with self._lock:
            _ends_at, timer = self._runs.pop(run.run_id, (None, None))
        if timer is not None:
            timer.cancel()

    def leave(self, run):
        self.cancel(run)
