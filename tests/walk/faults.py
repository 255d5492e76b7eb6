# SPDX-License-Identifier: Apache-2.0
"""What goes wrong at a point.

Each is a function of the world and of the request that is on its way, if one
is; it is called within the engine that passes the point.
"""

import contextlib
import functools

import oslo_db.exception

from fenix import errors
from fenix.engine import runner

#: Seconds after which a request arrives late: before and after another engine
#: has taken over. Both are less than ``[nova] unknown_window``.
SOON, LATER = 1, 12
#: Seconds after which an engine goes on that stood still: just after another
#: one has taken over, and when all may be done.
SHORT, LONG = 4, 300


def crash(world, request):
    """The engine dies."""
    world.die()


def pause(seconds, world, request):
    """The engine stands still for a while."""
    world.stand_still(seconds)


def refused(world, request):
    """The cloud refuses the request."""
    raise errors.CloudRefused('refused by a test')


def unavailable(world, request):
    """The request does not get there, and the engine does not know."""
    raise errors.CloudUnknown('503 by a test')


def unanswered(world, request):
    """The answer is lost."""
    request()
    raise errors.CloudUnknown('no answer by a test')


def late(seconds, world, request):
    """The engine gets no answer, and the request arrives later."""
    _arrive(world, seconds, request)
    raise errors.CloudUnknown('no answer by a test')


def late_and_dead(seconds, world, request):
    """The engine dies, and its request arrives later."""
    _arrive(world, seconds, request)
    world.die()


def not_committed(world, request):
    """The database fails a transaction."""
    raise oslo_db.exception.DBConnectionError()


def _arrive(world, seconds, request):
    def arrive():
        with contextlib.suppress(errors.CloudError):
            request()
    world.after(seconds, arrive)


STOPS = {
    'pause': functools.partial(pause, SHORT),
    'long-pause': functools.partial(pause, LONG)}
AT_COMMIT = {
    'crash': crash,
    **STOPS,
    # After the commit it is the answer of the database that is lost.
    'database': not_committed}
AT_EFFECT = {'crash': crash, **STOPS}
AT_SEND = {
    **STOPS,
    'refused': refused,
    'unavailable': unavailable,
    'unanswered': unanswered,
    'late': functools.partial(late, LATER),
    'late-soon-and-dead': functools.partial(late_and_dead, SOON),
    'late-and-dead': functools.partial(late_and_dead, LATER)}

BY_POINT = {'before-commit': AT_COMMIT, 'after-commit': AT_COMMIT,
            'before-effect': AT_EFFECT, 'after-effect': AT_EFFECT,
            'send': AT_SEND}


def at(point, names):
    """Return what can go wrong at a point: {name: function}."""
    if point.endswith('effect') and names[0] in runner.READS:
        # A read changes nothing: this is the same as the commit before it.
        return {}
    if point == 'send' and names[0] == 'publish':
        # Nothing looks at the lease any more: see before-effect.
        return {name: fault for name, fault in AT_SEND.items()
                if name not in STOPS}
    return BY_POINT[point]


def same_as_another(point):
    """Tell whether a crash here is the same as one at the point before.

    Nothing can be seen from outside between a commit and the call that
    follows, or between a call and the commit of its outcome.
    """
    return point.startswith('before')
