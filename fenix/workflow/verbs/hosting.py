# SPDX-License-Identifier: Apache-2.0
"""Hosts: out of use, proved empty, back in use.

What Fenix disables carries a mark. It never disables what is disabled, and
enables only what carries its mark.
"""

from fenix import errors
from fenix.db import models
from fenix.workflow import marks
from fenix.workflow.planner import model
from fenix.workflow.turn import Failed
from fenix.workflow.turn import Reading
from fenix.workflow.verbs import explaining
from fenix.workflow.verbs import telling
from fenix.workflow.verbs import ways

#: We are about to disable it; whether we did is found by looking.
ASKED = 'asked'
US = 'us'
BEFORE = 'before'
#: By us, and it stays so when its session goes.
KEPT = models.KEPT
#: By us, and a request to say why is on its way.
EXPLAINING = 'explaining'


def disable(turn, host):
    """Keep new instances off a host.

    :returns: whether it is disabled, by us or before us
    """
    if not host.is_compute or host.disabled in (US, BEFORE, EXPLAINING):
        return True
    if not _settled(turn, host):
        return host.disabled == US
    if _tried(turn, 'disable', host):
        turn.change(host, disabled=ASKED)
        turn.effect('disable', host.name, host.name, (
            host.name, f'{marks.mark(turn.session.id)} {marks.PLAIN}'))
    return False


def disabled(turn, effect, by, error):
    """Note who disabled a host."""
    host = turn.picture.hosts[effect.key]
    if error is not None:
        _note_failure(turn, effect, error)
        if isinstance(error, errors.CloudRefused | errors.NotSent):
            turn.change(host, disabled=None)
        return
    turn.memory.readings.pop(('disable', host.name), None)
    turn.change(host, disabled=by)
    if by == BEFORE:
        telling.warn(turn, f'host {host.name} was disabled before: it is '
                           'left so', host=host.name)


def _settled(turn, host):
    """Tell whether no request to disable a host is on its way any more.

    One that got no answer, or whose engine died, may still arrive: if it
    were made again, and the host given back soon, the late one would keep
    the host out of use for ever. So it is looked for; only what has left no
    trace for ``[nova] unknown_window`` was lost. To say why a host stays
    disabled disables it as well, and leaves no trace that is certain.
    """
    if host.disabled not in (ASKED, EXPLAINING):
        return True
    asked = host.disabled == ASKED
    if turn.in_flight('disable' if asked else 'set_reason', host.name):
        return False
    since = turn.memory.unanswered.setdefault(host.name, turn.now)
    try:
        service = turn.watch('service', host.name, since)
    except Failed:
        if turn.session.deleting:
            return False        # Nobody could continue it.
        raise
    if service is None:
        return False
    reason = service.disabled_reason or ''
    if asked and not service.enabled and (
            reason.split(' ', 1)[0] == marks.mark(turn.session.id)):
        del turn.memory.unanswered[host.name]
        turn.change(host, disabled=US)
        return False
    if not turn.passed(turn.later(turn.conf.nova.unknown_window, since)):
        return False
    del turn.memory.unanswered[host.name]
    turn.change(host, disabled=None if asked else US)
    return True


def enable(turn, host):
    """Let a host have new instances again, if it is we who disabled it.

    :returns: whether nothing of ours keeps it disabled
    """
    if host.disabled in (None, BEFORE, KEPT):
        return True
    if not _settled(turn, host) and host.disabled != US:
        return False
    if host.disabled is None:
        return True
    if _tried(turn, 'enable', host):
        turn.effect('enable', host.name, host.name,
                    (host.name, marks.mark(turn.session.id)))
    return False


def enabled(turn, effect, is_enabled, error):
    """Note that a host is enabled, or that another hand disabled it."""
    host = turn.picture.hosts[effect.key]
    if error is not None:
        _note_failure(turn, effect, error)
        return
    turn.memory.readings.pop(('enable', host.name), None)
    turn.change(host, disabled=None if is_enabled else BEFORE)
    if not is_enabled:
        telling.warn(turn, f'host {host.name} was disabled anew by another '
                           'hand: it is left so', host=host.name)


def explain(turn, host, why):
    """Leave a host disabled for good, and say in Nova why.

    :returns: whether that is done
    :raises Failed: it could not be said
    """
    if host.disabled not in (US, EXPLAINING):
        return True
    if not _settled(turn, host) and host.disabled != US:
        return False
    if _tried(turn, 'set_reason', host):
        write_reason(turn, host, why)
    return False


