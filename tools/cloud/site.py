# SPDX-License-Identifier: Apache-2.0
"""Where a cloud is: its directory, its ports, its hosts, its passwords."""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import socket

from tools.cloud import errors

#: The directory of the clone, whose Fenix the cloud runs.
SOURCE = pathlib.Path(__file__).resolve().parents[2]
#: Of every user there is. Nothing but this machine can reach the cloud.
PASSWORD = 'fenix-cloud'  # noqa: S105
REGION = 'RegionOne'
#: What listens, in the order of the ports.
LISTENERS = ('keystone', 'nova-api', 'placement', 'glance', 'neutron',
             'aodh-api', 'fenix-api', 'mariadb', 'rabbitmq', 'erlang', 'epmd')
PORTS = range(1024, 65536 - len(LISTENERS))
#: As a port base: any whose ports are free. They are looked for below those
#: that the kernel gives to clients.
ANY = 0
LOOKED_AT = range(26000, 32000, len(LISTENERS))
#: Hosts that are in the second cell, if there is one.
IN_SECOND_CELL = 2


@dataclasses.dataclass(frozen=True)
class Host:
    """A host of Nova.

    :ivar number: 1 for the first one
    """

    name: str
    number: int
    cell: int

    @property
    def service(self) -> str:
        """Name of the process that is its nova-compute."""
        return f'nova-{self.name}'


@dataclasses.dataclass(frozen=True)
class Site:
    """A cloud's place and size, which stay as they were first made.

    :ivar port_base: the first of its ports
    :ivar computes: how many hosts it has
    :ivar cells: 1 or 2
    """

    directory: pathlib.Path
    port_base: int = 25000
    computes: int = 5
    cells: int = 1

    def __post_init__(self):
        if self.port_base not in PORTS:
            raise errors.CloudError(
                f'port base {self.port_base}: give one from {PORTS[0]} to '
                f'{PORTS[-1]}')
        if self.cells not in (1, 2):
            raise errors.CloudError(f'cells {self.cells}: give 1 or 2')
        least = 1 if self.cells == 1 else IN_SECOND_CELL + 1
        if not least <= self.computes <= 200:
            raise errors.CloudError(f'computes {self.computes}: give {least} '
                                    f'to 200')

    # Kept with the cloud

    @classmethod
    def load(cls, directory: pathlib.Path) -> 'Site':
        """Find the cloud that was made in a directory.

        :raises errors.CloudError: there is none
        """
        directory = directory.absolute()
        try:
            kept = json.loads((directory / 'site.json').read_text())
        except FileNotFoundError:
            raise errors.CloudError(
                f'there is no cloud in {directory}: "make cloud" makes one, '
                f'FENIX_CLOUD names its directory') from None
        return cls(directory, **kept)

    @classmethod
    def make(cls, directory: pathlib.Path, **wishes) -> 'Site':
        """Find the cloud of a directory, or lay the ground for one.

        :param wishes: fields of this class; None for "as it is"
        :raises errors.CloudError: it is there and not as wished
        """
        directory = directory.absolute()
        wishes = {name: wish for name, wish in wishes.items()
                  if wish is not None}
        any_port = wishes.get('port_base') == ANY
        if not (directory / 'site.json').exists():
            if any_port:
                wishes['port_base'] = free_base()
            site = cls(directory, **wishes)
            directory.mkdir(parents=True, exist_ok=True)
            (directory / 'site.json').write_text(json.dumps(
                {'port_base': site.port_base, 'computes': site.computes,
                 'cells': site.cells}))
            return site
        site = cls.load(directory)
        if any_port:
            del wishes['port_base']
        for name, wish in wishes.items():
            if getattr(site, name) != wish:
                raise errors.CloudError(
                    f'the cloud in {directory} was made with {name} '
                    f'{getattr(site, name)}, not {wish}: take another '
                    f'directory, or remove it with "down --remove"')
        return site

    def forget(self):
        """Remove all that the cloud has kept, but not its software."""
        for path in (self.conf, self.data, self.home, self.log, self.run,
                     self.faults):
            shutil.rmtree(path, ignore_errors=True)

    # Paths

    @property
    def venv(self) -> pathlib.Path:
        """The virtual environment of OpenStack."""
        return self.directory / 'venv'

    @property
    def conf(self) -> pathlib.Path:
        """Configuration of OpenStack."""
        return self.directory / 'conf'

    @property
    def data(self) -> pathlib.Path:
        """What services keep: databases, queues, images, keys."""
        return self.directory / 'data'

    @property
    def home(self) -> pathlib.Path:
        """HOME of all processes: some look nowhere else for their files."""
        return self.directory / 'home'

    @property
    def log(self) -> pathlib.Path:
        """One log for each process."""
        return self.directory / 'log'

    @property
    def run(self) -> pathlib.Path:
        """Which processes there are."""
        return self.directory / 'run'

    @property
    def faults(self) -> pathlib.Path:
        """What the hypervisors shall do wrong."""
        return self.directory / 'faults'

    def program(self, name: str) -> str:
        """Return the path of a program of OpenStack."""
        return str(self.venv / 'bin' / name)

    # Addresses

    def port(self, listener: str) -> int:
        """Return the port of one of LISTENERS."""
        return self.port_base + LISTENERS.index(listener)

    def url(self, listener: str, path: str = '') -> str:
        """Return the URL of one of LISTENERS that speaks HTTP."""
        return f'http://127.0.0.1:{self.port(listener)}{path}'

    @property
    def auth_url(self) -> str:
        """Of Keystone."""
        return self.url('keystone', '/v3')

    @property
    def fenix_url(self) -> str:
        """Of Fenix, as in the catalogue."""
        return self.url('fenix-api', '/v1')

    @property
    def transport_url(self) -> str:
        """Of the message bus of Fenix, aodh, ceilometer and the first cell."""
        return self.transport_url_of(1)

    def transport_url_of(self, cell: int) -> str:
        """Return the URL of the message bus of a cell."""
        return (f'rabbit://cloud:{PASSWORD}@127.0.0.1:'
                f'{self.port("rabbitmq")}/{"" if cell == 1 else "cell2"}')

    def database_url(self, name: str) -> str:
        """Return the URL of a database."""
        return (f'mysql+pymysql://cloud:{PASSWORD}@127.0.0.1:'
                f'{self.port("mariadb")}/{name}')

    @property
    def password(self) -> str:
        """Of every user."""
        return PASSWORD

    # Hosts

    @property
    def hosts(self) -> list[Host]:
        """The hosts of Nova, those of the second cell last."""
        first = self.computes - (IN_SECOND_CELL if self.cells == 2 else 0)
        return [Host(f'compute-{number}', number, 1 if number <= first else 2)
                for number in range(1, self.computes + 1)]


def default_directory() -> pathlib.Path:
    """Return where the cloud is unless the command line says otherwise."""
    return pathlib.Path(os.environ.get('FENIX_CLOUD')
                        or pathlib.Path.home() / '.cache' / 'fenix-cloud')


def free_base() -> int:
    """Return a port base whose ports nobody uses.

    :raises errors.CloudError: there is none
    """
    for base in LOOKED_AT:
        if all(map(_is_free, range(base, base + len(LISTENERS)))):
            return base
    raise errors.CloudError(
        f'of the ports {LOOKED_AT.start} to {LOOKED_AT.stop} no '
        f'{len(LISTENERS)} in a row are free')


def _is_free(port):
    with contextlib.closing(socket.socket()) as trial:
        try:
            trial.bind(('127.0.0.1', port))
        except OSError:
            return False
    return True
