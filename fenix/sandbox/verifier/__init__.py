# SPDX-License-Identifier: Apache-2.0
"""The independent verifier: did a run keep the rules that never bend?

It reads what the sandbox's side wrote down (cloud, VNF managers, inspector
and the administrator who runs a session) and nothing that Fenix says about
itself. It shares no code with Fenix: nothing outside ``fenix.sandbox`` is
imported here, so that an error in the planner cannot excuse itself.

All rules of the design ("Rules that never bend") are checked but for rule 6
(only the current epoch writes): who holds a session is seen nowhere in a
cloud. What an engine does there that has lost its session breaks rule 5.
"""

from fenix.sandbox.verifier import consent
from fenix.sandbox.verifier import deadlines
from fenix.sandbox.verifier import emptiness
from fenix.sandbox.verifier import give_back
from fenix.sandbox.verifier import impact
from fenix.sandbox.verifier import limits
from fenix.sandbox.verifier import once
from fenix.sandbox.verifier import rule
from fenix.sandbox.verifier import story
from fenix.sandbox.verifier import tenancy
from fenix.sandbox.verifier import world

#: Every rule that is checked, in the order of their numbers.
RULES = (emptiness.EmptyHosts, consent.Consent, impact.Impact,
         limits.Limits, give_back.GiveBack, once.Once,
         deadlines.Deadlines, tenancy.Tenancy)


def verify(lines, slack: float = deadlines.SLACK) -> list[rule.Breach]:
    """List the breaches in a timeline, in order of time.

    :param lines: dicts, as the sandbox records them
    :param slack: seconds after the end of a window within which something
        must go on; it covers polling, the takeover from a dead engine and
        the figures of the cloud settling
    """
    told = story.Story(lines)
    now = world.World(told)
    rules = [kind(told, now, slack) for kind in RULES]
    for line in told.in_order:
        for each in rules:
            each.before(line)
        now.apply(line)
        for each in rules:
            each.after(line)
    breaches = []
    for each in rules:
        each.finish()
        breaches += each.breaches
    return sorted(breaches, key=lambda breach: (breach.t, breach.rule))
