# SPDX-License-Identifier: Apache-2.0
"""The place of a run: servers, cloud, VNFs with their managers, Fenix."""

import argparse
import time

from fenix.sandbox import assembly
from fenix.sandbox import client as clients
from fenix.sandbox import constraints
from fenix.sandbox import inspector
from fenix.sandbox import installation
from fenix.sandbox import processes
from fenix.sandbox import run
from fenix.sandbox import vnf
from fenix.sandbox import vnfm
from fenix.sandbox.chaos import chance
from fenix.sandbox.chaos import crew
from fenix.sandbox.chaos import servers
from fenix.sandbox.chaos import slots
from fenix.sandbox.chaos import watch
from fenix.sandbox.cloud import cloud
from fenix.sandbox.cloud import config
from fenix.sandbox.cloud import timeline

HOSTS = 3
INSTANCES_PER_HOST = 2
#: Seconds that things take in the cloud.
TIMES = config.Times(migration=0.4, live=0.4, boot=0.2, delete=0.1,
                     host=0.4, jitter=0.5)
SWITCH_TIME = 0.1
#: Share of alarms that nobody gets.
LOST = 0.01

LIMITS = constraints.Limits(lead_time=1, recovery_time=1,
                            pair_recovery_time=1)
#: The managers of the VNFs, in turn: (instances, action, limits, method).
#: With six instances a VNF fills its hosts and is asked to scale in.
MANAGERS = ((6, 'MIGRATE', None, 'PUT'), (4, 'LIVE_MIGRATE', LIMITS, 'PUT'),
            (6, 'MIGRATE', LIMITS, 'POST'), (4, 'OWN_ACTION', None, 'PUT'),
            (6, 'LIVE_MIGRATE', None, 'POST'))


def _host(name):
    return config.HostConfig(name, vcpus=run.VCPUS * INSTANCES_PER_HOST,
                             ram_mb=run.RAM_MB * INSTANCES_PER_HOST)


