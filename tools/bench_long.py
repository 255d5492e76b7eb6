# SPDX-License-Identifier: Apache-2.0
"""Execute plans of random clouds until many hosts were maintained.

Clouds, limits and what goes wrong come from a seed: moves fail or take
longer, projects refuse, instances come and go, other sessions impact groups.
A checker that shares no code with the planner looks at everything that
happened. The last line has the figures; the exit code is 0 only if no rule
was broken and no host was left without a reason. It takes some minutes;
``nice`` is a good idea.
"""

import argparse
import json
import sys
import time

from tests.planning import chances


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--hosts', type=int, default=100_000,
                        help='how many maintenances')
    parser.add_argument('--seed', type=int, default=0, help='the first one')
    options = parser.parse_args()
    begin = time.monotonic()
    seed = options.seed
    hosts = moves = left = 0
    broken = []
    while hosts < options.hosts:
        run, found = chances.run(seed)
        hosts += sum(what == 'done' for _time, what, *_rest in run.record)
        moves += run.moves
        unfinished = run.fleet.unfinished()
        left += len(unfinished)
        if unfinished and not run.fleet.shortage:
            found.append(f'{unfinished} left for no reason')
        for text in found:
            broken.append(f'seed {seed}: {text}')
            print(broken[-1], flush=True)
        seed += 1
        if seed % 1000 == 0:
            print(f'{seed} clouds, {hosts} hosts', flush=True)
    print(json.dumps({
        'clouds': seed - options.seed, 'hosts_maintained': hosts,
        'moves': moves, 'hosts_that_cannot_be_done': left,
        'broken': broken[:10],
        'seconds': round(time.monotonic() - begin, 1)}))
    return 1 if broken else 0


if __name__ == '__main__':
    sys.exit(main())
