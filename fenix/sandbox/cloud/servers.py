# SPDX-License-Identifier: Apache-2.0
"""Servers and server groups: what a tenant does."""

from fenix.sandbox.cloud import core
from fenix.sandbox.cloud import entities
from fenix.sandbox.cloud import errors
from fenix.sandbox.cloud import scheduler

POLICIES = ('affinity', 'anti-affinity', 'soft-affinity',
            'soft-anti-affinity')
ADMIN = entities.Caller()


class Servers(scheduler.Scheduler):
    """Creates, deletes and changes servers and groups."""

    @core.operation
    def create_group(self, name: str, project: str, policy: str,
                     user: str | None = None, max_per_host: int = 1
                     ) -> entities.Group:
        """Create a server group.

        :raises errors.BadRequest: no such policy
        """
        if policy not in POLICIES:
            raise errors.BadRequest(f"Invalid input for field policy: "
                                    f"'{policy}' is not one of {POLICIES}")
        group = entities.Group(
            self.new_id(), name, project, user, policy, max_per_host)
        self.groups[group.id] = group
        self._record('group.create', group=group.id, project=project,
                     policy=policy, members=[])
        return group

    @core.operation
    def delete_group(self, group_id: str):
        """Delete a server group; its members stay.

        :raises errors.NotFound: there is none
        """
        self.get_group(group_id)
        del self.groups[group_id]

    @core.operation
    def create(self, name: str, flavor_id: str, project: str,
               group: str | None = None, host: str | None = None,
               zone: str | None = None, image: str = '',
               metadata: dict[str, str] | None = None,
               request_id: str | None = None,
               caller: entities.Caller = ADMIN) -> entities.Server:
        """Create a server; it is BUILD at first.

        :param group: id of its server group
        :param host: the only host that it may get
        :param zone: the only zone that it may get
        :raises errors.BadRequest: no such flavor or group
        """
        try:
            flavor = self.get_flavor(flavor_id)
            if group is not None:
                self.get_group(group)
        except errors.NotFound as error:
            raise errors.BadRequest(str(error)) from None
        request_id = request_id or self.new_request_id()
        number = next(self._numbers)
        server = entities.Server(
            self.new_id(), number, name, project, caller.user, flavor, image,
            self.now, self.now, request_id, metadata or {}, group,
            zone_asked=zone,
            fixed_address=f'10.0.{number // 250}.{number % 250 + 2}')
        self.servers[server.id] = server
        if group is not None:
            self.groups[group].members.append(server.id)
        self._start_action(server, 'create', request_id, caller)
        self._server_after(server, self.times.schedule, self._place, host)
        return server

    def _place(self, server, named):
        action = server.actions[0]
        self._start_event(action, 'conductor_schedule_and_build_instances')
        try:
            host = self.pick(server, server.flavor, named=named,
                             zone=server.zone_asked)
        except errors.NoValidHost as error:
            self._record_create(server, 'ERROR')
            self._build_failed(server, action, str(error), error.details)
            return
        self._end_event(action)
        server.host = host.name
        server.task_state = 'spawning'
        self._allocate(server.id, host.name, server.flavor)
        self._record_create(server, server.status)
        self._note(server)
        self._start_event(action, 'compute__do_build_and_run_instance',
                          host.name)
        fault = self.faults.take('spawn', server.id, host.name)
        seconds = self.times.boot
        if fault is not None and fault.seconds is not None:
            seconds = fault.seconds
        self._server_after(server, seconds, self._built,
                           fault is not None and fault.fail)

    def _record_create(self, server, state):
        flavor = server.flavor
        self._record('server.create', server=server.id, name=server.name,
                     project=server.project, host=server.host,
                     vcpus=flavor.vcpus, ram_mb=flavor.ram_mb,
                     disk_gb=flavor.disk_gb, group=server.group, state=state)

    def _built(self, server, fail):
        action = server.actions[0]
        if fail:
            self._free(server.id)
            server.host = None
            self._build_failed(
                server, action, 'Exceeded maximum number of retries. '
                'Exhausted all hosts available for retrying build failures.')
            return
        server.vm_state = 'active'
        server.task_state = None
        server.power_state = entities.RUNNING
        server.launched = self.now
        self._end_event(action)
        self._note(server)

    def _build_failed(self, server, action, reason, details=None):
        server.vm_state = 'error'
        server.task_state = None
        self._set_fault(server, reason)
        self._end_event(action, details or reason)
        self._note(server)

    @core.operation
    def delete(self, server_id: str, request_id: str | None = None,
               caller: entities.Caller = ADMIN):
        """Delete a server; what is under way with it ends.

        :raises errors.NotFound: there is none
        :raises errors.Conflict: it is locked
        """
        server = self.get_server(server_id)
        self._check_lock(server, caller)
        if server.task_state == 'deleting':
            return
        self._cancel(server)
        action = self._start_action(
            server, 'delete', request_id or self.new_request_id(), caller)
        if server.host is None:
            self._gone(server)
            return
        self._start_event(action, 'compute_terminate_instance', server.host)
        server.task_state = 'deleting'
        self._note(server)
        self._server_after(server, self.times.delete, self._gone)

    def _gone(self, server):
        self._timers.pop(server.id, None)
        for migration in self.unfinished_migrations(server.id):
            self._end_by_delete(server, migration)
        for migration in self.migrations:
            if migration.server == server.id and migration.holds:
                migration.holds = False
                self._free(migration.uuid)
        self._free(server.id)
        self._end_event(server.actions[-1])
        host = server.host
        placed = server.id in self._noted
        server.host = None
        server.vm_state = 'deleted'
        server.task_state = None
        server.power_state = entities.NOSTATE
        server.updated = server.terminated = self.now
        for group in self.groups.values():
            if server.id in group.members:
                group.members.remove(server.id)
        if placed:
            self._record('server.delete', server=server.id,
                         project=server.project, host=host)

    def _end_by_delete(self, server, migration):
        """A server went away while it moved."""
        raise NotImplementedError

    # small changes

    def _check_lock(self, server, caller):
        if server.locked and not caller.admin:
            raise errors.Conflict(f'Instance {server.id} is locked')

    def _check_state(self, server, method, vm_states):
        if server.vm_state not in vm_states:
            raise errors.Conflict(
                f"Cannot '{method}' instance {server.id} while it is in "
                f"vm_state {server.vm_state}")
        if server.task_state is not None:
            raise errors.Conflict(
                f"Cannot '{method}' instance {server.id} while it is in "
                f"task_state {server.task_state}")

    @core.operation
    def reset_state(self, server_id: str, state: str,
                    request_id: str | None = None,
                    caller: entities.Caller = ADMIN):
        """Say that a server is ``active`` or ``error``.

        What was under way with it is forgotten, as in Nova; a move that is
        not over stays so in the books until the server is deleted.
        """
        if state not in ('active', 'error'):
            raise errors.BadRequest(f"Invalid state: '{state}'")
        server = self.get_server(server_id)
        self._cancel(server)
        self._start_action(server, 'resetState',
                           request_id or self.new_request_id(), caller)
        server.vm_state = state
        server.task_state = None
        self._note(server)

    @core.operation
    def lock_server(self, server_id: str, locked: bool,
                    reason: str | None = None,
                    request_id: str | None = None,
                    caller: entities.Caller = ADMIN):
        """Lock or unlock a server."""
        server = self.get_server(server_id)
        self._start_action(server, 'lock' if locked else 'unlock',
                           request_id or self.new_request_id(), caller)
        server.locked = locked
        server.locked_reason = reason if locked else None

    @core.operation
    def set_floating(self, server_id: str | None, address: str):
        """Give a floating address to a server; it leaves any other.

        :param server_id: None: to no server
        """
        server = None if server_id is None else self.get_server(server_id)
        for other in self.servers.values():
            if address in other.floating:
                other.floating.remove(address)
        if server is not None:
            server.floating.append(address)
