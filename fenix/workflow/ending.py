# SPDX-License-Identifier: Apache-2.0
"""How a session ends before its time: it fails, or it is deleted."""

from fenix import words
from fenix.workflow import states
from fenix.workflow.turn import Failed
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
    turn.change(host, reason=reason)
    fail(turn, f'host {host.name}: {reason}')


def resume(turn):
    """Go on where the session stopped; what had failed gets a new round."""
    session = turn.session
    if session.state != words.MAINTENANCE_FAILED or session.deleting:
        return False
    telling.note(turn, 'continued by the administrator')
    turn.change(session, reason=None, round=session.round + 1,
                scale_in_free=None, finished_at=None)
    for host in turn.picture.hosts.values():
        if host.reason is not None:
            turn.change(host, reason=None, round=host.round + 1,
                        step_at=turn.now)
    turn.memory.readings.clear()
    return True


def delete(turn):
    """Note that the session is to be deleted."""
    turn.change(turn.session, deleting=True, finished_at=None)
    for ask in list(turn.picture.unanswered.values()):
        turn.change(ask, state='withdrawn', answered_at=turn.now)
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
    hosts = list(turn.picture.hosts.values())
    if not all([_release(turn, host) for host in hosts]):
        return False
    if not all([_scaled_back(turn, project_id)
                for project_id in _scaled_in(turn)]):
        return False
    return not turn.picture.outbox


def _release(turn, host):
    """Release one host; true when nothing is left to do about it."""
    spoiled = [run for run in turn.picture.runs.values()
               if run.host == host.name and run.state == 'failed'
               and turn.picture.latest_run(run.action_id, host.name) is run]
    try:
        if spoiled:
            return _mark(turn, host, spoiled[0])
        if not hosting.enable(turn, host):
            return False
    except Failed as failure:
        telling.warn(turn, f'host {host.name} could not be given back: '
                           f'{failure}', host=host.name)
        turn.change(host, disabled=hosting.BEFORE)
        return True
    if host.announced:
        telling.host_state(turn, host, words.MAINTENANCE_COMPLETE)
    return True


def _mark(turn, host, run):
    """Leave a host disabled, and say in Nova why."""
    if host.disabled != hosting.US:
        return True
    if turn.in_flight('set_reason', host.name):
        return False
    mark = hosting.mark(turn.session)
    turn.effect('set_reason', host.name, host.name, (
        host.name, f'{mark} action {run.plugin} did not succeed: '
                   f'{run.reason}', mark))
    return False


def marked(turn, effect, _, error):
    """Note that the reason is in Nova, or that it could not be put there."""
    host = turn.picture.hosts[effect.key]
    if error is not None:
        telling.warn(turn, f'the reason why {host.name} stays disabled could '
                           f'not be put into Nova: {error}', host=host.name)
    turn.change(host, disabled=hosting.BEFORE)


def _scaled_in(turn):
    """Return the projects that scaled in, or may have, for the session."""
    return sorted({ask.project_id for ask in turn.picture.asks.values()
                   if ask.question == words.SCALE_IN
                   and ask.published_at is not None})


def _scaled_back(turn, project_id):
    """See to it that a project is told to scale back; true once it was."""
    known = turn.picture.latest_ask(words.MAINTENANCE_COMPLETE, project_id)
    if known is None:
        try:
            known = asking.ask(
                turn, words.MAINTENANCE_COMPLETE, project_id, [],
                window=turn.option('complete_window'))
        except Failed as failure:
            telling.warn(turn, f'project {project_id} could not be told that '
                               f'it may scale back: {failure}')
            return True
    return known is not None and known.state != 'waiting'


def at_rest(turn):
    """Tell whether a failed session has come to rest.

    Moves in flight are settled first; runs go on by themselves, and a host
    keeps its step for the continuation.
    """
    return all(move.action == words.OWN_ACTION
               for move in turn.picture.moving.values())


__all__ = ['at_rest', 'delete', 'fail', 'fail_host', 'give_back', 'marked',
           'resume', 'states']
