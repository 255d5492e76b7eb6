# SPDX-License-Identifier: Apache-2.0
"""Takes a real cloud that may be played with through a session.

    python tests/cloud/run_session.py --auth-url http://…/v3 …

The contributor guide says what it needs. It ends with the figures of the
session as one JSON object, and with 0 only if the session is done and the
cloud's own records show nothing that should not be.
"""

import argparse
import contextlib
import datetime
import json
import logging
import os
import pathlib
import signal
import sys
import tempfile
import time

if __name__ == '__main__':
    # Run as a file, it does not find this very Fenix by itself.
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from fenix.sandbox import administrator
from fenix.sandbox import constraints
from fenix.sandbox import messages
from fenix.sandbox import processes
from fenix.sandbox import vnf
from fenix.sandbox import vnfm
from fenix.sandbox.cloud import timeline
from tests.cloud import audit
from tests.cloud import figures
from tests.cloud import service
from tests.cloud import tenant
from tests.cloud import watch

LOOK = 0.25
DELETE_TIME = 120.0
#: Seconds within which an engine takes up a continuation.
CONTINUE_TIME = 10.0
FAILED = 'MAINTENANCE_FAILED'
ACTIONS = ('MIGRATE', 'LIVE_MIGRATE', 'OWN_ACTION')


