# SPDX-License-Identifier: Apache-2.0
"""Calling a workflow: its phase, and the steps of its hosts."""

import collections

from fenix import context
from fenix import words
from fenix.db import claims
from fenix.workflow import ending
from fenix.workflow import states
from fenix.workflow import turn as turns
from fenix.workflow.verbs import booking
from fenix.workflow.verbs import telling

#: Readings of things that change by themselves.
PASSING = frozenset(['look_at_host', 'look_at_server', 'service',
                     'run_status'])
#: Requests that change a host.
ON_HOSTS = frozenset(['disable', 'enable', 'set_reason'])
#: Times that one step or phase may be called in a turn. A workflow whose
#: steps lead to each other in a circle would never let go of its thread.
MOST_CALLS = 100


def call(turn, workflow, touched):
    """Call the steps and the phase, until nothing changes any more.

    :raises AssertionError: they go on for ever, a mistake in the workflow
    """
    calls = collections.Counter()
    while (touched or turn.touched) and not turn.session.deleting and (
            turn.session.reason is None):
        touched |= turn.touched
        turn.touched.clear()
        subject = touched.pop()
        turn.subject = subject
        calls[subject] += 1
        if calls[subject] > max(MOST_CALLS, 2 * len(turn.picture.hosts)):
            raise AssertionError(
                f'{subject or turn.session.phase} goes round in circles')
        if subject is None:
            touched |= _call_phase(turn, workflow)
        elif subject in turn.picture.active:
            with context.about_host(subject):
                touched |= _call_step(
                    turn, workflow, turn.picture.hosts[subject])


def _call_phase(turn, workflow):
    active = set(turn.picture.active)
    try:
        after = getattr(workflow, turn.session.phase)()
    except turns.Failed as failure:
        ending.fail(turn, str(failure))
        return set()
    touched = turn.picture.active - active
    if after is not None:
        telling.phase(turn, after)
        touched.add(None)
    return touched


def _call_step(turn, workflow, host):
    if host.reason is not None:
        return set()
    try:
        after = getattr(workflow, host.step)(host)
    except turns.Failed as failure:
        workflow.host_failed(host, str(failure))
        return set()
    if after is None:
        return set()
    telling.step(turn, host, after)
    if after not in states.AT_REST:
        return {host.name}
    _tidy(turn, host)
    return {None}


def _tidy(turn, host):
    """Forget what was read on the way of a host, as it has ended.

    Of others only what would be read anew anyway.
    """
    old = turn.later(-turn.conf.nova.observe_interval)
    booking.forget_plan(turn, host.name)
    for what, reading in list(turn.memory.readings.items()):
        if what[0] in PASSING and reading.failing_since is None and (
                reading.came is not None and reading.came < old):
            del turn.memory.readings[what]


def conclude(turn, workflow):
    """Bring session state and outside in line with where things stand.

    :returns: whether nothing is left to do for now
    """
    session = turn.session
    turn.subject = None
    if session.deleting:
        telling.session_state(turn, words.DELETING)
        return ending.give_back(turn, workflow)
    if session.reason is not None:
        workflow.settle_moves()
        if not ending.at_rest(turn):
            return False
        state = words.MAINTENANCE_FAILED
    else:
        state = states.session_state(
            session, turn.picture.active_hosts())
    telling.session_state(turn, state)
    if state not in (words.MAINTENANCE_DONE, words.MAINTENANCE_FAILED):
        return False
    if session.finished_at is None:
        turn.change(session, finished_at=turn.now)
        if state == words.MAINTENANCE_DONE:
            turn.claims.append(claims.HostRelease(None))
    # What still runs reports to the engine that started it, and who may
    # still change a host must hear when the session is lost.
    return not (turn.picture.outbox or turn.picture.running()
                or any(kind in ON_HOSTS for kind, _ in turn.memory.in_flight))
