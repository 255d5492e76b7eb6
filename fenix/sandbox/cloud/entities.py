# SPDX-License-Identifier: Apache-2.0
"""What a cloud is made of: hosts, services, servers, groups, moves."""

import dataclasses
from typing import Any

#: Migration states in which a migration is over, as Nova's database says it
#: (nova.db.main.api.migration_get_in_progress_by_host_and_node).
FINAL_MIGRATION_STATES = frozenset([
    'confirmed', 'reverted', 'error', 'failed', 'completed', 'cancelled',
    'done'])

#: What a status is called, by vm_state and task_state; nova.api.openstack
#: .common._STATE_MAP, as far as the sandbox has these states.
_RESIZE = dict.fromkeys(('resize_prep', 'resize_migrating', 'resize_migrated',
                         'resize_finish'), 'RESIZE')
_STATUS = {
    'active': {None: 'ACTIVE', 'migrating': 'MIGRATING', **_RESIZE},
    'stopped': {None: 'SHUTOFF', **_RESIZE},
    'building': {None: 'BUILD'},
    'resized': {None: 'VERIFY_RESIZE', 'resize_reverting': 'REVERT_RESIZE'},
    'paused': {None: 'PAUSED', 'migrating': 'MIGRATING'},
    'suspended': {None: 'SUSPENDED'},
    'rescued': {None: 'RESCUE'},
    'shelved': {None: 'SHELVED'},
    'shelved_offloaded': {None: 'SHELVED_OFFLOADED'},
    'soft-delete': {None: 'SOFT_DELETED'},
    'error': {None: 'ERROR'},
    'deleted': {None: 'DELETED'},
}

#: Nova's power states.
NOSTATE = 0
RUNNING = 1
PAUSED = 3
SHUTDOWN = 4
SUSPENDED = 7


@dataclasses.dataclass
class Flavor:
    """A size: VCPU, MB of memory, GB of disk; and what it asks of hosts."""

    id: str
    name: str
    vcpus: int
    ram_mb: int
    disk_gb: int
    extra_specs: dict[str, str] = dataclasses.field(default_factory=dict)

    def resources(self) -> dict[str, int]:
        """What Placement calls it."""
        wanted = {'VCPU': self.vcpus, 'MEMORY_MB': self.ram_mb,
                  'DISK_GB': self.disk_gb}
        return {name: amount for name, amount in wanted.items() if amount}


@dataclasses.dataclass
class Service:
    """A Nova service on a host."""

    id: int
    uuid: str
    host: str
    binary: str
    disabled: bool = False
    disabled_reason: str | None = None
    forced_down: bool = False
    updated_at: float = 0.0

    @property
    def status(self) -> str:
        return 'disabled' if self.disabled else 'enabled'


@dataclasses.dataclass
class Work:
    """Somebody works on a host: its services are down meanwhile."""

    host: str
    session: str | None
    run: str | None = None
    done: bool = False


@dataclasses.dataclass
class Host:
    """A machine.

    :ivar alive: False while it is switched off (by the control API)
    :ivar work: the work under way on it, or None
    :ivar uuid: of its resource provider and its hypervisor
    :ivar runs: ids of the runs of work that are done
    :ivar generation: of its resource provider
    :ivar cell: of Nova's
    :ivar traits: of its resource provider, but what its service's status is
    """

    id: int
    uuid: str
    name: str
    compute: bool
    controller: bool
    zone: str
    inventory: dict[str, dict[str, Any]]
    services: list[Service] = dataclasses.field(default_factory=list)
    alive: bool = True
    work: Work | None = None
    runs: set[str | None] = dataclasses.field(default_factory=set)
    generation: int = 1
    cell: str = 'cell1'
    traits: tuple[str, ...] = ()

    @property
    def nova_compute(self) -> Service | None:
        for service in self.services:
            if service.binary == 'nova-compute':
                return service
        return None

    def is_up(self, service: Service) -> bool:
        """Whether this service of the host answers."""
        return (self.alive and self.work is None
                and not service.forced_down)


@dataclasses.dataclass
class Group:
    """A server group; members may have been deleted since."""

    id: str
    name: str
    project: str
    user: str | None
    policy: str
    max_per_host: int = 1
    members: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class ActionEvent:
    """A part of an instance action."""

    event: str
    host: str | None
    start: float
    finish: float | None = None
    result: str | None = None
    details: str | None = None


@dataclasses.dataclass
class Action:
    """An instance action: one request that changes a server."""

    action: str
    server: str
    request_id: str
    user: str | None
    project: str | None
    start: float
    updated: float
    message: str | None = None
    events: list[ActionEvent] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Migration:
    """A move of a server.

    :ivar type: ``migration``, ``resize`` or ``live-migration``
    :ivar holds: it holds an allocation on the source in Placement
    """

    id: int
    uuid: str
    server: str
    type: str
    source: str
    dest: str | None
    status: str
    created: float
    updated: float
    request_id: str
    user: str | None
    project: str | None
    old_flavor: Flavor
    new_flavor: Flavor
    holds: bool = False

    @property
    def unfinished(self) -> bool:
        return self.status not in FINAL_MIGRATION_STATES

    def touches(self, host: str) -> bool:
        """Whether it goes from or to this host."""
        return host in (self.source, self.dest)


@dataclasses.dataclass
class Server:
    """A server, as Nova calls an instance."""

    id: str
    number: int
    name: str
    project: str
    user: str | None
    flavor: Flavor
    image: str
    created: float
    updated: float
    request_id: str
    metadata: dict[str, str] = dataclasses.field(default_factory=dict)
    group: str | None = None
    host: str | None = None
    vm_state: str = 'building'
    task_state: str | None = 'scheduling'
    power_state: int = NOSTATE
    launched: float | None = None
    terminated: float | None = None
    fault: dict[str, Any] | None = None
    locked: bool = False
    locked_reason: str | None = None
    fixed_address: str = ''
    floating: list[str] = dataclasses.field(default_factory=list)
    actions: list[Action] = dataclasses.field(default_factory=list)
    zone_asked: str | None = None

    @property
    def status(self) -> str:
        """The word Nova shows for the two states."""
        words = _STATUS[self.vm_state]
        return words.get(self.task_state, words[None])

    @property
    def deleted(self) -> bool:
        return self.vm_state == 'deleted'


@dataclasses.dataclass(frozen=True)
class Caller:
    """Who asks; the default is the cloud's own admin."""

    user: str | None = None
    project: str | None = None
    admin: bool = True
