# SPDX-License-Identifier: Apache-2.0
"""What Nova says, as lines of a timeline that the verifier reads.

It learns from documents of Nova's API: those that the runner reads, and
those that pass between Nova and Fenix. So whatever Fenix acts on is written
down before Fenix knows it.
"""

import threading
import time

#: Ends of migrations.
GOOD = frozenset(['confirmed', 'completed'])
BAD = frozenset(['error', 'failed', 'cancelled', 'reverted'])

#: Action of a server: how the line of its start begins.
MOVES = {'migrate': 'migrate', 'os-migrateLive': 'live-migrate'}
COLD = ('migration', 'resize')


class Witness:
    """Turns documents and requests into lines.

    :param timeline: a ``timeline.Timeline``
    :param others: ids of servers that are of no concern
    """

    def __init__(self, timeline, others=frozenset()):
        self._timeline = timeline
        self._others = others
        self._lock = threading.RLock()
        self._services: dict[str, str] = {}
        self._disabled: dict[str, bool] = {}
        #: (status, task, host) of servers, and when that was seen last.
        self._servers: dict[str, tuple] = {}
        self._changed: dict[str, float] = {}
        self._projects: dict[str, str] = {}
        #: Moves that were asked for: their source and target.
        self._moving: dict[str, dict] = {}
        self._over: set[str] = set()

    # What the cloud is like at the beginning

    def begin(self, cloud, groups: list[dict], flavor_vcpus: int):
        """Write down hosts, zones, aggregates, groups and servers.

        :param cloud: an ``audit.Cloud``
        """
        with self._lock:
            for host, service in cloud.computes().items():
                self._services[service['id']] = host
                self._disabled[host] = service['status'] == 'disabled'
                self._record('host.create', host=host, compute=True,
                             controller=False, vcpus=2 * flavor_vcpus,
                             ram_mb=0, disk_gb=0, status=service['status'],
                             zone=service['zone'],
                             reason=service['disabled_reason'])
            for host in cloud.controllers() - set(self._services.values()):
                self._record('host.create', host=host, compute=False,
                             controller=True, vcpus=0, ram_mb=0, disk_gb=0)
            for name, hosts in cloud.aggregates().items():
                self._record('aggregate.create', aggregate=name, hosts=hosts)
            for group in groups:
                self._record('group.create', group=group['id'],
                             project=group['project_id'],
                             policy=group['policies'][0],
                             members=group['members'])
            self._over = {each['uuid'] for each
                          in cloud.migrations('2000-01-01T00:00:00')}
            member_of = {server: group['id'] for group in groups
                         for server in group['members']}
            for server, document in cloud.servers().items():
                self._server_created(document, member_of.get(server))

    # Documents

    def server(self, document: dict, asked: float):
        """Learn from what Nova says of a server.

        :param asked: when it was asked; what is older than the last change
            that was seen is of no use
        """
        if 'status' not in document or document['id'] in self._others:
            return
        with self._lock:
            server = document['id']
            if asked < self._changed.get(server, 0.0):
                return
            if server not in self._servers:
                self._server_created(document, None)
                return
            state = self._state(document)
            if self._servers[server] == state:
                return
            self._servers[server] = state
            self._changed[server] = time.time()
            status, task, host = state
            if status == 'DELETED':
                self._gone(server)
                return
            if status == 'VERIFY_RESIZE' and server in self._moving:
                self._moving[server]['target'] = host
                self._record('migrate.verify', **self._moving[server])
            self._record('server.state', server=server, host=host,
                         state=status, task_state=task)

    def all_servers(self, documents: list[dict], asked: float):
        """Learn from a list of all servers: the others are gone."""
        with self._lock:
            for document in documents:
                self.server(document, asked)
            there = {document['id'] for document in documents}
            for server in self._servers.keys() - there:
                self.gone(server, asked)

    def gone(self, server: str, asked: float):
        """Learn that Nova knows a server no more."""
        with self._lock:
            if server in self._servers and self._changed[server] < asked:
                self._gone(server)

    def not_listed(self, host: str, documents: list[dict]) -> set[str]:
        """Return the servers of a host that a list of it does not have."""
        with self._lock:
            return {server for server, (_, _, at) in self._servers.items()
                    if at == host} - {each['id'] for each in documents}

    def migration(self, document: dict):
        """Learn from what Nova says of a migration."""
        if document['uuid'] in self._over:
            return
        status = document['status']
        if status not in GOOD | BAD:
            return
        with self._lock:
            self._over.add(document['uuid'])
            cold = document['migration_type'] in COLD
            kind = 'migrate' if cold else 'live-migrate'
            fields = {'server': document['instance_uuid'],
                      'project': self._projects.get(
                          document['instance_uuid']),
                      'source': document['source_compute'],
                      'target': document['dest_compute']}
            self._moving.pop(document['instance_uuid'], None)
            if status in GOOD:
                self._record(f'{kind}.end', **fields)
            else:
                self._record(f'{kind}.error', error=status, **fields)

    # Requests of Fenix

    def asking(self, server: str, method: str, path: str):
        """Note that Fenix asks for something of a server."""
        self._record('request', server=server, method=method, path=path)

    def acted(self, server: str, body: dict, asked: float, code: int):
        """Note a server action of Fenix that Nova has answered."""
        action = next(iter(body), None)
        with self._lock:
            if action == 'confirmResize' and code == 204:
                self._record('migrate.confirm', at=asked, server=server)
            if action not in MOVES or server not in self._servers:
                return
            fields = {'server': server, 'project': self._projects[server],
                      'source': self._servers[server][2],
                      'target': body[action].get('host')}
            if code == 202:
                self._moving[server] = fields
                self._record(f'{MOVES[action]}.start', at=asked, **fields)
            else:
                self._record(f'{MOVES[action]}.refused', at=asked, code=code,
                             reason=str(code), **fields)

    def service(self, service_id: str, body: dict, asked: float, code: int):
        """Note that Fenix disabled or enabled a host."""
        host = self._services.get(service_id)
        if host is None or code != 200 or 'status' not in body:
            return
        with self._lock:
            before = self._disabled[host]
            self._disabled[host] = body['status'] == 'disabled'
            self._record(
                'service.disable' if self._disabled[host]
                else 'service.enable', at=asked, host=host,
                reason=body.get('disabled_reason'),
                changed=before != self._disabled[host])

    # Inside

    def _record(self, what, at=None, **fields):
        self._timeline.record(what, t=at, **fields)

    @staticmethod
    def _state(document):
        return (document['status'], document.get('OS-EXT-STS:task_state'),
                document.get('OS-EXT-SRV-ATTR:host'))

    def _server_created(self, document, group):
        server = document['id']
        if document['status'] == 'DELETED':
            return
        self._servers[server] = self._state(document)
        self._changed[server] = time.time()
        self._projects[server] = document['tenant_id']
        group = group or next(iter(document.get('server_groups') or ()),
                              None)
        self._record('server.create', server=server, name=document['name'],
                     project=document['tenant_id'],
                     host=self._servers[server][2], group=group,
                     state=document['status'], vcpus=0, ram_mb=0, disk_gb=0)

    def _gone(self, server):
        del self._servers[server]
        # A list that is older may yet come.
        self._changed[server] = time.time()
        self._moving.pop(server, None)
        self._record('server.delete', server=server)
