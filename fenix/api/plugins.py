# SPDX-License-Identifier: Apache-2.0
"""Which plug-ins there are, by name.

The names are read from what is installed, without importing anything: what
a plug-in needs is needed where the engine runs.
"""

import functools
from importlib import metadata

WORKFLOWS = 'fenix.workflows'
ACTIONS = 'fenix.actions'


@functools.cache
def names(group):
    """Return the names of the plug-ins of a group, sorted."""
    return sorted(metadata.entry_points(group=group).names)
