# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.walk``: go through sessions, and print how it went.

The last line is one JSON object. The exit code is 0 only if nothing was
lost, repeated, stuck or broken.
"""

import argparse
import collections
import gc
import json
import os
import sys
import time
import warnings

from tests.walk import faults
from tests.walk import shapes
from tests.walk import walk

#: Faults, from the one that everybody fears to the rare ones.
FAULTS = list(dict.fromkeys(
    name for possible in faults.BY_POINT.values() for name in possible))
#: Every how many points of a short walk something goes wrong.
SHORT = 13
#: Problems of a session that are told at most.
TOLD = 20


def main(argv=None):
    """Walk; return 0 if all was well."""
    args = _parse(argv)
    warnings.simplefilter('ignore')
    if args.replay:
        problems = walk.replay(shapes.BY_NAME[args.shapes[0]], args.replay)
        for kind, text in problems:
            print(f'{kind}: {text}')
        return 1 if problems else 0
    gc.disable()    # What it looks at is copied by each child.
    figures, seconds, cpu = walk.Figures(), time.monotonic(), _cpu()
    for name in args.shapes:
        figures.add(_walk(shapes.BY_NAME[name], args))
    return _tell(args, figures, time.monotonic() - seconds, _cpu() - cpu)


def _cpu():
    """Return the seconds of CPU that this process and its children used."""
    return sum(os.times()[:4])


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog='python -m tests.walk', description=__doc__.partition(':')[2])
    parser.add_argument('shapes', nargs='*', metavar='SHAPE', help=(
        'sessions to go through; all by default: '
        + ', '.join(shapes.BY_NAME)))
    parser.add_argument('--fault', action='append', choices=FAULTS, help=(
        'only this goes wrong; may be given several times'))
    parser.add_argument('--no-pairs', action='store_true', help=(
        'only one thing goes wrong in a session'))
    parser.add_argument('--short', action='store_true', help=(
        f'something goes wrong at one in {SHORT} points'))
    parser.add_argument('--jobs', metavar='N', type=int, help=(
        'sessions that run at once; one for each processor by default'),
        default=os.cpu_count() or 1)
    parser.add_argument('--replay', metavar='PLAN', help=(
        'let go wrong in the one shape what a problem was told with'))
    args = parser.parse_args(argv)
    for name in args.shapes:
        if name not in shapes.BY_NAME:
            parser.error(f'there is no shape {name}')
    if args.jobs < 1:
        parser.error('--jobs is at least 1')
    if args.replay and len(args.shapes) != 1:
        parser.error('--replay needs one shape')
    args.shapes = args.shapes or list(shapes.BY_NAME)
    return args


def _walk(shape, args):
    """Walk through one shape, by pairs if it is small."""
    began = _cpu()
    reference = walk.refer(shape)
    stride = SHORT if args.short else 1
    single = walk.Walk(shape, depth=1, wanted=args.fault or FAULTS,
                       stride=stride, jobs=args.jobs)
    single.run(reference)
    figures = single.figures
    if shape.small and not args.no_pairs:
        # Crashes everywhere; all else is for the single walk.
        pairs = walk.Walk(shape, depth=2, wanted=['crash'], stride=stride,
                          jobs=args.jobs)
        pairs.run(reference)
        pairs.figures.points = 0
        figures.add(pairs.figures)
    print(f'{shape.name}: {figures.points} points, {figures.runs} sessions, '
          f'{len(figures.problems)} problems, {_cpu() - began:.1f} s',
          flush=True)
    for kind, _, plan, text in figures.problems[:TOLD]:
        print(f'  {kind}: {plan}\n    {text}', flush=True)
    return figures


def _tell(args, figures, seconds, cpu):
    # A plan counts once for each kind of problem, however many it caused.
    counts = collections.Counter(kind for kind, _, _ in {
        (kind, shape, plan) for kind, shape, plan, _ in figures.problems})
    print(json.dumps({
        'shapes': len(args.shapes), 'points': figures.points,
        'sessions': figures.runs, 'crashes': figures.crashes,
        'pairs': figures.pairs, 'faults': dict(sorted(
            figures.faults.items())),
        **{kind: counts[kind]
           for kind in ('lost', 'repeated', 'stuck', 'broken')},
        'seconds': round(seconds, 1), 'cpu_seconds': round(cpu, 1),
        'crashes_per_minute': round(60 * figures.crashes / seconds),
        'crashes_per_cpu_minute': round(60 * figures.crashes / cpu)}))
    return 1 if figures.problems else 0


if __name__ == '__main__':
    sys.exit(main())
