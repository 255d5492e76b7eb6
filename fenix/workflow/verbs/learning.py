# SPDX-License-Identifier: Apache-2.0
"""Learning how long things take, from what a session has seen of them.

What is configured is what is known before the first move. After a few of a
kind the newest ones tell better, as they are of this cloud, under this load.
"""

import dataclasses

from fenix.size import Size
from fenix.workflow import states
from fenix.workflow.verbs import viewing

#: How many of a kind have to be over before they count.
LEAST = 3
#: The newest ones that count.
NEWEST = 50
#: Share of the shortest of the newest moves that the next one takes at least.
SURELY = 0.8
#: Share of the time since its request between two looks until then.
BETWEEN = 0.25
#: The same of a confirmation, and the least seconds between two looks at one.
CONFIRMING = 0.5
SHORTLY = 0.1


def estimates(turn):
    """Return how long things take in a session, as far as it is known.

    :returns: ``planner.model.Estimates``: the configured ones, but for the
        actions of which, and for work on hosts if of that, ``LEAST`` are
        over
    """
    known = viewing.estimates(turn.option)
    picture = turn.picture
    base, per_gb = dict(known.base), dict(known.per_gb)
    for action, seen in _moves(picture).items():
        confirm = known.move(Size(), action) - base[action]
        took = max(0.0, _mean([seconds for _, seconds in seen]) - confirm)
        expected = _mean([known.move(size, action)
                          for size, _ in seen]) - confirm
        if expected > 0:
            base[action] *= took / expected
            per_gb[action] *= took / expected
        else:
            base[action] = took
    work = _work(picture)
    return dataclasses.replace(
        known, base=base, per_gb=per_gb,
        host=_mean(work) if work else known.host)


def between_looks(turn, row):
    """Return the seconds between two looks at a move.

    They are further apart in the middle of one, where nothing is to be
    expected: what so many looks cost delays the one that counts. Failures
    come early mostly; of a later one it is known a quarter later. A
    confirmation is mostly over at once, and others of its group wait for it.
    """
    usual = turn.conf.nova.observe_interval
    if row.state == 'confirming':
        gone = _seen_after(turn, row, row.confirm_at)
        return min(usual, max(SHORTLY, CONFIRMING * gone))
    took = turn.picture.took[row.action]
    if row.state != 'requested' or len(took) < LEAST:
        return usual
    gone = _seen_after(turn, row, row.intended_at)
    return max(usual, min(BETWEEN * gone, SURELY * min(took) - gone))


def _seen_after(turn, row, since):
    """Return the seconds from a time until the newest look at a move.

    Not until now: the time of the next look would go on with the clock, and
    whoever waits for it be called again and again in vain.
    """
    reading = turn.memory.readings.get(('look_at_server', row.instance_id))
    came = reading and reading.came
    return ((came or turn.now) - since).total_seconds()


def _moves(picture):
    """Return {action: [(size, seconds)]} of the newest moves that are over.

    Without those of which there are too few.
    """
    found = {}
    done = [move for move in picture.moves.values() if move.state == 'done'
            and move.instance_id in picture.instances]
    for move in sorted(done, key=lambda move: move.ended_at, reverse=True):
        seen = found.setdefault(move.action, [])
        if len(seen) < NEWEST:
            seen.append((
                _size(picture.instances[move.instance_id]),
                (move.ended_at - move.intended_at).total_seconds()))
    return {action: seen for action, seen in found.items()
            if len(seen) >= LEAST}


def _size(row):
    return Size(row.vcpus, row.ram_mb, row.disk_gb)


def _work(picture):
    """Return the seconds from when hosts were empty until they were back.

    Of those that held something: when another one turned empty is not known.
    And of those between whose last move and end the session was not
    continued: it may have paused for a night.
    """
    last = {move.source: move.round for move in sorted(
        (move for move in picture.moves.values() if move.ended_at),
        key=lambda move: move.ended_at)}
    done = [host for host in picture.hosts.values()
            if host.step == states.DONE and host.is_compute
            and last.get(host.name) == host.round]
    done.sort(key=lambda host: host.step_at, reverse=True)
    work = [(host.step_at - picture.left_at(host.name)).total_seconds()
            for host in done[:NEWEST]]
    return work if len(work) >= LEAST else []


def _mean(values):
    return sum(values) / len(values)
