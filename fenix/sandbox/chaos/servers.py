# SPDX-License-Identifier: Apache-2.0
"""Servers of our own to kill: MariaDB, PostgreSQL and RabbitMQ.

Each lives in a directory and at ports of its own, and leaves nothing behind.
"""

import collections.abc
import contextlib
import glob
import os
import pathlib
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time

from fenix.sandbox import installation
from fenix.sandbox import processes

#: Seconds that a server has to come up, and to end in order.
START_TIME = 60.0
STOP_TIME = 20.0
#: Seconds between two looks at a server that comes up.
LOOK = 0.05
#: Who runs PostgreSQL, which refuses to run as root.
UNPRIVILEGED = ('postgres', 'nobody')
#: Lines of its log that are shown of a server that does not come up.
TAIL = 15


class ServerError(processes.ProcessError):
    """A server is not installed, or does not come up."""


def find(program: str, package: str, *places: str) -> str:
    """Return the path of a program.

    :param package: Debian's name of the package that has it
    :param places: globs of directories to look into as well
    :raises ServerError: it is not there
    """
    directories = [directory for place in places
                   for directory in sorted(glob.glob(place), reverse=True)]
    path = os.pathsep.join([os.environ.get('PATH', os.defpath), *directories,
                            '/usr/sbin', '/sbin'])
    found = shutil.which(program, path=path)
    if found is None:
        raise ServerError(
            f'{program} is not installed: it is in the package {package}; '
            f'--database sqlite needs no server')
    return found


