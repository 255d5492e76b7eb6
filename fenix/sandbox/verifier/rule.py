# SPDX-License-Identifier: Apache-2.0
"""What a breach is, and what all rules have in common."""

import dataclasses

#: Seconds that two clocks on one machine, or the order in which two lines
#: are written down, may differ.
TOLERANCE = 0.05


#: Kinds of breaches.
RULE = 'rule'
CHANGE = 'second change'
REPLY = 'lost reply'
NOTIFICATION = 'lost notification'


@dataclasses.dataclass(frozen=True)
class Breach:
    """A rule that was not kept.

    :ivar rule: its number in the design
    :ivar t: when, in seconds since the epoch
    :ivar what: what happened, for a human
    :ivar subject: id of the host, server, group, project or session
    :ivar kind: RULE, or what the breach comes to: CHANGE, REPLY,
        NOTIFICATION
    """

    rule: int
    t: float
    what: str
    subject: str
    kind: str = RULE

    def as_dict(self) -> dict:
        return dataclasses.asdict(self)


class Rule:
    """A rule: it looks at each line before and after it took effect."""

    number = 0

    def __init__(self, story, world, slack):
        self.story = story
        self.world = world
        self.slack = slack
        self.breaches: list[Breach] = []

    def breach(self, line: dict, subject: str, what: str,
               kind: str = RULE):
        """Note a breach that happened with a line."""
        self.breaches.append(
            Breach(self.number, line['t'], what, subject, kind))

    def before(self, line: dict):
        """Look at a line while the world is still as it was before it."""

    def after(self, line: dict):
        """Look at a line when the world is as it is after it."""

    def finish(self):
        """Look at the world as it is at the end."""
