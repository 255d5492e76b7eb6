# SPDX-License-Identifier: Apache-2.0
"""Named points at which a test lets an engine die or stand still.

Off, and free, unless an environment variable names a point and what has to
be happening there: ``FENIX_CRASH_AT=after-commit=hosts:step:empty`` or
``FENIX_PAUSE_AT=before-effect=migrate``. The process then ends as by ``kill
-9``, or stands still as by ``kill -STOP``, once: the file that
``FENIX_CRASH_ONCE`` or ``FENIX_PAUSE_ONCE`` names remembers it, with the
process group that it was in.

=============== ========================================================
point           reached
=============== ========================================================
before-commit   a turn is over and nothing of it is written
after-commit    it is written, and its effects are not yet started
before-effect   a call is about to be made
after-effect    the call was made, and its answer is not yet known to
                anybody else
=============== ========================================================

What happens at the first two is ``<table>:<phase|step|state>:<new value>``,
``effect:<kind>`` for the intent of an effect, or ``outcome:<kind>`` for what
came of it; at the others it is the kind of the effect. So each kind of
effect has these, in this order: ``before-commit=effect:<kind>`` (before the
intent), ``after-commit=effect:<kind>`` and ``before-effect=<kind>`` (between
intent and call), ``after-effect=<kind>`` and ``before-commit=outcome:<kind>``
(between call and outcome), ``after-commit=outcome:<kind>`` (after the
outcome).
"""

import os
import signal

#: What a test wants at which point: {(point, what): (signal, file)}.
_WANTED = {
    tuple(os.environ[f'FENIX_{name}_AT'].split('=', 1)): (
        number, os.environ[f'FENIX_{name}_ONCE'])
    for name, number in (('CRASH', signal.SIGKILL),
                         ('PAUSE', signal.SIGSTOP))
    if os.environ.get(f'FENIX_{name}_AT')}

#: Whether anybody watches the points.
watched = bool(_WANTED)


def arm(places):
    """Choose where to die in a process that was forked.

    What the environment wanted of its parent is forgotten.

    :param places: {point as ``FENIX_CRASH_AT`` has it: path as
        ``FENIX_CRASH_ONCE``}; whichever is reached first
    """
    global watched
    _WANTED.clear()
    for place, once in places.items():
        _WANTED[tuple(place.split('=', 1))] = (signal.SIGKILL, once)
    watched = bool(_WANTED)


def reach(point, names):
    """Pass a point; die or stand still there if a test wants it.

    :param names: what is happening there
    """
    for name in names:
        if (point, name) not in _WANTED:
            continue
        number, once = _WANTED[point, name]
        try:
            with open(once, 'x', encoding='ascii') as file:
                file.write(f'{os.getpgrp()}')
        except FileExistsError:
            continue
        os.kill(os.getpid(), number)


def names(turn):
    """Return what a turn did, for the tests that watch its points."""
    found = [f'effect:{effect.kind}' for effect in turn.effects]
    found += [f'outcome:{kind}' for kind in turn.outcomes]
    for (model, _), values in turn.changed.items():
        found += [f'{model.__tablename__}:{name}:{values[name]}'
                  for name in ('phase', 'step', 'state') if name in values]
    return found
