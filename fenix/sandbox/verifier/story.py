# SPDX-License-Identifier: Apache-2.0
"""A timeline as a whole: its lines in order, and what only the end tells."""

import json

from fenix.sandbox.verifier import words

#: What an administrator gets who chose no policy.
POLICIES = {'on_no_reply': 'fail', 'on_refusal': 'fail',
            'on_unsubscribed': 'proceed'}

#: Lines that show that a session goes on: what Fenix does to the cloud.
DEEDS = frozenset([
    'migrate.start', 'migrate.confirm', 'migrate.end', 'migrate.error',
    'migrate.refused', 'live-migrate.start', 'live-migrate.end',
    'live-migrate.error', 'live-migrate.refused', 'confirm.refused',
    'service.disable', 'service.enable', 'host.work.start',
    'host.work.end'])


def read(path) -> list[dict]:
    """Read the lines of a timeline file.

    :raises ValueError: a line is no JSON object with ``t`` and ``what``
    """
    lines = []
    with open(path, encoding='utf-8') as stream:
        for number, text in enumerate(stream, 1):
            if not text.strip():
                continue
            line = json.loads(text)
            if not (isinstance(line, dict) and 't' in line
                    and 'what' in line):
                raise ValueError(f'line {number}: no "t" or no "what"')
            lines.append(line)
    return lines


def _happened(line) -> float:
    """When a line took effect.

    A reply is written down when its answer came, but it counts from the
    moment it was sent: Fenix may act on it before the manager has read
    the answer.
    """
    if line['what'] == 'reply':
        return min(line.get('sent_t') or line['t'], line['t'])
    return line['t']


class Story:
    """The lines in order of what they tell, and the sessions in them.

    :ivar in_order: all lines
    :ivar bodies: what was asked for, by session id
    :ivar ended: when a session was done or its deletion was answered
    :ivar progress: moments when a session, or the cloud, went on
    """

    def __init__(self, lines):
        self.in_order = sorted(lines, key=_happened)
        self.start = self.in_order[0]['t'] if self.in_order else 0.0
        self.end = self.in_order[-1]['t'] if self.in_order else 0.0
        self.bodies: dict[str, dict] = {}
        self.ended: dict[str, float] = {}
        #: When GET first told a state: {session: {state: t}}.
        self.states: dict[str, dict[str, float]] = {}
        self.continued: dict[str, list[float]] = {}
        self.failed_hosts: set[str] = set()
        self.subscribed: set[str] = set()
        for line in self.in_order:
            self._note(line)

    def _note(self, line):
        match line['what']:
            case 'session':
                self._note_session(line)
            case 'notify' if line['event_type'] == 'maintenance.session':
                payload = line['payload']
                self._note_state(payload.get('session_id'),
                                 payload.get('state'), line['t'])
            case 'alarm' | 'vnf.subscribe' if line.get('project'):
                self.subscribed.add(line['project'])

    def _note_session(self, line):
        session = line.get('session')
        if session is None:
            return
        if line['method'] == 'POST' and line.get('code') == 200:
            self.bodies.setdefault(session, line.get('body') or {})
        elif line['method'] == 'DELETE' and line.get('code') == 200:
            self.ended.setdefault(session, line['t'])
        elif line['method'] == 'PUT' and line.get('code') == 200:
            self.continued.setdefault(session, []).append(line['t'])
        self._note_state(session, line.get('state'), line['t'])

    def _note_state(self, session, state, t):
        if session is None or state is None:
            return
        self.states.setdefault(session, {}).setdefault(state, t)
        if state == 'MAINTENANCE_DONE':
            self.ended[session] = min(t, self.ended.get(session, t))

    def policy(self, session, name) -> str:
        """Return what the administrator chose for a session."""
        body = self.bodies.get(session, {})
        settings = body.get('settings') or {}
        return body.get(name) or settings.get(name) or POLICIES[name]

    def session_of(self, line) -> str | None:
        """Return the session that a line belongs to, where it tells."""
        if line['what'] == 'notify':
            return line['payload'].get('session_id')
        return line.get('session')

    def starts_at(self, session) -> float | None:
        """Return when the work of a session was to start."""
        text = self.bodies.get(session, {}).get('maintenance_at')
        return words.moment(text)
