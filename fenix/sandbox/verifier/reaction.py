# SPDX-License-Identifier: Apache-2.0
"""How fast Fenix acts on a reply."""

import dataclasses
import math

from fenix.sandbox.verifier import words
from fenix.sandbox.verifier import world as worlds


@dataclasses.dataclass
class Release:
    """A reply that released servers, until the first of them is touched."""

    t: float
    servers: frozenset[str]
    hosts: frozenset[str]


def reaction(story) -> dict:
    """Return how fast Fenix acted on the replies that released servers.

    In milliseconds, from the moment at which a manager had its 200 to the
    first request to Nova about a server which that reply alone released: no
    other question about its host was open, and no member of its groups was
    impacted or recovering.
    """
    return figures(seconds(story))


def figures(reactions) -> dict:
    """Return number, median and 99th percentile of reactions in seconds.

    The percentiles are in milliseconds, None if there was no reaction.
    """
    ordered = sorted(reactions)
    if not ordered:
        return {'n': 0, 'p50': None, 'p99': None}
    return {'n': len(ordered), 'p50': _percentile(ordered, 0.5),
            'p99': _percentile(ordered, 0.99)}


def _percentile(ordered, share):
    at = max(0, math.ceil(share * len(ordered)) - 1)
    return round(ordered[at] * 1000, 1)


def seconds(story):
    """Yield how long each reply that released servers had to wait."""
    world = worlds.World(story)
    waiting: dict[str, Release] = {}
    for line in story.in_order:
        if line['what'] == 'reply' and line.get('code') == 200:
            release = _release(world, line)
            if release is not None:
                waiting.update(dict.fromkeys(release.servers, release))
            continue
        world.apply(line)
        if line['what'] == 'notify':
            ask = world.asks.by_message(line['message_id'])
            for release in list(waiting.values()):
                # A question about the same host: the reply was not all
                # that was waited for.
                if _is_about(world, ask, release.hosts):
                    _forget(waiting, release)
        elif line['what'] == 'request' and line.get('server') in waiting:
            release = waiting[line['server']]
            _forget(waiting, release)
            yield max(0.0, line['t'] - release.t)


def _forget(waiting, release):
    for server in release.servers:
        if waiting.get(server) is release:
            del waiting[server]


def _release(world, line) -> Release | None:
    """Let a reply take effect and return what it released."""
    open_before = [
        ask for ask in world.asks.of_session(line['session'])
        if ask.question in words.MOVING and not ask.answered
        and (ask.deadline is None or line['t'] < ask.deadline)]
    world.apply(line)
    servers = {server for ask in open_before if ask.answered
               for server in ask.instances or ()
               if _agreed(ask, server) and server in world.servers}
    hosts = frozenset(world.servers[server].host for server in servers)
    still_open = [ask for ask in open_before if not ask.answered
                  and _is_about(world, ask, hosts)]
    free = frozenset(server for server in servers
                     if _free(world, server, line['t']))
    if still_open or not free:
        return None
    return Release(line['t'], free, hosts)


def _agreed(ask, server):
    answer = ask.answer_for(server)
    return (answer is not None and answer.agreed
            and answer.action(server) != 'OWN_ACTION')


def _is_about(world, ask, hosts):
    """Tell whether a question is, or may be, about one of these hosts."""
    if ask is None or ask.question not in words.MOVING:
        return False
    if ask.instances is None:
        return True
    return any(world.servers[server].host in hosts
               for server in ask.instances if server in world.servers)


def _free(world, server_id, t) -> bool:
    """Tell whether nothing but the reply kept a server from moving."""
    for group in world.groups_of(server_id):
        body = world.group_constraints.get(group, {})
        pause = words.number(body.get('recovery_time')) or 0
        for member in world.members(group):
            if world.impacted(member):
                return False
            if t - world.impact_ended.get(member, float('-inf')) < pause:
                return False
    return True
