# SPDX-License-Identifier: Apache-2.0
"""Rule 4: hosts are given back, and everybody is told so."""

from fenix.sandbox.verifier import rule
from fenix.sandbox.verifier import words
from fenix.sandbox.verifier import world as worlds


class GiveBack(rule.Rule):
    """Checked when a host is enabled, and at the end of each session.

    A session that failed and was not deleted keeps its hosts as they are,
    for the continuation.
    """

    number = 4

    def __init__(self, story, world, slack):
        super().__init__(story, world, slack)
        #: Hosts in maintenance: {(session, host): line}.
        self._out: dict[tuple, dict] = {}
        #: Projects that scaled in: {project: line}.
        self._scaled: dict[str, dict] = {}
        self._working: dict[str, dict] = {}
        self._heard: set[str] = set()

    def before(self, line):
        match line['what']:
            case 'service.enable':
                self._enabling(line)
            case 'service.disable':
                self._disabling(line)

    def _enabling(self, line):
        host = self.world.hosts[line['host']]
        if not host.enabled and not host.ours:
            self.breach(line, host.name, 'enabled, but it was disabled by '
                                         f'another hand: {host.reason}')

    def _disabling(self, line):
        host = self.world.hosts[line['host']]
        reason = line.get('reason') or ''
        if (not host.enabled and not host.ours
                and reason.startswith(worlds.MARK)):
            self.breach(line, host.name, 'disabled again, and marked as '
                                         'ours, though it was disabled')

    def after(self, line):
        match line['what']:
            case 'notify':
                self._told(line)
            case 'vnf.scale' if line['direction'] == 'in':
                self._scaled[line['project']] = line
            case 'host.work.start':
                self._working[line['host']] = line
            case 'host.work.end' if line.get('ok', True):
                self._working.pop(line['host'], None)

    def _told(self, line):
        if line['message_id'] in self._heard:
            return      # What comes again under its id tells nothing new.
        self._heard.add(line['message_id'])
        payload = line['payload']
        state = words.state(payload.get('state'))
        if line['event_type'] == 'maintenance.host':
            key = (payload.get('session_id'), payload['host'])
            if state == 'IN_MAINTENANCE':
                self._out.setdefault(key, line)
            elif state == 'MAINTENANCE_COMPLETE':
                self._out.pop(key, None)
                host = self.world.hosts.get(payload['host'])
                if host is not None and host.ours and (
                        line['t'] >= self.world.late_until):
                    self.breach(line, host.name, 'MAINTENANCE_COMPLETE '
                                'before it was enabled again')
        elif (line['event_type'] == 'maintenance.scheduled'
                and state == 'MAINTENANCE_COMPLETE'):
            self._scaled.pop(payload['project_id'], None)

    def finish(self):
        for (session, name), line in self._out.items():
            if session in self.story.ended and name not in self._working:
                self.breach(line, name, 'IN_MAINTENANCE was never followed '
                            'by MAINTENANCE_COMPLETE', rule.NOTIFICATION)
        if not self.story.bodies or (
                set(self.story.bodies) - set(self.story.ended)):
            return
        end = self.story.in_order[-1]
        for host in self.world.hosts.values():
            if (host.enabled_first and host.ours
                    and host.name not in self._working):
                self.breach(end, host.name, 'left disabled')
            if not host.enabled_first and host.enabled:
                self.breach(end, host.name, 'enabled, though it was '
                                            'disabled at the beginning')
        for project, line in self._scaled.items():
            self.breach(line, project, 'scaled in and was never told '
                        'MAINTENANCE_COMPLETE', rule.NOTIFICATION)
