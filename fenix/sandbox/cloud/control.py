# SPDX-License-Identifier: Apache-2.0
"""The sandbox's own handles: work on hosts, faults, addresses, displays.

For the sandbox itself and its tests only; there is no such thing in a real
cloud, and it asks for no token.
"""

import dataclasses
from typing import Any

from fenix.sandbox.cloud import errors
from fenix.sandbox.cloud import faults
from fenix.sandbox.cloud import http
from fenix.sandbox.cloud import model as cloud_model


def host_view(model: cloud_model.Model, name: str) -> dict[str, Any]:
    """A host, for a display."""
    host = model.hosts[name]
    service = host.nova_compute
    up = all(host.is_up(each) for each in host.services)
    return {
        'name': host.name, 'compute': host.compute,
        'controller': host.controller, 'state': 'up' if up else 'down',
        'status': service.status if service else 'enabled',
        'disabled_reason': service.disabled_reason if service else None,
        'working': host.work is not None,
        'session': host.work.session if host.work else None,
        'used': model.usage(name),
        'capacity': {kind: model.capacity(name, kind)
                     for kind in host.inventory},
        'servers': [server.id for server in model.servers_on(name)]}


def server_view(model: cloud_model.Model, server_id: str) -> dict[str, Any]:
    """A server, for a display."""
    server = model.servers[server_id]
    moves = model.unfinished_migrations(server_id)
    return {
        'id': server.id, 'name': server.name, 'project': server.project,
        'host': server.host, 'status': server.status,
        'task_state': server.task_state, 'group': server.group,
        'floating': list(server.floating),
        'flavor': dataclasses.asdict(server.flavor),
        'target': moves[-1].dest if moves else None}


class Control(http.Service):
    """``/control``."""

    name = 'control'
    prefix = '/control'

    def __init__(self, model: cloud_model.Model,
                 http_faults: faults.HttpFaults):
        self._model = model
        self._http_faults = http_faults

    def routes(self):
        return [
            http.Route('GET', '/hosts', self.hosts),
            http.Route('GET', '/servers', self.servers),
            http.Route('POST', '/hosts/<host>/work', self.work),
            http.Route('POST', '/hosts/<host>/state', self.set_state),
            http.Route('POST', '/cells/<cell>', self.set_cell),
            http.Route('POST', '/floating', self.set_floating),
            http.Route('GET', '/faults', self.list_faults),
            http.Route('POST', '/faults', self.add_fault),
            http.Route('DELETE', '/faults', self.clear_faults),
        ]

    def hosts(self, request):
        with self._model.lock:
            self._model.advance()
            return http.answer({'hosts': [
                host_view(self._model, name) for name in self._model.hosts]})

    def servers(self, request):
        with self._model.lock:
            self._model.advance()
            return http.answer({'servers': [
                server_view(self._model, server.id)
                for server in self._model.servers.values()
                if not server.deleted]})

    def work(self, request, host):
        """Work on a host, and answer when it is done."""
        body = request.body() if request.content_length else {}
        work = self._model.start_work(host, body.get('session'),
                                      body.get('seconds'), body.get('run'))
        with self._model.changed:
            # The ticker, or any request, lets it come to its end.
            self._model.changed.wait_for(lambda: work.done)
        return http.answer({'host': host, 'session': work.session})

    def set_state(self, request, host):
        state = request.body().get('state')
        if state not in ('up', 'down'):
            raise errors.BadRequest('state is up or down')
        self._model.set_alive(host, state == 'up')
        return http.answer({'host': host, 'state': state})

    def set_cell(self, request, cell):
        state = request.body().get('state')
        if state not in ('up', 'down'):
            raise errors.BadRequest('state is up or down')
        self._model.set_cell(cell, state == 'up')
        return http.answer({'cell': cell, 'state': state})

    def set_floating(self, request):
        body = request.body()
        try:
            self._model.set_floating(body['server'], body['address'])
        except KeyError as error:
            raise errors.BadRequest(f'{error} is missing') from None
        return http.answer(body)

    def list_faults(self, request):
        return http.answer({'faults': self._model.faults.list()
                            + self._http_faults.list()})

    def add_fault(self, request):
        try:
            fault = faults.parse(request.body())
        except (TypeError, ValueError) as error:
            raise errors.BadRequest(str(error)) from None
        if isinstance(fault, faults.ModelFault):
            self._model.faults.add(fault)
        else:
            self._http_faults.add(fault)
        return http.answer({'fault': dataclasses.asdict(fault)})

    def clear_faults(self, request):
        self._model.faults.clear()
        self._http_faults.clear()
        return http.answer({})
