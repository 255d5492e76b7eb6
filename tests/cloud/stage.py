# SPDX-License-Identifier: Apache-2.0
"""The cloud that scenarios play on, and Fenix with it."""

import collections.abc
import datetime
import fcntl
import re
import secrets
import time

from fenix.sandbox import assembly
from fenix.sandbox import client as clients
from tests.cloud import audit
from tests.cloud import crowd
from tests.cloud import proxy
from tests.cloud import tap
from tests.cloud import tenant
from tests.cloud import watch
from tools.cloud import cloud
from tools.cloud import errors

#: Work on a host, as the metadata of its action name it, and its seconds.
WORKS = {'work': 1.0, 'long-work': 20.0}
ENGINES = ('fenix-engine-1', 'fenix-engine-2')
#: Users, each with a project of its name, by the words they are told.
USERS = {'doctor': ('matrix-doctor-1', 'matrix-doctor-2'),
         'fenix': ('matrix-fenix-1', 'matrix-fenix-2')}
#: What the names of aggregates begin with that belong to scenarios.
AGGREGATES = 'matrix-'
#: A flavor of half a host.
FLAVOR, HALF = 'm.two', 2
#: A flavor of a crowd.
CROWD_FLAVOR = 'm.one'
#: Why hosts are disabled that a scenario does not use.
NOT_THERE = 'not a part of this test'
#: Seconds until the cloud is as it was, on a machine with much to do.
PATIENCE = 300.0
LOOK = 0.5
TAKEN = re.compile(r'session (\S+): taken, epoch (\d+)')

#: Fenix, so that a dead engine and a lost request cost seconds.
SETTINGS = {
    'engine': {'lease_time': 6, 'poll_interval': 0.5},
    'actions': {
        'commands': ','.join(f'{name}:/bin/sleep {seconds:g}'
                             for name, seconds in WORKS.items()),
        'rerunnable_commands': ','.join(WORKS)}}
NOVA = {'timeout': 15, 'unknown_window': 40}


def wait(what: str, done: collections.abc.Callable[[], bool],
         patience: float = PATIENCE):
    """Wait until something is so; an error is a no.

    :raises TimeoutError: it does not become so
    """
    deadline = time.monotonic() + patience
    problem = None
    while True:
        try:
            if done():
                return
        except Exception as error:
            problem = error
        if time.monotonic() > deadline:
            raise TimeoutError(f'{what}: not within {patience:g} s '
                               f'({problem})')
        time.sleep(LOOK)


def now() -> str:
    """Return the time as Nova takes it."""
    return datetime.datetime.now(datetime.UTC).strftime('%Y-%m-%dT%H:%M:%S')