def parse(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Take a real cloud through a session.',
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add('--auth-url', default=os.environ.get('OS_AUTH_URL'),
        help='of Keystone, with its version')
    add('--admin', default='admin', help='a user with the role admin; its '
                                         'project has its name')
    add('--tenant', default='doctor',
        help='a plain user with a project of its name')
    add('--password', default=os.environ.get('OS_PASSWORD'), help='of both')
    add('--transport', required=True, help='message bus of the cloud')
    add('--database', help='a server on which a database may be made; '
                           'without it an SQLite file')
    add('--port', type=int, default=12347, help='of fenix-api')
    add('--engines', type=int, default=2)
    add('--flavor', default='m.two', help='half of a host')
    add('--instances', type=int, default=10, help='that fill all hosts')
    add('--action', choices=ACTIONS, default='MIGRATE',
        help="the manager's choice")
    add('--constraints', action='store_true',
        help='the manager registers constraints')
    add('--lead-time', type=int, default=5)
    add('--vocabulary', choices=['doctor', 'fenix'])
    add('--workflow', default='default')
    add('--notice', type=float, default=30.0,
        help='seconds until the work starts')
    add('--host-time', type=float, default=5.0,
        help='seconds of work on a host')
    add('--alarm-time', type=float, default=0.0,
        help='seconds until aodh knows of a new alarm')
    add('--continue-after', type=float, metavar='SECONDS',
        help='continue a session that failed, once, after so long')
    add('--timeout', type=float, default=1800.0)
    add('--kill-at', choices=['RESIZE', 'VERIFY_RESIZE', 'MIGRATING'],
        help='kill the engine that owns the session when the first server '
             'is in that state')
    add('--directory', help='keep configuration, logs and timeline there')
    return parser.parse_args(argv)


class Run:
    """One run: everything it needs, the session, and what came of it."""

    def __init__(self, options):
        self.options = options
        self.stack = contextlib.ExitStack()
        self.killed: str | None = None
        self.began = time.time()
        self.narrator = messages.Narrator()

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *error):
        self.stack.close()

    def _start(self):
        options = self.options
        directory = pathlib.Path(
            options.directory or self.stack.enter_context(
                tempfile.TemporaryDirectory(prefix='fenix-cloud-')))
        directory.mkdir(parents=True, exist_ok=True)
        logging.basicConfig(filename=directory / 'run.log',
                            level=logging.INFO)
        self.timeline = timeline.Timeline(str(directory / 'timeline.json'))
        self.stack.callback(self.timeline.close)
        self.timeline.subscribe(self._show)
        self.fenix = service.Service(
            directory.absolute(), options.auth_url, options.port,
            options.transport, options.engines)
        root = self._client(options.admin)
        self.cloud = audit.Cloud(root)
        self._check_empty()
        self.stack.enter_context(
            service.Registration(root).registered(self.fenix.api))
        self._boot(root)
        words = {'vocabulary': options.vocabulary,
                 'project_vocabulary':
                     f'{self.vnf_client.project_id}:{options.vocabulary}'
                 } if options.vocabulary else {}
        self.stack.enter_context(self.fenix.running(
            options.database or f'sqlite:///{directory.absolute()}/fenix.db',
            options.host_time, **words))
        self._listen()

    def _client(self, name):
        client = tenant.Client(self.options.auth_url, name,
                               self.options.password, name)
        self.stack.callback(client.close)
        return client

    def _check_empty(self):
        servers = self.cloud.servers()
        closed = [host for host, each in self.cloud.computes().items()
                  if each['status'] != 'enabled' or each['state'] != 'up']
        if servers or closed:
            raise SystemExit(f'the cloud has {len(servers)} servers, and '
                             f'these hosts are disabled or down: {closed}')

    def _boot(self, root):
        options = self.options
        self.vnf_client = self._client(options.tenant)
        project = self.vnf_client.project_id
        self.narrator.name_project(project, 'VNFM')
        # A server that its project replaces is there twice for a while.
        root.json('PUT', 'compute', f'/os-quota-sets/{project}', json={
            'quota_set': {'instances': -1, 'cores': -1, 'ram': -1}})
        flavors = root.json('GET', 'compute', '/flavors')['flavors']
        images = root.json('GET', 'image', '/v2/images')['images']
        flavor = [each['id'] for each in flavors
                  if options.flavor in (each['id'], each['name'])]
        self.vnf = tenant.RealVnf(
            'vnf', self.vnf_client, self.timeline,
            vnf.Size(options.instances, flavor[0], images[0]['id']))
        self.stack.callback(self.vnf.remove)
        self.say('the VNF boots')
        self.vnf.boot()

    def _listen(self):
        options = self.options
        self.inspector = watch.Inspector(
            self._client(options.admin), self.timeline, self.cloud)
        self.stack.callback(self.inspector.stop)
        self.inspector.start()
        limits = constraints.Limits(lead_time=options.lead_time)
        self.manager = vnfm.Vnfm(
            self.vnf, self.vnf_client, self.timeline, vnfm.Manners(
                action=options.action,
                limits=limits if options.constraints else None))
        self.stack.callback(self._forget_alarms)
        self.stack.callback(self.manager.stop)
        self.manager.start()
        self.vnf.announce()
        self.watch = watch.Watch(self._client(options.tenant), self.vnf,
                                 self._seen)
        self.stack.callback(self.watch.stop)
        self.watch.start()
        time.sleep(options.alarm_time)

    def _forget_alarms(self):
        for name in (self.options.admin, self.options.tenant):
            client = self._client(name)
            for alarm in client.json('GET', 'alarming', '/v2/alarms'):
                if alarm['name'] in ('inspector', 'vnf-0'):
                    client.json('DELETE', 'alarming',
                                f'/v2/alarms/{alarm["alarm_id"]}')

    # What happens

    def say(self, text):
        """Show a line."""
        print(f'{time.time() - self.began:7.1f}  {text}', flush=True)

    def _show(self, line):
        if line['what'] == 'inspector':
            self.say(f'the inspector hears: {line["host"]} is '
                     f'{line["state"]}')
            return
        text = self.narrator.tell(line)
        if text is not None:
            self.say(text)

    def _seen(self, server, state):
        self.timeline.record('server.state', server=server, state=state)
        self.say(f'{self.narrator.server(server)} is {state}')
        if state == self.options.kill_at and self.killed is None:
            self.killed = self.fenix.owner(self.admin.session)
            self.fenix.engines[self.killed].kill()
            self.say(f'{self.killed} is killed')

    # The session

    def session(self) -> dict:
        """Start a session, follow and delete it.

        :returns: figures, and under ``found`` what should not be
        """
        options = self.options
        since = datetime.datetime.now(datetime.UTC).strftime(
            '%Y-%m-%dT%H:%M:%S')
        before = {server: each['OS-EXT-SRV-ATTR:host']
                  for server, each in self.cloud.servers().items()}
        self.admin = administrator.Administrator(
            self._client(options.admin), self.timeline, self.fenix.api)
        session = self.admin.create(
            options.notice, options.workflow, actions=[{
                'plugin': 'command', 'type': 'host',
                'metadata': {'command': service.WORK}}])
        state = self._follow(administrator.FINAL, options.timeout)
        if state == FAILED and options.continue_after is not None:
            state = self._continue(session)
        detail = self._detail(session)
        cpu, memory = self._engines()
        self.admin.delete()
        gone = self._follow([administrator.GONE], DELETE_TIME)
        self.watch.stop()
        if options.constraints:
            self.manager.withdraw()
        moves = audit.moves(self.cloud, since)
        found = audit.audit(self.cloud, since, self.vnf, before,
                            faults=options.continue_after is not None)
        hosts = sorted(self.cloud.controllers() | set(self.cloud.computes()))
        found |= {
            'session goes': [] if gone == administrator.GONE else [gone],
            'hosts empty when they go out': self.inspector.found,
            'each host out and back once': [
                f'{state}: {told}' for state, told
                in self.inspector.told.items() if sorted(told) != hosts],
            'service goes on': [f'{self.watch.interruption:.1f} s without']
            if self.watch.interruption else [],
            'scaled back': [
                f'{len(before)} before, {len(self.vnf.servers)} after']
            if len(self.vnf.servers) != len(before) else []}
        return {
            'state': state, 'reason': self.admin.reason,
            'makespan_s': self._makespan(detail),
            'states_s': figures.phases(self.timeline.lines),
            'moves': moves.total(),
            'moves_per_instance_max': max(moves.values(), default=0),
            'move_s': figures.move_s(detail),
            'alarm_ms': figures.alarm_ms(detail, self.timeline.lines),
            'reaction_ms': figures.reaction_ms(detail, self.timeline.lines),
            'engine_cpu_s': cpu, 'engine_rss_mb': memory,
            'killed': self.killed,
            'rules': len(found),
            'found': {rule: what for rule, what in found.items() if what}}

    def _continue(self, session):
        self.say(f'it failed: {self.admin.reason}')
        time.sleep(self.options.continue_after)
        self._client(self.options.admin).json(
            'PUT', 'maintenance', f'/maintenance/{session}', json={})
        self.say('the administrator continues')
        # Until the engine takes that up the session is still failed.
        deadline = time.monotonic() + CONTINUE_TIME
        while self.admin.state() == FAILED and time.monotonic() < deadline:
            time.sleep(LOOK)
        return self._follow(administrator.FINAL, self.options.timeout)

    def _follow(self, states, timeout):
        deadline = time.monotonic() + timeout
        last = None
        while last not in states and time.monotonic() < deadline:
            time.sleep(LOOK)
            self.fenix.check(self.killed)
            last = self.admin.state() or last
        return last

    def _detail(self, session):
        client = self._client(self.options.admin)
        detail = client.json('GET', 'maintenance',
                             f'/maintenance/{session}/detail')
        if self.options.directory:
            path = pathlib.Path(self.options.directory) / 'detail.json'
            path.write_text(json.dumps(detail, indent=1))
        return detail

    @staticmethod
    def _makespan(detail):
        if detail['finished_at'] is None:
            return None
        return round(figures.seconds(detail['finished_at'])
                     - figures.seconds(detail['maintenance_at']), 1)

    def _engines(self):
        pids = [process.pid for name, process in self.fenix.engines.items()
                if name != self.killed]
        return (round(sum(processes.cpu_seconds(pid) for pid in pids), 1),
                round(sum(processes.memory_mb(pid) for pid in pids)))


def _stop(signum, frame):
    raise KeyboardInterrupt


def main(argv=None) -> int:
    """Run a session and print its figures; nothing is left behind."""
    options = parse(argv)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    with Run(options) as run:
        result = run.session()
        run.say('everything is removed again')
    print(json.dumps(result))
    good = result['state'] == 'MAINTENANCE_DONE' and not result['found']
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
