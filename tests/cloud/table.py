# SPDX-License-Identifier: Apache-2.0
"""The summary of a run, for humans and for programs."""

import dataclasses

from tests.cloud import points

COLUMNS = ('scenario', 'final state', 'makespan', 'moves', 'out at once',
           'worst reaction', 'interruption', 'took', 'verdict')


def row(result) -> tuple[str, ...]:
    """Return the cells of a scenario."""
    def value(number, unit):
        return '-' if number is None else f'{number:g} {unit}'
    state = (result.state or '-').removeprefix('MAINTENANCE_')
    return (result.name, state + ' (continued)' * result.continued,
            value(result.makespan_s, 's'), str(result.moves),
            str(len(result.together)),
            value(result.reaction_ms, 'ms'),
            value(result.interruption_s, 's'), value(result.seconds, 's'),
            'good' if result.good else 'BAD')


def lines(results) -> list[str]:
    """Return the table, and below it what should not be."""
    rows = [COLUMNS, *map(row, results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    text = ['  '.join(cell.ljust(width) for cell, width in zip(
        cells, widths, strict=True)).rstrip() for cells in rows]
    text.insert(1, '  '.join('-' * width for width in widths))
    for result in results:
        for check, found in result.found.items():
            text += [f'{result.name}: {check}: {each}' for each in found]
    return text


def summary(results, seconds: float, ended: str | None = None) -> dict:
    """Return the run as an object.

    :param seconds: that all of it took
    :param ended: why it ended early, if it did
    """
    good = [result.name for result in results if result.good]
    return {
        'good': len(good), 'bad': len(results) - len(good),
        'seconds': round(seconds, 1), 'ended_early': ended,
        'points': sorted(point for point, names in points.SHOWN.items()
                         if set(names) & set(good)),
        'scenarios': [dataclasses.asdict(result) for result in results]}
