# SPDX-License-Identifier: Apache-2.0
"""Fenix as a service of a real cloud: user, catalogue, processes."""

import configparser
import contextlib
import pathlib
import re
import time

import requests

from fenix.sandbox import database
from fenix.sandbox import installation
from fenix.sandbox import processes

NAME = 'fenix'
PASSWORD = 'fenix'
WORK = installation.WORK
TAKEN = re.compile(r'session (\S+): taken, epoch (\d+)')


class Registration:
    """User and endpoint of Fenix in Keystone, removed at the end.

    :param admin: a Client with the role admin
    """

    def __init__(self, admin):
        self._admin = admin

    @contextlib.contextmanager
    def registered(self, url: str):
        """Have Fenix in the catalogue under a URL.

        :raises requests.RequestException: Keystone refused
        """
        with contextlib.ExitStack() as stack:
            project = self._find('project', 'service')
            user = self._make(stack, 'user', {
                'name': NAME, 'password': PASSWORD, 'domain_id': 'default'})
            role = self._find('role', 'admin')
            self._json('PUT', f'/projects/{project}/users/{user}'
                              f'/roles/{role}')
            service = self._make(stack, 'service', {
                'name': NAME, 'type': 'maintenance'})
            self._make(stack, 'endpoint', {
                'service_id': service, 'interface': 'public', 'url': url})
            yield

    def _find(self, kind, name):
        (found,) = self._json('GET', f'/{kind}s?name={name}')[f'{kind}s']
        return found['id']

    def _make(self, stack, kind, body):
        made = self._json('POST', f'/{kind}s', json={kind: body})[kind]['id']
        stack.callback(self._json, 'DELETE', f'/{kind}s/{made}')
        return made

    def _json(self, method, path, **arguments):
        return self._admin.json(method, 'identity', path, **arguments)


class Service:
    """fenix-api and engines, each in processes of their own.

    :param directory: for configuration and logs
    """

    def __init__(self, directory: pathlib.Path, auth_url: str, port: int,
                 transport_url: str, engines: int):
        self.url = f'http://127.0.0.1:{port}'
        self.api = f'{self.url}/v1'
        self._directory = directory
        self._auth_url = auth_url
        self._port = port
        self._transport_url = transport_url
        self._file = directory / 'fenix.conf'
        arguments = ('--config-file', str(self._file))
        self.engines = {
            name: processes.Process(name, directory, 'fenix.cmd.engine',
                                    *arguments)
            for name in (f'fenix-engine-{number}'
                         for number in range(1, engines + 1))}
        self._api_process = processes.Process(
            'fenix-api', directory, 'fenix.cmd.api', *arguments)

    @contextlib.contextmanager
    def running(self, database_url: str, host_time: float, **workflow):
        """Run Fenix on a fresh database.

        :param host_time: seconds of work on each host
        :param workflow: options of the group [workflow]
        :raises processes.ProcessError: something does not start
        """
        with contextlib.ExitStack() as stack:
            url = stack.enter_context(database.fresh(database_url))
            self._configure(url, host_time, workflow)
            processes.run('fenix.cmd.manage', '--config-file',
                          str(self._file), 'db', 'sync')
            for process in (self._api_process, *self.engines.values()):
                stack.callback(process.stop)
                process.start()
            self._wait()
            yield

    def check(self, killed: str | None):
        """Make sure that all processes run but one that was killed.

        :raises processes.ProcessError: one does not
        """
        for process in (self._api_process, *self.engines.values()):
            if process.name != killed:
                process.check()

    def owner(self, session: str) -> str:
        """Return the name of the engine that took a session last."""
        epochs = {}
        for name in self.engines:
            text = (self._directory / f'{name}.log').read_text()
            epochs[name] = max([int(epoch) for found, epoch
                                in TAKEN.findall(text) if found == session],
                               default=0)
        return max(epochs, key=epochs.get)

    def _wait(self):
        deadline = time.monotonic() + installation.START_TIME
        while True:
            self._api_process.check()
            with contextlib.suppress(requests.RequestException):
                requests.get(f'{self.url}/healthcheck', timeout=5,
                             proxies={'http': ''})
                return
            if time.monotonic() > deadline:
                raise processes.ProcessError(
                    f'Fenix does not answer:\n{self._api_process.tail()}')
            time.sleep(0.1)

    def _configure(self, database_url, host_time, workflow):
        user = {'auth_type': 'password', 'auth_url': self._auth_url,
                'username': NAME, 'password': PASSWORD,
                'project_name': 'service', 'user_domain_name': 'Default',
                'project_domain_name': 'Default'}
        file = configparser.RawConfigParser(default_section='')
        file.read_dict({
            'DEFAULT': {'transport_url': self._transport_url},
            'database': {'connection': database_url},
            'api': {'host': '127.0.0.1', 'port': self._port,
                    'public_url': self.api},
            'keystone_authtoken': {
                **user, 'www_authenticate_uri': self._auth_url},
            'service_user': user,
            'workflow': workflow,
            'actions': {'commands': f'{WORK}:/bin/sleep {host_time:g}',
                        'rerunnable_commands': WORK},
            'oslo_concurrency': {'lock_path': self._directory}})
        with self._file.open('w', encoding='utf-8') as stream:
            file.write(stream)
