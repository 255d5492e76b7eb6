# SPDX-License-Identifier: Apache-2.0
"""Fenix with one of its rules broken, to see that the walk finds it."""

import dataclasses
import functools

import fixtures

from fenix.db import models
from fenix.db import pictures
from fenix.engine import executor
from fenix.engine import relay
from fenix.engine import runner
from fenix.workflow.verbs import moving


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A rule that is broken.

    :ivar rule: what is no longer so
    :ivar place: the function that is replaced
    :ivar instead: by what
    :ivar shape: the session in which that shows
    :ivar plan: and what has to go wrong there, see ``walk.spell``
    :ivar found: what the judge calls it
    """

    rule: str
    place: str
    instead: object
    shape: str
    plan: str
    found: str

    def use(self):
        """Return a fixture that breaks the rule."""
        return fixtures.MonkeyPatch(self.place, self.instead)


def _send_again(turn, row, look):
    """Send what got no answer once more, without a look at Nova's record."""
    turn.change(row, state='intended', attempts=row.attempts + 1)
    moving._send(turn, row)
    return False


def _forget_unsent(turn, row, look):
    """Take what got no answer for sent."""
    turn.change(row, state='requested')
    return True


def _insert_no_events(insert, db, added):
    insert(db, [row for row in added if not isinstance(row, models.Event)])


def _publish_again(needs_no_sending, turn, event):
    event = turn.picture.outbox[0]
    return event.sending_at is None and needs_no_sending(turn, event)


def _never_publish_again(turn, event):
    return event.sending_at is not None and not turn.in_flight(*relay.OUTBOX)


def _enabled_for_sure(turn, effect, is_enabled, error):
    turn.change(turn.picture.hosts[effect.key], disabled=None)


ALL = [
    Mutant('a request without an answer is looked for, not sent again',
           'fenix.workflow.verbs.moving._find_trace', _send_again,
           'spare', 'send=migrate:0=unanswered', 'repeated'),
    Mutant('a request that left no trace is sent again',
           'fenix.workflow.verbs.moving._find_trace', _forget_unsent,
           'spare', 'send=migrate:0=unavailable', 'stuck'),
    Mutant('only the owner of the present epoch writes',
           'fenix.db.pictures._fence', lambda db, *owner: None,
           'spare', 'before-commit=outcome:migrate:0=pause', 'broken'),
    Mutant('a state and what tells it are one transaction',
           'fenix.db.pictures.insert',
           functools.partial(_insert_no_events, pictures.insert),
           'spare', 'after-commit=hosts:step:done:0=crash', 'lost'),
    Mutant('MAINTENANCE_COMPLETE is not sent twice',
           'fenix.engine.relay._needs_no_sending',
           functools.partial(_publish_again, relay._needs_no_sending),
           'spare', 'after-effect=publish:9=crash', 'repeated'),
    Mutant('what may not be out is sent again',
           'fenix.engine.relay._needs_no_sending', _never_publish_again,
           'spare', 'before-effect=publish:5=crash', 'lost'),
    Mutant('who has no lease changes nothing',
           'fenix.engine.executor.CHANGES', executor.CHANGES - {'publish'},
           'spare', 'before-effect=publish:9=long-pause', 'repeated'),
    Mutant('who has no lease starts nothing',
           'fenix.engine.executor.CHANGES', executor.CHANGES - {'start_run'},
           'spare', 'before-effect=start_run:0=long-pause', 'repeated'),
    Mutant('a host counts as enabled when the cloud says so',
           'fenix.engine.runner.TAKERS',
           {**runner.TAKERS, 'enable': _enabled_for_sure},
           'spare', 'send=enable:0=unavailable', 'broken'),
]
