# SPDX-License-Identifier: Apache-2.0
"""The version of the installed package."""

import importlib.metadata


def release():
    """Return the version, or ``0.0.0`` when run from a bare source tree."""
    try:
        return importlib.metadata.version('fenix')
    except importlib.metadata.PackageNotFoundError:
        return '0.0.0'
