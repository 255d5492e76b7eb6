# SPDX-License-Identifier: Apache-2.0
"""What happens in the sandbox, in words for a human."""


class Narrator:
    """Turns lines of the timeline into sentences.

    It learns the names of servers and projects from the lines that it is
    told.
    """

    def __init__(self):
        self._names: dict[str, str] = {}
        self._projects: dict[str, str] = {}
        self._seen: set[str] = set()

    def name_project(self, project_id: str, name: str):
        """Say what to call a project."""
        self._projects[project_id] = name

    def server(self, server_id: str | None) -> str:
        """Return the name of a server."""
        return self._names.get(server_id, str(server_id)[:8])

    def tell(self, line: dict) -> str | None:
        """Return a sentence, or None for what is not worth one."""
        if line['what'] == 'server.create':
            self._names[line['server']] = line['name']
        what = line['what'].replace('.', '_').replace('-', '_')
        method = getattr(self, f'_{what}', None)
        return method(line) if method is not None else None

    def _project(self, project_id):
        return self._projects.get(project_id, str(project_id)[:8])

    def _list(self, servers):
        return ', '.join(self.server(server) for server in servers)

    # The session

    def _session(self, line):
        match line['method']:
            case 'POST':
                return f'admin starts a session ({line["code"]})'
            case 'DELETE':
                return f'admin deletes the session ({line["code"]})'
            case 'GET':
                return f'the session is {line["state"]}'
        return None

    def _notify(self, line):
        payload = line['payload']
        again = ' (again)' if line['message_id'] in self._seen else ''
        self._seen.add(line['message_id'])
        match line['event_type']:
            case 'maintenance.host':
                return (f'Fenix tells all: {payload["host"]} is '
                        f'{payload["state"]}{again}')
            case 'maintenance.scheduled':
                about = payload.get('instance_ids')
                of = (f' ({self._list(about)})' if isinstance(about, list)
                      else '')
                return (f'Fenix to {self._project(payload["project_id"])}: '
                        f'{payload["state"]}{of}{again}')
        return None

    def _reply(self, line):
        actions = (line['body'].get('instance_actions')
                   or {line['instance']: line['body'].get('instance_action')})
        of = ', '.join(f'{self.server(server)} {action}'
                       for server, action in actions.items() if action)
        text = f'{self._project(line["project"])} to Fenix: {line["state"]}'
        if of:
            text += f' ({of})'
        if line['code'] != 200:
            text += f': {line["code"]}'
        return text

    # The VNF

    def _vnf_active(self, line):
        return f'{self.server(line["server"])} is the active instance'

    def _vnf_switch_start(self, line):
        return (f'the VNF switches over from {self.server(line["from"])} to '
                f'{self.server(line["to"])}')

    def _vnf_switch_end(self, line):
        return f'{self.server(line["active"])} is the active instance'

    def _vnf_scale(self, line):
        return (f'the VNF scales {line["direction"]}: '
                f'{self._list(line["servers"])}')

    # The cloud

    def _migrate_start(self, line):
        return (f'{self.server(line["server"])} moves from {line["source"]} '
                f'to {line["target"]}')

    def _live_migrate_start(self, line):
        return (f'{self.server(line["server"])} moves alive from '
                f'{line["source"]} to {line["target"]}')

    def _migrate_end(self, line):
        return f'{self.server(line["server"])} is on {line["target"]}'

    _live_migrate_end = _migrate_end

    def _migrate_error(self, line):
        return (f'{self.server(line["server"])} could not move: '
                f'{line["error"]}')

    _live_migrate_error = _migrate_error

    def _migrate_refused(self, line):
        return (f'Nova refuses to move {self.server(line["server"])}: '
                f'{line["reason"]}')

    _live_migrate_refused = _migrate_refused

    def _service_disable(self, line):
        if not line['changed']:
            return None
        return f'{line["host"]} is disabled: {line["reason"]}'

    def _service_enable(self, line):
        return f'{line["host"]} is enabled' if line['changed'] else None

    def _host_work_start(self, line):
        return f'work on {line["host"]} starts'

    def _host_work_end(self, line):
        return f'work on {line["host"]} is done'
