# SPDX-License-Identifier: Apache-2.0
"""What a run came to: pure, from its timeline and what was counted."""

import collections
import math
import re

from fenix.sandbox import verifier
from fenix.sandbox.verifier import asks
from fenix.sandbox.verifier import rule
from fenix.sandbox.verifier import story
from fenix.sandbox.verifier import words

#: Seconds beyond the lease within which a session must go on.
MARGIN = 2.0
#: Seconds after a window within which a session must go on, though its
#: engines may be killed again and again.
SLACK = 120.0
#: A session that failed because a project was silent.
SILENT = re.compile(r'project (\S+) did not answer (\S+)')
#: What nobody can be blamed for but Fenix itself.
BROKEN = re.compile('internal error')

#: Kinds of breaches, as they are counted.
COUNTED = {rule.CHANGE: 'second_changes', rule.REPLY: 'lost_replies',
           rule.NOTIFICATION: 'lost_notifications', rule.RULE: 'rules_broken'}


def judge(lines, outcomes, takeovers, lease: float) -> dict:
    """Return the verdict of a run.

    :param lines: of the timeline
    :param outcomes: ``slots.Outcome`` of each session
    :param takeovers: ``watch.Takeover``
    :param lease: seconds
    """
    breaches = verifier.verify(lines, SLACK) + lost_replies(lines, outcomes)
    kinds = collections.Counter(breach.kind for breach in breaches)
    results = collections.Counter(outcome.result for outcome in outcomes)
    reasons = [reason for outcome in outcomes for reason in outcome.reasons]
    clear = [each.seconds for each in takeovers if not each.outage]
    return {
        'sessions': {
            'done': results['done'], 'failed': results['failed'],
            'stuck': results['stuck'], 'lost': results['lost'],
            'continued': sum(len(outcome.reasons) for outcome in outcomes
                             if outcome.result == 'done'),
            'reasons': dict(collections.Counter(
                map(general, reasons)).most_common())},
        **{name: kinds[kind] for kind, name in COUNTED.items()},
        'takes_s': spread(outcome.seconds for outcome in outcomes
                          if outcome.result == 'done'),
        'internal_errors': sum(bool(BROKEN.search(reason or ''))
                               for reason in reasons),
        'takeover_s': {**spread(clear), 'bar': lease + MARGIN},
        'takeover_in_outage_s': spread(
            [each.seconds for each in takeovers if each.outage]),
        'violations': [breach.as_dict() for breach in breaches]}


def good(figures: dict) -> bool:
    """Tell whether a run was as it has to be."""
    takeover, engine = figures['takeover_s'], figures['engine']
    return (not any(figures[name] for name in (
        *COUNTED.values(), 'internal_errors', 'unexpected', 'epochs_fell'))
        and not figures['sessions']['stuck']
        and not figures['sessions']['lost']
        and figures['sessions']['done'] > 0
        and figures['kills'] >= figures['kills_wanted']
        and (_within(takeover['p99'], takeover['bar'])
             or not (takeover['n'] or figures['kills_wanted']))
        and _within(engine['peak_mb'], engine['peak_mb_bar'])
        and _within(engine['threads'], engine['threads_bar']))


def _within(value, bar):
    """Tell whether something was measured, and keeps its bar."""
    return bool(value) and value <= bar


def lost_replies(lines, outcomes) -> list[rule.Breach]:
    """Find answers that Fenix took, and then says it never got.

    A reply that was answered 200 within the window of a question must not
    be followed by a failure because the project did not answer it.
    """
    book = asks.Book()
    for line in story.Story(lines).in_order:
        if line['what'] == 'notify' and (
                line['event_type'] == 'maintenance.scheduled'):
            book.published(line)
        elif line['what'] == 'reply' and line.get('code') == 200:
            book.answered(line, *words.reply(line.get('state')))
    found = []
    for outcome in outcomes:
        silent = {match.groups() for match in map(
            SILENT.search, filter(None, outcome.reasons)) if match}
        for project, state in sorted(silent):
            questions = [ask for ask in book.of_session(outcome.session)
                         if ask.project == project
                         and ask.question == words.state(state)]
            if questions and all(map(_in_time, questions)):
                last = questions[-1]
                found.append(rule.Breach(
                    5, last.t, f'answered {state} in time, and failed as if '
                    f'it had not', project, rule.REPLY))
    return found


def _in_time(ask):
    return ask.answered and (
        ask.deadline is None or ask.answered_t < ask.deadline)


def general(reason: str | None) -> str:
    """Return a reason without what differs from case to case."""
    text = re.sub(r'[0-9a-f]{8}-?[0-9a-f-]{4,}', 'ID', reason or 'no reason')
    text = re.sub(r'compute-\d+-\d+', 'HOST', text)
    return re.sub(r'\d+(\.\d+)?', 'N', text)[:160]


def spread(values) -> dict:
    """Return number, median, 99th percentile and maximum of seconds."""
    ordered = sorted(values)

    def at(share):
        if not ordered:
            return None
        return round(ordered[math.ceil(share * len(ordered)) - 1], 3)
    return {'n': len(ordered), 'p50': at(0.5), 'p99': at(0.99),
            'max': at(1.0)}