class Site(assembly.Assembly):
    """Everything that a run needs, but for its sessions and faults.

    :param options: of the command line
    :param say: called with what is going on
    :raises Exception: one of run.ERRORS, when something does not start
    """

    def __init__(self, options: argparse.Namespace, say):
        super().__init__()
        self.options = options
        self.database: servers.Server | None = None
        self.bus: servers.Server | None = None
        self.carriers: list[chance.Carrier] = []
        self.ledger = watch.Ledger()
        self._managers: list[vnfm.Vnfm] = []
        self._say = say

    def _start(self):
        self.directory = self._make_directory(
            self.options.directory, 'fenix-chaos-')
        # PostgreSQL is another user.
        self.directory.chmod(0o755)
        self._start_log(self.directory / 'sandbox.log')
        database_url, transport_url = self._start_servers()
        self.fenix = installation.Installation(
            self.directory, installation.free_port(), database_url,
            transport_url, settings=self._settings())
        self._start_cloud(transport_url)
        self._stack.callback(self.fenix.stop)
        self._say('Fenix starts')
        self.fenix.prepare(self.urls)
        self.crew = crew.Crew(self.directory, self.fenix.configuration)
        self._stack.callback(self.crew.stop)
        self.api = self.crew.start('api', 'fenix-api.0')
        self._boot()
        watcher = watch.Watch(self.fenix.database, self.ledger)
        self._stack.callback(watcher.stop)
        watcher.start()

    def _start_servers(self):
        """Start what is not given; return the URLs of database and bus."""
        url, transport = self.options.database, self.options.transport
        if url == 'sqlite':
            return None, transport
        if url in servers.KINDS:
            self.database = self._serve(servers.KINDS[url])
            url = self.database.url
        if transport is None:
            self.bus = self._serve(servers.RabbitMQ)
            transport = self.bus.url
        return url, transport

    def _serve(self, kind):
        self._say(f'{kind.name} starts')
        return self._stack.enter_context(servers.running(
            kind(self.directory / kind.__name__.lower())))

    def _settings(self):
        lease = self.options.lease
        settings = {
            'engine': {'lease_time': lease, 'poll_interval': 0.5,
                       'graceful_shutdown_timeout': 5},
            # What is held up on its way to Nova, or was sent with the last
            # breath of a lease, arrives within the window.
            'nova': {'timeout': 2, 'unknown_window': lease + 5,
                     'observe_interval': 0.4},
            'workflow': {'cloud_patience': 60},
            'notify': {'timeout': 2, 'retry_interval': 0.2}}
        if not self.options.kills:
            # Nothing is lost then, only slow: hundreds of sessions share
            # one cloud, which is one process.
            settings['nova'] = {'timeout': 30, 'unknown_window': 90,
                                'observe_interval': 1}
        if self.bus is not None:
            # Else it would take with it what it has taken. At a bus that
            # others use as well, their exchanges are there already.
            settings['oslo_messaging_rabbit'] = {
                'amqp_durable_queues': True, 'kombu_reconnect_delay': 0.2,
                'heartbeat_timeout_threshold': 10}
        return settings

    # The cloud and what is in it

    def _start_cloud(self, transport_url):
        self._say('the cloud starts')
        options = self.options
        self.timeline = timeline.Timeline(options.timeline)
        self._stack.callback(self.timeline.close)
        self.hosts = {
            f'slot-{number}': [f'compute-{number}-{host}'
                               for host in range(1, HOSTS + 1)]
            for number in range(1, options.sessions + 1)}
        users = [*config.default_users(), *(
            config.UserConfig(name, name) for name in self.hosts)]
        self.cloud = cloud.Cloud(config.CloudConfig(
            hosts=[_host(host) for hosts in self.hosts.values()
                   for host in hosts],
            users=users, times=TIMES, threads=48, seed=options.seed,
            maintenance_url=self.fenix.api, transport_url=transport_url,
            topic=self.fenix.topic,
            durable_queues=self.bus is not None), self.timeline)
        self.urls = self.cloud.start()
        self._stack.callback(self.cloud.stop)

    def _boot(self):
        self._say('the VNFs boot')
        for number, name in enumerate(self.hosts):
            instances, action, limits, method = MANAGERS[
                number % len(MANAGERS)]
            client = self._client(name)
            application = vnf.Vnf(
                name, client, self.timeline,
                vnf.Size(instances, run.FLAVOR), SWITCH_TIME)
            application.boot()
            application.announce()
            manager = vnfm.Vnfm(
                application, client, self.timeline, vnfm.Manners(
                    vnfm.COOPERATIVE, action, limits, method,
                    self._carrier(f'replies of {name}', 0.0).delays))
            self._stack.callback(manager.stop)
            self._managers.append(manager)
        # Only now, so that they are empty.
        for number in range(1, self.options.sessions + 1):
            self.cloud.model.add_host(_host(f'spare-{number}'))
        watcher = inspector.Inspector(self._client(run.ADMIN), self.timeline)
        self._stack.callback(watcher.stop)
        watcher.start()
        for manager in self._managers:
            manager.start()
        self.cloud.notifier.deliveries = self._carrier('alarms', LOST).delays

    def _carrier(self, name, lost):
        carrier = chance.Carrier(self.options.seed, name, lost)
        self.carriers.append(carrier)
        return carrier

    def _client(self, name):
        client = clients.Client(self.urls['auth'], name, run.PASSWORD, name)
        self._stack.callback(client.close)
        return client

    def cpu(self, engines: list[int]) -> dict[str, float]:
        """Return what all took of the processors until now, in seconds.

        Whoever was killed counts with Fenix, as its nursery has seen it end.
        Of Fenix it is told besides what those took that run. The sandbox is
        the cloud, the managers, the administrators and who watches.

        :param engines: ids of the processes that run
        """
        servers = {'database': self.database, 'bus': self.bus}
        return {
            'sandbox': round(time.process_time(), 1),
            'fenix': processes.cpu_of_all(self.crew.pid),
            'engines': round(sum(
                processes.cpu_seconds(pid) or 0 for pid in engines), 1),
            'api': processes.cpu_of_all(self.api.pid),
            **{name: processes.cpu_of_all(server.pid)
               for name, server in servers.items() if server is not None}}

    def make_slots(self) -> list[slots.Slot]:
        """Return who runs sessions, one for each that runs at once."""
        manner = self._manner()
        return [slots.Slot(name, hosts, self._client(run.ADMIN),
                           self.timeline, self.fenix.api, manner,
                           self.directory)
                for name, hosts in self.hosts.items()]

    def _manner(self) -> slots.Manner:
        options = self.options
        return slots.Manner(
            options.workflow, options.continues, options.patience,
            look=max(slots.LOOK, options.sessions / slots.LOOKS),
            pace=max(1.0, options.sessions / slots.FEW),
            window=self._settings()['nova']['unknown_window'])
