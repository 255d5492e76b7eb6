# SPDX-License-Identifier: Apache-2.0
"""Noting why hosts and instances wait, and for whom.

It is for those who look at the session, nothing depends on it: it may be as
old as :data:`INTERVAL`, and is written only when it changes.
"""

from fenix.workflow import states
from fenix.workflow.verbs import keeping

#: Seconds between two looks at all that waits. They cost what the session
#: is large, so not every event has one.
INTERVAL = 5.0


def note(turn, row, wait):
    """Note why a host or an instance waits.

    :param row: of the host or the instance
    :param wait: ``planner.model.Wait``; None: it does not
    """
    turn.change(row, waits_for=wait and wait.waits_for,
                waits_why=wait and wait.reason)


def note_all(turn, fleet):
    """Note what the planner says of all that waits for its turn.

    Of what it offered to move, moving tells why it does not.
    """
    at = turn.memory.explained_at
    if at is not None and not turn.passed(turn.later(INTERVAL, at)):
        return
    turn.memory.explained_at = turn.now
    now = keeping.seconds(turn)
    for host in [turn.picture.hosts[name] for name in sorted(
            turn.picture.pending)] + turn.picture.active_hosts():
        if host.name not in fleet.hosts:
            continue
        if host.step in (states.PENDING, states.ASK):
            note(turn, host, fleet.why(host.name, now))
        elif host.step == states.EMPTY:
            for row in turn.picture.instances_on(host.name):
                known = fleet.instances.get(row.instance_id)
                if known is not None and not known.offered:
                    note(turn, row, fleet.why(row.instance_id, now))
