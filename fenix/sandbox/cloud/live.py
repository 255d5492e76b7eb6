# SPDX-License-Identifier: Apache-2.0
"""Live migration, as Nova does it."""

from fenix.sandbox.cloud import cold
from fenix.sandbox.cloud import core
from fenix.sandbox.cloud import entities
from fenix.sandbox.cloud import errors

ADMIN = cold.ADMIN


class LiveMoves(cold.ColdMoves):
    """Moves a server that goes on running."""

    @core.operation
    def live_migrate(self, server_id: str, host: str | None = None,
                     request_id: str | None = None,
                     caller: entities.Caller = ADMIN,
                     at_once: bool = False) -> entities.Action:
        """Ask for a live migration.

        :param host: the target, or None: the scheduler chooses
        :param at_once: the scheduler decides before the answer, as Nova
            does before microversion 2.34
        :raises errors.BadRequest: the target is unknown
        :raises errors.NoValidHost: with ``at_once``
        :raises errors.Conflict: locked or in the wrong state
        """
        try:
            server = self.get_server(server_id)
            self._check_lock(server, caller)
            self._check_state(server, 'os-migrateLive',
                              ('active', 'paused'))
            if host is not None:
                self._check_known(server, host)
        except errors.CloudError as error:
            self._refused('live-migrate', server_id, error)
            raise
        request_id = request_id or self.new_request_id()
        action = self._start_action(
            server, 'live-migration', request_id, caller)
        self._record('live-migrate.start', **self._move_fields(
            server, host, request_id))
        server.task_state = 'migrating'
        self._note(server)
        if at_once:
            self._schedule_live(server, host, action, caller)
            if action.message is not None:
                raise errors.NoValidHost(action.events[-1].details)
        else:
            self._server_after(server, self.times.schedule,
                               self._schedule_live, host, action, caller)
        return action

    def _schedule_live(self, server, host, action, caller):
        migration = self._new_migration(
            server, 'live-migration', 'accepted', action, caller,
            server.flavor)
        self._start_event(action, 'conductor_live_migrate_instance')
        try:
            if not self._host_is_up(server.host):
                raise errors.NoValidHost(
                    f'Compute service of {server.host} is unavailable at '
                    f'this time.')
            target = self.pick(server, server.flavor, named=host,
                               but=server.host)
        except errors.NoValidHost as error:
            migration.dest = host
            self._live_over(server, migration, action, 'error',
                            f'{error} {error.details}')
            return
        self._end_event(action)
        migration.dest = target.name
        migration.holds = True
        self._free(server.id)
        self._allocate(migration.uuid, migration.source, server.flavor)
        self._allocate(server.id, migration.dest, server.flavor)
        self._set_status(migration, 'running')
        self._start_event(action, 'compute_live_migration', server.host)
        fault = self.faults.take('live', server.id, server.host)
        seconds = self.times.live
        if seconds is None:
            seconds = self.times.migration
        if fault is not None and fault.seconds is not None:
            seconds = fault.seconds
        if fault is not None and fault.fail:
            self._server_after(
                server, seconds, self._live_over, migration, action,
                'failed', 'The live migration was made to fail.')
        else:
            self._server_after(server, seconds, self._live_done, migration,
                               action)

    def _live_over(self, server, migration, action, status, reason):
        """It did not happen: the server runs on where it was."""
        self._timers.pop(server.id, None)
        placed = migration.holds
        if placed:
            self._free(server.id)
            self._free(migration.uuid)
            migration.holds = False
            self._allocate(server.id, migration.source, server.flavor)
        self._set_status(migration, status)
        server.task_state = None
        self._end_event(action, reason)
        self._record_move(migration, 'error', placed=placed, error=reason)
        self._note(server)

    def _live_done(self, server, migration, action):
        self._timers.pop(server.id, None)
        server.host = migration.dest
        server.task_state = None
        self._set_status(migration, 'post-migrating')
        self._end_event(action)
        self._note(server)
        self._after(self.times.settle, self._settle, migration)

    @core.operation
    def abort_live(self, server_id: str, migration_id: int,
                   request_id: str | None = None,
                   caller: entities.Caller = ADMIN):
        """Abort a live migration.

        :raises errors.NotFound: the server has no such migration
        :raises errors.BadRequest: it is not running
        :raises errors.Conflict: the server does not migrate
        """
        server = self.get_server(server_id)
        if server.task_state != 'migrating':
            raise errors.Conflict(
                f"Cannot 'abort live migration' instance {server_id} while "
                f"it is in task_state {server.task_state}")
        found = [migration for migration in self.migrations
                 if migration.id == migration_id
                 and migration.server == server_id]
        if not found:
            raise errors.NotFound(
                f'Migration {migration_id} not found for instance '
                f'{server_id}')
        migration = found[0]
        if migration.status != 'running':
            raise errors.BadRequest(
                f'Migration {migration_id} state of instance {server_id} is '
                f'{migration.status}. Cannot abort live migration while the '
                f'migration is in this state.')
        self._cancel(server)
        moving = next(action for action in server.actions
                      if action.request_id == migration.request_id)
        action = self._start_action(
            server, 'live_migration_cancel',
            request_id or self.new_request_id(), caller)
        self._start_event(action, 'compute_live_migration_abort',
                          server.host)
        self._end_event(action)
        self._live_over(server, migration, moving, 'cancelled',
                        'The live migration was aborted.')
