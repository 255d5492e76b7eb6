# SPDX-License-Identifier: Apache-2.0
"""A move's share of what its instance's group can bear at once."""

from fenix.db import claims
from fenix.workflow.planner import reasons
from fenix.workflow.turn import Failed
from fenix.workflow.verbs import explaining


def claim(turn, host, instance):
    """Claim the instance's share of what its group can bear.

    Checked here against this session and at the commit against all others.

    :raises Failed: the group could not bear it for too long
    """
    group = of(turn, instance.instance_id)
    if group is None:
        return True
    limit = max(1, group.max_impacted_members)
    others = {row.instance_id for row in turn.picture.moving.values()}
    others = (others | turn.picture.in_error) - {instance.instance_id}
    turn.constraints(others)    # Read at once, not one by one.
    impacted = [key for key in others if of(turn, key) is group]
    until = turn.memory.busy.get(group.group_id)
    if len(impacted) < limit and (until is None or until <= turn.now):
        turn.claims.append(claims.GroupClaim(
            group.group_id, limit, instance.instance_id))
        return True
    explaining.note(turn, instance, reasons.of_group(
        group.group_id, impacted, limit,
        turn.memory.busy_by.get(group.group_id)))
    turn.wake(max(until or turn.now, turn.later(
        turn.conf.nova.observe_interval)))
    since = max(held_up(turn, host, instance),
                turn.picture.left_at(host.name) or host.step_at)
    if not turn.picture.moving_from(host.name) and turn.passed(turn.later(
            turn.option('migration_timeout') + group.recovery_time, since)):
        raise Failed(
            f'instance {instance.instance_id} waited too long for its group '
            f'{group.group_id}, which bears {limit} impacts at once'
            + (f'; impacted now: {", ".join(sorted(impacted))}'
               if impacted else ''))
    return False


def wait_for_rules(turn, host, instance):
    """Wait for a plan that knows what was registered for an instance.

    :raises Failed: something else is registered again and again
    """
    limit = turn.option('migration_timeout')
    if turn.passed(turn.later(limit, held_up(turn, host, instance))):
        raise Failed(
            f'what is registered for the group of instance '
            f'{instance.instance_id} has been changing for {limit:.0f} s, '
            'faster than a plan could be made for it')


def held_up(turn, host, instance):
    """Return since when an instance that might move does not."""
    return max(host.step_at, turn.memory.held_up.setdefault(
        instance.instance_id, turn.now))


def of(turn, instance_id):
    """Return the constraints of the instance's group, or None."""
    constrained, _ = turn.constraints([instance_id])
    return turn.group_of(constrained.get(instance_id))


def release(turn, row, touched=True):
    """Give the group's share back; the group recovers from now on.

    :param row: the move, or its instance
    :param touched: False: nothing was done to it, nothing has to recover
    """
    turn.picture.holding.pop(row.instance_id, None)
    turn.claims.append(claims.HolderRelease(row.instance_id, touched))
    group = of(turn, row.instance_id)
    if group is not None:
        turn.memory.busy[group.group_id] = turn.later(
            group.recovery_time if touched else 0)
        turn.memory.busy_by.pop(group.group_id, None)
