# SPDX-License-Identifier: Apache-2.0
"""What Fenix needs of a cloud, and the words it uses for it.

A driver answers from the cloud as it is at that moment; it remembers
nothing about sessions. Its methods block (they run in the engine's executor
threads) and are thread-safe. Three errors, from ``fenix.errors``:

``CloudError``
    a read failed, after the retries that the configuration allows;
``CloudRefused``
    the cloud refused a request and nothing was changed; ``TargetRefused``
    when another target may do;
``CloudUnknown``
    no answer, or a 5xx, to a request that changes something: the driver did
    not send it again, and the caller has to look what became of it;
    ``NotSent`` when nothing left at all.

Right before a request that changes something leaves, when all that had to be
looked at or fetched for it is there, a driver calls ``permission.check``.
"""

import abc
import dataclasses

from fenix.size import Size


@dataclasses.dataclass(frozen=True)
class HostService:
    """A host as Nova's services know it."""

    name: str
    is_compute: bool
    is_controller: bool
    #: nova-compute accepts new instances; always True without nova-compute.
    enabled: bool
    disabled_reason: str | None
    #: All its Nova services report, and none is forced down.
    up: bool
    #: Availability zone of nova-compute.
    zone: str = ''
    #: Names of the aggregates that it is in; only a survey tells them.
    aggregates: tuple[str, ...] = ()
    #: Name of its cell, where an administrator tells it; as above.
    cell: str = ''
    #: Properties of its aggregates, as (key, value); as above.
    properties: frozenset[tuple[str, str]] = frozenset()
    #: Traits of its resource providers, and of the root of these alone, of
    #: those that some instance asks for or forbids; as above.
    traits: frozenset[str] = frozenset()
    root_traits: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class Capacity:
    """Placement's figures of one compute host."""

    host: str
    #: Inventory times allocation ratio, less what is reserved.
    total: Size
    #: Allocated now, instances in mid-move counted on both sides.
    used: Size
    #: Consumers (instances, migrations) with allocations on it.
    consumers: frozenset[str] = frozenset()

    @property
    def free(self):
        return self.total - self.used


@dataclasses.dataclass(frozen=True)
class Bonds:
    """What an instance asks of a host by its flavor."""

    #: Properties of which an aggregate of the host has one of the values.
    properties: tuple[tuple[str, frozenset[str]], ...] = ()
    #: Traits that one of the host's resource providers has, and traits that
    #: the root of these does not have.
    required: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class Server:
    """An instance as Nova knows it."""

    instance_id: str
    project_id: str
    name: str
    host: str | None
    size: Size
    #: Nova's status: ACTIVE, SHUTOFF, RESIZE, VERIFY_RESIZE, ERROR, …
    status: str
    task_state: str | None = None
    #: Id of its Nova server group.
    group_id: str | None = None
    #: Has a floating address.
    floating: bool = False
    locked: bool = False
    #: The availability zone that it has to stay in, if Nova tells it.
    pinned_zone: str | None = None
    #: What it asks of a host, as far as Nova tells it.
    bonds: Bonds = Bonds()
    #: The message of Nova's fault, for a server in ERROR.
    fault: str | None = None


@dataclasses.dataclass(frozen=True)
class Group:
    """A Nova server group."""

    group_id: str
    project_id: str
    #: anti-affinity, affinity, soft-anti-affinity or soft-affinity
    policy: str
    #: Members per host that an anti-affinity group allows.
    max_per_host: int
    members: frozenset[str]


@dataclasses.dataclass(frozen=True)
class Survey:
    """The whole cloud at one moment."""

    hosts: dict[str, HostService]
    capacities: dict[str, Capacity]
    servers: dict[str, Server]
    groups: dict[str, Group]


@dataclasses.dataclass(frozen=True)
class HostLook:
    """One host at one moment: what stands between it and maintenance."""

    service: HostService
    servers: tuple[Server, ...]
    #: Ids of instances whose unfinished migrations come from or go to it.
    migrating: frozenset[str]
    #: Consumers with allocations on its resource provider.
    consumers: frozenset[str]

    @property
    def empty(self):
        return not (self.servers or self.migrating or self.consumers)


