# SPDX-License-Identifier: Apache-2.0
"""Cold migration and resize, as Nova does them.

The request is accepted at once; the scheduler decides afterwards, so that
"no valid host" is an instance action in error, not a refusal. While a move
is not confirmed it has allocations on both hosts: the server's own on the
target, the migration's on the source.
"""

from fenix.sandbox.cloud import core
from fenix.sandbox.cloud import entities
from fenix.sandbox.cloud import errors
from fenix.sandbox.cloud import owners

ADMIN = owners.ADMIN

#: What a kind of move is called in the timeline.
WORDS = {'migration': 'migrate', 'resize': 'resize',
         'live-migration': 'live-migrate'}

#: The share of a cold migration after which the server is on the target.
_ARRIVES = 0.8


class ColdMoves(owners.Owners):
    """Moves a server that is stopped for it."""

    def _move_fields(self, server, target, request_id, source=None):
        return {'server': server.id, 'project': server.project,
                'source': source or server.host, 'target': target,
                'request_id': request_id}

    def _refused(self, what, server_id, error):
        self._record(f'{what}.refused', server=server_id, code=error.code,
                     reason=str(error))

    def _record_move(self, migration, phase, **fields):
        server = self.servers[migration.server]
        self._record(f'{WORDS[migration.type]}.{phase}', **self._move_fields(
            server, migration.dest, migration.request_id,
            source=migration.source), **fields)

    def _set_status(self, migration, status):
        migration.status = status
        migration.updated = self.now

    def _new_migration(self, server, kind, status, action, caller, flavor):
        migration = entities.Migration(
            next(self._numbers), self.new_id(), server.id, kind,
            server.host, None, status, self.now, self.now,
            action.request_id, caller.user, caller.project,
            server.flavor, flavor)
        self.migrations.append(migration)
        return migration

    def _host_is_up(self, name):
        host = self.hosts[name]
        return host.nova_compute is not None and host.is_up(
            host.nova_compute)

    # requests

    @core.operation
    def migrate(self, server_id: str, host: str | None = None,
                request_id: str | None = None,
                caller: entities.Caller = ADMIN) -> entities.Action:
        """Ask for a cold migration.

        :param host: the target, or None: the scheduler chooses
        :raises errors.BadRequest: the target is unknown or where it is
        :raises errors.Conflict: locked, in the wrong state, or the source
            is down
        """
        try:
            server = self.get_server(server_id)
            self._check_lock(server, caller)
            self._check_state(server, 'migrate', ('active', 'stopped'))
            if not self._host_is_up(server.host):
                raise errors.Conflict('Service is unavailable at this time.')
            if host is not None:
                self._check_target(server, host)
        except errors.CloudError as error:
            self._refused('migrate', server_id, error)
            raise
        return self._accept(server, 'migration', server.flavor, host,
                            request_id or self.new_request_id(), caller)

    def _check_target(self, server, host):
        if host == server.host:
            raise errors.BadRequest(
                'Cannot migrate to the host where the server exists.')
        self._check_known(server, host)

    def _check_known(self, server, host):
        found = self.hosts.get(host)
        if found is None or not found.compute or (
                found.cell != self.hosts[server.host].cell):
            # Of other cells Nova knows nothing where it looks for it.
            raise errors.BadRequest(
                f'Compute host {host} could not be found.')

    @core.operation
    def resize(self, server_id: str, flavor_id: str,
               request_id: str | None = None,
               caller: entities.Caller = ADMIN) -> entities.Action:
        """Ask for another flavor, on another host.

        :raises errors.BadRequest: the flavor is unknown or the same
        :raises errors.Conflict: as for ``migrate``
        """
        server = self.get_server(server_id)
        self._check_lock(server, caller)
        self._check_state(server, 'resize', ('active', 'stopped'))
        if not self._host_is_up(server.host):
            raise errors.Conflict('Service is unavailable at this time.')
        if flavor_id not in self.flavors or flavor_id == server.flavor.id:
            raise errors.BadRequest(
                'When resizing, instances must change flavor!'
                if flavor_id == server.flavor.id
                else f'Flavor {flavor_id} could not be found.')
        return self._accept(
            server, 'resize', self.flavors[flavor_id], None,
            request_id or self.new_request_id(), caller)

    def _accept(self, server, kind, flavor, host, request_id, caller):
        action = self._start_action(
            server, 'migrate' if kind == 'migration' else 'resize',
            request_id, caller)
        self._record(f'{WORDS[kind]}.start', **self._move_fields(
            server, host, request_id))
        server.task_state = 'resize_prep'
        self._note(server)
        self._server_after(server, self.times.schedule, self._schedule_move,
                           kind, flavor, host, action, caller)
        return action

    # what happens then

    def _schedule_move(self, server, kind, flavor, host, action, caller):
        migration = self._new_migration(
            server, kind, 'pre-migrating', action, caller, flavor)
        self._start_event(action, 'conductor_migrate_server')
        try:
            target = self.pick(server, flavor, named=host, but=server.host)
        except errors.NoValidHost as error:
            migration.dest = host
            server.task_state = None
            self._set_status(migration, 'error')
            self._set_fault(server, str(error))
            self._end_event(action, error.details)
            self._record_move(migration, 'error', placed=False,
                              error=f'{error} {error.details}')
            self._note(server)
            return
        self._end_event(action)
        migration.dest = target.name
        migration.holds = True
        self._free(server.id)
        self._allocate(migration.uuid, migration.source, server.flavor)
        self._allocate(server.id, migration.dest, flavor)
        self._set_status(migration, 'migrating')
        server.task_state = 'resize_migrating'
        self._note(server)
        self._start_event(action, 'compute_resize_instance', server.host)
        fault = self.faults.take('migrate', server.id, server.host)
        seconds = self.times.migration
        if fault is not None and fault.seconds is not None:
            seconds = fault.seconds
        if fault is not None and fault.fail:
            self._server_after(server, seconds, self._cold_failed,
                               migration, action)
        else:
            self._server_after(server, seconds * _ARRIVES, self._arrived,
                               migration, action, seconds * (1 - _ARRIVES))

    def _cold_failed(self, server, migration, action):
        reason = 'Resize error: the migration was made to fail.'
        self._free(server.id)
        self._free(migration.uuid)
        migration.holds = False
        self._allocate(server.id, migration.source, migration.old_flavor)
        self._set_status(migration, 'error')
        server.vm_state = 'error'
        server.task_state = None
        self._set_fault(server, reason)
        self._end_event(action, reason)
        self._record_move(migration, 'error', placed=True, error=reason)
        self._note(server)

    def _arrived(self, server, migration, action, seconds):
        self._end_event(action)
        self._set_status(migration, 'post-migrating')
        server.host = migration.dest
        server.flavor = migration.new_flavor
        server.task_state = 'resize_finish'
        self._note(server)
        self._start_event(action, 'compute_finish_resize', server.host)
        self._server_after(server, seconds, self._resized, migration, action)

    def _resized(self, server, migration, action):
        self._end_event(action)
        self._set_status(migration, 'finished')
        server.vm_state = 'resized'
        server.task_state = None
        self._note(server)
        self._record_move(migration, 'verify')

    # confirm and revert

    def _finished_migration(self, server):
        for migration in self.unfinished_migrations(server.id):
            if migration.status == 'finished':
                return migration
        raise errors.BadRequest('Instance has not been resized.')

    @core.operation
    def confirm(self, server_id: str, request_id: str | None = None,
                caller: entities.Caller = ADMIN) -> entities.Action:
        """Confirm a cold migration or a resize.

        :raises errors.BadRequest: it is being confirmed already
        :raises errors.Conflict: locked, not VERIFY_RESIZE, or the source is
            down
        """
        try:
            server = self.get_server(server_id)
            self._check_lock(server, caller)
            self._check_state(server, 'confirmResize', ('resized',))
            migration = self._finished_migration(server)
            if not self._host_is_up(migration.source):
                raise errors.Conflict('Service is unavailable at this time.')
        except errors.CloudError as error:
            self._refused('confirm', server_id, error)
            raise
        action = self._start_action(
            server, 'confirmResize', request_id or self.new_request_id(),
            caller)
        self._start_event(action, 'compute_confirm_resize', migration.source)
        self._set_status(migration, 'confirming')
        self._record_move(migration, 'confirm')
        self._server_after(server, self.times.confirm, self._confirmed,
                           migration, action)
        return action

    def _back_to_work(self, server):
        server.vm_state = ('stopped' if server.power_state
                           == entities.SHUTDOWN else 'active')
        server.task_state = None

    def _confirmed(self, server, migration, action):
        self._timers.pop(server.id, None)
        self._set_status(migration, 'confirmed')
        self._back_to_work(server)
        self._end_event(action)
        self._note(server)
        # Nova says ACTIVE before Placement has the allocation back.
        self._after(self.times.settle, self._settle, migration)

    def _settle(self, migration):
        if migration.holds:
            migration.holds = False
            self._free(migration.uuid)
        if migration.type == 'live-migration':
            self._set_status(migration, 'completed')
        self._record_move(migration, 'end')

    @core.operation
    def revert(self, server_id: str, request_id: str | None = None,
               caller: entities.Caller = ADMIN) -> entities.Action:
        """Revert a cold migration or a resize.

        :raises errors.BadRequest: it is being confirmed
        :raises errors.Conflict: locked or not VERIFY_RESIZE
        """
        server = self.get_server(server_id)
        self._check_lock(server, caller)
        self._check_state(server, 'revertResize', ('resized',))
        migration = self._finished_migration(server)
        action = self._start_action(
            server, 'revertResize', request_id or self.new_request_id(),
            caller)
        self._start_event(action, 'compute_revert_resize', server.host)
        self._set_status(migration, 'reverting')
        server.task_state = 'resize_reverting'
        self._note(server)
        self._server_after(server, self.times.migration, self._reverted,
                           migration, action)
        return action

    def _reverted(self, server, migration, action):
        self._free(server.id)
        self._free(migration.uuid)
        migration.holds = False
        self._allocate(server.id, migration.source, migration.old_flavor)
        self._set_status(migration, 'reverted')
        server.host = migration.source
        server.flavor = migration.old_flavor
        self._back_to_work(server)
        self._end_event(action)
        self._record_move(migration, 'error', error='reverted')
        self._note(server)

    def _end_by_delete(self, server, migration):
        # Nova confirms on deletion what waits for its confirmation.
        status = 'confirmed' if migration.status == 'finished' else 'error'
        self._set_status(migration, status)
        self._record_move(migration, 'error', error='the server was deleted')
