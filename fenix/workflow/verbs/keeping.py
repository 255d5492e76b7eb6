# SPDX-License-Identifier: Apache-2.0
"""Keeping the planner's fleet up with what happens.

The fleet is in its owner's memory. It is made from a survey of the whole
cloud, which is rare, and then told of each event, which costs what the event
touches. While there is none, nobody has to be told: whoever makes it finds
what happened in the picture.
"""

import dataclasses

from fenix.clouds import base
from fenix.size import Size
from fenix.workflow import states
from fenix.workflow.planner import fleet as fleets
from fenix.workflow.verbs import learning
from fenix.workflow.verbs import policies
from fenix.workflow.verbs import viewing
from fenix.workflow.verbs import ways


@dataclasses.dataclass
class Kept:
    """A fleet, and what is needed to tell it of what is new.

    :ivar fleet: ``planner.fleet.Fleet``
    :ivar surveyed_at: when the survey began that it was made from
    :ivar places: ``viewing.Places``
    :ivar down: names of the hosts to come that are down, with instances
    :ivar bound: what was registered for the groups of instances then, see
        ``viewing.bound``
    """

    fleet: fleets.Fleet
    surveyed_at: object
    places: viewing.Places
    down: frozenset
    bound: dict


def seconds(turn, when=None):
    """Return a time as the planner counts it: since the session began."""
    return ((when or turn.now) - turn.session.created_at).total_seconds()


def make(turn, survey, down, all_disabled=False, limits=None):
    """Make the fleet from a survey and from what happened since.

    :param all_disabled: whether hosts are disabled before their turn comes
    :param limits: ``planner.model.Limits``, if not the session's own
    """
    surveyed_at = turn.memory.readings['survey', None].at
    where = viewing.places(turn, survey)
    view = _up_to_date(
        turn, viewing.view(turn, survey, where), survey, where)
    fleet = fleets.Fleet(view, limits or viewing.limits(turn.option),
                         learning.estimates(turn), seconds(turn))
    turn.memory.kept = Kept(
        fleet, surveyed_at, where, down, _bound(
            turn, view.instances.values()))
    begun = _left(turn.picture) | {
        host.name for host in turn.picture.active_hosts()
        if host.disabled is not None and not all_disabled}
    for host in turn.picture.active_hosts():
        if host.name in fleet.hosts:
            _replay(turn, fleet, host, host.name in begun)
    for move in turn.picture.moving.values():
        started(turn, move)
    for group_id, until in turn.memory.busy.items():
        group = fleet.groups.get(group_id)
        # Another project may have registered one under the id of Nova's.
        if until > turn.now and group is not None and group.max_impacted:
            fleet.group_busy(group_id, seconds(turn, until),
                             turn.memory.busy_by.get(group_id, ()))


def _up_to_date(turn, view, survey, where):
    """Return a view with what the picture knows better than its survey.

    Room that Placement counts by instance is moved with it; what a migration
    still held on its source is not known, and only makes less room of it.
    """
    instances = dict(view.instances)
    free = {name: host.free for name, host in view.hosts.items()}

    def holds(name, key):
        return key in survey.capacities[name].consumers

    for row in turn.picture.instances.values():
        key = row.instance_id
        known = instances.get(key)
        move = turn.picture.move_of(key)
        host = move.source if move else None if row.gone else row.host
        if known is None and (host is None or host not in free):
            continue
        if known is None:
            constrained, _ = turn.constraints([key])
            known = viewing.instance(
                turn, _server(row), constrained.get(key), view.groups,
                where)
        for name in {known.host, host, move and move.target} & free.keys():
            # What goes on is told to the fleet after this, and counted then.
            if name == host:
                if not holds(name, key) and not (
                        move and _on_its_way(survey.servers.get(key), name)):
                    free[name] -= known.size
            elif holds(name, key):
                free[name] += known.size
        if host in free:
            instances[key] = dataclasses.replace(
                known, host=host, only=_only(turn, view, row, known))
        else:
            instances.pop(key, None)
    return dataclasses.replace(
        view, instances=instances,
        hosts={name: dataclasses.replace(host, free=free[name])
               for name, host in view.hosts.items()})


def _on_its_way(server, source):
    """Tell whether Nova has yet to give back the room that a move leaves.

    :param server: as a survey shows it, or None
    """
    return server is not None and (
        server.host == source or not ways.settled(server))


def _server(row):
    """Return an instance of the picture as a driver would show it."""
    return base.Server(
        instance_id=row.instance_id, project_id=row.project_id,
        name=row.name, host=row.host,
        size=Size(row.vcpus, row.ram_mb, row.disk_gb), status=row.status,
        group_id=row.group_id, floating=row.floating)


def _only(turn, view, row, known):
    """Return the hosts that an instance is bound to, None for all."""
    host = turn.picture.hosts.get(row.host)
    refused = {move.target for move in turn.picture.refused(
        row.host, host.round, row.instance_id)} if host else ()
    if not refused:
        return known.only
    return frozenset(view.hosts if known.only is None
                     else known.only) - refused


def _bound(turn, instances):
    """Return what VNFMs registered for the groups of instances.

    :param instances: of a view or of the fleet
    """
    return viewing.bound(turn, {
        instance.instance_id: instance.project_id for instance in instances})


