# SPDX-License-Identifier: Apache-2.0
"""Whether a change may be sent, at the moment at which it leaves.

An engine looks at its lease before it calls a driver. But a driver may first
look at what it is to change, fetch a token and connect, and for all that time
the engine may stand still or be kept waiting. So the driver checks once more
when nothing is left to do but to send.
"""

import contextlib
import contextvars

_check = contextvars.ContextVar('check', default=None)


@contextlib.contextmanager
def checked_by(check):
    """Have what this thread sends meanwhile be checked.

    :param check: called without arguments; raises NotSent if a change may
        not be sent
    """
    token = _check.set(check)
    try:
        yield
    finally:
        _check.reset(token)


def check():
    """Return if a change may be sent now.

    A driver calls it right before each request that changes something.
    Whoever calls a driver without ``checked_by`` may always send.

    :raises NotSent: it may not
    """
    known = _check.get()
    if known is not None:
        known()
