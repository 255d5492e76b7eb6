# SPDX-License-Identifier: Apache-2.0
"""What a session on a real cloud took, from its detail and the timeline."""

import collections
import datetime
import statistics

MOVING = ('PREPARE_MAINTENANCE', 'PLANNED_MAINTENANCE')


def seconds(text: str) -> float:
    """Return a time of the API as seconds since the epoch."""
    return datetime.datetime.fromisoformat(text).timestamp()


def phases(lines: list[dict]) -> dict[str, float]:
    """Return the seconds in each state, to within the time between looks."""
    spent = collections.defaultdict(float)
    states = [line for line in lines
              if line['what'] == 'session' and line['state'] is not None]
    for line, following in zip(states, states[1:], strict=False):
        spent[line['state']] += following['t'] - line['t']
    return {state: round(took, 1) for state, took in spent.items()}


def alarm_ms(detail: dict, lines: list[dict]) -> dict:
    """Return the time from publication of a host's event to its alarm."""
    told = {(line['host'], line['state']): line['t']
            for line in lines if line['what'] == 'inspector'}
    return _summary(
        told[about] - seconds(event['published_at'])
        for event in detail['events']
        if event['event_type'] == 'maintenance.host'
        and (about := (event['payload']['host'],
                       event['payload']['state'])) in told)


def reaction_ms(detail: dict, lines: list[dict]) -> dict:
    """Return the time from a host's last reply to its first move.

    From the moment at which the manager had its 200 until Fenix wrote down
    what it is about to ask Nova for; it looked at the server before.
    """
    replies = [(line['t'], server) for line in lines
               if line['what'] == 'reply' and line['code'] == 200
               and line['state'].removeprefix('ACK_') in MOVING
               for server in line['instances']]
    first = {}
    for move in detail['moves']:
        at = seconds(move['intended_at'])
        if move['source'] not in first or at < first[move['source']][0]:
            first[move['source']] = (at, move['instance_id'])
    return _summary(
        at - max(t for t, about in replies if about == server and t <= at)
        for at, server in first.values()
        if any(about == server and t <= at for t, about in replies))


def move_s(detail: dict) -> dict:
    """Return what a move took, from intent to end, by its kind."""
    took = collections.defaultdict(list)
    for move in detail['moves']:
        if move['ended_at'] is not None:
            took[move['action']].append(
                seconds(move['ended_at']) - seconds(move['intended_at']))
    return {action: {'n': len(all_), 'median': round(
        statistics.median(all_), 1), 'max': round(max(all_), 1)}
        for action, all_ in took.items()}


def _summary(values):
    values = sorted(round(value * 1000) for value in values)
    if not values:
        return {'n': 0}
    return {'n': len(values), 'median': statistics.median(values),
            'max': values[-1]}
