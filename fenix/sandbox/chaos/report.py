# SPDX-License-Identifier: Apache-2.0
"""The figures of a run, as an object and in words."""

import dataclasses
import json

from fenix.sandbox.chaos import judge

#: The figures in the order in which they are shown.
ORDER = ('database', 'engines', 'lease_s', 'seed', 'kills_wanted', 'kills',
         'kills_at_points', 'kills_at_times', 'crashes', 'faults',
         'messages', 'left_out', 'seconds', 'storm_seconds', 'cpu_s',
         'engine', 'sessions', 'takes_s',
         'second_changes', 'lost_replies', 'lost_notifications',
         'rules_broken', 'internal_errors', 'unexpected', 'epochs_fell',
         'takeover_s', 'takeover_in_outage_s', 'recovery_s', 'lines',
         'violations', 'good')


def left_out(site) -> list[str]:
    """Say what this run does not do."""
    found = []
    if site.database is None:
        kind = ('SQLite is a file' if site.options.database == 'sqlite'
                else 'the database server is not ours')
        found.append(f'{kind}: it is not restarted')
    if site.bus is None:
        kind = ('the message bus is not ours' if site.options.transport
                else 'there is no message bus: engines look for work '
                     'themselves, and notifications go by HTTP')
        found.append(f'{kind}; no bus is restarted')
    return found


def progress(tally, slots, ledger) -> str:
    """Tell how far a run is."""
    outcomes = [outcome for slot in slots for outcome in slot.outcomes]
    done = sum(outcome.result == 'done' for outcome in outcomes)
    takeover = judge.spread(
        [each.seconds for each in ledger.takeovers if not each.outage])
    return (f'{tally.kills} kills, {done} sessions done of {len(outcomes)}, '
            f'takeover p99 {takeover["p99"]} s (n {takeover["n"]}), '
            f'{len(tally.unexpected)} unexpected')


def keep(site):
    """Write each takeover to a file beside the logs."""
    with site.directory.joinpath('takeovers.jsonl').open('w') as stream:
        for each in list(site.ledger.takeovers):
            stream.write(json.dumps(dataclasses.asdict(each)) + '\n')


def figures(site, tally, stormy: float, seconds: float,
            verdict: dict) -> dict:
    """Return all figures.

    :param stormy: seconds until the last kill
    :param seconds: of the whole run
    """
    options = site.options
    met = {name: sum(carrier.met[name] for carrier in site.carriers)
           for name in ('lost', 'repeated', 'late')}
    database = options.database.partition(':')[0]
    found = {
        **verdict, 'database': database, 'engines': options.engines,
        'lease_s': options.lease, 'seed': options.seed,
        'kills_wanted': options.kills, 'kills': tally.kills,
        'kills_at_points': sum(tally.points.values()),
        'kills_at_times': tally.timed,
        'crashes': dict(sorted(tally.points.items())),
        'faults': dict(sorted(tally.other.items())), 'messages': met,
        'left_out': left_out(site), 'seconds': round(seconds, 1),
        'storm_seconds': round(stormy, 1),
        'unexpected': tally.unexpected,
        'epochs_fell': len(site.ledger.fell),
        'recovery_s': {kind: judge.spread(values) for kind, values
                       in sorted(site.ledger.recoveries.items())},
        'lines': len(site.timeline.lines)}
    found['good'] = judge.good(found)
    return {name: found[name] for name in ORDER}


def text(figures: dict) -> str:
    """Return the figures in words."""
    rows = []
    for name in ORDER:
        value = figures[name]
        if name == 'violations':
            rows += [f'  rule {each["rule"]} ({each["kind"]}): '
                     f'{each["subject"]}: {each["what"]}' for each in value]
        elif isinstance(value, dict):
            rows += _table(name, value)
        elif isinstance(value, list):
            rows.append(f'  {name:24}{len(value)}')
            rows += [f'    {each}' for each in value]
        else:
            rows.append(f'  {name:24}{value}')
    return '\n'.join(rows)


def _table(name, values):
    if not any(isinstance(value, dict) for value in values.values()) and (
            len(values) <= 5):
        shown = ', '.join(f'{key} {value}' for key, value in values.items())
        return [f'  {name:24}{shown or "-"}']
    rows = [f'  {name}']
    for key, value in values.items():
        if isinstance(value, dict):
            value = ', '.join(f'{what} {number}'
                              for what, number in value.items()) or '-'
        rows.append(f'    {key:46}{value}')
    return rows
