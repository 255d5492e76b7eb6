# SPDX-License-Identifier: Apache-2.0
"""What oslo-config-generator asks for."""

from fenix import conf


def list_opts():
    """Return all options of Fenix, by group."""
    return [pair for group in conf.GROUPS for pair in group.list_opts()]
