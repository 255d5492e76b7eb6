# SPDX-License-Identifier: Apache-2.0
"""How a session ends before its time: it fails, or it is deleted."""

from fenix import words
from fenix.workflow import states
from fenix.workflow.turn import Failed
from fenix.workflow.turn import Reading
from fenix.workflow.verbs import acting
from fenix.workflow.verbs import asking
from fenix.workflow.verbs import hosting
from fenix.workflow.verbs import telling


def fail(turn, reason):
    """Let the session fail: nothing new is begun from now on."""
    if turn.session.reason is None:
        turn.change(turn.session, reason=reason)
        telling.warn(turn, f'failed: {reason}')


def fail_host(turn, host, reason):
    """Let a host fail, and the session with it."""
    stop_host(turn, host, reason)
    fail(turn, f'host {host.name}: {reason}')


def stop_host(turn, host, reason):
    """Let a host fail: it stays as it is."""
    turn.change(host, reason=reason)
    if host.step == states.MAINTAIN and host.disabled == hosting.US:
        hosting.write_reason(turn, host, reason)


def resume(turn):
    """Go on where the session stopped; what had failed gets a new round.

    What is done stays done, and answers that were given stay valid. All
    deadlines count from now on: the pause was not the projects' time.
    """
    session, picture = turn.session, turn.picture
    if session.state != words.MAINTENANCE_FAILED or session.deleting:
        return False
    telling.note(turn, 'continued by the administrator')
    turn.change(session, reason=None, round=session.round + 1,
                finished_at=None)
    for ask in list(picture.unanswered.values()):
        asking.answered(turn, ask)
    if not any(ask.question == words.SCALE_IN
               for ask in picture.unanswered.values()):
        turn.change(session, scale_in_free=None)    # Measured anew.
    for host in picture.hosts.values():
        if host.step not in states.THROUGH:
            turn.change(host, reason=None, round=host.round + 1,
                        step_at=host.step_at and turn.now)
    for move in picture.moving.values():
        turn.change(move, deadline=turn.later(
            turn.option('own_action_window')))
    turn.memory.readings.clear()
    turn.memory.kept = None
    return True


def delete(turn):
    """Note that the session is to be deleted.

    Nobody is asked any more, but told that it may scale back.
    """
    turn.change(turn.session, deleting=True, finished_at=None)
    for ask in list(turn.picture.unanswered.values()):
        if ask.question != words.MAINTENANCE_COMPLETE:
            asking.withdraw(turn, ask)
    turn.memory.readings.clear()


def give_back(turn, workflow):
    """Give back what a deleted session holds; called until it returns true.

    Hosts that are untouched or completed are enabled. A host whose action
    started and did not succeed stays disabled, with the reason in Nova.
    """
    settled = workflow.settle_moves()
    for run in turn.picture.running():
        acting.cancel(turn, run)
        acting.settle(turn, run, 'failed',
                      reason='its session was deleted while it ran')
    if not settled:
        return False
    spoiled = {run.host: run for run in turn.picture.runs.values()
               if run.state == 'failed'
               and turn.picture.latest_run(run.action_id, run.host) is run}
    if not all([_release(turn, host, spoiled.get(host.name))
                for host in turn.picture.hosts.values()]):
        return False
    for project_id in _scaled_in(turn):
        _scale_back(turn, project_id)
    return not turn.picture.outbox or _unheard(turn)


def _release(turn, host, spoiled):
    """Release one host; true when nothing is left to do about it.

    :param spoiled: a run on it that did not succeed, or None
    """
    try:
        if spoiled is not None:
            return hosting.explain(
                turn, host, f'action {spoiled.plugin} did not succeed: '
                            f'{spoiled.reason}')
        if not telling.settle_host(turn, host) or not (
                hosting.enable(turn, host)):
            return False
    except Failed as failure:
        telling.warn(turn, f'host {host.name} could not be given back: '
                           f'{failure}', host=host.name)
        turn.change(host, disabled=hosting.KEPT)
    if host.announced and host.disabled != hosting.KEPT:
        telling.host_state(turn, host, words.MAINTENANCE_COMPLETE)
    return True


def _scaled_in(turn):
    """Return the projects that scaled in, or may have, for the session."""
    return sorted({ask.project_id
                   for ask in turn.picture.asks_to(words.SCALE_IN)
                   if ask.published_at is not None})


def _scale_back(turn, project_id):
    """Tell a project that it may scale back, unless it was told.

    Whether anybody listens does not matter: nothing hangs on the answer.
    """
    if turn.picture.latest_ask(
            words.MAINTENANCE_COMPLETE, project_id) is None:
        asking.put(turn, words.MAINTENANCE_COMPLETE, project_id,
                   turn.picture.instances_of(project_id),
                   window=turn.option('complete_window'))


def _unheard(turn):
    """Tell whether the bus has been away for longer than one waits for it."""
    reading = turn.memory.readings.get(('publish', 'outbox'), Reading())
    if reading.failing_since is None or not turn.passed(turn.later(
            turn.conf.notify.max_delay, reading.failing_since)):
        return False
    telling.warn(turn, f'deleted with {len(turn.picture.outbox)} '
                       f'notifications unpublished: {reading.error}')
    return True


def at_rest(turn):
    """Tell whether a failed session has come to rest.

    Moves in flight are settled first; runs go on by themselves, and a host
    keeps its step for the continuation.
    """
    return all(move.action == words.OWN_ACTION
               for move in turn.picture.moving.values())


__all__ = ['at_rest', 'delete', 'fail', 'fail_host', 'give_back', 'resume',
           'stop_host']
