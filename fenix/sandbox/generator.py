# SPDX-License-Identifier: Apache-2.0
"""Clouds out of a seed: hosts, servers, zones, groups and constraints.

Equal arguments give equal clouds. Spare capacity is given as whole empty
hosts, the others being full, or scattered: some of it free on every host.
It is plain data that knows nothing of who uses it.
"""

import dataclasses
import random

WHOLE = 'whole'
SCATTERED = 'scattered'

#: Memory and disk for each VCPU of a host and of a usual server.
RAM_MB = 4096
DISK_GB = 10

LIVE = 'LIVE_MIGRATE'
COLD = 'MIGRATE'
OWN = 'OWN_ACTION'


@dataclasses.dataclass(frozen=True)
class Host:
    """A compute host."""

    name: str
    vcpus: int
    ram_mb: int
    disk_gb: int
    zone: str
    aggregates: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Group:
    """Servers of one application, and what they bear."""

    group_id: str
    project_id: str
    anti_affinity: bool = False
    #: Only ever as a wish: Nova moves no member of a hard one.
    affinity: bool = False
    soft: bool = False
    max_per_host: int = 0
    #: 0: Nova knows the group, no VNFM registered anything.
    max_impacted: int = 0
    recovery_time: int = 0


@dataclasses.dataclass(frozen=True)
class Server:
    """A server and where it is."""

    server_id: str
    project_id: str
    host: str
    vcpus: int
    ram_mb: int
    disk_gb: int
    group_id: str | None = None
    migration_type: str = LIVE
    lead_time: int = 0
    #: It may only be in the zone in which it is.
    pinned: bool = False
    #: Its project is asked before it is touched.
    constrained: bool = True


