# SPDX-License-Identifier: Apache-2.0
"""What binds instances to hosts: the extra specs of their flavors."""

import collections

from fenix.clouds import base

#: Extra specs that Nova's AggregateInstanceExtraSpecsFilter compares with
#: the properties of aggregates. It takes those without a scope, too, but so
#: does its ComputeCapabilitiesFilter, for something else.
PROPERTY = 'aggregate_instance_extra_specs:'
#: Extra specs that Placement compares with the traits of a host.
TRAIT = 'trait:'
OR = '<or>'


def bonds(extra_specs) -> base.Bonds:
    """Return what the extra specs of a flavor ask of a host.

    What is compared in another way than whether it is equal is left to Nova.

    :param extra_specs: None if Nova does not tell them
    """
    properties = {}
    traits = collections.defaultdict(set)
    for key, value in (extra_specs or {}).items():
        if key.startswith(PROPERTY):
            values = _values(value)
            if values:
                properties[key.removeprefix(PROPERTY)] = values
        elif key.startswith(TRAIT):
            traits[value].add(key.removeprefix(TRAIT))
    return base.Bonds(
        properties=tuple(sorted(
            properties.items(), key=lambda item: item[0])),
        required=frozenset(traits['required']),
        forbidden=frozenset(traits['forbidden']))


def _values(text):
    """Return the values that a property may have, None if Nova is to say.

    As ``nova.scheduler.filters.extra_specs_ops`` reads them: a text without
    an operator is compared as a whole.
    """
    words = text.split()
    if not words or not (words[0].startswith('<') or words[0] in {
            '=', '==', '!=', '>=', '<=', 's==', 's!=', 's<', 's<=', 's>',
            's>='}):
        return frozenset([text])
    if words[0] == OR:
        return frozenset(words[1::2])
    return None


def properties(aggregate) -> set[tuple[str, str]]:
    """Return what an aggregate says of its hosts, as (key, value).

    A value with commas stands for several.
    """
    return {(key, value.strip()) for key, values in (
        aggregate.to_dict().get('metadata') or {}).items()
        for value in values.split(',')}
