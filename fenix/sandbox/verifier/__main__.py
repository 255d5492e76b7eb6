# SPDX-License-Identifier: Apache-2.0
"""``python -m fenix.sandbox.verifier FILE``: print the breaches in a run."""

import argparse
import sys

from fenix.sandbox import verifier
from fenix.sandbox.verifier import deadlines
from fenix.sandbox.verifier import story


def main(argv=None) -> int:
    """Print one breach a line; return 1 if there are any."""
    parser = argparse.ArgumentParser(
        prog='python -m fenix.sandbox.verifier',
        description='Check a timeline of fenix-sandbox against the rules.')
    parser.add_argument('file', help='timeline file, as --timeline wrote it')
    parser.add_argument('--slack', type=float, default=deadlines.SLACK,
                        help='seconds after the end of a window within which '
                             'a session must go on (default: %(default)s)')
    args = parser.parse_args(argv)
    lines = story.read(args.file)
    breaches = verifier.verify(lines, args.slack)
    for breach in breaches:
        print(f'{breach.t:.3f} rule {breach.rule}: {breach.subject}: '
              f'{breach.what}')
    print(f'{len(lines)} lines, {len(breaches)} breaches')
    return 1 if breaches else 0


if __name__ == '__main__':
    sys.exit(main())
