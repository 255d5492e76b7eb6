# SPDX-License-Identifier: Apache-2.0
"""The figures of a run, from its timeline."""

from fenix.sandbox.verifier import bound
from fenix.sandbox.verifier import reaction
from fenix.sandbox.verifier import story as stories
from fenix.sandbox.verifier import words
from fenix.sandbox.verifier import world as worlds

#: States of a server in which it does its work.
RUNNING = frozenset(['ACTIVE', 'VERIFY_RESIZE', 'MIGRATING'])
FINAL = ('MAINTENANCE_DONE', 'MAINTENANCE_FAILED')


def measure(lines) -> dict:
    """Return the figures that ``fenix-sandbox run --json`` shows.

    Times are seconds, ``reaction_ms`` milliseconds.
    """
    story = stories.Story(lines)
    moves = _moves(story)
    world = worlds.World(story)
    for line in story.in_order:
        world.apply(line)
    return {
        'hosts': len(world.hosts),
        'hosts_maintained': len(_maintained(story)),
        'instances_start': len(_servers_at_start(story)),
        'instances_end': sum(not server.gone
                             for server in world.servers.values()),
        'moves': sum(moves.values()),
        'moves_per_instance_max': max(moves.values(), default=0),
        'makespan_s': _makespan(story),
        'service_interruption_s': interruption(story),
        'reaction_ms': reaction.reaction(story),
        'notifications': sum(line['what'] == 'notify'
                             for line in story.in_order),
        'hosts_left_disabled': sorted(
            host.name for host in world.hosts.values()
            if host.enabled_first and not host.enabled)}


def least_time(lines, move_time: float, host_time: float,
               one_at_a_time: bool, step: int) -> float:
    """Return the lower bound of the makespan, from how a run began.

    :param step: how many instances the VNF gives up at a time; 0: none
    """
    story = stories.Story(lines)
    hosts = [bound.Host(line['host'], line['vcpus'], line['ram_mb'],
                        line['disk_gb'], line.get('compute', True))
             for line in story.in_order if line['what'] == 'host.create']
    apart = {line['group'] for line in story.in_order
             if line['what'] == 'group.create'
             and line['policy'] == 'anti-affinity'}
    servers = [bound.Server(line['host'], line['vcpus'], line['ram_mb'],
                            line['disk_gb'], line.get('group')
                            if line.get('group') in apart else None)
               for line in _servers_at_start(story)]
    given_up = bound.scale_in_needed(hosts, servers, step) if step else 0
    return round(bound.lower_bound(hosts, servers, move_time, host_time,
                                   one_at_a_time, given_up), 3)


def _servers_at_start(story) -> list[dict]:
    """Return the servers that were there when the first session began."""
    servers: dict[str, dict] = {}
    for line in story.in_order:
        if line['what'] == 'session':
            break
        if line['what'] == 'notify':
            # Fenix was faster than the answer to the administrator.
            break
        if line['what'] == 'server.create':
            servers[line['server']] = line
        elif line['what'] == 'server.delete':
            servers.pop(line['server'], None)
    return list(servers.values())


def _moves(story) -> dict[str, int]:
    """Return how often each server was moved."""
    moves: dict[str, int] = {}
    for line in story.in_order:
        if line['what'] in ('migrate.end', 'live-migrate.end'):
            moves[line['server']] = moves.get(line['server'], 0) + 1
    return moves


def _maintained(story) -> set[str]:
    """Return the hosts that went through IN_MAINTENANCE and came back."""
    out, back = set(), set()
    for line in story.in_order:
        if (line['what'] != 'notify'
                or line['event_type'] != 'maintenance.host'):
            continue
        payload = line['payload']
        if payload.get('state') == 'IN_MAINTENANCE':
            out.add(payload['host'])
        elif payload['host'] in out:
            back.add(payload['host'])
    return back


def _makespan(story) -> float | None:
    """Return the time from the start of the work to MAINTENANCE_DONE."""
    for session in story.bodies:
        done = story.states.get(session, {}).get('MAINTENANCE_DONE')
        start = _start(story, session)
        if done is not None and start is not None:
            return round(done - start, 3)
    return None


def _start(story, session):
    """Return when work began: the start may move to give fair notice."""
    for line in story.in_order:
        if (line['what'] == 'notify'
                and line['event_type'] == 'maintenance.scheduled'
                and line['payload'].get('session_id') == session
                and line['payload'].get('state') == 'MAINTENANCE'):
            at = words.moment(line['payload'].get('actions_at'))
            if at is not None:
                return at
    return story.starts_at(session)


def interruption(story) -> float | None:
    """Return for how long the designated active instances did not run.

    None if there was no VNF.
    """
    state: dict[str, str] = {}
    active: dict[str, str] = {}
    down_since: dict[str, float] = {}
    total = 0.0
    for line in story.in_order:
        match line['what']:
            case 'server.create' | 'server.state':
                state[line['server']] = line['state']
            case 'server.delete':
                state[line['server']] = 'DELETED'
            case 'vnf.active':
                active[line['project']] = line['server']
            case 'vnf.switch.end':
                active[line['project']] = line['active']
            case _:
                continue
        for project, server in active.items():
            if state.get(server) not in RUNNING:
                down_since.setdefault(project, line['t'])
            elif project in down_since:
                total += line['t'] - down_since.pop(project)
    if not active:
        return None
    total += sum(story.end - t for t in down_since.values())
    return round(total, 3)
