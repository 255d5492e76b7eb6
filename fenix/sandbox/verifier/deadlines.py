# SPDX-License-Identifier: Apache-2.0
"""Rule 7: a project that is silent or refuses never hangs a session."""

import bisect

from fenix.sandbox.verifier import consent
from fenix.sandbox.verifier import rule
from fenix.sandbox.verifier import story as stories

#: Seconds after the end of a window within which something must go on.
SLACK = 30.0
#: Many times that a session may stand still without a visible reason: Fenix
#: may look for a while what became of a request.
STILL = 3
FINAL = ('MAINTENANCE_DONE', 'MAINTENANCE_FAILED', 'GONE')
#: States in which a server stays as it is.
STEADY = ('ACTIVE', 'SHUTOFF', 'PAUSED', 'SUSPENDED', 'RESCUE', 'SHELVED',
          'SHELVED_OFFLOADED', 'ERROR')


class Deadlines(rule.Rule):
    """Checked for each published question, and for each session.

    After its answer, or else after the end of its window, the session must
    go on or end within the window and ``slack``. A session that waits for
    nothing that can be seen must not stand still.
    """

    number = 7

    def __init__(self, story, world, slack):
        super().__init__(story, world, slack)
        #: When each session that is not over went on last.
        self._last: dict[str, float] = {}
        self._out: set[tuple] = set()

    def before(self, line):
        for session, last in self._last.items():
            still = line['t'] - max(last, self._waits_until(session))
            if still > STILL * self.slack and not self._excused(session):
                self.breach(line, session, f'stood still for {still:.0f} s, '
                                           f'and nobody knows why')
                self._last[session] = line['t']

    def after(self, line):
        session = self.story.session_of(line)
        if line['what'] == 'notify':
            self._note_host(session, line['payload'])
        if line['what'] == 'session' and line['method'] in ('POST', 'PUT'):
            if line.get('code') == 200:
                self._last[session] = line['t']
        elif self._state(line) in FINAL:
            self._last.pop(session, None)
        elif session in self._last:
            self._last[session] = line['t']
        elif line['what'] not in ('request', 'end', 'bus.away',
                                  'bus.back'):
            # What happens in the cloud counts for all.
            self._last = dict.fromkeys(self._last, line['t'])

    def _state(self, line):
        if line['what'] == 'session':
            return line.get('state')
        if (line['what'] == 'notify'
                and line['event_type'] == 'maintenance.session'):
            return line['payload'].get('state')
        return None

    def _note_host(self, session, payload):
        if payload.get('state') == 'IN_MAINTENANCE':
            self._out.add((session, payload['host']))
        elif 'host' in payload:
            self._out.discard((session, payload['host']))

    def _waits_until(self, session):
        """Return until when a session waits for the start or for answers."""
        moments = [ask.deadline for ask in self.world.asks.of_session(session)
                   if ask.deadline is not None and not ask.answered]
        moments.append(self.story.starts_at(session) or 0.0)
        return max(moments)

    def _excused(self, session):
        """Tell whether something goes on that may take any time.

        Work on a host, a move, a server that its owner changes, or a move
        that its project does itself.
        """
        if self.world.moves or any(out == session for out, _ in self._out):
            return True
        if any(not server.gone and server.state not in STEADY
               for server in self.world.servers.values()):
            return True
        return any(self._own_action(ask)
                   for ask in self.world.asks.of_session(session))

    def _own_action(self, ask):
        for server in ask.instances or ():
            answer = ask.answer_for(server)
            if (answer is not None and answer.agreed
                    and answer.action(server) == 'OWN_ACTION'
                    and not self.world.servers[server].gone):
                return True
        return False

    def finish(self):
        progress = self._progress()
        for ask in self.world.asks.all:
            if ask.deadline is None:
                self.breach(ask.line, ask.project,
                            f'{ask.question} without reply_at')
                continue
            limit = ask.deadline + self.slack
            since = ask.deadline - consent.WHOLE_SECOND
            if ask.answered:
                since = min(since, ask.answered_t)
            if limit >= self.story.end:
                continue
            moments = progress.get(ask.session, [])
            at = bisect.bisect_right(moments, since)
            if at == len(moments) or moments[at] > limit:
                self.breach(ask.line, ask.project,
                            f'nothing went on after the window of '
                            f'{ask.question}')

    def _progress(self) -> dict[str, list[float]]:
        """Return when each session went on.

        What happens in the cloud does not tell its session; it counts for
        all.
        """
        deeds = []
        own: dict[str, list[float]] = {
            session: list(states.values())
            for session, states in self.story.states.items()}
        for session, t in self.story.ended.items():
            own.setdefault(session, []).append(t)
        for line in self.story.in_order:
            if line['what'] in stories.DEEDS:
                deeds.append(line['t'])
            elif line['what'] == 'notify':
                own.setdefault(self.story.session_of(line), []).append(
                    line['t'])
        return {session: sorted(moments + deeds)
                for session, moments in own.items()}
