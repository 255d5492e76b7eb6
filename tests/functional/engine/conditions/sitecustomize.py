# SPDX-License-Identifier: Apache-2.0
"""Makes life hard for an engine, as the environment says.

Python imports this first wherever its directory is on the path. It touches
nothing but engines.
"""

import datetime
import os
import sys
import time


def delay_statements(seconds):
    """Have each statement of the database take so much longer."""
    import sqlalchemy as sa

    sa.event.listen(sa.Engine, 'before_cursor_execute',
                    lambda *args: time.sleep(seconds))


def set_clock(seconds):
    """Put the clock of the machine forward, or back; no other one."""
    real, delta = datetime.datetime, datetime.timedelta(seconds=seconds)
    real_time, real_time_ns = time.time, time.time_ns

    class Kind(type):
        def __instancecheck__(cls, instance):
            return isinstance(instance, real)

    class Shifted(real, metaclass=Kind):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) + delta

        @classmethod
        def utcnow(cls):
            return super().utcnow() + delta

    datetime.datetime = Shifted
    time.time = lambda: real_time() + seconds
    time.time_ns = lambda: real_time_ns() + int(seconds * 1e9)


if 'fenix.cmd.engine' in sys.orig_argv:
    if 'FENIX_TEST_CLOCK' in os.environ:
        set_clock(float(os.environ['FENIX_TEST_CLOCK']))
    if 'FENIX_TEST_STATEMENT' in os.environ:
        delay_statements(float(os.environ['FENIX_TEST_STATEMENT']))