def _left(picture):
    """Return the hosts that instances left after the present question.

    Such a host is being emptied, even if it asks about newcomers now.
    """
    return {move.source for move in picture.moves.values()
            if picture.ask_about(picture.hosts[move.source].question,
                                 move.source, move.instance_id) is not None}


def _replay(turn, fleet, host, begun):
    """Tell a new fleet how far a host is.

    :param begun: whether it is being emptied, if it asks
    """
    now = seconds(turn)
    if host.step == states.PENDING or host.step == states.LEAVE:
        return
    fleet.asked(host.name, now)
    for row in turn.picture.instances_on(host.name):
        ask = turn.picture.ask_about(
            host.question, host.name, row.instance_id)
        if ask is not None and (
                policies.what_follows(turn, ask) == policies.PROCEED):
            fleet.agreed(row.instance_id, now)
    if host.step == states.EMPTY or (host.step == states.ASK and begun):
        fleet.emptying(host.name, now)
    elif host.step == states.MAINTAIN:
        fleet.out(host.name, now, fleet.estimates.host + seconds(
            turn, host.step_at))
    elif host.step == states.GIVE_BACK:
        fleet.out(host.name, now, until=now)
    turn.touch(host.name)


# -- events ---------------------------------------------------------------


def _fleet(turn):
    kept = turn.memory.kept
    if kept is None:
        return None
    turn.touch(None)    # It may order something else now.
    return kept.fleet


def agreed(turn, instance_id):
    """The project of an instance agreed, or need not be waited for."""
    kept = turn.memory.kept
    known = kept and kept.fleet.instances.get(instance_id)
    if known is not None and known.earliest is None:
        _fleet(turn).agreed(instance_id, seconds(turn))


def stepped(turn, host):
    """A host went on to another step."""
    fleet = _fleet(turn)
    if fleet is None or host.name not in fleet.hosts:
        return
    now = seconds(turn)
    if host.step == states.EMPTY:
        fleet.emptying(host.name, now)
    elif host.step == states.MAINTAIN:
        fleet.out(host.name, now)
    elif host.step == states.DONE:
        fleet.done(host.name, now)
        if host.disabled is not None:
            fleet.closed(host.name)
    elif host.step in (states.LEAVE, states.SKIPPED):
        fleet.refused(host.name)
    elif host.step == states.PENDING:
        surprised(turn)     # It is back in use, and may be chosen again.


def started(turn, move):
    """A move was begun."""
    fleet = _fleet(turn)
    if fleet is None or move.instance_id not in fleet.instances:
        return
    instance = fleet.instances[move.instance_id]
    target = move.target or instance.goal
    if target in fleet.hosts:
        fleet.move_started(move.instance_id, target, seconds(turn))


def ended(turn, move):
    """A move came to its end, well or not."""
    fleet = _fleet(turn)
    if fleet is None or move.instance_id not in fleet.instances:
        return
    row = turn.picture.instances[move.instance_id]
    if move.state != 'done':
        fleet.move_failed(move.instance_id, seconds(turn))
    elif row.gone or row.host not in fleet.hosts:
        fleet.gone(move.instance_id)
    else:
        fleet.move_ended(move.instance_id, row.host, seconds(turn))


def gone(turn, row):
    """An instance left its host or was deleted, not by a move of ours."""
    kept = turn.memory.kept
    if kept is not None and row.instance_id in kept.fleet.instances and (
            turn.picture.move_of(row.instance_id) is None):
        _fleet(turn).gone(row.instance_id)


def seen(turn, server):
    """An instance was looked at: it may be new, or elsewhere.

    Of what is moved by us the end of the move tells.
    """
    kept = turn.memory.kept
    if kept is None or turn.picture.move_of(server.instance_id) is not None:
        return
    fleet = kept.fleet
    known = fleet.instances.get(server.instance_id)
    here = server.host in fleet.hosts and server.status not in ways.OFF_HOST
    if known is not None and not here:
        _fleet(turn).gone(server.instance_id)
    elif known is not None and known.host != server.host:
        _fleet(turn).moved_elsewhere(
            server.instance_id, server.host, seconds(turn))
    elif known is None and here:
        constrained, _ = turn.constraints([server.instance_id])
        _fleet(turn).appeared(viewing.instance(
            turn, server, constrained.get(server.instance_id), fleet.groups,
            kept.places))


def knows(turn, instance_id, target):
    """Tell whether the fleet knows the rules of an instance's group.

    And those of who is on its target, or on the way there: they may have
    become members of the same one. If a VNFM registered something else
    since, the fleet is made anew before the instance is moved.
    """
    kept = turn.memory.kept
    there = {instance_id, *kept.fleet.hosts[target].instances} | {
        move.instance_id for move in turn.picture.moving.values()
        if move.target == target}
    now = _bound(turn, [kept.fleet.instances[key] for key in there
                        if key in kept.fleet.instances])
    if all(kept.bound.get(key) == rules for key, rules in now.items()):
        return True
    asked = turn.memory.surprised_at
    if asked is None or asked <= kept.surveyed_at:
        surprised(turn)
    return False


def surprised(turn):
    """The cloud is not what the fleet takes it for: it is made anew."""
    # What is looked at in this very moment may still be what was before.
    after = turn.later(0.001)
    if turn.memory.surprised_at != after:
        turn.memory.surprised_at = after
        _fleet(turn)


__all__ = ['Kept', 'agreed', 'ended', 'gone', 'knows', 'make', 'seconds',
           'seen', 'started', 'stepped', 'surprised']
