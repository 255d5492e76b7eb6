# SPDX-License-Identifier: Apache-2.0
"""The least time that a maintenance can take, whoever plans it.

Let ``w`` be the work on a host, ``m`` a move, and ``p`` the number of hosts
that can be out of use at once:

- one host at a time: ``p`` is 1;
- else the others must still hold every instance, by VCPU, memory and disk
  apart, and offer a host to each member of an anti-affinity group. So ``p``
  counts the smallest hosts that can go.

A host that is emptied by moves counts as out of use from the start of its
last move, because an instance holds its place on the target from then on:
it takes ``m + w`` of one of ``p`` places, any other host ``w``. So with
``n`` hosts, ``k`` of which must be emptied by moves, the time is at least::

    max((k * (m + w) + (n - k) * w) / p,
        ceil(n / p) * w,
        ceil(k / p) * (m + w))

Instances that are given up need no move; the most favourable ones are
assumed. Controllers without nova-compute are worked on one at a time.
Answers, switch-overs and everything that Fenix does take no time here.
"""

import dataclasses
import math

RESOURCES = ('vcpus', 'ram_mb', 'disk_gb')


@dataclasses.dataclass(frozen=True)
class Host:
    """A host to be maintained and its size."""

    name: str
    vcpus: int = 0
    ram_mb: int = 0
    disk_gb: int = 0
    compute: bool = True


@dataclasses.dataclass(frozen=True)
class Server:
    """A server as it stands at the beginning.

    :ivar apart: id of its group if its members must be on different hosts
    """

    host: str
    vcpus: int = 0
    ram_mb: int = 0
    disk_gb: int = 0
    apart: str | None = None


def lower_bound(hosts: list[Host], servers: list[Server], move_time: float,
                host_time: float, one_at_a_time: bool,
                given_up: int = 0) -> float:
    """Return the least number of seconds from start to end.

    :param hosts: all hosts of the cloud, all of them to be maintained
    :param servers: all servers of the cloud
    :param move_time: seconds that a move takes at least; 0 if the projects
        move their instances themselves
    :param host_time: seconds of work on a host
    :param one_at_a_time: whether the workflow takes one host after the other
    :param given_up: how many servers the projects delete at most
    """
    computes = [host for host in hosts if host.compute]
    controllers = len(hosts) - len(computes)
    places = 1 if one_at_a_time else _places(computes, servers, given_up)
    moved = _to_be_emptied(servers, given_up)
    still = len(computes) - moved
    with_move = move_time + host_time
    least = max((moved * with_move + still * host_time) / places,
                math.ceil(len(computes) / places) * host_time,
                math.ceil(moved / places) * with_move)
    if one_at_a_time:
        return controllers * host_time + least
    return max(controllers * host_time, least)


def scale_in_needed(hosts: list[Host], servers: list[Server],
                    step: int) -> int:
    """Return how many servers must go until a host can be emptied.

    :param step: how many a project gives up at a time
    """
    computes = [host for host in hosts if host.compute]
    gone = 0
    while gone < len(servers) and not _room(computes, servers, gone):
        gone += step
    return min(gone, len(servers))


def _room(computes, servers, gone):
    return len(computes) > 1 and _most_out(computes, servers, gone) >= 1


def _places(computes, servers, given_up):
    return max(1, _most_out(computes, servers, given_up))


def _most_out(computes, servers, given_up):
    """Return how many hosts can be out of use at once."""
    most = len(computes) - _hosts_for_groups(servers, given_up)
    for name in RESOURCES:
        sizes = sorted(getattr(server, name) for server in servers)
        needed = sum(sizes[:len(sizes) - given_up])
        left = sum(getattr(host, name) for host in computes)
        out = 0
        for size in sorted(getattr(host, name) for host in computes):
            left -= size
            if left < needed:
                break
            out += 1
        most = min(most, out)
    return most


def _hosts_for_groups(servers, given_up):
    members: dict[str, int] = {}
    for server in servers:
        if server.apart is not None:
            members[server.apart] = members.get(server.apart, 0) + 1
    return max(0, max(members.values(), default=0) - given_up)


def _to_be_emptied(servers, given_up):
    """Return how many hosts hold something that has to be moved."""
    on_host: dict[str, int] = {}
    for server in servers:
        on_host[server.host] = on_host.get(server.host, 0) + 1
    hosts = len(on_host)
    for count in sorted(on_host.values()):
        given_up -= count
        if given_up < 0:
            break
        hosts -= 1
    return hosts