@dataclasses.dataclass(frozen=True)
class InstanceAction:
    """An entry of Nova's instance action log."""

    request_id: str
    #: migrate, live-migration, confirmResize, …
    action: str
    #: Nova's message; it has one when the action failed.
    message: str | None
    #: Whether its events have ended, and one of them with an error.
    finished: bool
    failed: bool
    #: It failed because no host was found that takes the instance, which
    #: nobody has touched.
    unplaced: bool = False


@dataclasses.dataclass(frozen=True)
class Migration:
    """A record of Nova's migrations, newest state."""

    migration_id: str
    #: migration (cold), resize, live-migration or evacuation
    type: str
    #: Nova's status: queued, running, finished, confirming, error, …
    status: str
    source: str | None
    target: str | None
    #: Request that it belongs to, where Nova tells.
    unfinished: bool


@dataclasses.dataclass(frozen=True)
class ServerLook:
    """One instance at one moment, with what was done to it last."""

    #: None: Nova knows no such server.
    server: Server | None
    #: The newest instance actions, newest first.
    actions: tuple[InstanceAction, ...] = ()
    #: Its migration that is newest.
    migration: Migration | None = None


@dataclasses.dataclass(frozen=True)
class Subscription:
    """An alarm on our notifications of one project."""

    project_id: str
    #: It is enabled, has actions, and can still fire.
    live: bool
    #: Why it is not live, for a human.
    why_not: str | None = None


class Cloud(abc.ABC):
    """A cloud as a workflow sees it.

    :param conf: the configuration, ``fenix.conf.CONF``
    """

    def check(self) -> list[str]:
        """Return what Fenix cannot do in this cloud, in words.

        Asked once, and within seconds: it is for the start of a process.

        :raises: CloudUnfit if Fenix can do nothing in it, CloudError if it
            does not tell now
        """
        return []

    # Reads: repeated on failure, then CloudError.

    @abc.abstractmethod
    def survey(self) -> Survey:
        """Return all hosts, capacities, instances of all projects, groups."""

    @abc.abstractmethod
    def services(self) -> dict[str, HostService]:
        """Return all hosts by name: the part of a survey that is cheap."""

    @abc.abstractmethod
    def look_at_host(self, host) -> HostLook:
        """Return what is on a host and on its way to or from it."""

    @abc.abstractmethod
    def look_at_server(self, instance_id) -> ServerLook:
        """Return an instance with its newest actions and migration."""

    @abc.abstractmethod
    def service(self, host) -> HostService | None:
        """Return a host's services, or None if Nova has none there."""

    @abc.abstractmethod
    def subscriptions(self, event_type) -> list[Subscription]:
        """Return the alarms of all projects on events of that type."""

    # Effects: sent once; CloudRefused or CloudUnknown.

    @abc.abstractmethod
    def disable(self, host, reason) -> str:
        """Disable nova-compute on a host unless it is disabled already.

        :returns: 'us' if it is disabled and carries ``reason``'s mark (the
            part before the first space), 'before' if it was disabled
            without it, and left as it is
        """

    @abc.abstractmethod
    def enable(self, host, mark) -> bool:
        """Enable nova-compute on a host if its reason carries ``mark``.

        :returns: whether it is enabled now; False: another hand disabled it
        """

    @abc.abstractmethod
    def set_reason(self, host, reason, mark) -> None:
        """Replace the reason of a host whose reason carries ``mark``."""

    @abc.abstractmethod
    def migrate(self, instance_id, target) -> str:
        """Ask for a cold migration to a named host.

        :returns: Nova's request id
        """

    @abc.abstractmethod
    def live_migrate(self, instance_id, target) -> str:
        """Ask for a live migration to a named host.

        :returns: Nova's request id
        """

    @abc.abstractmethod
    def confirm(self, instance_id) -> None:
        """Confirm the cold migration of an instance in VERIFY_RESIZE."""


def load(conf):
    """Return the driver that ``[nova] cloud`` names."""
    from stevedore import driver
    return driver.DriverManager(
        'fenix.clouds', conf.nova.cloud, invoke_on_load=True,
        invoke_args=(conf,)).driver
