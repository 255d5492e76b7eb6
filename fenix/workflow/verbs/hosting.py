# SPDX-License-Identifier: Apache-2.0
"""Hosts: out of use, proved empty, back in use.

What Fenix disables carries a mark. It never disables what is disabled, and
enables only what carries its mark.
"""

from fenix import errors
from fenix.workflow.turn import Failed
from fenix.workflow.turn import Reading
from fenix.workflow.verbs import telling

#: We are about to disable it; whether we did is found by looking.
ASKED = 'asked'
US = 'us'
BEFORE = 'before'
#: By us, and it stays so when its session goes.
KEPT = 'kept'


def mark(session):
    """Return the mark of a session in Nova's disabled_reason."""
    return f'fenix:{session.id}'


def disable(turn, host):
    """Keep new instances off a host.

    :returns: whether it is disabled, by us or before us
    """
    if not host.is_compute or host.disabled in (US, BEFORE):
        return True
    if _tried(turn, 'disable', host):
        turn.change(host, disabled=ASKED)
        turn.effect('disable', host.name, host.name, (
            host.name, f'{mark(turn.session)} maintenance'))
    return False


def disabled(turn, effect, by, error):
    """Note who disabled a host."""
    host = turn.picture.hosts[effect.key]
    if error is not None:
        _note_failure(turn, effect, error)
        return
    turn.memory.readings.pop(('disable', host.name), None)
    turn.change(host, disabled=by)
    if by == BEFORE:
        telling.warn(turn, f'host {host.name} was disabled before: it is '
                           'left so', host=host.name)


def enable(turn, host):
    """Let a host have new instances again, if it is we who disabled it.

    :returns: whether nothing of ours keeps it disabled
    """
    if host.disabled in (None, BEFORE, KEPT):
        return True
    if turn.in_flight('disable', host.name):
        return False
    if _tried(turn, 'enable', host):
        turn.effect('enable', host.name, host.name,
                    (host.name, mark(turn.session)))
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
    if host.disabled != US:
        return True
    if _tried(turn, 'set_reason', host):
        write_reason(turn, host, why)
    return False


def write_reason(turn, host, why):
    """Say in Nova why a host of ours stays disabled."""
    turn.effect('set_reason', host.name, host.name, (
        host.name, f'{mark(turn.session)} {why}', mark(turn.session)))


def explained(turn, effect, _, error):
    """Note that the reason is in Nova."""
    if error is not None:
        _note_failure(turn, effect, error)
        return
    if turn.session.deleting:
        turn.change(turn.picture.hosts[effect.key], disabled=KEPT)


def _tried(turn, kind, host):
    """Tell whether a request may be made now.

    Disabling and enabling look before they act, so a request whose fate is
    unknown may simply be made again: it finds what the first one did.
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
        return True
    left = ([f'instance {server.instance_id} ({server.status})'
             for server in look.servers]
            + [f'migration of {key}' for key in sorted(look.migrating)]
            + [f'allocation of {key}' for key in sorted(look.consumers)])
    if turn.passed(turn.later(turn.option('empty_timeout'), since)):
        raise Failed(f'{host.name} is still not empty: {", ".join(left)}')
    return False


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
