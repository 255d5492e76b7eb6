# SPDX-License-Identifier: Apache-2.0
"""The cloud: brought up, taken down, and made to suffer."""

import contextlib
import json
import pathlib
import shutil
import time

from fenix.sandbox import client as clients
from tools.cloud import catalogue
from tools.cloud import configuration
from tools.cloud import errors
from tools.cloud import faults
from tools.cloud import processes
from tools.cloud import schema
from tools.cloud import services
from tools.cloud import site as sites
from tools.cloud import software

#: Seconds until something must work after its start, on a busy machine.
PATIENCE = 300.0
LOOK = 0.2
#: Seconds within which a port is free whose server has ended.
RELEASE = 10.0
FENIX = frozenset(['fenix-api', 'fenix-engine-1', 'fenix-engine-2'])
#: Work at once, and others rely on that.
QUICK = frozenset(['mariadb', 'epmd'])
#: Others fail, one after the other, when these end first.
SERVERS = ('rabbitmq', 'mariadb', 'epmd')


class Cloud:
    """A cloud and its processes.

    :ivar site: where it is
    :ivar faults: what its hypervisors shall do wrong
    """

    def __init__(self, site: sites.Site, say=lambda text: None):
        self.site = site
        self.faults = faults.Faults(site.faults)
        self._processes = processes.Processes(site.run, site.log)
        self._say = say

    @classmethod
    def open(cls, directory: pathlib.Path | None = None) -> 'Cloud':
        """Return the cloud of a directory, or of FENIX_CLOUD.

        :raises errors.CloudError: there is none
        """
        return cls(sites.Site.load(directory or sites.default_directory()))

    # As a whole

    def up(self):
        """Bring it to where all of it works, from wherever it is.

        :raises errors.CloudError: something does not work
        """
        made = self._is_made()
        if not made:
            self.down()
            self.site.forget()
        software.install(self.site, self._say)
        configuration.write(self.site)
        if not made:
            self._say('databases, users and catalogue are made')
            self._make()
        self._stop_outdated()
        self._say('services start')
        self.start()
        catalogue.stock(self.client('admin'))

    def down(self, remove: bool = False):
        """Stop all processes.

        :param remove: whether all that the cloud has kept goes too
        """
        names = self._processes.names()
        if remove:
            # Nothing that they could put in order is needed any more.
            self._processes.kill(*names)
            shutil.rmtree(self.site.directory)
            return
        self._stop([name for name in names if name not in SERVERS])
        for name in SERVERS:
            self._stop([name])

    def _make(self):
        schema.make_database_server(self.site)
        self._start(['mariadb', 'epmd', 'rabbitmq'])

        def keystone_is_there():
            self._start(['keystone'])
            catalogue.register(self.site, self.client('admin'))

        schema.make_tables(self.site, keystone_is_there)
        (self.site.data / 'made').write_text(software.fingerprint())

    def _is_made(self):
        """Say whether there are data, of the OpenStack that is wanted."""
        try:
            return (self.site.data / 'made').read_text() == \
                software.fingerprint()
        except FileNotFoundError:
            return False

    def _stop_outdated(self):
        """Stop the parts of Fenix whose code has changed since they began."""
        changed = max(path.stat().st_mtime for path
                      in (sites.SOURCE / 'fenix').rglob('*.py'))
        old = [name for name in FENIX if self.pid(name)
               and self._processes.began(name) < changed]
        if old:
            self._say('Fenix has changed')
            self._stop(old)

    # Processes

    def services(self) -> dict[str, services.Service]:
        """Return what runs, or should."""
        return services.services(self.site)

    def pid(self, name: str) -> int | None:
        """Return the id of a process, None if it does not run."""
        return self._processes.pid(name)

    def log(self, name: str) -> pathlib.Path:
        """Return the log of a process."""
        return self._processes.log(name)

    def start(self, *names: str):
        """Start processes that do not run, and wait until they work.

        :param names: all if there are none
        :raises errors.CloudError: one does not work
        """
        self._start(self._known(names) or self.services())

    def stop(self, *names: str):
        """Ask processes to end, and wait until they have."""
        self._stop(self._known(names))

    def restart(self, *names: str):
        """Stop and start processes."""
        self.stop(*names)
        self.start(*names)

    def kill(self, *names: str):
        """End processes and their children as ``kill -9`` does."""
        self._processes.kill(*self._known(names))

    def freeze(self, *names: str):
        """Have processes stand still until they are thawed."""
        self._processes.freeze(*self._known(names))

    def thaw(self, *names: str):
        """Have frozen processes go on."""
        self._processes.thaw(*self._known(names))

    def works(self, name: str) -> bool:
        """Say whether a process runs and does its work."""
        return bool(self.pid(name)) and self._ready(self.services()[name])

    def configure_fenix(self, settings: dict[str, dict],
                        environment: dict[str, str] | None = None):
        """Run Fenix with other settings than those of the cloud.

        :param settings: by group and option; empty for those of the cloud
        :param environment: further variables of its processes
        :raises errors.CloudError: it does not work with these
        """
        configuration.override_fenix(self.site, settings)
        (self.site.home / 'fenix-environment.json').write_text(
            json.dumps(environment or {}))
        self.restart(*FENIX)

    def configure_nova(self, program: str, settings: dict[str, dict]):
        """Run a program of Nova with other settings than the cloud's.

        :param program: nova-api, or nova-compute for those of all hosts
        :param settings: by group and option; empty for those of the cloud
        :raises errors.CloudError: it does not work with these
        """
        configuration.override_nova(self.site, program, settings)
        self.restart(*[name for name in self.services()
                       if name.startswith(program)])

    # Users

    def client(self, user: str) -> clients.Client:
        """Return a user of the project that has the user's name."""
        return services.client(self.site, user)

    # Inside

    def _known(self, names):
        for name in names:
            if name not in self.services():
                raise errors.CloudError(
                    f'there is no process {name}; there are '
                    f'{", ".join(self.services())}')
        return names

    def _stop(self, names):
        self._processes.stop(*names)

    def _start(self, names):
        wanted = {name: service for name, service in self.services().items()
                  if name in names}
        missing = {name: service for name, service in wanted.items()
                   if not self.pid(name)}
        self._check_ports(missing)
        self._begin(missing, QUICK)
        self._wait_for(wanted, QUICK)
        self._begin(missing, missing.keys() - QUICK - FENIX)
        if missing.keys() & FENIX:
            schema.make_fenix_tables(self.site)
            self._begin(missing, FENIX)
        self._wait_for(wanted, wanted)
        hosts = self._hosts(wanted)
        if hosts:
            self._wait_for_hosts({host.name for host in hosts})

    def _hosts(self, names):
        return [host for host in self.site.hosts if host.service in names]

    def _begin(self, wanted, names):
        names = wanted.keys() & names
        hosts = self._hosts(names)
        for name in names - {host.service for host in hosts}:
            self._launch(wanted[name])
        if hosts:
            # One after the other: there is one place for its process id.
            self._until(lambda: not self.pid(services.LAUNCHER),
                        services.LAUNCHER)
            self._launch(services.launcher(self.site, hosts))

    def _launch(self, service):
        self._processes.start(
            service.name, service.command,
            services.environment(self.site) | service.environment,
            self.site.directory)

    def _check_ports(self, wanted):
        for name in sites.LISTENERS:
            port = self.site.port(name)
            if name in wanted and not self._is_free(port):
                raise errors.CloudError(
                    f'{name} cannot start, its port {port} is taken by '
                    f'another program: for a cloud on other ports choose '
                    f'another directory (FENIX_CLOUD) and --port-base')

    @staticmethod
    def _is_free(port):
        """Say whether a port is free, or soon is.

        A child of a server that was ended may hold it a little longer.
        """
        deadline = time.monotonic() + RELEASE
        while services.port_open(port):
            if time.monotonic() > deadline:
                return False
            time.sleep(LOOK)
        return True

    def _wait_for(self, wanted, names):
        begun = [name for name in wanted if name in names]
        for name in begun:
            def works(name=name):
                self._check_alive(begun)
                return self._ready(wanted[name])

            self._until(works, name)

    def _check_alive(self, names):
        launching = self.pid(services.LAUNCHER)
        for name in names:
            if not self.pid(name) and not (
                    launching and self._hosts([name])):
                log = name if self.log(name).exists() else services.LAUNCHER
                raise errors.CloudError(
                    f'{name} ended; the last lines of {self.log(log)}:\n'
                    f'{self._processes.tail(log)}')

    @staticmethod
    def _ready(service):
        # requests' exceptions are OSErrors.
        with contextlib.suppress(OSError):
            return service.ready()

    def _wait_for_hosts(self, hosts):
        """Wait until Nova and Placement know what hosts can do."""
        if not (self.pid('nova-api') and self.pid('keystone')
                and self.pid('placement')):
            return    # A test has stopped them, and starts hosts all the same.
        admin = self.client('admin')

        def known():
            found = admin.json('GET', 'compute', '/os-services')['services']
            up = {each['host'] for each in found
                  if each['state'] == 'up' or each.get('forced_down')}
            # Nova leaves out hosts that its scheduler has not put into a
            # cell yet: until then it cannot build anything on them.
            in_cells = {each['service']['host'] for each in admin.json(
                'GET', 'compute', '/os-hypervisors/detail')['hypervisors']}
            # It gets this trait after its inventory.
            found = admin.json(
                'GET', 'placement',
                '/resource_providers?required=COMPUTE_NODE',
                headers={'OpenStack-API-Version': 'placement 1.18'})
            return hosts <= up & in_cells & {
                each['name'] for each in found['resource_providers']}

        self._until(known, 'hosts in Nova and Placement')

    def _until(self, test, what):
        deadline = time.monotonic() + PATIENCE
        while not test():
            if time.monotonic() > deadline:
                log = self.log(what)
                raise errors.CloudError(
                    f'not there after {PATIENCE:g} s: {what}'
                    + (f'; the last lines of {log}:\n'
                       f'{self._processes.tail(what)}'
                       if log.exists() else ''))
            time.sleep(LOOK)
