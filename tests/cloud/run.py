# SPDX-License-Identifier: Apache-2.0
"""Runs the matrix: ``python -m tests.cloud.run [--pairwise] [SCENARIO...]``.

It plays on the cloud of ``make cloud``, ends with a table and one JSON
object in its last line, and with 0 only if all is as it should be.
"""

import argparse
import json
import logging
import pathlib
import signal
import sys
import tempfile
import time

from tests.cloud import play
from tests.cloud import points
from tests.cloud import scenarios
from tests.cloud import stage
from tests.cloud import table
from tests.cloud.scenarios import doctor
from tools.cloud import errors

LOG = logging.getLogger(__name__)


def parse(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog='python -m tests.cloud.run',
        description='Take the cloud of "make cloud" through maintenance, '
                    'in every way that matters.')
    parser.add_argument('--pairwise', action='store_true',
                        help='only a subset in which every pair of values '
                             'of the use case occurs')
    parser.add_argument('--list', action='store_true',
                        help='show the scenarios, play none')
    parser.add_argument('--directory', type=pathlib.Path,
                        help='keep timelines and the log there')
    parser.add_argument('names', nargs='*', metavar='SCENARIO',
                        help='scenarios or groups: '
                             + ', '.join(scenarios.GROUPS))
    options = parser.parse_args(argv)
    try:
        options.chosen = scenarios.chosen(options.names, options.pairwise)
    except KeyError as error:
        parser.error(f'there is no scenario or group {error}')
    return options


def show():
    """Print the scenarios, and what they cover."""
    for group, each in scenarios.GROUPS.items():
        print(f'{group}:')
        for scenario in each:
            mark = '*' if scenario.name in scenarios.SUBSET else ' '
            print(f'  {mark} {scenario.name}')
    print('* is in the subset of --pairwise, which has each pair of:')
    for name, values in doctor.FACTORS.items():
        print(f'    {name}: {", ".join(map(str, values))}')
    print('points of the contract with existing clients:')
    for point, text in points.POINTS.items():
        print(f'  {point:2} {text}: {", ".join(points.SHOWN[point][:3])}')


def _stop(signum, frame):
    raise KeyboardInterrupt


def main(argv=None) -> int:
    """Play, and show what came of it."""
    options = parse(argv)
    if options.list:
        show()
        return 0
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    began = time.monotonic()
    directory = options.directory or pathlib.Path(
        tempfile.mkdtemp(prefix='fenix-matrix-'))
    directory.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=directory / 'matrix.log', level=logging.INFO,
        format='%(asctime)s %(levelname)s %(name)s %(message)s')
    print(f'{len(options.chosen)} scenarios; timelines and log in '
          f'{directory}', flush=True)
    results = []
    ended = _play(options.chosen, directory, results)
    print('\n'.join(['', *table.lines(results), '']))
    if ended is not None:
        print(f'It ended early, after {len(results)} of '
              f'{len(options.chosen)} scenarios: {ended}\n')
    summary = table.summary(results, time.monotonic() - began, ended)
    print(json.dumps(summary))
    return 0 if (ended is None and not summary['bad']
                 and summary['good']) else 1


def _play(chosen, directory, results) -> str | None:
    """Play scenarios; return why not all of them were, or None.

    What was seen until then is not lost, whoever ends it.

    :param results: gets what came of each
    """
    try:
        with stage.Stage() as here:
            for scenario in chosen:
                lack = here.lacks(scenario)
                if lack is not None:
                    print(f'{scenario.name}  not played: it takes a cloud '
                          f'with {lack}', flush=True)
                    continue
                result = play.Play(here, scenario, directory).run()
                results.append(result)
                print('  '.join(table.row(result)), flush=True)
                for name, value in result.figures.items():
                    print(f'    {name}: {value:g}', flush=True)
                for check, found in result.found.items():
                    for each in found:
                        print(f'    {check}: {each}', flush=True)
    except KeyboardInterrupt:
        return 'it was stopped'
    except (errors.CloudError, TimeoutError) as error:
        return str(error)
    except Exception as error:
        # Of a service, or of the test, before the first or after the last.
        LOG.exception('The stage')
        return f'{type(error).__name__}: {error}'
    return None


if __name__ == '__main__':
    sys.exit(main())
