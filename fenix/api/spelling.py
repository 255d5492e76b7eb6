# SPDX-License-Identifier: Apache-2.0
"""How states and times are spelled on the wire."""

from fenix import words


def wire_state(conf, state):
    """Spell a state as [workflow] vocabulary has it."""
    return words.on_the_wire(state, conf.workflow.vocabulary)


def time(moment):
    """Spell a time: ISO 8601, UTC."""
    return moment and moment.strftime('%Y-%m-%dT%H:%M:%S.%fZ')