class Stage(assembly.Assembly):
    """Users, a proxy before Nova, a tap on the bus, and Fenix.

    :raises Exception: something of it does not start, or another run plays
        on this cloud
    """

    def __init__(self):
        super().__init__()
        self.here = cloud.Cloud.open()

    def _start(self):
        self._reserve()
        self.here.start()
        self.password = secrets.token_hex(8)
        self.root = self._client('admin', self.here.site.password, 'admin')
        self.cloud = audit.Cloud(self.root)
        self.crowd = crowd.Crowd(self.here, self.root)
        self.reset()
        projects = {name: self._user(name, words)
                    for words, names in USERS.items() for name in names}
        self.flavor = self._flavor()
        self.image = self.root.json(
            'GET', 'image', '/v2/images')['images'][0]['id']
        self.proxy = proxy.Proxy(self.root.url('compute'))
        self._stack.callback(self.proxy.stop)
        self.proxy.start()
        self.tap = tap.Tap(self.here.site.transport_url)
        self._stack.callback(self.tap.stop)
        self.tap.start()
        words = ','.join(f'{project}:{words}' for words, names
                         in USERS.items() for project in
                         (projects[name] for name in names))
        self._stack.callback(self.here.configure_fenix, {})
        self.here.configure_fenix({
            **SETTINGS, 'nova': {**NOVA, 'endpoint_override': self.proxy.url},
            'workflow': {'project_vocabulary': words}})

    def _reserve(self):
        """Have the cloud for this run alone: a second one would undo it.

        :raises errors.CloudError: another run plays on it
        """
        file = self._stack.enter_context(
            (self.here.site.directory / 'played-on').open('w'))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise errors.CloudError(
                f'another run plays on the cloud in '
                f'{self.here.site.directory}') from None

    # Users

    def client(self, user: str, project: str | None = None):
        """Return a client for a user of ours, or for the administrator.

        :param project: other than the one of the user's name
        """
        password = (self.here.site.password if user == 'admin'
                    else self.password)
        return self._client(user, password, project or user)

    def _client(self, user, password, project):
        client = tenant.Client(self.here.site.auth_url, user, password,
                               project)
        self._stack.callback(client.close)
        return client

    def service_user(self) -> str:
        """Make a user with the role "service" and no other, once."""
        name = 'matrix-service'
        if not self._identity('GET', f'/users?name={name}')['users']:
            (project,) = self._identity(
                'GET', '/projects?name=service')['projects']
            (role,) = self._identity('GET', '/roles?name=service')['roles']
            user = self._make('user', {
                'name': name, 'password': self.password,
                'domain_id': 'default'})
            self._identity('PUT', f'/projects/{project["id"]}/users/{user}'
                                  f'/roles/{role["id"]}')
        return name

    def plain(self, user: str) -> clients.Client:
        """Return a client with the password that users of the cloud have."""
        return self._client(user, self.here.site.password, 'service')

    def _user(self, name, words):
        """Make a user with a project, and let an administrator in."""
        identity = self._identity
        project = self._make('project', {'name': name,
                                         'domain_id': 'default'})
        user = self._make('user', {
            'name': name, 'password': self.password,
            'domain_id': 'default', 'default_project_id': project})
        roles = {each['name']: each['id']
                 for each in identity('GET', '/roles')['roles']}
        (admin,) = identity('GET', '/users?name=admin')['users']
        for who, role in ((user, 'member'), (admin['id'], 'admin')):
            identity('PUT', f'/projects/{project}/users/{who}'
                            f'/roles/{roles[role]}')
        self.root.json('PUT', 'compute', f'/os-quota-sets/{project}', json={
            'quota_set': {'instances': -1, 'cores': -1, 'ram': -1}})
        return project

    def _make(self, kind, body):
        """Make something in Keystone; what a run that died left goes."""
        for old in self._identity(
                'GET', f'/{kind}s?name={body["name"]}')[f'{kind}s']:
            self._identity('DELETE', f'/{kind}s/{old["id"]}')
        made = self._identity('POST', f'/{kind}s', json={kind: body})
        made = made[kind]['id']
        self._stack.callback(self._identity, 'DELETE', f'/{kind}s/{made}')
        return made

    def _identity(self, method, path, **arguments):
        return self.root.json(method, 'identity', path, **arguments)

    def _flavor(self):
        found = self.root.json('GET', 'compute', '/flavors')['flavors']
        return next(each['id'] for each in found
                    if FLAVOR in (each['id'], each['name']))

    # The cloud between scenarios

    @property
    def hosts(self) -> list[str]:
        """Names of the hosts, those of the second cell last."""
        return [host.name for host in self.here.site.hosts]

    def lacks(self, scenario) -> str | None:
        """Return what a scenario takes that the cloud has not, or None."""
        if scenario.cells > self.here.site.cells:
            return f'{scenario.cells} cells'
        if isinstance(scenario.hosts, int) and scenario.hosts > len(
                self.some_hosts(scenario.hosts, scenario.cells)):
            return f'{scenario.hosts} hosts, {scenario.cells} cells'
        if scenario.crowd and scenario.hosts >= len(self.hosts):
            return f'more than {scenario.hosts} hosts'
        return None

    def some_hosts(self, count: int, cells: int) -> list[str]:
        """Return the hosts that a scenario uses.

        :param cells: that they are in; with two, the last hosts are those of
            the second one
        """
        in_second = sum(host.cell == 2 for host in self.here.site.hosts)
        first = self.hosts[:len(self.hosts) - in_second]
        if cells == 1:
            return first[:count]
        return (first[:count - in_second]
                + self.hosts[len(self.hosts) - in_second:])

    def reset(self):
        """Put the cloud back to empty hosts that are enabled and up.

        :raises TimeoutError: it does not become so
        """
        self.here.faults.clear()
        self.here.start()
        watch.forget(self.root)
        self.crowd.disperse()
        self.cloud.narrow(None, ())
        for server, each in self.cloud.servers().items():
            self._delete(server, each['status'] == 'SOFT_DELETED')
        for host in self.hosts:
            self.enable(host)
        wait('the hosts are up and empty', self._clean)
        self._remove_aggregates()

    def _clean(self):
        computes = self.cloud.computes()
        return (all(computes[host]['status'] == 'enabled'
                    and computes[host]['state'] == 'up'
                    for host in self.hosts)
                and not self.cloud.servers()
                and not any(self.cloud.consumers().values()))

    def _delete(self, server, kept):
        url = self.root.url('compute', f'/servers/{server}')
        if kept:
            self.root.call('POST', f'{url}/action',
                           json={'forceDelete': None})
        else:
            self.root.call('DELETE', url)

    def boot_on(self, hosts: list[str], flavor: str) -> dict[str, str]:
        """Boot a server of the administrator's on each host."""
        made = {host: self.root.json('POST', 'compute', '/servers', json={
            'server': {'name': f'on-{host}', 'flavorRef': flavor,
                       'imageRef': self.image, 'networks': 'none',
                       'availability_zone': f'nova:{host}'}})['server']['id']
            for host in hosts}
        wait('servers run', lambda: all(
            self.cloud.servers(host=host)[server]['status'] == 'ACTIVE'
            for host, server in made.items()))
        return made

    def make_zone(self, name: str, hosts: list[str]):
        """Make an availability zone of hosts, all of them empty."""
        self.make_aggregate(name, hosts, availability_zone=name)

    def make_aggregate(self, name: str, hosts: list[str], **fields):
        """Make an aggregate of hosts.

        :param fields: further ones that Nova takes
        """
        made = self.root.json('POST', 'compute', '/os-aggregates', json={
            'aggregate': {'name': AGGREGATES + name, **fields}})
        for host in hosts:
            self._aggregate(made['aggregate'], {'add_host': {'host': host}})
        return made['aggregate']

    def tell_cells(self):
        """Write into aggregates which host is in which cell."""
        for cell in range(1, self.here.site.cells + 1):
            made = self.make_aggregate(
                f'cell{cell}', [host.name for host in self.here.site.hosts
                                if host.cell == cell])
            self._aggregate(made, {'set_metadata': {
                'metadata': {'fenix_cell': f'cell{cell}'}}})

    def _remove_aggregates(self):
        found = self.root.json('GET', 'compute', '/os-aggregates')
        for each in found['aggregates']:
            if each['name'].startswith(AGGREGATES):
                for host in each['hosts']:
                    self._aggregate(each, {'remove_host': {'host': host}})
                self.root.call('DELETE', self.root.url(
                    'compute', f'/os-aggregates/{each["id"]}'))

    def _aggregate(self, aggregate, body):
        self.root.json('POST', 'compute',
                       f'/os-aggregates/{aggregate["id"]}/action', json=body)

    def disable(self, host: str, reason: str = NOT_THERE):
        """Disable a host, by another hand than that of Fenix."""
        self._service(host, {'status': 'disabled',
                             'disabled_reason': reason})

    def enable(self, host: str):
        """Enable a host, if it is not."""
        if self.cloud.computes()[host]['status'] != 'enabled':
            self._service(host, {'status': 'enabled'})

    def _service(self, host, body):
        service = self.cloud.computes()[host]['id']
        self.root.json('PUT', 'compute', f'/os-services/{service}',
                       json=body)

    def owner(self, session: str) -> str:
        """Return the name of the engine that took a session last."""
        epochs = {name: max([int(epoch) for found, epoch in TAKEN.findall(
            self.here.log(name).read_text(errors='replace'))
            if found == session], default=0) for name in ENGINES}
        return max(epochs, key=epochs.get)
