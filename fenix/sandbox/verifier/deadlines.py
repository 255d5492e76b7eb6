# SPDX-License-Identifier: Apache-2.0
"""Rule 7: a project that is silent or refuses never hangs a session."""

import bisect

from fenix.sandbox.verifier import consent
from fenix.sandbox.verifier import rule
from fenix.sandbox.verifier import story as stories

#: Seconds after the end of a window within which something must go on.
SLACK = 30.0


class Deadlines(rule.Rule):
    """Checked for each published question, at the end of the timeline.

    After its answer, or else after the end of its window, the session must
    go on or end within the window and ``slack``.
    """

    number = 7

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
