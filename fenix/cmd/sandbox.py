# SPDX-License-Identifier: Apache-2.0
"""fenix-sandbox: a cloud to try Fenix on, in one command."""

from fenix import _threading  # noqa: F401, I001

import sys

from fenix.sandbox import command


def main(argv=None):
    """Run a command of the sandbox."""
    return command.main(sys.argv[1:] if argv is None else argv)


if __name__ == '__main__':
    sys.exit(main())
