# SPDX-License-Identifier: Apache-2.0
"""Judges what came of a session, by the sandbox's side of the story.

- *stuck*: it does not end, or not as its shape says;
- *lost*: a reply, a notification or an intent that vanished;
- *repeated*: a second change in the cloud for one intent, or a second
  question on which managers act each time that they hear it;
- *broken*: what the independent verifier finds; a write without the right
  to it; an error that the engine did not expect.
"""

import collections
import dataclasses

import sqlalchemy as sa

from fenix import words
from fenix.db import core
from fenix.db import models

GONE = 'GONE'
#: In the names of faults that let a request arrive after another.
LATE = 'late'
#: Seconds that the verifier allows a session to wait for a takeover, and
#: for what became of a request.
SLACK = 120
#: Lines that are changes in the cloud, and what tells them apart.
CHANGES = {
    'migrate.start': ('server', 'source'),
    'live-migrate.start': ('server', 'source'),
    'migrate.confirm': ('server',),
    'service.disable': ('host',),
    'service.enable': ('host',),
    'host.work.start': ('host',),
    # By the cloud: that it was sent a second time.
    'migrate.refused': ('server',),
    'live-migrate.refused': ('server',),
    'confirm.refused': ('server',)}
ACTED_ON = frozenset(['DOWN_SCALE', 'SCALE_IN', 'MAINTENANCE_COMPLETE'])


@dataclasses.dataclass
class Outcome:
    """What was told and done in a session.

    :ivar told: what people and services heard
    :ivar done: how often each change was made
    :ivar left: how cloud and database were left
    """

    state: str
    told: set
    done: collections.Counter
    left: dict


def outcome(world):
    """Return what came of the session."""
    gone = world.session_id not in world.sessions()
    return Outcome(
        state=GONE if gone else world.state,
        told={_meaning(world, line) for line in world.lines('notify')},
        done=_changes(world), left=_left(world))


def _meaning(world, line):
    """Return what a notification says, without ids and times."""
    payload = line['payload']
    about = payload.get('instance_ids')
    if isinstance(about, list):
        about = ','.join(sorted(
            world.model.servers[key].name for key in about))
    elif about is not None:
        about = 'all'
    return (line['event_type'], payload['project_id'], payload['state'],
            about, payload.get('host'))


def _changes(world):
    found = collections.Counter()
    for line in world.timeline:
        what = line['what']
        if what in CHANGES and line.get('changed', True):
            found[what, *(line[name] for name in CHANGES[what])] += 1
        elif what == 'notify' and line['payload']['state'] in ACTED_ON and (
                line['event_type'] == 'maintenance.scheduled'):
            found[line['payload']['state'],
                  line['payload']['project_id']] += 1
    return found


def _left(world):
    """Return what is not as it should be for ever."""
    servers = world.model.servers.values()
    with core._manager.reader.using(None) as db:
        def rows(model, *where):
            return sorted(db.scalars(sa.select(model).where(*where)))

        return {
            'disabled': world.disabled(),
            'unsettled': sorted(
                server.name for server in servers if not server.deleted and (
                    server.status != 'ACTIVE' or server.task_state)),
            'unpublished': rows(
                models.Event.event_type, models.Event.published_at.is_(None),
                models.Event.message_id.is_not(None)),
            # What comes after the end, to a question heard late, is nothing.
            'unread': rows(models.Reply.state,
                           models.Reply.consumed_at.is_(None),
                           models.Reply.session_id == models.Session.id,
                           models.Reply.received_at
                           <= models.Session.finished_at),
            'unheeded': rows(models.Request.kind,
                             models.Request.consumed_at.is_(None)),
            'moving': rows(models.Move.instance_id,
                           models.Move.ended_at.is_(None)),
            'running': rows(models.ActionRun.host,
                            models.ActionRun.ended_at.is_(None)),
            'claimed': rows(models.Claim.key,
                            models.Claim.free_at.is_(None))}


def judge(world, reference, faults=()):
    """Return what is wrong: [(kind, text)].

    :param reference: the ``Outcome`` of the same session when nothing goes
        wrong, or None to be judged without
    :param faults: names of what went wrong
    """
    found = outcome(world)
    problems = []
    if found.state != world.plan.ends:
        why = '' if found.state == GONE else world.rows.session.reason
        problems.append(('stuck', f'it ends in {found.state}: {why}'))
    problems += [('broken', f'rule {breach.rule}: {breach.subject}: '
                            f'{breach.what}')
                 for breach in world.verify(SLACK)
                 if not spoiled(world, breach)]
    problems += [('broken', mistake) for mistake in world.mistakes]
    if reference is None:
        return problems
    problems += _compare(world, found, reference, faults)
    return problems


def spoiled(world, breach):
    """Tell whether a breach is a host left disabled with its work begun."""
    host = world.model.hosts.get(breach.subject)
    return breach.rule == 4 and host is not None and (
        'did not succeed' in (host.nova_compute.disabled_reason or ''))


def _compare(world, found, reference, faults):
    """Compare with how it should be."""
    problems = []
    if 'refused' in faults:
        # Its administrator was told, and continued it.
        found.told -= {meaning for meaning in found.told - reference.told
                       if meaning[2] == words.MAINTENANCE_FAILED}
    if any(LATE in fault for fault in faults):
        # A request that comes after the one in its place is refused.
        found.done = collections.Counter({
            what: number for what, number in found.done.items()
            if not what[0].endswith('.refused')})
    for what, number in found.done.items():
        usual = reference.done[what] if world.plan.same else 1
        usual += what[0] in world.plan.again
        if number > max(usual, world.plan.same or 1):
            problems.append(('repeated', f'{number} times {what}'))
    if 'refused' in faults and found.state == words.MAINTENANCE_FAILED:
        return problems     # It failed earlier than the other.
    if world.plan.same:
        problems += [('lost', f'nobody was told {meaning}')
                     for meaning in sorted(reference.told - found.told,
                                           key=str)]
        problems += [('repeated', f'told {meaning}')
                     for meaning in sorted(found.told - reference.told,
                                           key=str)]
    for what, usual in reference.left.items():
        if found.left[what] != usual and (
                world.plan.same or what != 'disabled'):
            problems.append((
                'lost', f'{what}: {found.left[what]} instead of {usual}'))
    return problems
