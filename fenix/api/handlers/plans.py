# SPDX-License-Identifier: Apache-2.0
"""Plans: how a session would go, or goes on.

The API knows no cloud and no planner. It asks in the database, rings, and
waits for whichever engine answers.
"""

import contextlib
import threading
import time

from fenix import errors
from fenix.api import admission
from fenix.db import models
from fenix.db import plans

#: Seconds between two looks for the answer.
LOOK = 0.1
#: Of so many threads of a process one may wait for a plan: the others are
#: for replies.
SHARE = 4


class _Waiting:
    """The requests of this process that wait for plans."""

    def __init__(self):
        self._number = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def place(self, most):
        """Wait in one of so many places.

        :raises errors.Unavailable: all are taken
        """
        with self._lock:
            if self._number >= most:
                raise errors.Unavailable(
                    f'{most} requests for plans wait here already, a share '
                    'of [api] threads; try again later.')
            self._number += 1
        try:
            yield
        finally:
            with self._lock:
                self._number -= 1


_waiting = _Waiting()


def create(call):
    """Tell how a session would go, without touching anything."""
    wanted = admission.admit(call.body, call.conf)
    return _answer(call, {
        'workflow': wanted.workflow,
        'maintenance_at': wanted.start.timestamp(), 'hosts': wanted.hosts,
        'other_hosts': wanted.other_hosts, 'settings': wanted.settings})


def get(call):
    """Tell how a running session is expected to go on."""
    return {'session_id': call.path['session'],
            **_answer(call, {}, call.path['session'])}


def _answer(call, body, session_id=None):
    """Have an engine make a plan.

    :raises errors.Unavailable: none did in time, or none could; or too many
        wait for one
    """
    with _waiting.place(max(1, call.conf.api.threads // SHARE)):
        found = _wait_for_answer(call, body, session_id)
    if 'problem' in found:
        raise errors.Unavailable(
            f'The plan could not be made: {found["problem"]}')
    return found


def _wait_for_answer(call, body, session_id):
    plan_id = models.new_id()
    plans.ask(body, session_id, plan_id)
    try:
        call.ring(plan_id)
        end = time.monotonic() + call.conf.api.plan_timeout
        while (found := plans.answer_to(plan_id)) is None:
            if time.monotonic() > end:
                raise errors.Unavailable(
                    'No engine made the plan within [api] plan_timeout '
                    f'({call.conf.api.plan_timeout:g} s).')
            time.sleep(LOOK)
    finally:
        plans.forget(plan_id)
    return found
