# SPDX-License-Identifier: Apache-2.0
"""The phases of a session, the steps of a host, and what may follow what.

Two small machines. The state that administrators and projects see is
derived from both (``session_state``).
"""

from fenix import words

# Phases of a session.
ANNOUNCE = 'announce'
MAKE_ROOM = 'make_room'
RUN_HOSTS = 'run_hosts'
FINISH = 'finish'
#: All work is done; the session waits to be deleted.
OVER = 'over'

PHASES = {
    ANNOUNCE: {MAKE_ROOM},
    MAKE_ROOM: {RUN_HOSTS},
    RUN_HOSTS: {MAKE_ROOM, FINISH},
    FINISH: {OVER},
    OVER: set(),
}

# Steps of a host.
PENDING = 'pending'
ASK = 'ask'
EMPTY = 'empty'
MAINTAIN = 'maintain'
GIVE_BACK = 'give_back'
#: A project would not have this host emptied now, or it was begun for room
#: that is in another cell of Nova: it goes back to pending.
LEAVE = 'leave'
DONE = 'done'
SKIPPED = 'skipped'

STEPS = {
    PENDING: {ASK, MAINTAIN, SKIPPED},
    ASK: {EMPTY, LEAVE, SKIPPED},
    # New instances found: their projects have to be asked first.
    EMPTY: {MAINTAIN, ASK, LEAVE},
    MAINTAIN: {GIVE_BACK, ASK},
    GIVE_BACK: {DONE},
    LEAVE: {PENDING, SKIPPED},
    DONE: set(),
    SKIPPED: set(),
}

#: Steps in which a host needs nothing of the engine.
AT_REST = frozenset([PENDING, DONE, SKIPPED])
#: Steps after which a host is through.
THROUGH = frozenset([DONE, SKIPPED])


def check(table, before, after):
    """Refuse a change that the table does not know.

    :raises AssertionError: always a mistake in a workflow
    """
    if after not in table[before]:
        raise AssertionError(f'{before} is never followed by {after}')


def session_state(session, active_hosts):
    """Return the state of a session as its administrator sees it.

    :param session: the session
    :param active_hosts: its hosts that are in a step which is not at rest
    """
    if session.deleting:
        return words.DELETING
    if session.phase == ANNOUNCE:
        return words.MAINTENANCE
    if session.phase == MAKE_ROOM:
        if session.scale_in_free is not None:
            return words.SCALE_IN
        # Until the first question the session only measures.
        return (session.state if session.state != words.MAINTENANCE_FAILED
                else words.START_MAINTENANCE)
    if session.phase == RUN_HOSTS:
        questions = {host.question for host in active_hosts
                     if host.step in (ASK, EMPTY)}
        for question in (words.PREPARE_MAINTENANCE,
                         words.PLANNED_MAINTENANCE):
            if question in questions:
                return question
        return words.START_MAINTENANCE
    if session.phase == FINISH:
        return words.MAINTENANCE_COMPLETE
    return words.MAINTENANCE_DONE
