# SPDX-License-Identifier: Apache-2.0
"""fenix-manage release: hosts that were left disabled go back into use."""

import fenix._threading  # noqa: F401,I001 - before all other of oslo
import getpass
import json
import os
import socket
import sys

from fenix import conf as settings
from fenix import errors
from fenix.clouds import base as clouds
from fenix.db import kept_hosts
from fenix.notify.publishers import base as publishers
from fenix.workflow import marks



def add_words(parser):
    """Add the words of the command."""
    parser.add_argument(
        'hosts', nargs='*', metavar='HOST',
        help='a host that "fenix-status check" names')
    parser.add_argument(
        '--all', action='store_true',
        help='all hosts that were left over; not those that were kept '
             'disabled for a reason, which have to be named')
    parser.add_argument(
        '--yes', action='store_true', help='do not ask, with --all')
    parser.add_argument(
        '--dry-run', action='store_true',
        help='change nothing, only tell what would be done')


def release(conf):
    """Enable hosts that carry the mark of a session that is no more."""
    words = conf.command
    if bool(words.hosts) == words.all:
        raise errors.FenixError('name the hosts, or say --all')
    cloud = clouds.load(conf)
    found = marks.find(cloud)
    hosts = list(dict.fromkeys(words.hosts)) or [
        host for host, marked in found.items()
        if marked.state is None and not marked.on_purpose]
    if words.all and hosts and not (words.dry_run or words.yes):
        _ask(hosts)
    work = _Release(conf, cloud, found)
    for host in hosts:
        work.release(host)
    if words.all:
        for host in found.keys() - hosts:
            work.leave(found[host])
    work.stop()
    print(json.dumps({'dry_run': words.dry_run, **work.figures}))
    if work.figures['refused']:
        raise errors.FenixError('not every host was released')


def _ask(hosts):
    """Have the operator confirm.

    :raises FenixError: it is not wanted
    """
    if not sys.stdin.isatty():
        raise errors.FenixError(
            f'{len(hosts)} hosts would be released ({", ".join(hosts)}): '
            'say --yes, or --dry-run to look first')
    print('\n'.join(hosts))
    if input(f'Release these {len(hosts)} hosts? [y/N] ') not in ('y', 'yes'):
        raise errors.FenixError('nothing was released')


class _Release:
    """Releases one host after the other, and counts.

    :param found: {host: Marked}
    """

    def __init__(self, conf, cloud, found):
        self.conf = conf
        self.cloud = cloud
        self.found = found
        self.by = (f'{os.environ.get("SUDO_USER") or getpass.getuser()}@'
                   f'{socket.gethostname()}')
        self.figures = {'released': [], 'refused': [], 'left': [], 'told': 0}
        self._publisher = None

    def release(self, host):
        """Release a host, or say why not."""
        try:
            problem = self._problem(host)
            if problem is None and not self.conf.command.dry_run:
                problem = self._release(host)
        except errors.FenixError as error:
            problem = str(error)
        if problem is None:
            self.figures['released'].append(host)
            print(f'{host}: {self._what(host)}')
        else:
            self.figures['refused'].append(host)
            print(f'{host}: not released: {problem}')

    def leave(self, marked):
        """Say why a host is not among all."""
        self.figures['left'].append(marked.host)
        print(f'{marked.host}: left: ' + (
            f'kept disabled: "{marked.why}"; name it to release it'
            if marked.state is None else _living(marked)))

    def stop(self):
        if self._publisher is not None:
            self._publisher.stop()

    def _what(self, host):
        done = 'would be ' if self.conf.command.dry_run else ''
        marked = self.found.get(host)
        if marked is None:
            return f'{done}told to be back in use'
        return (f'{done}released; session {marked.session_id}, '
                f'"{marked.why}"')

    def _problem(self, host):
        """Return what is against it, or None."""
        marked = self.found.get(host)
        if marked is not None:
            return _living(marked) if marked.state is not None else None
        service = self.cloud.service(host)
        if service is None or not service.is_compute:
            return 'Nova knows no compute host of that name'
        if not service.enabled:
            return (f'it was not Fenix who disabled it: '
                    f'"{service.disabled_reason or ""}"')
        if kept_hosts.of(host):
            return None         # Enabled by hand; nobody was told yet.
        return 'it is enabled'

    def _release(self, host):
        marked = self.found.get(host)
        if marked is not None and not marks.release(
                self.cloud, marked, self.by):
            return 'another hand has just disabled it'
        try:
            if kept_hosts.of(host):
                self.figures['told'] += marks.tell(
                    self.conf, self._load_publisher(), host)
        except errors.PublishError as error:
            return (f'it is enabled, but nobody could be told: {error}. '
                    'Release it again to tell them')
        return None

    def _load_publisher(self):
        if self._publisher is None:
            # oslo.messaging works with the global object only.
            settings.CONF(
                [word for option in ('config_file', 'config_dir')
                 for name in self.conf[option] or ()
                 for word in (f'--{option.replace("_", "-")}', str(name))],
                project='fenix', prog='fenix-manage')
            self._publisher = publishers.load(settings.CONF)
        return self._publisher


def _living(marked):
    return (f'session {marked.session_id} has it, which is {marked.state}: '
            'the session gives it back when it goes on or is deleted')