@dataclasses.dataclass(frozen=True)
class Cloud:
    """What was generated."""

    hosts: tuple[Host, ...]
    servers: tuple[Server, ...]
    groups: tuple[Group, ...]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What kind of cloud is wanted."""

    hosts: int = 10
    #: How many servers; a whole number for each host is not needed.
    servers: int = 100
    #: Hosts' worth of spare capacity.
    spare: float = 1
    spare_as: str = WHOLE
    #: VCPUs of a host; a power of two.
    vcpus: int = 64
    zones: int = 1
    projects: int = 5
    #: Share of the servers that belong to a group.
    grouped: float = 0.7
    largest_group: int = 16
    #: Share of the groups that are anti-affine: one member on a host.
    anti_affine: float = 0.4
    #: Seconds; each group draws its own up to these.
    recovery_time: int = 60
    lead_time: int = 120
    #: Shares of the servers.
    pinned: float = 0.1
    cold: float = 0.2
    constrained: float = 0.9
    #: Share of the groups, other than anti-affine ones, whose members would
    #: like to be on one host. It is drawn by itself, as is the next one:
    #: without them clouds are what they are.
    together: float = dataclasses.field(default=0.0, repr=False)
    #: Share of the constrained servers that their projects move themselves.
    own_action: float = dataclasses.field(default=0.0, repr=False)


def generate(seed, recipe):
    """Return the :class:`Cloud` of a seed."""
    chance = random.Random(f'{seed} {recipe}')  # noqa: S311
    empty = int(recipe.spare) if recipe.spare_as == WHOLE else 0
    racks = recipe.zones * max(1, recipe.hosts // (40 * recipe.zones))
    # Zones and racks take turns, and so each has its part of the empty hosts.
    hosts = [Host(f'host-{n:04}', recipe.vcpus, recipe.vcpus * RAM_MB,
                  recipe.vcpus * DISK_GB, f'zone-{n % recipe.zones + 1}',
                  (f'rack-{n % racks + 1}',)) for n in range(recipe.hosts)]
    full = hosts[empty:]
    places = _fill(chance, recipe, full)
    if recipe.spare_as == SCATTERED:
        places = _thin(chance, places, recipe)
    groups, member = _group(chance, recipe, places)
    leads = {}
    servers = []
    for n, (host, vcpus) in enumerate(places):
        group = member.get(n)
        project = (group.project_id if group else
                   f'project-{chance.randrange(recipe.projects) + 1}')
        constrained = chance.random() < recipe.constrained
        lead = leads.setdefault(
            group.group_id if group else n,
            chance.choice((0, recipe.lead_time // 2, recipe.lead_time)))
        servers.append(Server(
            f'server-{n:05}', project, host.name, vcpus,
            vcpus * chance.choice((RAM_MB, RAM_MB, RAM_MB // 2)),
            vcpus * DISK_GB, group.group_id if group else None,
            COLD if chance.random() < recipe.cold else LIVE,
            lead if constrained else 0,
            chance.random() < recipe.pinned, constrained))
    groups, servers = _wish(seed, recipe, groups, servers)
    return Cloud(tuple(hosts), tuple(servers), tuple(groups))


def _wish(seed, recipe, groups, servers):
    """Let some groups wish to be together, and some projects move theirs."""
    chance = random.Random(f'{seed} wishes')  # noqa: S311
    groups = [
        dataclasses.replace(group, affinity=True, soft=True, max_per_host=0)
        if not group.anti_affinity and chance.random() < recipe.together
        else group for group in groups]
    servers = [
        dataclasses.replace(server, migration_type=OWN)
        if server.constrained and chance.random() < recipe.own_action
        else server for server in servers]
    return groups, servers


def _fill(chance, recipe, hosts):
    """Fill hosts with servers whose sizes are powers of two."""
    places = []
    for n, host in enumerate(hosts):
        share = recipe.servers * (n + 1) // len(hosts) - len(places)
        sizes = [host.vcpus]
        while len(sizes) < share and max(sizes) > 1:
            # Large ones are split before small ones, mostly.
            size = chance.choices(sizes, [s * (s > 1) for s in sizes])[0]
            sizes.remove(size)
            sizes += [size // 2, size // 2]
        places += [(host, size) for size in sizes]
    return places


def _thin(chance, places, recipe):
    """Take servers away until the spare capacity is free everywhere."""
    free = int(recipe.spare * recipe.vcpus)
    by_host = {}
    for host, vcpus in places:
        by_host.setdefault(host.name, []).append((host, vcpus))
    each = free / len(by_host)
    kept = []
    owed = 0.0
    for rest in by_host.values():
        owed += each
        chance.shuffle(rest)
        for place in sorted(rest, key=lambda place: place[1]):
            if place[1] <= owed and len(rest) > 1:
                rest.remove(place)
                owed -= place[1]
        kept += rest
    return kept


def _group(chance, recipe, places):
    """Put servers into groups; those of anti-affine ones are spread."""
    left = list(range(len(places)))
    chance.shuffle(left)
    wanted = int(len(left) * recipe.grouped)
    groups = []
    member = {}
    while wanted > 1 and len(left) > 1:
        size = min(chance.randint(2, recipe.largest_group), wanted)
        kind = chance.random()
        anti = kind < recipe.anti_affine
        per_host = 1 if anti else chance.choice((0, 2, 4))
        chosen = _spread(left, places, size, per_host)
        if len(chosen) < 2:
            break
        constrained = chance.random() < 0.85
        group = Group(
            f'group-{len(groups) + 1:04}',
            f'project-{chance.randrange(recipe.projects) + 1}',
            anti_affinity=anti, soft=anti and chance.random() < 0.2,
            max_per_host=0 if anti else per_host,
            max_impacted=(chance.randint(1, max(1, len(chosen) // 3))
                          if constrained else 0),
            recovery_time=(chance.randint(0, recipe.recovery_time)
                           if constrained else 0))
        groups.append(group)
        member.update(dict.fromkeys(chosen, group))
        wanted -= len(chosen)
    return groups, member


def _spread(left, places, size, per_host):
    """Take servers off a list, few of a host."""
    chosen = []
    on_host = {}
    for n in left[-8 * size:][::-1]:
        name = places[n][0].name
        if per_host and on_host.get(name, 0) >= per_host:
            continue
        on_host[name] = on_host.get(name, 0) + 1
        chosen.append(n)
        if len(chosen) == size:
            break
    taken = set(chosen)
    # The long rest of the list stays as it is: there are many groups.
    left[-8 * size:] = [n for n in left[-8 * size:] if n not in taken]
    return chosen