class Server:
    """A server process in a directory of its own.

    :param directory: for its data and its log; must not exist
    """

    name = ''

    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        self.port = installation.free_port()
        self._process: subprocess.Popen | None = None

    def create(self):
        """Make its data, and start it.

        :raises ServerError: it is not installed, or does not come up
        """
        self.directory.mkdir(mode=0o755, parents=True)
        self._create()
        self.start()

    def start(self):
        """Start it and wait until it serves.

        :raises ServerError: it does not
        """
        with self.directory.joinpath('server.log').open('ab') as log:
            self._process = subprocess.Popen(  # noqa: S603 - no shell
                self._command(), env=self._environment(), stdout=log,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                cwd=self.directory, start_new_session=True)
        deadline = time.monotonic() + START_TIME
        while not self.serves():
            if self._process.poll() is not None or (
                    time.monotonic() > deadline):
                raise ServerError(f'{self.name} does not come up:\n'
                                  f'{self._tail()}')
            time.sleep(LOOK)

    def stop(self, hard: bool = False):
        """End it, and wait until it has ended.

        :param hard: as ``kill -9`` does
        """
        if self._process is None:
            return
        self._signal(signal.SIGKILL if hard else self._ending)
        try:
            self._process.wait(STOP_TIME)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()
        # What a server leaves of its group would hold its files.
        self._signal(signal.SIGKILL)

    #: The signal that asks it to end at once, and in order.
    _ending = signal.SIGTERM

    def serves(self) -> bool:
        """Tell whether it takes connections."""
        try:
            with socket.create_connection(('127.0.0.1', self.port), 1):
                return True
        except OSError:
            return False

    @property
    def pid(self) -> int:
        """Id of the process that was started."""
        return self._process.pid

    def _signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _tail(self):
        text = self.directory.joinpath('server.log').read_text(
            errors='replace')
        return '\n'.join(text.splitlines()[-TAIL:])

    def _run(self, *command):
        done = subprocess.run(  # noqa: S603 - no shell
            command, env=self._environment(), cwd=self.directory,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            raise ServerError(f'{command[0]} failed:\n{done.stdout}')

    def _environment(self):
        return {**os.environ, 'HOME': str(self.directory)}

    def _create(self):
        raise NotImplementedError

    def _command(self) -> list[str]:
        raise NotImplementedError


class MariaDB(Server):
    """A MariaDB of default durability."""

    name = 'MariaDB'

    @property
    def url(self) -> str:
        """For SQLAlchemy, as the administrator."""
        return f'mysql+pymysql://root@127.0.0.1:{self.port}/mysql'

    def _create(self):
        install = find('mariadb-install-db', 'mariadb-server')
        self._run(install, '--no-defaults', f'--datadir={self._data}',
                  '--auth-root-authentication-method=normal',
                  '--skip-test-db', *self._user())

    def _command(self):
        return [find('mariadbd', 'mariadb-server'), '--no-defaults',
                f'--datadir={self._data}', f'--port={self.port}',
                '--bind-address=127.0.0.1', '--skip-name-resolve',
                f'--socket={self.directory}/socket',
                f'--pid-file={self.directory}/pid', *self._user()]

    @property
    def _data(self):
        return self.directory / 'data'

    @staticmethod
    def _user():
        return ['--user=root'] if os.geteuid() == 0 else []

    def serves(self):
        import pymysql
        try:
            pymysql.connect(host='127.0.0.1', port=self.port,
                            user='root').close()
        except pymysql.Error:
            return False
        return True


class PostgreSQL(Server):
    """A PostgreSQL of default durability."""

    name = 'PostgreSQL'
    #: Fast: connections are closed, and nobody is waited for.
    _ending = signal.SIGINT
    _place = '/usr/lib/postgresql/*/bin'

    @property
    def url(self) -> str:
        """For SQLAlchemy, as the administrator."""
        return f'postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres'

    def _create(self):
        initdb = find('initdb', 'postgresql', self._place)
        if os.geteuid() == 0:
            os.chown(self.directory, *_unprivileged())
        self._run(*self._prefix(), initdb, '--pgdata', str(self._data),
                  '--username', 'postgres', '--auth', 'trust',
                  '--encoding', 'UTF8', '--no-sync')

    def _command(self):
        return [*self._prefix(), find('postgres', 'postgresql', self._place),
                '-D', str(self._data), '-p', str(self.port),
                '-c', 'listen_addresses=127.0.0.1',
                '-c', f'unix_socket_directories={self.directory}']

    @property
    def _data(self):
        return self.directory / 'data'

    @staticmethod
    def _prefix():
        if os.geteuid() != 0:
            return []
        uid, gid = _unprivileged()
        return [find('setpriv', 'util-linux'), f'--reuid={uid}',
                f'--regid={gid}', '--clear-groups']

    def serves(self):
        import psycopg
        try:
            psycopg.connect(
                host='127.0.0.1', port=self.port, dbname='postgres',
                user='postgres', connect_timeout=2).close()
        except psycopg.Error:
            return False
        return True


def _unprivileged() -> tuple[int, int]:
    for name in UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return user.pw_uid, user.pw_gid
    raise ServerError('PostgreSQL does not run as root, and there is none '
                      f'of the users {", ".join(UNPRIVILEGED)}')


class RabbitMQ(Server):
    """A RabbitMQ with a port mapper of its own."""

    name = 'RabbitMQ'
    _place = '/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin'

    def __init__(self, directory):
        super().__init__(directory)
        self._distribution = installation.free_port()
        self._mapper_port = installation.free_port()
        self._mapper: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        """For oslo.messaging."""
        return f'rabbit://guest:guest@127.0.0.1:{self.port}/'

    def _create(self):
        epmd = find('epmd', 'erlang-base')
        self._script()
        cookie = self.directory / '.erlang.cookie'
        cookie.write_text(secrets.token_hex(16))
        cookie.chmod(0o400)
        self.directory.joinpath('plugins').write_text('[].\n')
        # One that RabbitMQ starts itself would stay for ever.
        self._mapper = subprocess.Popen(  # noqa: S603 - no shell
            [epmd, '-port', str(self._mapper_port), '-address', '127.0.0.1'],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)

    def _script(self):
        # The one in the path asks for another user, with a shell of his.
        return find('rabbitmq-server', 'rabbitmq-server', self._place)

    def _command(self):
        scripts = sorted(glob.glob(f'{self._place}/rabbitmq-server'))
        return [scripts[-1] if scripts else self._script()]

    def _environment(self):
        home = str(self.directory)
        return {
            **super()._environment(), 'RABBITMQ_CONF_ENV_FILE': os.devnull,
            'RABBITMQ_NODENAME': f'chaos{self.port}@localhost',
            'RABBITMQ_NODE_IP_ADDRESS': '127.0.0.1',
            'RABBITMQ_NODE_PORT': str(self.port),
            'RABBITMQ_DIST_PORT': str(self._distribution),
            'ERL_EPMD_PORT': str(self._mapper_port),
            'RABBITMQ_MNESIA_BASE': f'{home}/data',
            'RABBITMQ_LOG_BASE': f'{home}/log',
            'RABBITMQ_LOGS': '-',
            'RABBITMQ_ENABLED_PLUGINS_FILE': f'{home}/plugins',
            'RABBITMQ_CONFIG_FILE': f'{home}/none',
            'RABBITMQ_ADVANCED_CONFIG_FILE': f'{home}/none',
            'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS': '+S 1:1 +sbwt none'}

    def serves(self):
        if not super().serves():
            return False
        import amqp
        try:
            with amqp.Connection(f'127.0.0.1:{self.port}', 'guest', 'guest',
                                 connect_timeout=2, read_timeout=2):
                return True
        except (OSError, amqp.AMQPError):
            return False

    def remove(self):
        """End it and its port mapper."""
        self.stop(hard=True)
        if self._mapper is not None:
            self._mapper.kill()
            self._mapper.wait()


KINDS: dict[str, type[Server]] = {'mariadb': MariaDB,
                                  'postgresql': PostgreSQL}


@contextlib.contextmanager
def running(server: Server) -> collections.abc.Iterator[Server]:
    """Have a server run, and be gone at the end."""
    try:
        server.create()
        yield server
    finally:
        getattr(server, 'remove', lambda: server.stop(hard=True))()
