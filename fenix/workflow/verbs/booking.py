# SPDX-License-Identifier: Apache-2.0
"""Booking room for instances, so that other sessions choose other targets."""

from fenix.size import Size
from fenix.workflow import bookings as all_bookings
from fenix.workflow import states
from fenix.workflow.verbs import viewing


def hosts(bookings, picture):
    """Tell others which hosts are a bad choice: they are yet to be done."""
    bookings.will_empty(picture.session.id, [
        host.name for host in picture.hosts.values()
        if host.step not in states.THROUGH])


def plan(turn, survey, source, targets):
    """Note where the instances of a host go, and book room for them there.

    :param targets: {instance id: host}
    """
    turn.memory.targets[source] = viewing.targets(turn, survey, targets)
    for instance_id, target in targets.items():
        _book(turn.bookings, turn.picture, source, instance_id, target)


def forget_plan(turn, source):
    """Forget where the instances of a host are to go.

    But for those that are on their way.
    """
    turn.memory.targets.pop(source, None)
    turn.bookings.cancel(turn.session.id, source)
    for move in turn.picture.moving_from(source):
        begun(turn, move)


def begun(turn, move):
    """Book what a move needs."""
    _book(turn.bookings, turn.picture, move.source, move.instance_id,
          move.target)


def ended(turn, move):
    """Note that a move came to its end, well or not."""
    if move.state == 'done':
        turn.bookings.arrived(turn.session.id, move.instance_id, turn.now)
    else:
        turn.bookings.cancel(turn.session.id, move.source, move.instance_id)


def again(bookings, picture, memory):
    """Book anew for a session that was loaded."""
    hosts(bookings, picture)
    for move in picture.moving.values():
        _book(bookings, picture, move.source, move.instance_id, move.target)
    for source, targets in memory.targets.items():
        for instance_id, target in targets.where.items():
            if picture.move_of(instance_id) is None:
                _book(bookings, picture, source, instance_id, target)


def _book(bookings, picture, source, instance_id, target):
    row = picture.instances.get(instance_id)
    if row is not None and target is not None:
        bookings.book(picture.session.id, instance_id, all_bookings.Booking(
            source, target, Size(row.vcpus, row.ram_mb, row.disk_gb)))
