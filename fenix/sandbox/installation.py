# SPDX-License-Identifier: Apache-2.0
"""Fenix as the sandbox runs it: configuration, database, processes."""

import configparser
import contextlib
import pathlib
import secrets
import shlex
import socket
import sys
import time

import requests

from fenix.sandbox import database
from fenix.sandbox import hostwork
from fenix.sandbox import processes

#: Seconds until Fenix must answer after its start.
START_TIME = 60.0
#: What the work on a host is called in the metadata of its action.
WORK = 'work'


def free_port() -> int:
    """Return a port of this machine that nobody uses."""
    with contextlib.closing(socket.socket()) as found:
        found.bind(('127.0.0.1', 0))
        return found.getsockname()[1]


class Installation:
    """Fenix for one run.

    Without a transport API and engine are one process, and notifications
    are posted to the cloud; with one they are processes of their own.

    :param directory: for its files, which the caller removes
    :param engines: how many; more than one needs a transport
    :param settings: further options of Fenix, by group
    """

    def __init__(self, directory: pathlib.Path, port: int,
                 database_url: str | None = None,
                 transport_url: str | None = None, engines: int = 1,
                 vocabulary: str | None = None, debug: bool = False,
                 settings: dict[str, dict] | None = None):
        self.url = f'http://127.0.0.1:{port}'
        self.api = f'{self.url}/v1'
        # Others may use the same message bus.
        self.topic = f'fenix-sandbox-{secrets.token_hex(4)}'
        self._directory = directory
        self._port = port
        self._database_url = (database_url or
                              f'sqlite:///{directory}/fenix.sqlite')
        self._transport_url = transport_url
        self._vocabulary = vocabulary
        self._debug = debug
        self._settings = settings or {}
        self._stack = contextlib.ExitStack()
        self.configuration = directory / 'fenix.conf'
        file = ('--config-file', str(self.configuration))
        if transport_url is None:
            self.engines = [processes.Process(
                'fenix-allinone', directory, 'fenix.cmd.allinone', *file)]
            self.processes = list(self.engines)
        else:
            self.engines = [processes.Process(
                f'fenix-engine-{number}', directory, 'fenix.cmd.engine',
                *file) for number in range(1, engines + 1)]
            self.processes = [processes.Process(
                'fenix-api', directory, 'fenix.cmd.api', *file),
                *self.engines]

    def prepare(self, cloud_urls: dict[str, str],
                project_id: str | None = None):
        """Configure, and create the tables.

        :param cloud_urls: of the cloud's services
        :param project_id: of the project that the vocabulary is for
        :raises processes.ProcessError: the tables were not created
        :raises database.DatabaseError: there is no database
        """
        self.database = self._stack.enter_context(
            database.fresh(self._database_url))
        self._configure(self.database, cloud_urls, project_id)
        processes.run('fenix.cmd.manage', '--config-file',
                      str(self.configuration), 'db', 'sync')

    def start(self, cloud_urls: dict[str, str], project_id: str):
        """Prepare all and start the processes.

        :param cloud_urls: of the cloud's services
        :param project_id: of the project of the VNF
        :raises processes.ProcessError: something did not start
        :raises database.DatabaseError: there is no database
        """
        self.prepare(cloud_urls, project_id)
        for process in self.processes:
            self._stack.callback(process.stop)
            process.start()

    def wait(self):
        """Wait until the API answers.

        :raises processes.ProcessError: it does not
        """
        deadline = time.monotonic() + START_TIME
        while True:
            self.check()
            with contextlib.suppress(requests.RequestException):
                requests.get(f'{self.url}/healthcheck', timeout=5,
                             proxies={'http': ''})
                return
            if time.monotonic() > deadline:
                raise processes.ProcessError(
                    f'Fenix does not answer; the last lines of its log:\n'
                    f'{self.processes[0].tail()}')
            time.sleep(0.1)

    def check(self):
        """Make sure that all processes run.

        :raises processes.ProcessError: one does not
        """
        for process in self.processes:
            process.check()

    def stop(self):
        """Stop all processes and remove the database."""
        self._stack.close()

    def _configure(self, database_url, cloud_urls, project_id):
        user = {'auth_type': 'password', 'auth_url': cloud_urls['auth'],
                'username': 'fenix', 'password': 'sandbox',
                'project_name': 'service', 'user_domain_name': 'Default',
                'project_domain_name': 'Default'}
        # Isolated: the plug-in's environment has no way to our modules.
        work = shlex.join([sys.executable, '-I', hostwork.__file__,
                           '--control', cloud_urls['control']])
        sections = {
            'DEFAULT': {'transport_url': self._transport_url or 'fake://',
                        'debug': self._debug},
            'database': {'connection': database_url},
            'api': {'host': '127.0.0.1', 'port': self._port,
                    'public_url': self.api, 'auth_strategy': 'keystone'},
            'keystone_authtoken': {
                **user, 'www_authenticate_uri': cloud_urls['auth'],
                'interface': 'public'},
            'service_user': user,
            'nova': {'interface': 'public', 'observe_interval': 0.25},
            'workflow': {},
            'notify': self._publisher(cloud_urls),
            'actions': {'commands': f'{WORK}:{work}',
                        'rerunnable_commands': WORK},
            'oslo_concurrency': {'lock_path': self._directory}}
        if self._vocabulary is not None:
            sections['workflow'] = {
                'vocabulary': self._vocabulary,
                'project_vocabulary': f'{project_id}:{self._vocabulary}'}
        for group, options in self._settings.items():
            sections.setdefault(group, {}).update(options)
        file = configparser.RawConfigParser(default_section='')
        file.read_dict(sections)
        with self.configuration.open('w', encoding='utf-8') as stream:
            file.write(stream)

    def _publisher(self, cloud_urls):
        if self._transport_url is not None:
            return {'publisher': 'oslo', 'topic': self.topic}
        return {'publisher': 'webhook',
                'webhook_url': cloud_urls['notifications']}