def write_reason(turn, host, why):
    """Say in Nova why a host of ours stays disabled."""
    mark = marks.mark(turn.session.id)
    turn.change(host, disabled=EXPLAINING)
    turn.effect('set_reason', host.name, host.name, (
        host.name, f'{mark} {why}', mark))


def explained(turn, effect, _, error):
    """Note that the reason is in Nova."""
    host = turn.picture.hosts[effect.key]
    if error is not None:
        _note_failure(turn, effect, error)
        if isinstance(error, errors.CloudRefused | errors.NotSent):
            turn.change(host, disabled=US)
        else:
            turn.memory.unanswered[host.name] = turn.now
        return
    turn.change(host, disabled=KEPT if turn.session.deleting else US)


def _tried(turn, kind, host):
    """Tell whether a request may be made now.

    Enabling looks before it acts, so a request whose fate is unknown may
    simply be made again: it finds what the first one did. For disabling see
    ``_settled``.
    """
    reading = turn.memory.readings.get((kind, host.name))
    if reading is None or reading.failing_since is None:
        return True
    # A deleted session has nobody left who could continue it: it goes on
    # trying until Nova answers.
    if reading.refused or (not turn.session.deleting and turn.now >= (
            turn.later(turn.option('cloud_patience'),
                       reading.failing_since))):
        turn.memory.readings.pop((kind, host.name))
        raise Failed(f'could not {kind} {host.name}: {reading.error}')
    return turn.passed(reading.not_before)


def _note_failure(turn, effect, error):
    reading = turn.memory.readings.setdefault(
        (effect.kind, effect.key), Reading())
    reading.fail(turn.now, error)
    # It will not help to ask again.
    reading.refused = isinstance(error, errors.CloudRefused)


def empty(turn, host):
    """Tell whether a host is proved empty.

    At this moment, after it was disabled, there is no server on it, no
    unfinished migration to or from it, and no allocation of it.

    :raises Failed: it is not empty long after its last instance left
    """
    if not host.is_compute:
        return True
    # Newer than everything that we know to have happened there.
    since = max(host.step_at,
                turn.picture.left_at(host.name) or host.step_at)
    look = turn.watch('look_at_host', host.name, since)
    if look is None:
        return False
    if look.service is not None and look.service.enabled:
        # Another hand did that meanwhile; it has to be disabled again.
        turn.change(host, disabled=None)
        return False
    if look.empty:
        explaining.note(turn, host, None)
        return True
    left = holders(turn, look)
    what = ', '.join(left.values())
    if turn.passed(turn.later(turn.option('empty_timeout'), since)):
        raise Failed(f'{host.name} is still not empty: {what}')
    if turn.passed(turn.later(explaining.INTERVAL, since)):
        # Not of what is seen to be over a moment later.
        explaining.note(turn, host, model.Wait(
            next(iter(left)), f'it is still not empty: {what}'))
    return False


def holders(turn, look):
    """Return what keeps a host from being empty, in words for humans.

    :param look: ``clouds.base.HostLook``
    :returns: {id: words}, servers first
    """
    found = {server.instance_id: (
        f'{ways.who(server)} ({server.status}'
        + (f', {server.task_state})' if server.task_state else ')')
        + _remedy(server.status)) for server in sorted(
            look.servers, key=lambda server: server.instance_id)}
    for key in sorted(look.migrating):
        row = turn.picture.instances.get(key)
        found[key] = (
            f'{found[key]}, in an unfinished migration' if key in found else
            f'an unfinished migration of {ways.who(row) if row else key}'
            + _remedy(row and row.status))
    # A migration that holds its source does so under its own id.
    whose = '' if look.migrating else (
        ', of which Nova shows no instance here')
    for key in sorted(look.consumers - found.keys()):
        found[key] = f'an allocation of {key} in Placement{whose}'
    return found


def _remedy(status):
    remedy = (ways.REMEDIES | ways.LASTING).get(status)
    return f': {remedy}' if remedy else ''


def service_up(turn, host):
    """Tell whether a host's services report after the work on it.

    :raises Failed: they did not within ``[actions] service_up_timeout``
    """
    if not (host.is_compute or host.is_controller):
        return True
    service = turn.watch('service', host.name, host.step_at)
    if service is not None and service.up:
        return True
    if turn.passed(turn.later(turn.conf.actions.service_up_timeout,
                              host.step_at)):
        raise Failed(f'the services of {host.name} do not report up after '
                     'the work on it')
    return False
