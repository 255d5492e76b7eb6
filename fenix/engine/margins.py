# SPDX-License-Identifier: Apache-2.0
"""Times that have to fit each other.

An engine sends a change only while its lease is valid, and whoever takes a
session over looks for what its last owner may still have sent. Both are safe
only if a request cannot be on its way for longer than one looks for it.
"""

from fenix import errors
from fenix.conf import workflow as options


def check(conf):
    """Refuse a configuration whose times do not fit each other.

    :raises: BadConfiguration, which names the options and what would do
    """
    engine, nova, workflow = conf.engine, conf.nova, conf.workflow
    # Sent with the last breath of a lease. To be taken and to be answered
    # each may take the timeout; all that is read before, and to connect,
    # comes before the last look at the lease, see ``clouds.permission``.
    on_its_way = 2 * nova.timeout + engine.lease_time
    if nova.unknown_window <= on_its_way:
        raise errors.BadConfiguration(
            f'[nova] unknown_window ({nova.unknown_window:g} s) must be '
            f'longer than twice [nova] timeout and [engine] lease_time '
            f'together ({on_its_way:g} s): a request that a dead engine sent '
            'could still arrive after it was taken as lost. Raise the '
            'window, or lower the others.')
    if engine.poll_interval > engine.lease_time / 2:
        raise errors.BadConfiguration(
            f'[engine] poll_interval ({engine.poll_interval:g} s) must be at '
            f'most half of [engine] lease_time ({engine.lease_time:g} s), or '
            'the sessions of a dead engine wait for the next look instead '
            'of the end of its lease.')
    # Settings of a session alone are checked when it is created, see
    # ``api.admission``.
    for name in options.LOOKED_FOR_WITHIN:
        if workflow[name] <= nova.unknown_window:
            raise errors.BadConfiguration(
                f'[workflow] {name} ({workflow[name]:g} s) must be longer '
                f'than [nova] unknown_window ({nova.unknown_window:g} s): a '
                'request without an answer could not be looked for, and '
                'sent anew, in time.')
