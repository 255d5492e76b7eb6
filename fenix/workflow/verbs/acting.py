# SPDX-License-Identifier: Apache-2.0
"""Action plug-ins: started, watched, and judged."""

from fenix.db import models
from fenix.workflow.actions import base as actions
from fenix.workflow.turn import Effect
from fenix.workflow.turn import Failed
from fenix.workflow.turn import Reading
from fenix.workflow.verbs import telling

#: Runs that need nothing more.
GOOD = frozenset(['done', 'skipped'])
#: What a run is after an administrator's word on it.
REPORTS = {'DONE': 'done', 'SKIP': 'skipped', 'FAILED': 'failed'}


def run_actions(turn, type_, host=None):
    """Run the session's actions of a type, one after another by name.

    :param host: the host, or None for ``pre`` and ``post``
    :returns: whether all of them are done
    :raises Failed: one failed
    """
    name = host and host.name
    round_ = host.round if host else turn.session.round
    for action in turn.picture.actions:
        if action.type != type_:
            continue
        run = turn.picture.latest_run(action.id, name)
        if run is None or (run.state == 'failed' and run.round < round_):
            _start(turn, action, name, round_)
            return False
        if run.state in GOOD:
            continue
        if run.state == 'failed':
            where = f' on {name}' if name else ''
            raise Failed(f'action {run.plugin} ({type_}){where} failed: '
                         f'{run.reason}')
        _watch(turn, run)
        return False
    return True


def _start(turn, action, host, round_):
    run = turn.add(models.ActionRun(
        action_id=action.id, plugin=action.plugin, host=host, round=round_,
        state='running', output='', attempts=1, started_at=turn.now))
    telling.note(turn, f'action {action.plugin} ({action.type}) started'
                       + (f' on {host}' if host else ''), run=run.id)
    turn.effect('start_run', run.id, host, (
        action.plugin, _for_plugin(turn.picture, run)))


def _for_plugin(picture, run):
    action = next(action for action in picture.actions
                  if action.id == run.action_id)
    return actions.Run(
        run_id=run.id, session_id=picture.session.id, type=action.type,
        host=run.host, metadata=action.meta or {},
        session_metadata=picture.session.meta or {})


def _watch(turn, run):
    """Ask the plug-in how the run stands, when that may have changed."""
    if turn.in_flight('start_run', run.id):
        return
    reading = turn.memory.readings.get(('run_status', run.id))
    if reading is None or turn.passed(turn.later(
            turn.conf.actions.status_interval, reading.at)):
        ask_status(turn, run)


def ask_status(turn, run):
    """Ask the plug-in how a run stands."""
    turn.effect('run_status', run.id, run.host, (
        run.plugin, _for_plugin(turn.picture, run)))


def reported(turn, effect, answer, error):
    """Note how a run stands that was started or asked about.

    :param answer: (``RunStatus``, whether it may start again)
    """
    run = turn.picture.runs[effect.key]
    turn.memory.readings.setdefault(
        ('run_status', run.id), Reading()).succeed(
            None, turn.now, turn.now)
    if run.state != 'running':
        return
    if error is not None:
        settle(turn, run, actions.FAILED, reason=f'{error}')
        return
    status, may_rerun = answer
    if status.state == actions.LOST:
        _lost(turn, run, may_rerun)
    elif status.state == actions.RUNNING:
        turn.change(run, output=_cut(turn, status.output))
    else:
        settle(turn, run, status.state, status.output, status.reason)


def _lost(turn, run, may_rerun):
    """Start a lost run again, or leave that to the administrator."""
    if may_rerun:
        turn.change(run, attempts=run.attempts + 1)
        turn.effect('start_run', run.id, run.host, (
            run.plugin, _for_plugin(turn.picture, run)))
        return
    settle(turn, run, actions.FAILED, reason=(
        'the engine that ran it has ended and nobody knows how far it came; '
        'look at the host, then have it retried or skipped'))


def settle(turn, run, state, output=None, reason=None):
    """Note how a run ended."""
    turn.change(run, state=state, ended_at=turn.now, reason=reason,
                output=run.output if output is None else _cut(turn, output))
    telling.note(turn, f'action {run.plugin} {state}'
                       + (f' on {run.host}' if run.host else '')
                       + (f': {reason}' if reason else ''), run=run.id)


def report(turn, run_id, state, output=None):
    """Take an administrator's word on a run: done, failed, retry or skip.

    :returns: the run, or None if the word does not fit how it stands
    """
    run = turn.picture.runs.get(run_id)
    if run is None or run.state in GOOD:
        return None
    if state == 'RETRY' and run.state == 'failed':
        turn.change(run, round=-1)
        return run
    if state not in REPORTS:
        return None
    if run.state == 'running':
        cancel(turn, run)
    elif state == 'FAILED':
        return None
    settle(turn, run, REPORTS[state], output, reason=(
        'the administrator reported that it failed'
        if state == 'FAILED' else None))
    return run


def cancel(turn, run):
    """End a run that goes on."""
    effect = ending('cancel_run', turn.picture, run)
    turn.effect(effect.kind, effect.key, effect.host, effect.args)


def ending(kind, picture, run):
    """Return the effect that ends a run, or leaves it to a new owner."""
    return Effect(kind, run.id, run.host, (
        run.plugin, _for_plugin(picture, run)))


def _cut(turn, output):
    return output[-turn.conf.actions.output_limit:]
