# SPDX-License-Identifier: Apache-2.0
"""Named points at which a test lets an engine die.

Off unless the environment variable ``FENIX_CRASH_AT`` names a point and what
has to be happening there, for example ``after-commit=hosts:step:empty``.
The process then ends as by ``kill -9``, once: the file that
``FENIX_CRASH_ONCE`` names remembers it, with the process group that it was
in.

=============== ========================================================
point           reached
=============== ========================================================
before-commit   a turn is over and nothing of it is written
after-commit    it is written, and its effects are not yet started
before-effect   a call is about to be made
after-effect    the call was made, and its answer is not yet known to
                anybody else
=============== ========================================================

What happens at the first two is ``<table>:<phase|step|state>:<new value>``
or ``effect:<kind>``, at the others the kind of the effect.
"""

import os
import signal

_AT, _, _WHAT = os.environ.get('FENIX_CRASH_AT', '').partition('=')


def reach(point, names=()):
    """Pass a point; die there if a test wants it."""
    if point != _AT or _WHAT not in names:
        return
    once = os.environ['FENIX_CRASH_ONCE']
    try:
        with open(once, 'x', encoding='ascii') as file:
            file.write(f'{os.getpgrp()}')
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
