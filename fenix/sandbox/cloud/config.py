# SPDX-License-Identifier: Apache-2.0
"""What a sandbox cloud is made of: plain data, no behaviour."""

import dataclasses


@dataclasses.dataclass
class Times:
    """How long things take in the cloud, in seconds.

    :ivar schedule: from an accepted request to the scheduler's decision
    :ivar boot: from the decision to ACTIVE
    :ivar delete: from the request to gone
    :ivar migration: a cold migration, up to VERIFY_RESIZE; also a revert
    :ivar live: a live migration; None: as ``migration``
    :ivar confirm: from the request to confirm to ACTIVE
    :ivar settle: from ACTIVE on the target to the source's allocation gone
    :ivar host: the work on a host
    :ivar power: each change that an owner makes: stop, pause, shelve, …
    :ivar jitter: fraction by which each of these varies, 0 to 1
    """

    schedule: float = 0.02
    boot: float = 0.5
    delete: float = 0.2
    migration: float = 2.0
    live: float | None = None
    confirm: float = 0.1
    settle: float = 0.01
    host: float = 2.0
    power: float = 0.0
    jitter: float = 0.0


@dataclasses.dataclass
class HostConfig:
    """A host: what it runs, how big it is, how it stands at the start."""

    name: str
    vcpus: int = 4
    ram_mb: int = 16384
    disk_gb: int = 500
    compute: bool = True
    controller: bool = False
    disabled_reason: str | None = None
    disabled: bool = False
    cpu_ratio: float = 1.0
    ram_ratio: float = 1.0
    disk_ratio: float = 1.0
    reserved_vcpus: int = 0
    reserved_ram_mb: int = 0
    reserved_disk_gb: int = 0
    zone: str = 'nova'
    cell: str = 'cell1'
    traits: tuple[str, ...] = ()


@dataclasses.dataclass
class FlavorConfig:
    """A flavor: id, name, size and extra specs."""

    id: str
    name: str
    vcpus: int
    ram_mb: int
    disk_gb: int
    extra_specs: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class UserConfig:
    """A user, the project of the same scope and the roles in it."""

    name: str
    project: str
    roles: tuple[str, ...] = ('member', 'reader')
    password: str = 'sandbox'  # noqa: S105 - a toy cloud's known password


def default_flavors():
    """One, two and four VCPU."""
    return [FlavorConfig('1', 'm.one', 1, 512, 1),
            FlavorConfig('2', 'm.two', 2, 1024, 1),
            FlavorConfig('4', 'm.four', 4, 2048, 1)]


def default_users():
    """The admin, Fenix' own user and two tenants."""
    return [UserConfig('admin', 'admin', ('admin', 'member', 'reader')),
            UserConfig('fenix', 'service',
                       ('admin', 'service', 'member', 'reader')),
            UserConfig('doctor', 'doctor'),
            UserConfig('demo', 'demo')]


def default_hosts():
    """Three computes of four VCPU."""
    return [HostConfig(f'compute-{number}') for number in range(1, 4)]


@dataclasses.dataclass
class CloudConfig:
    """Everything that ``cloud.Cloud`` needs to know.

    :ivar aggregates: the hosts of each
    :ivar properties: of aggregates, by their names
    :ivar host: address to listen on
    :ivar port: port to listen on; 0: any free one
    :ivar threads: threads that serve HTTP
    :ivar seed: makes ids and jitter repeatable; None: random
    :ivar timeline: path of the timeline file, or None
    :ivar transport_url: where to listen for notifications, or None
    :ivar topic: of the notifications
    :ivar durable_queues: whether what waits at the bus outlives it
    :ivar token_lifetime: seconds
    :ivar maintenance_url: the endpoint of Fenix in the catalogue, or None
    :ivar alarm_cache_ttl: seconds for which event alarms are remembered,
        as aodh's ``event_alarm_cache_ttl`` (60 there, 0 here)
    """

    hosts: list[HostConfig] = dataclasses.field(default_factory=default_hosts)
    flavors: list[FlavorConfig] = dataclasses.field(
        default_factory=default_flavors)
    users: list[UserConfig] = dataclasses.field(default_factory=default_users)
    times: Times = dataclasses.field(default_factory=Times)
    aggregates: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    properties: dict[str, dict[str, str]] = dataclasses.field(
        default_factory=dict)
    host: str = '127.0.0.1'
    port: int = 0
    threads: int = 16
    seed: int | None = None
    timeline: str | None = None
    transport_url: str | None = None
    topic: str = 'notifications'
    durable_queues: bool = False
    token_lifetime: float = 3600.0
    maintenance_url: str | None = None
    alarm_cache_ttl: float = 0.0
    region: str = 'RegionOne'
