# SPDX-License-Identifier: Apache-2.0
"""What owners do with their servers: stop, pause, suspend, shelve, rescue.

Checked against the decorators of nova.compute.api and what nova.compute
.manager leaves behind.
"""

import dataclasses

from fenix.sandbox.cloud import core
from fenix.sandbox.cloud import entities
from fenix.sandbox.cloud import errors
from fenix.sandbox.cloud import servers

ADMIN = servers.ADMIN


@dataclasses.dataclass(frozen=True)
class Change:
    """A change of a server's state.

    :ivar action: what Nova's record of actions calls it
    :ivar before: the vm_states in which it is allowed
    :ivar task: the task_state meanwhile
    :ivar after: the vm_state that it leads to
    :ivar power: the power state
    """

    action: str
    before: tuple[str, ...]
    task: str
    after: str
    power: int


#: By what the API calls them.
CHANGES = {
    'os-start': Change('start', ('stopped',), 'powering-on', 'active',
                       entities.RUNNING),
    'os-stop': Change('stop', ('active', 'error'), 'powering-off',
                      'stopped', entities.SHUTDOWN),
    'pause': Change('pause', ('active',), 'pausing', 'paused',
                    entities.PAUSED),
    'unpause': Change('unpause', ('paused',), 'unpausing', 'active',
                      entities.RUNNING),
    'suspend': Change('suspend', ('active',), 'suspending', 'suspended',
                      entities.SUSPENDED),
    'resume': Change('resume', ('suspended',), 'resuming', 'active',
                     entities.RUNNING),
    'rescue': Change('rescue', ('active', 'stopped', 'error'), 'rescuing',
                     'rescued', entities.RUNNING),
    'unrescue': Change('unrescue', ('rescued',), 'unrescuing', 'active',
                       entities.RUNNING),
    'shelve': Change('shelve', ('active', 'stopped', 'paused', 'suspended'),
                     'shelving', 'shelved', entities.SHUTDOWN),
    'shelveOffload': Change('shelveOffload', ('shelved',),
                            'shelving_offloading', 'shelved_offloaded',
                            entities.SHUTDOWN),
    'unshelve': Change('unshelve', ('shelved', 'shelved_offloaded'),
                       'unshelving', 'active', entities.RUNNING),
}


class Owners(servers.Servers):
    """Changes of state that have nothing to do with a move."""

    @core.operation
    def change_state(self, server_id: str, name: str,
                     request_id: str | None = None,
                     caller: entities.Caller = ADMIN):
        """Change the state of a server.

        A server that was shelved stays on its host until it is offloaded,
        as with Nova's ``shelved_offload_time`` of -1.

        :param name: one of ``CHANGES``
        :raises errors.Conflict: it is locked, or not in a state for that
        """
        change = CHANGES[name]
        server = self.get_server(server_id)
        self._check_lock(server, caller)
        self._check_state(server, name, change.before)
        action = self._start_action(
            server, change.action, request_id or self.new_request_id(),
            caller)
        self._start_event(action, f'compute_{change.action}_instance',
                          server.host)
        if self.times.power:
            server.task_state = change.task
            self._note(server)
            self._server_after(server, self.times.power, self._changed,
                               change, action)
        else:
            self._changed(server, change, action)

    def _changed(self, server, change, action):
        self._timers.pop(server.id, None)
        server.task_state = None
        if change.after == 'shelved_offloaded':
            self._free(server.id)
            server.host = None
        elif server.host is None:
            try:
                host = self.pick(server, server.flavor,
                                 zone=server.zone_asked)
            except errors.NoValidHost as error:
                # It stays as it is.
                self._end_event(action, error.details)
                self._note(server)
                return
            server.host = host.name
            self._allocate(server.id, host.name, server.flavor)
        server.vm_state = change.after
        server.power_state = change.power
        self._end_event(action)
        self._note(server)

    def set_power(self, server_id: str, running: bool):
        """Start or stop a server; see ``change_state``."""
        self.change_state(server_id, 'os-start' if running else 'os-stop')
