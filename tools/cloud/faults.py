# SPDX-License-Identifier: Apache-2.0
"""What the hypervisors of the cloud shall do wrong.

Every wish is a file HOST.OPERATION that says "fail" or a number of seconds;
``hypervisor/pretender.py`` looks for it.
"""

import pathlib

from tools.cloud import errors

#: Of a server that is created, cold migrated and live migrated. A host
#: suffers as the one where the server is created, or from where it leaves.
OPERATIONS = ('spawn', 'migrate', 'live')


class Faults:
    """The wishes for one cloud.

    :param directory: where they are kept
    """

    def __init__(self, directory: pathlib.Path):
        self._directory = directory

    def fail(self, operation: str, host: str | None = None):
        """Have an operation fail from now on.

        :param host: where; everywhere if it is None
        :raises errors.CloudError: there is no such operation
        """
        self._wish(operation, host, 'fail')

    def delay(self, operation: str, seconds: float,
              host: str | None = None):
        """Have an operation take some time from now on.

        What is on its way when the wish goes is done at once.

        :param host: where; everywhere if it is None
        :raises errors.CloudError: there is no such operation
        """
        self._wish(operation, host, f'{seconds:g}')

    def clear(self):
        """Have everything go well again."""
        for path in self._directory.iterdir():
            path.unlink()

    def _wish(self, operation, host, text):
        if operation not in OPERATIONS:
            raise errors.CloudError(f'no operation {operation}: there are '
                                    f'{", ".join(OPERATIONS)}')
        path = self._directory / f'{host or "all"}.{operation}'
        # Whole at once: the hypervisors look at any moment.
        draft = path.with_suffix('.draft')
        draft.write_text(text)
        draft.replace(path)
