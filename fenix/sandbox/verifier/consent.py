# SPDX-License-Identifier: Apache-2.0
"""Rule 2: an instance is touched only after its project agreed.

Or after the published window ended, or a refusal, under a policy that the
administrator chose; or when nobody subscribed.
"""

from fenix.sandbox.verifier import rule
from fenix.sandbox.verifier import words

#: Seconds that ``reply_at`` may be earlier than the window's end: it is
#: written in whole seconds.
WHOLE_SECOND = 1.0


class Consent(rule.Rule):
    """Checked when a move starts."""

    number = 2

    def before(self, line):
        if line['what'] in ('migrate.start', 'live-migrate.start'):
            problem = self._problem(line)
            if problem is not None:
                self.breach(line, line['server'], problem)

    def _problem(self, line) -> str | None:
        """Say why this move must not start, or return None."""
        server = self.world.servers[line['server']]
        problem = None
        for ask in self._asks(server, line['source']):
            problem = self._why_not(ask, server.id, line['t'])
            if problem is None:
                ask.host = ask.host or line['source']
                return None
            if ask.concerns(server.id):
                return problem
        if problem is not None:
            return problem
        if server.project not in self.story.subscribed:
            return self._unsubscribed()
        return 'moved, but its project was not asked'

    def _asks(self, server, source):
        """Return the questions that may be about this move, newest first.

        One that was put before the last move of the instance was about
        that move.
        """
        return [ask for ask in self.world.asks.of_project(server.project)
                if ask.question in words.MOVING
                and ask.t > server.moved_t
                and ask.host in (None, source)
                and ask.concerns(server.id) is not False]

    def _why_not(self, ask, server_id, t) -> str | None:
        answer = ask.answer_for(server_id)
        if answer is None:
            return self._silent(ask, t)
        if not answer.agreed:
            if self.story.policy(ask.session, 'on_refusal') == 'proceed':
                return None
            return f'moved, but its project refused {ask.question}'
        if answer.action(server_id) == 'OWN_ACTION':
            return 'moved, but its project had chosen OWN_ACTION'
        return None

    def _silent(self, ask, t) -> str | None:
        if ask.project not in self.story.subscribed:
            return self._unsubscribed()
        if ask.deadline is None or t < ask.deadline - WHOLE_SECOND:
            return f'moved before the answer to {ask.question}'
        if self.story.policy(ask.session, 'on_no_reply') != 'proceed':
            return f'moved without an answer to {ask.question}'
        return None

    def _unsubscribed(self) -> str | None:
        """Judge a move of a project that has no alarm.

        The line does not tell the session; all that had been started must
        allow it.
        """
        policies = {self.story.policy(session, 'on_unsubscribed')
                    for session in self.story.bodies}
        if policies <= {'proceed'}:
            return None
        return 'moved, but its project has no alarm'
