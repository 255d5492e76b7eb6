# SPDX-License-Identifier: Apache-2.0
"""The command line of the cloud."""

import argparse
import fcntl
import os
import pathlib
import sys
import time

from tools.cloud import cloud
from tools.cloud import errors
from tools.cloud import processes
from tools.cloud import site as sites


def parse(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog='python -m tools.cloud',
        description='A small OpenStack of real services, with Fenix, on '
                    'this machine.')
    parser.add_argument(
        '--directory', type=pathlib.Path, default=sites.default_directory(),
        help='where it lives; FENIX_CLOUD or ~/.cache/fenix-cloud by '
             'default')
    commands = parser.add_subparsers(dest='command', required=True)
    up = commands.add_parser(
        'up', help='install what is missing, make it, start it')
    up.add_argument('--port-base', type=int,
                    default=os.environ.get('FENIX_CLOUD_PORT'),
                    help='the first of its ports, 0 for any that are free; '
                         'FENIX_CLOUD_PORT or 25000 by default')
    up.add_argument('--computes', type=int, help='hosts, 5 by default')
    up.add_argument('--cells', type=int, choices=(1, 2),
                    help=f'2 for a second cell with {sites.IN_SECOND_CELL} '
                         f'of the hosts')
    down = commands.add_parser('down', help='stop all of it')
    down.add_argument('--remove', action='store_true',
                      help='remove its directory, too')
    commands.add_parser('status', help='show its processes')
    for name, text in (('start', 'start processes, all by default'),
                       ('stop', 'stop processes'),
                       ('restart', 'stop and start processes'),
                       ('kill', 'end processes as "kill -9" does')):
        command = commands.add_parser(name, help=text)
        command.add_argument('names', nargs='*' if name == 'start' else '+',
                             metavar='PROCESS')
    return parser.parse_args(argv)


def main(argv=None) -> int:
    """Do what the command line says."""
    options = parse(argv)
    began = time.monotonic()

    def say(text):
        print(f'{time.monotonic() - began:6.1f}  {text}', flush=True)

    try:
        if options.command == 'up':
            site = sites.Site.make(
                options.directory, port_base=options.port_base,
                computes=options.computes, cells=options.cells)
        else:
            site = sites.Site.load(options.directory)
        with (site.directory / 'lock').open('w') as lock:
            if options.command != 'status':
                fcntl.flock(lock, fcntl.LOCK_EX)
            _run(options, cloud.Cloud(site, say), say)
    except errors.CloudError as exc:
        print(f'cloud: {exc}', file=sys.stderr)
        return 1
    return 0


def _run(options, here, say):
    if options.command == 'up':
        here.up()
        say('the cloud is up')
        print(_greeting(here.site))
    elif options.command == 'down':
        here.down(options.remove)
        say('the cloud is down'
            + (' and removed' if options.remove else ''))
    elif options.command == 'status':
        _show(here)
    else:
        getattr(here, options.command)(*options.names)


def _greeting(site):
    return f"""
Keystone  {site.auth_url}
Fenix     {site.fenix_url}
hosts     {site.hosts[0].name} to {site.hosts[-1].name}
users     admin, doctor and demo, each with a project of its name
files     {site.directory}: log, conf, home/.fenix

  . {site.directory}/openrc-admin
  {site.program("openstack")} compute service list

"python -m tools.cloud status" shows the processes, "make test-cloud" runs
the tests on it, "make cloud-down" stops it."""


def _show(here):
    total = 0
    for name in here.services():
        pid = here.pid(name)
        memory = processes.memory_mb(pid) if pid else 0
        total += memory
        state = ('works' if here.works(name) else
                 'does not answer' if pid else 'does not run')
        print(f'{name:24} {pid or "":>8} {memory:5} MB  {state}')
    print(f'{"":33} {total:5} MB')


if __name__ == '__main__':
    sys.exit(main())
