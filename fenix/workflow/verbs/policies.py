# SPDX-License-Identifier: Apache-2.0
"""What the administrator wants done when a project does not agree."""

PROCEED = 'proceed'
SKIP = 'skip'
FAIL = 'fail'

#: By the state of a question: the option that says it, and why in words.
OPTIONS = {'nacked': ('on_refusal', 'refused'),
           'expired': ('on_no_reply', 'did not answer'),
           'unsubscribed': ('on_unsubscribed', 'listens to no alarm on')}


def what_follows(turn, ask):
    """Return PROCEED, SKIP or FAIL; None while a question is open."""
    if ask.state == 'acked':
        return PROCEED
    return turn.option(OPTIONS[ask.state][0]) if ask.state in OPTIONS else (
        None)
