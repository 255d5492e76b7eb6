# SPDX-License-Identifier: Apache-2.0
"""Servers, their actions and their migrations."""

import re

from fenix.sandbox.cloud import errors
from fenix.sandbox.cloud import http
from fenix.sandbox.cloud import model as cloud_model
from fenix.sandbox.cloud import owners
from fenix.sandbox.cloud.nova import common
from fenix.sandbox.cloud.nova import views

#: States of a live migration in which Nova shows it at its server.
_IN_PROGRESS = ('queued', 'preparing', 'running', 'post-migrating')


class ServersApi:
    """``/servers`` and below."""

    def __init__(self, model: cloud_model.Model):
        self._model = model
        self._actions = {
            'migrate': self._migrate, 'os-migrateLive': self._live,
            'confirmResize': self._confirm, 'revertResize': self._revert,
            'resize': self._resize, 'os-resetState': self._reset,
            'lock': self._lock, 'unlock': self._unlock,
            **dict.fromkeys(owners.CHANGES, self._change)}

    def routes(self):
        one = '/servers/<server_id>'
        return [
            http.Route('GET', '/servers', self.index),
            http.Route('POST', '/servers', self.create),
            http.Route('GET', '/servers/detail', self.detail),
            http.Route('GET', one, self.show),
            http.Route('DELETE', one, self.delete),
            http.Route('POST', f'{one}/action', self.action),
            http.Route('GET', f'{one}/os-instance-actions', self.actions),
            http.Route('GET', f'{one}/os-instance-actions/<request_id>',
                      self.show_action),
            http.Route('GET', f'{one}/migrations', self.migrations),
            http.Route('GET', f'{one}/migrations/<int:migration_id>',
                      self.show_migration),
            http.Route('DELETE', f'{one}/migrations/<int:migration_id>',
                      self.abort),
        ]

    # lists

    def _wanted(self, request):
        """The servers that a query asks for, newest first, as Nova does."""
        args = request.args
        me = common.caller(request)
        everybody = common.true(args.get('all_tenants'))
        if args.get('tenant_id', me.project) != me.project:
            # To name another project is to ask for all.
            everybody = True
        if everybody and not me.admin:
            common.need_admin(request)
        project = args.get('project_id') or args.get('tenant_id')
        if not me.admin or not everybody:
            project = me.project
        since = args.get('changes-since')
        since = None if since is None else common.seconds(since)
        deleted = since is not None or (
            me.admin and common.true(args.get('deleted')))
        statuses = {status.upper() for status in args.getlist('status')}
        found = []
        for server in reversed(list(self._model.servers.values())):
            if server.deleted and not deleted:
                continue
            if project not in (None, server.project):
                continue
            if since is not None and server.updated < since:
                continue
            if statuses and server.status not in statuses:
                continue
            if me.admin and not self._matches(server, args):
                continue
            if not re.search(args.get('name', ''), server.name):
                continue
            found.append(server)
        return found

    @staticmethod
    def _matches(server, args):
        """The filters that only an admin has."""
        return all(
            args[key] == (getattr(server, key) or '')
            for key in ('host', 'vm_state', 'task_state') if key in args)

    def _answer(self, request, view, details):
        """A list, with what is known of servers in silent cells.

        Nova shows these, as far as the page has room for them, to who asks
        for all servers without filters, order or paging; from others it
        keeps back that something is missing.
        """
        wanted = self._wanted(request)
        reached = [server for server in wanted
                   if not self._model.is_silent(server.host)]
        servers, links = common.page(request, reached, 'servers')
        unknown = []
        if request.micro >= 69 and set(request.args) <= {'all_tenants'}:
            unknown = [server for server in wanted
                       if self._model.is_silent(server.host)][
                           :common.MAX_LIMIT - len(servers)]
        return http.answer(common.listing('servers', [
            views.unknown_server(request, server, details)
            for server in unknown] + [view(server) for server in servers],
            links))

    def index(self, request):
        return self._answer(request, lambda server: views.basic_server(
            request, server), details=False)

    def detail(self, request):
        return self._answer(request, lambda server: views.server(
            self._model, request, server), details=True)

    def show(self, request, server_id):
        server = common.find_server(self._model, request, server_id)
        if self._model.is_silent(server.host):
            if request.micro < 69:
                common.reach(self._model, server)
            return http.answer({'server': views.unknown_server(
                request, server, details=True)})
        return http.answer({'server': views.server(
            self._model, request, server, groups=True)})

    # create and delete

    def create(self, request):
        body = request.body()
        try:
            wanted = body['server']
            name, flavor = wanted['name'], str(wanted['flavorRef'])
            count = int(wanted.get('max_count') or 1)
        except (KeyError, TypeError, ValueError):
            raise errors.BadRequest(
                'Invalid input for field server: name and flavorRef are '
                'required') from None
        hints = body.get('os:scheduler_hints') or body.get(
            'OS-SCH-HNT:scheduler_hints') or {}
        zone, host = self._place(request, wanted)
        me = common.caller(request)
        servers = [self._model.create(
            name if count == 1 else f'{name}-{number + 1}',
            flavor.rsplit('/', 1)[-1], me.project, group=hints.get('group'),
            host=host, zone=zone, image=str(wanted.get('imageRef') or ''),
            metadata=wanted.get('metadata'), request_id=request.id,
            caller=me) for number in range(count)]
        server = servers[0]
        return http.answer({'server': {
            'id': server.id, 'OS-DCF:diskConfig': 'MANUAL',
            'links': views.basic_server(request, server)['links'],
            'security_groups': [{'name': 'default'}],
            'adminPass': 'sandbox'}}, 202)

    def _place(self, request, wanted):
        """Zone and host that a request to create names."""
        zone, _, host = (wanted.get('availability_zone') or '').partition(
            ':')
        host = wanted.get('host') or host or None
        if host is not None:
            common.need_admin(request)
            if host not in self._model.hosts:
                raise errors.BadRequest(
                    f'Compute host {host} could not be found.')
        return zone or None, host

    def delete(self, request, server_id):
        common.reach(self._model, common.find_server(
            self._model, request, server_id))
        self._model.delete(server_id, request.id, common.caller(request))
        return http.answer(status=204)

    # server actions

    def action(self, request, server_id):
        body = request.body()
        name = request.action()
        if name not in self._actions or len(body) != 1:
            raise errors.BadRequest(f'There is no such action: {name}')
        common.reach(self._model, common.find_server(
            self._model, request, server_id))
        arguments = body[name]
        if arguments is not None and not isinstance(arguments, dict):
            raise errors.BadRequest(f'Invalid input for field {name}')
        status = self._actions[name](request, server_id, arguments or {})
        return http.answer(status=status or 202)

    def _migrate(self, request, server_id, arguments):
        common.need_admin(request)
        if arguments and request.micro < 56:
            raise errors.BadRequest(
                'Invalid input for field migrate: null is expected')
        self._model.migrate(server_id, arguments.get('host'), request.id,
                            common.caller(request))

    def _live(self, request, server_id, arguments):
        common.need_admin(request)
        if 'host' not in arguments:
            raise errors.BadRequest("'host' is a required property")
        if 'force' in arguments and request.micro >= 68:
            raise errors.BadRequest(
                "Additional properties are not allowed ('force' was "
                "unexpected)")
        self._model.live_migrate(
            server_id, arguments['host'], request.id,
            common.caller(request), at_once=request.micro < 34)

    def _confirm(self, request, server_id, arguments):
        self._model.confirm(server_id, request.id, common.caller(request))
        return 204

    def _revert(self, request, server_id, arguments):
        self._model.revert(server_id, request.id, common.caller(request))

    def _resize(self, request, server_id, arguments):
        flavor = str(arguments.get('flavorRef', ''))
        self._model.resize(server_id, flavor.rsplit('/', 1)[-1], request.id,
                           common.caller(request))

    def _reset(self, request, server_id, arguments):
        common.need_admin(request)
        self._model.reset_state(server_id, arguments.get('state', ''),
                                request.id, common.caller(request))

    def _lock(self, request, server_id, arguments):
        self._model.lock_server(
            server_id, True, arguments.get('locked_reason'), request.id,
            common.caller(request))

    def _unlock(self, request, server_id, arguments):
        self._model.lock_server(server_id, False, None, request.id,
                                common.caller(request))

    def _change(self, request, server_id, arguments):
        self._model.change_state(server_id, request.action(), request.id,
                                 common.caller(request))

    # instance actions; from 2.21 those of deleted servers too

    def _find_past(self, request, server_id):
        server = common.find_server(self._model, request, server_id,
                                    deleted=request.micro >= 21)
        common.reach(self._model, server)
        return server

    def actions(self, request, server_id):
        server = self._find_past(request, server_id)
        actions = list(reversed(server.actions))
        links = []
        if request.micro >= 58:
            since = request.args.get('changes-since')
            if since is not None:
                since = common.seconds(since)
                actions = [action for action in actions
                           if action.updated >= since]
            actions, links = common.page(
                request, actions, 'links', lambda action: action.request_id)
        body = {'instanceActions': [
            views.action(request, action) for action in actions]}
        if links:
            body['links'] = links
        return http.answer(body)

    def show_action(self, request, server_id, request_id):
        server = self._find_past(request, server_id)
        for action in server.actions:
            if action.request_id == request_id:
                return http.answer({'instanceAction': views.action(
                    request, action, events=True)})
        raise errors.NotFound(f'Action {request_id} not found')

    # live migrations of a server

    def _running(self, request, server_id):
        common.need_admin(request)
        common.find_server(self._model, request, server_id)
        return [migration for migration
                in self._model.unfinished_migrations(server_id)
                if migration.type == 'live-migration'
                and migration.status in _IN_PROGRESS]

    def migrations(self, request, server_id):
        return http.answer({'migrations': [
            views.server_migration(request, migration)
            for migration in self._running(request, server_id)]})

    def show_migration(self, request, server_id, migration_id):
        for migration in self._running(request, server_id):
            if migration.id == migration_id:
                return http.answer({'migration': views.server_migration(
                    request, migration)})
        raise errors.NotFound(
            f'In-progress live migration {migration_id} is not found for '
            f'server {server_id}.')

    def abort(self, request, server_id, migration_id):
        common.need_admin(request)
        common.find_server(self._model, request, server_id)
        self._model.abort_live(server_id, migration_id, request.id,
                               common.caller(request))
        return http.answer(status=202)
