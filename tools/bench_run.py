# SPDX-License-Identifier: Apache-2.0
"""How close a whole session comes to its plan, with real processes.

Runs a session of the workflow ``vnf`` in the sandbox, and compares how long
it took with what the planner forecasts for the same cloud, with its lower
bound, and with the forecast for one host at a time. What stands after ``--``
goes to ``fenix-sandbox run``.

Moves and work on hosts take as long as ``--migration-time`` and
``--host-time`` say. They are chosen such that two processors which simulate
the cloud and the managers besides are not what the session waits for.

The moves are cold migrations, of which Nova makes as many at once as it is
asked for: ``moves_per_source`` is 0.

The last line is one JSON object. ``around_move_s`` and ``around_host_s`` in it
are what moves and the work on hosts took besides, on average: what is assumed
of that, ``AROUND_MOVE`` and ``AROUND_HOST``, can be held against it, and
``seen_forecast_s`` is the forecast that goes by it. The lower bound assumes
none of it: no plan could do better even if Fenix and Nova took no time. The
exit code is 0 if the
session was done without a violation, took at most 5 % longer than its forecast
and 15 % longer than the lower bound, and would take at least 8 times as long
with one host at a time. With ``--small``, which is for a machine that does
other things too, a quarter longer than the forecast will do, and most of the
speed-up that the spare hosts allow.
"""

import argparse
import dataclasses
import json
import pathlib
import subprocess
import sys
import tempfile

from fenix.size import Size
from fenix.workflow.planner import model
from fenix.workflow.planner import planner

#: Seconds that Fenix and the simulated Nova need around a move (until it is
#: seen, confirmed and seen again) and around the work on a host (until it is
#: proved empty, announced, and its services report).
AROUND_MOVE = 0.4
AROUND_HOST = 0.7
#: Seconds until the first host is begun with, and after the last one.
AROUND_SESSION = 2.0

SMALL = {'hosts': 12, 'instances_per_host': 4, 'spare': 3,
         'migration_time': 4.0, 'host_time': 4.0}
LARGE = {'hosts': 100, 'instances_per_host': 10, 'spare': 10,
         'migration_time': 30.0, 'host_time': 30.0}


def run_session(options, rest):
    """Run one session; return its figures and its timeline."""
    settings = {'migration_time': options.migration_time,
                'host_time': options.host_time + AROUND_HOST,
                'confirm_time': AROUND_MOVE, 'reply_time': 1,
                'moves_per_source': 0}
    with tempfile.TemporaryDirectory() as directory:
        timeline = pathlib.Path(directory) / 'timeline'
        done = subprocess.run(
            [sys.executable, '-W', 'ignore', '-m', 'fenix.cmd.sandbox',
             'run', '--json', '--timeline', str(timeline),
             '--workflow', 'vnf', '--constraints', '--recovery-time', '0',
             '--lead-time', '1', '--switch-time', '0.05', '--window', '120',
             '--hosts', str(options.hosts), '--spare', str(options.spare),
             '--instances-per-host', str(options.instances_per_host),
             '--migration-time', str(options.migration_time),
             '--host-time', str(options.host_time),
             '--timeout', str(options.timeout),
             *[f'--setting={name}={value}'
               for name, value in settings.items()], *rest],
            stdout=subprocess.PIPE, text=True)
        if not done.stdout:
            raise SystemExit('the sandbox could not run: its last words are '
                             'above')
        lines = timeline.read_text().splitlines()
    return (json.loads(done.stdout.splitlines()[-1]),
            [json.loads(line) for line in lines])


