# SPDX-License-Identifier: Apache-2.0
"""Rule 5: one intent, one change; no notification and no reply is lost."""

import itertools

from fenix.sandbox.verifier import rule
from fenix.sandbox.verifier import words

#: Messages on which managers act each time that they come.
ACTED_ON = frozenset(['SCALE_IN', 'MAINTENANCE_COMPLETE'])


class Once(rule.Rule):
    """Checked at each change, each notification and each question."""

    number = 5

    def __init__(self, story, world, slack):
        super().__init__(story, world, slack)
        self._payloads: dict[str, dict] = {}
        #: Moves that ended well in the last session of their host:
        #: (server, source).
        self._left: set[tuple] = set()
        #: Hosts that were told MAINTENANCE_COMPLETE: (session, host).
        self._complete: set[tuple] = set()
        self._announced: set[tuple] = set()
        self._worked: dict[tuple, dict] = {}
        self._work_done: set[tuple] = set()
        #: Moves by Fenix of which the project was not yet told.
        self._untold: dict[str, dict] = {}
        #: Confirmed and told, a moment before their moves had ended.
        self._told_early: set[str] = set()

    def before(self, line):
        match line['what']:
            case 'migrate.start' | 'live-migrate.start':
                self._moving(line)
            case 'migrate.confirm':
                self._confirming(line)
            case 'service.disable' if line.get('changed'):
                self._disabling(line)
            case 'host.work.start':
                self._working(line)
            case 'notify':
                self._notified(line)

    def after(self, line):
        match line['what']:
            case 'migrate.end' | 'live-migrate.end':
                self._left.add((line['server'], line['source']))
                if line['server'] in self._told_early:
                    self._told_early.remove(line['server'])
                else:
                    self._untold[line['server']] = line
            case 'host.work.end' if line.get('ok', True):
                self._work_done.add((line.get('session'), line['host']))
            case 'session' if line['method'] == 'POST':
                self._begin(line)

    def _begin(self, line):
        """Let a session move again what an earlier one has moved."""
        hosts = (line.get('body') or {}).get('hosts')
        self._left = {(server, source) for server, source in self._left
                      if hosts and source not in hosts}

    def _moving(self, line):
        move = self.world.moves.get(line['server'])
        if move is not None and not move.over:
            self.breach(line, line['server'],
                        'a second move before the first had ended',
                        rule.CHANGE)
        if (line['server'], line['source']) in self._left:
            self.breach(line, line['server'],
                        f'moved away from {line["source"]} a second time',
                        rule.CHANGE)

    def _confirming(self, line):
        move = self.world.moves.get(line['server'])
        if move is None or move.confirmed:
            self.breach(line, line['server'], 'confirmed a second time',
                        rule.CHANGE)

    def _disabling(self, line):
        host = self.world.hosts[line['host']]
        if not host.enabled:
            self.breach(line, host.name, 'disabled a second time',
                        rule.CHANGE)
        session = (line.get('reason') or '').partition(':')[2].split(' ')[0]
        if (session, host.name) in self._complete:
            self.breach(line, host.name, 'disabled again after its '
                        'MAINTENANCE_COMPLETE', rule.CHANGE)

    def _working(self, line):
        key = (line.get('session'), line['host'])
        if key in self._work_done:
            self.breach(line, line['host'],
                        'worked on again after the work had succeeded',
                        rule.CHANGE)
        self._worked.setdefault(key, line)

    # Notifications

    def _notified(self, line):
        payload = line['payload']
        message = line['message_id']
        state = words.state(payload.get('state'))
        if message in self._payloads:
            self._repeated(line, self._payloads[message], state)
            return
        self._payloads[message] = payload
        if line['event_type'] == 'maintenance.host':
            key = (payload.get('session_id'), payload['host'])
            self._announced.add(key)
            if state == 'MAINTENANCE_COMPLETE':
                self._complete.add(key)
        elif line['event_type'] == 'maintenance.scheduled':
            if state == 'INSTANCE_ACTION_DONE':
                self._told_done(line)
            elif state in words.QUESTIONS:
                self._asked_again(line)

    def _repeated(self, line, known, state):
        if _meaning(known) != _meaning(line['payload']):
            self.breach(line, line['message_id'],
                        'a message id with two payloads')
        if (line['event_type'] == 'maintenance.scheduled'
                and state in ACTED_ON):
            self.breach(line, line['message_id'],
                        f'{state} was sent a second time')

    def _told_done(self, line):
        about = line['payload'].get('instance_ids')
        server = about[0] if isinstance(about, list) and about else about
        move = self.world.moves.get(server)
        if server in self._untold:
            del self._untold[server]
        elif (move is not None and move.confirmed
                and server not in self._told_early):
            # Nova shows it ACTIVE a moment before the source is free.
            self._told_early.add(server)
        else:
            self.breach(line, str(server), 'told that an action was done, '
                                           'but none was')

    def _asked_again(self, line):
        """Find a reply that was lost: the same question, though agreed."""
        payload = line['payload']
        state = words.state(payload['state'])
        if state == 'SCALE_IN' or not isinstance(
                payload.get('instance_ids'), list):
            # Whether a question by URL is the same, nobody tells.
            return
        for ask in self.world.asks.of_project(payload['project_id']):
            if (ask.session == payload.get('session_id')
                    and ask.question == state
                    and ask.instances == frozenset(payload['instance_ids'])):
                if self._agreed_in_vain(ask, line):
                    self.breach(line, payload['project_id'],
                                f'asked {state} again although it had '
                                f'agreed', rule.REPLY)
                return

    def _agreed_in_vain(self, ask, line) -> bool:
        """Tell whether an agreement was followed by nothing."""
        if ask.answer is None or not ask.answer.agreed:
            return False
        if ask.deadline is not None and ask.answer.t > ask.deadline:
            return False
        since = ask.answer.t
        continued = self.story.continued.get(ask.session, ())
        if any(since <= t <= line['t'] for t in continued):
            return False
        return not any(
            other['t'] >= since and other.get('server') in ask.instances
            and other['what'].partition('.')[0] in ('migrate',
                                                    'live-migrate', 'server')
            for other in itertools.takewhile(
                lambda other: other is not line, self.story.in_order))

    def finish(self):
        for (session, host), line in self._worked.items():
            if (session, host) not in self._announced:
                self.breach(line, host, 'worked on, but its IN_MAINTENANCE '
                            'never came', rule.NOTIFICATION)
        if not self.story.bodies or (
                set(self.story.bodies) - set(self.story.ended)):
            return
        for server, line in self._untold.items():
            if line.get('project') in self.story.subscribed:
                self.breach(line, server, 'moved, but its project was never '
                            'told', rule.NOTIFICATION)


def _meaning(payload):
    """Return what a notification says, without when.

    A window starts when its question is published, so one that is sent
    again after an outage names other times under the same id.
    """
    return {key: value for key, value in payload.items()
            if key not in ('reply_at', 'actions_at')}
