# SPDX-License-Identifier: Apache-2.0
"""Read what VNF managers send for a number or a truth (CONTRACT.md 1.4).

Tacker's own user guide shows YAML with stray commas, which arrive here as
``"60,"`` and ``"True,"``, and gives up after five refusals. So what can be
read is read, and for the rest a default is stored with a warning.
"""

import math

from oslo_utils import strutils

from fenix import words

#: The largest number that every database has a column for.
LARGEST = 2**31 - 1


class Reader:
    """Takes the values of a body, and notes what was wrong with them.

    :ivar warnings: one sentence for each value that could not be read
    """

    def __init__(self, body):
        self._body = body
        self.warnings = []

    def number(self, field, default, least=0):
        """Return a whole number that is at least ``least``."""
        value = _bare(self._body.get(field))
        try:
            if isinstance(value, bool):
                raise ValueError
            number = math.ceil(float(value))
        except (TypeError, ValueError, OverflowError):
            return self._instead(field, default)
        if not least <= number <= LARGEST:
            return self._instead(field, default)
        return number

    def truth(self, field, default):
        """Return True or False."""
        try:
            return strutils.bool_from_string(
                _bare(self._body.get(field)), strict=True)
        except ValueError:
            return self._instead(field, default)

    def action(self, field, default):
        """Return one of the actions that instances allow.

        Of a list, as ETSI has it, the first that is known.
        """
        value = self._body.get(field)
        for item in value if isinstance(value, list) else [value]:
            action = words.read_action(_bare(item))
            if action is not None:
                return action
        return self._instead(field, default)

    def text(self, field, length):
        """Return a text of at most ``length`` characters, or None."""
        value = self._body.get(field)
        if value is None or value == '':
            return None
        if isinstance(value, str | int) and len(str(value)) <= length:
            return str(value)
        return self._instead(field, None)

    def _instead(self, field, default):
        if field in self._body:
            self.warnings.append(
                f'{field}: {str(self._body[field])[:80]!r} was not '
                f'understood, {default!r} is used instead')
        else:
            self.warnings.append(f'{field} is missing, {default!r} is used')
        return default


def _bare(value):
    return value.strip(' \t\r\n,;"\'') if isinstance(value, str) else value