def view_of(lines):
    """Return the cloud as it was when the session began."""
    hosts, servers, groups, bodies = {}, {}, {}, {}
    for line in lines:
        if line['what'] == 'session':
            break
        if line['what'] == 'host.create':
            hosts[line['host']] = line
        elif line['what'] == 'server.create':
            servers[line['server']] = line
        elif line['what'] == 'constraint' and line['kind'] == 'group':
            groups[line['id']] = line['body']
        elif line['what'] == 'constraint':
            bodies[line['id']] = line['body']
    free = {name: _size(line) for name, line in hosts.items()}
    for line in servers.values():
        free[line['host']] -= _size(line)
    return model.CloudView(
        hosts={name: model.HostView(name, free[name], _size(line))
               for name, line in hosts.items()},
        instances={key: model.InstanceView(
            key, line['project'], line['host'], _size(line),
            groups=(bodies[key]['group_id'],), asked=True,
            lead_time=bodies[key]['lead_time'])
            for key, line in servers.items()},
        groups={key: model.GroupView(
            key, anti_affinity=body['anti_affinity_group'],
            max_per_host=body['max_instances_per_host'],
            max_impacted=body['max_impacted_members'],
            recovery_time=body['recovery_time'])
            for key, body in groups.items()})


def _size(line):
    return Size(line['vcpus'], line['ram_mb'], line['disk_gb'])


def around(lines, options):
    """Return what a move and the work on a host took besides, on average."""
    begun, moves, left, work = {}, [], {}, []
    for line in lines:
        if line['what'] == 'migrate.start':
            begun[line['server']] = line
        elif line['what'] == 'migrate.end' and line['server'] in begun:
            start = begun.pop(line['server'])
            moves.append(line['t'] - start['t'] - options.migration_time)
            left[start['source']] = line['t']
        elif line['what'] == 'service.enable' and line['host'] in left:
            work.append(line['t'] - left.pop(line['host'])
                        - options.host_time)
    return [sum(found) / max(1, len(found)) for found in (moves, work)]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--small', action='store_true',
                        help='the form that takes about a minute')
    for name, value in LARGE.items():
        parser.add_argument('--' + name.replace('_', '-'), type=type(value))
    parser.add_argument('--timeout', type=float, default=3600.0)
    parser.add_argument('rest', nargs='*', metavar='-- ARG',
                        help='for fenix-sandbox run')
    options = parser.parse_args()
    for name, value in (SMALL if options.small else LARGE).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    figures, lines = run_session(options, options.rest)
    view = view_of(lines)
    limits = model.Limits()
    alone = model.Estimates(
        host=options.host_time, reply=0.0, confirm=0.0,
        base={'MIGRATE': options.migration_time}, per_gb={'MIGRATE': 0.0})
    estimates = dataclasses.replace(
        alone, host=options.host_time + AROUND_HOST, confirm=AROUND_MOVE)
    least = planner.plan(view, limits, alone).bound
    plan = planner.plan(view, limits, estimates)
    single = planner.plan(view, dataclasses.replace(
        limits, hosts_at_once=1), estimates)
    around_move, around_host = around(lines, options)
    seen = planner.plan(view, limits, dataclasses.replace(
        estimates, confirm=around_move, host=options.host_time + around_host))
    took = figures['makespan_s']
    forecast = plan.forecast.end + AROUND_SESSION
    result = {
        'state': figures['state'], 'violations': len(figures['violations']),
        'hosts': figures['hosts'], 'instances': figures['instances_start'],
        'moves': figures['moves'],
        'moves_per_instance_max': figures['moves_per_instance_max'],
        'makespan_s': took, 'forecast_s': round(forecast, 1),
        'lower_bound_s': round(least.seconds, 1), 'binding': least.binding,
        'around_move_s': round(around_move, 2),
        'around_host_s': round(around_host, 2),
        'seen_forecast_s': round(seen.forecast.end + AROUND_SESSION, 1),
        'one_at_a_time_s': round(single.forecast.end, 1),
        'engine_cpu_s': figures['engine_cpu_s'],
        'engine_rss_mb': figures['engine_rss_mb']}
    good = figures['state'] == 'MAINTENANCE_DONE' and not figures['violations']
    if good:
        result |= {'to_forecast': round(took / forecast, 3),
                   'to_bound': round(took / least.seconds, 3),
                   'speed_up': round(single.forecast.end / took, 2)}
        good = (result['to_forecast'] <= (1.25 if options.small else 1.05)
                and (options.small or result['to_bound'] <= 1.15)
                and result['speed_up'] >= (
                    0.6 * options.spare if options.small else 8))
    for breach in figures['violations'][:10]:
        print(breach)
    print(json.dumps(result))
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
