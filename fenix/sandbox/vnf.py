# SPDX-License-Identifier: Apache-2.0
"""A sample VNF: an active/standby pair and instances without redundancy."""

import collections.abc
import dataclasses
import itertools
import threading
import time

from oslo_log import log as logging

from fenix.sandbox import client as clients
from fenix.sandbox.cloud import timeline as timelines

LOG = logging.getLogger(__name__)

#: Seconds between two looks at servers that boot or go.
LOOK = 0.1

#: The floating address of the VNF; nobody can reach it.
ADDRESS = '203.0.113.10'


class VnfError(Exception):
    """The cloud did not do what the VNF needs."""


@dataclasses.dataclass(frozen=True)
class Size:
    """What the VNF is made of.

    :ivar instances: how many, the pair of two included
    :ivar flavor: id of their flavor
    :ivar image: id of their image; the sandbox has none
    """

    instances: int
    flavor: str = '2'
    image: str = 'sandbox'


class Vnf:
    """The servers of a VNF, seen with the rights of their project.

    :param switch_time: seconds that a switch-over takes
    :param control_url: of the sandbox's handles, which stand for Neutron;
        None: nobody moves the floating address
    :param boot_timeout: seconds until a server that does not boot is given
        up
    """

    def __init__(self, name: str, client: clients.Client,
                 timeline: timelines.Timeline, size: Size,
                 switch_time: float = 1.0, control_url: str | None = None,
                 boot_timeout: float = 60.0):
        self.name = name
        self._client = client
        self._timeline = timeline
        self._size = size
        self._switch_time = switch_time
        self._control_url = control_url
        self._boot_timeout = boot_timeout
        self._lock = threading.RLock()
        self.group: str | None = None
        #: The designated active server and the one that can take over.
        self.active: str | None = None
        self.pair: list[str] = []
        self._numbers = itertools.count(1)
        self.others: list[str] = []

    @property
    def servers(self) -> list[str]:
        """Ids of all servers."""
        with self._lock:
            return self.pair + self.others

    @property
    def standby(self) -> str:
        """Id of the server that takes over from the active one."""
        with self._lock:
            return next(server for server in self.pair
                        if server != self.active)

    def boot(self):
        """Create group and servers, and wait until they run.

        :raises VnfError: one does not
        """
        group = self._client.json(
            'POST', 'compute', '/os-server-groups', json={'server_group': {
                'name': f'{self.name}-pair', 'policies': ['anti-affinity']}})
        self.group = group['server_group']['id']
        self.pair = [self._create('pair', self.group) for _ in range(2)]
        self._wait_active(self.pair)
        self.others = [self._create('worker')
                       for _ in range(self._size.instances - 2)]
        self._wait_active(self.others)
        self.active = self.pair[0]
        self._move_address(self.active)

    def announce(self):
        """Write down which server is the active one."""
        self._timeline.record('vnf.active', project=self._client.project_id,
                              server=self.active)

    # What Nova says

    def own(self) -> dict[str, dict]:
        """Return the servers that the project has, by id."""
        listing = self._client.json('GET', 'compute', '/servers/detail')
        return {server['id']: server for server in listing['servers']}

    def _create(self, name, group=None):
        body = {'server': {
            'name': f'{self.name}-{name}-{next(self._numbers)}',
            'flavorRef': self._size.flavor,
            'imageRef': self._size.image, 'networks': 'auto'}}
        if group is not None:
            body['os:scheduler_hints'] = {'group': group}
        return self._client.json('POST', 'compute', '/servers',
                                 json=body)['server']['id']

    def _wait(self, done: collections.abc.Callable[[dict], bool]):
        """Wait for something to be true of the project's servers.

        The list is read, not each server: to ask for a server by its id is
        what Fenix does, and the timeline tells the two apart by that.

        :raises VnfError: it does not become true
        """
        deadline = time.monotonic() + self._boot_timeout
        while not done(self.own()):
            if time.monotonic() > deadline:
                raise VnfError(f'{self.name}: waited '
                               f'{self._boot_timeout} s in vain')
            time.sleep(LOOK)

    def _wait_active(self, servers):
        def running(own):
            states = [own[server]['status'] if server in own else 'DELETED'
                      for server in servers]
            for state in states:
                if state in ('ERROR', 'DELETED'):
                    raise VnfError(f'{self.name}: a server is {state}')
            return all(state == 'ACTIVE' for state in states)
        self._wait(running)

    def _delete(self, servers):
        for server in servers:
            response = self._client.call(
                'DELETE', self._client.url('compute', f'/servers/{server}'))
            if response.status_code not in (204, 404):
                response.raise_for_status()
        self._wait(lambda own: not own.keys() & set(servers))

    # What its manager does with it

    def scale_in(self, step: int, keep=frozenset()) -> list[str]:
        """Delete servers without redundancy and return their ids.

        :param step: how many
        :param keep: servers that must not go
        """
        with self._lock:
            going = [server for server in self.others
                     if server not in keep][-step:] if step else []
            self._delete(going)
            self.others = [server for server in self.others
                           if server not in going]
        self._record_scale('in', going)
        return going

    def scale_out(self) -> list[str]:
        """Create the servers that are missing and return their ids.

        :raises VnfError: there is no room
        """
        with self._lock:
            missing = self._size.instances - len(self.servers)
            new = [self._create('worker')
                   for _ in range(missing)]
            try:
                self._wait_active(new)
            except VnfError:
                self._delete(new)
                raise
            self.others += new
        if new:
            self._record_scale('out', new)
        return new

    def _record_scale(self, direction, servers):
        self._timeline.record('vnf.scale', project=self._client.project_id,
                              direction=direction, servers=servers)

    def switch_over(self):
        """Make the standby server the active one; takes ``switch_time``."""
        with self._lock:
            old, new = self.active, self.standby
            project = self._client.project_id
            self._timeline.record('vnf.switch.start', project=project,
                                  **{'from': old, 'to': new})
            time.sleep(self._switch_time)
            self._move_address(new)
            self.active = new
            self._timeline.record('vnf.switch.end', project=project,
                                  active=new)

    def replace(self, server_id: str) -> str:
        """Put a new server in the place of one, and return its id.

        The new one runs before the old one goes, where there is room.

        :raises VnfError: there is no room
        """
        with self._lock:
            in_pair = server_id in self.pair
            group = self.group if in_pair else None
            name = 'pair' if in_pair else 'worker'
            new = self._create(name, group)
            try:
                self._wait_active([new])
                self._delete([server_id])
            except VnfError:
                LOG.info('%s has no room for both, so %s goes first',
                         self.name, server_id)
                self._delete([new, server_id])
                new = self._create(name, group)
                self._wait_active([new])
            members = self.pair if in_pair else self.others
            members[members.index(server_id)] = new
        return new

    def _move_address(self, server_id):
        """Give the floating address to a server; it leaves the other."""
        if self._control_url is not None:
            self._client.post_plain(f'{self._control_url}/floating', {
                'server': server_id, 'address': ADDRESS})
