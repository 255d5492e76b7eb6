# SPDX-License-Identifier: Apache-2.0
"""Servers in states in which Nova does not move everything in every way.

The first worker of the first VNF is brought into a state before the session,
by its owner or by an administrator, and back when it is over or has failed.
"""

from tests.cloud import faults
from tests.cloud import stage as stages


class InState(faults.Fault):
    """A server in a state; it is to be in that state at the end, too.

    :cvar into: the action that brings it there, and its arguments
    :cvar back: the action that brings it back, and its arguments
    :cvar status: what Nova calls the state
    """

    into: tuple = ()
    back: tuple = ()
    status = 'ACTIVE'
    locked = False
    #: The only kind of migration that moves it, if it is only one.
    way: str | None = None
    #: It takes an administrator.
    admin = False
    server = None

    def begin(self):
        self.server = self.play.vnfs[0].others[0]
        if self.way is not None:
            self.ways[self.server] = self.way
        self._act(*self.into)
        self._wait(self.status)

    def mend(self):
        if self.server is None or not self.first():
            return
        shown = self._shown()
        if shown['status'] != self.status:
            self.play.miss(f'it is {shown["status"]}, not {self.status}')
        if shown['locked'] != self.locked:
            self.play.miss('its lock is not as it was')
        self._act(*self.back)
        self._wait('ACTIVE')

    def _act(self, action, arguments=None):
        client = self._client()
        answer = client.call('POST', client.url(
            'compute', f'/servers/{self.server}/action'),
            json={action: arguments})
        answer.raise_for_status()

    def _client(self):
        return (self.stage.root if self.admin else self.stage.client(
            self.play.managers[0].user_name))

    def _shown(self):
        return self.stage.cloud.servers()[self.server]

    def _wait(self, status):
        def there():
            shown = self._shown()
            return (shown['status'], shown['OS-EXT-STS:task_state']) == (
                status, None)
        stages.wait(f'the server is {status}', there)


class Stopped(InState):
    into, back, status = ('os-stop',), ('os-start',), 'SHUTOFF'
    way = 'migration'


class Paused(InState):
    into, back, status = ('pause',), ('unpause',), 'PAUSED'
    way = 'live-migration'


class Suspended(InState):
    into, back, status = ('suspend',), ('resume',), 'SUSPENDED'


class Rescued(InState):
    into, back, status = ('rescue', {}), ('unrescue',), 'RESCUE'


class Locked(InState):
    into, back = ('lock',), ('unlock',)
    locked = True


class InError(InState):
    into = ('os-resetState', {'state': 'error'})
    back = ('os-resetState', {'state': 'active'})
    status = 'ERROR'
    admin = True


class Offloaded(InState):
    """It is on no host, and nobody's concern."""

    into, back = ('shelve',), ('unshelve',)
    status = 'SHELVED_OFFLOADED'

    def begin(self):
        super().begin()
        del self.play.before[self.server]


class Shelved(InState):
    """It is shelved, and keeps its place on its host."""

    into, back, status = ('shelve',), ('unshelve',), 'SHELVED'

    def begin(self):
        # What holds at that moment decides.
        self.here.configure_nova('nova-compute', {
            'DEFAULT': {'shelved_offload_time': -1}})
        try:
            self.play.wait_up()
            super().begin()
        finally:
            self.here.configure_nova('nova-compute', {})
            self.play.wait_up()


class SoftDeleted(InState):
    """Its owner has deleted it, and Nova keeps it for a while."""

    back, status = ('restore',), 'SOFT_DELETED'
    #: Seconds for which Nova keeps it.
    seconds = 3600

    def begin(self):
        self.server = self.play.vnfs[0].others[0]
        self.here.configure_nova('nova-api', {
            'DEFAULT': {'reclaim_instance_interval': self.seconds}})
        try:
            owner = self._client()
            owner.call('DELETE', owner.url(
                'compute', f'/servers/{self.server}')).raise_for_status()
            self._wait(self.status)
        finally:
            self.here.configure_nova('nova-api', {})


class Confirmed(faults.Fault):
    """Somebody else confirms the migration of Fenix, as Nova itself may."""

    #: Both may have asked before Nova saw the first.
    spoils = True
    code = None

    def begin(self):
        self.play.seen = self._seen

    def _seen(self, server, state):
        if state == 'VERIFY_RESIZE' and self.first():
            self.code = self.stage.root.call('POST', self.stage.root.url(
                'compute', f'/servers/{server}/action'),
                json={'confirmResize': None}).status_code

    def missed(self):
        return (None if self.code == 204
                else f'the confirmation was answered {self.code}')


class AutoConfirmed(faults.Fault):
    """Nova itself confirms the migration, while no engine runs."""

    spoils = True
    #: Seconds after which Nova confirms; it looks once a minute.
    window = 1
    server = None

    def begin(self):
        self.play.afterwards(self.here.configure_nova, 'nova-compute', {})
        self.here.configure_nova('nova-compute', {
            'DEFAULT': {'resize_confirm_window': self.window}})
        self.play.wait_up()
        self.play.seen = self._seen

    def _seen(self, server, state):
        # Who tells of the state waits meanwhile, and Fenix for its answer.
        if state == 'VERIFY_RESIZE' and self.first():
            self.here.kill(*stages.ENGINES)
            self.server = server

    def meanwhile(self, state):
        if self.server is None or self.here.pid(stages.ENGINES[0]):
            return
        shown = self.stage.cloud.servers()[self.server]
        if shown['status'] == 'ACTIVE':
            self.here.start(*stages.ENGINES)

    def missed(self):
        if self.server is None:
            return 'nothing was to be confirmed'
        if any(line['what'] == 'migrate.confirm'
               for line in self.play.timeline.lines):
            return 'Fenix confirmed it'
        return None


class ForcedDown(faults.Fault):
    """An administrator says that a host with a server is down."""

    def begin(self):
        self.play.also_maintain_another()
        self._force(True)
        stages.wait('Nova sees that the host is down', lambda: (
            self.stage.cloud.computes()[self.play.host]['state'] == 'down'))

    def mend(self):
        if self.first():
            self._force(False)
            self.play.wait_up()

    def _force(self, forced):
        service = self.stage.cloud.computes()[self.play.host]['id']
        self.stage.root.json('PUT', 'compute', f'/os-services/{service}',
                             json={'forced_down': forced})


FAULTS = {
    'stopped': Stopped, 'paused': Paused, 'suspended': Suspended,
    'rescued': Rescued, 'locked': Locked, 'in-error': InError,
    'offloaded': Offloaded, 'shelved': Shelved,
    'soft-deleted': SoftDeleted, 'auto-confirmed': AutoConfirmed,
    'confirmed-by-another': Confirmed, 'forced-down': ForcedDown}
