# SPDX-License-Identifier: Apache-2.0
"""Timelines for tests, told step by step."""

import datetime
import itertools

SESSION = 'session-1'
PROJECT = 'project-1'
START = 1_800_000_000.0


def written(t):
    """Return a time as notifications have it."""
    return datetime.datetime.fromtimestamp(t, datetime.UTC).strftime(
        '%Y-%m-%d %H:%M:%S')


class Timeline:
    """Lines on a clock that only moves when it is told to.

    A step that a test wants to break is left out, repeated or told
    differently by the test; the class itself judges nothing.
    """

    def __init__(self, **policies):
        self.lines = []
        self.t = START
        self.policies = policies
        self._numbers = itertools.count(1)

    def record(self, what, **fields):
        line = {'t': self.t, 'what': what, **fields}
        self.lines.append(line)
        return line

    def wait(self, seconds):
        self.t += seconds

    def host(self, name, **fields):
        self.record('host.create', host=name, **{
            'vcpus': 4, 'ram_mb': 4096, 'disk_gb': 40, 'compute': True,
            'controller': False, 'status': 'enabled', 'reason': None,
            **fields})

    def group(self, group, policy='anti-affinity'):
        self.record('group.create', group=group, project=PROJECT,
                    policy=policy, members=[])

    def server(self, server, host, group=None, project=PROJECT):
        self.record('server.create', server=server, name=server,
                    project=project, host=host, vcpus=2, ram_mb=512,
                    disk_gb=1, group=group, state='ACTIVE')

    def state(self, server, host, state):
        self.record('server.state', server=server, project=PROJECT,
                    host=host, state=state, task_state=None)

    def subscribe(self, project=PROJECT):
        self.record('vnf.subscribe', project=project, alarms=['a'])

    def constraint(self, kind, of, method='PUT', **body):
        self.record('constraint', kind=kind, id=of, method=method,
                    body=body, code=200)

    def session(self, method='POST', state=None, **body):
        self.record('session', method=method, session=SESSION, code=200,
                    state=state, body=body)

    def post(self):
        self.session(maintenance_at=written(self.t + 10), **self.policies)

    def notify(self, event_type, message_id=None, **payload):
        return self.record(
            'notify', event_type=f'maintenance.{event_type}',
            message_id=message_id or f'message-{next(self._numbers)}',
            context_project=None,
            payload={'session_id': SESSION, **payload})

    def ask(self, state, instances='http://fenix/v1/maintenance/s/p',
            window=20, project=PROJECT, **payload):
        ends = written(self.t + window)
        return self.notify(
            'scheduled', project_id=project, state=state,
            instance_ids=instances, reply_at=ends, actions_at=ends,
            **payload)

    def reply(self, state, asked=None, instance=None, project=PROJECT,
              instances=None, code=200, **body):
        self.wait(0.1)
        self.record('reply', session=SESSION, project=project,
                    instance=instance, state=state, code=code,
                    body={'state': state, **body}, sent_t=self.t - 0.01,
                    message_id=asked and asked['message_id'],
                    instances=instances)

    def told(self, host, state):
        return self.notify('host', project_id='admin', host=host,
                           state=state)

    def disable(self, host, reason=f'fenix:{SESSION} maintenance', **fields):
        self.record('service.disable', host=host, reason=reason,
                    **{'changed': True, 'before': 'enabled', **fields})

    def enable(self, host):
        self.record('service.enable', host=host, changed=True,
                    before='disabled', reason=None)

    def request(self, server):
        self.record('request', method='POST',
                    path=f'/v2.1/servers/{server}/action', server=server)

    def start(self, server, source, target, kind='migrate'):
        self.record(f'{kind}.start', **self._move(server, source, target))
        self.state(server, source, 'RESIZE')

    def end(self, server, source, target, seconds=2):
        self.wait(seconds)
        move = self._move(server, source, target)
        self.state(server, target, 'VERIFY_RESIZE')
        self.record('migrate.verify', **move)
        self.record('migrate.confirm', **move)
        self.wait(0.1)
        self.state(server, target, 'ACTIVE')
        self.record('migrate.end', **move)

    def fail(self, server, source, target, state='ACTIVE'):
        self.wait(1)
        self.record('migrate.error', error='no room',
                    **self._move(server, source, target))
        self.state(server, source, state)

    def _move(self, server, source, target):
        return {'server': server, 'project': PROJECT, 'source': source,
                'target': target, 'request_id': None}

    def move(self, server, source, target):
        self.start(server, source, target)
        self.end(server, source, target)
        self.done(server)

    def done(self, server):
        self.notify('scheduled', project_id=PROJECT,
                    state='ADMIN_ACTION_DONE', instance_ids=[server])

    def work(self, host):
        self.record('host.work.start', host=host, session=SESSION)
        self.wait(2)
        self.record('host.work.end', host=host, session=SESSION)

    # Whole parts of a story

    def maintain(self, host):
        """Take an empty host through its maintenance."""
        self.told(host, 'IN_MAINTENANCE')
        self.work(host)
        self.enable(host)
        self.told(host, 'MAINTENANCE_COMPLETE')

    def begin(self):
        """A cloud of two, an instance on one, and a session on them."""
        self.host('h1')
        self.host('h2')
        self.server('x', 'h1')
        self.subscribe()
        self.post()
        self.wait(0.1)
        ask = self.ask('MAINTENANCE', window=10)
        self.wait(0.1)
        self.reply('ACK_MAINTENANCE', ask, instances=['x'])
        self.wait(10)
        self.disable('h1')
        self.disable('h2')
        self.maintain('h2')

    def empty(self):
        """Ask and empty the host with the instance."""
        ask = self.ask('PLANNED_MAINTENANCE')
        self.wait(0.5)
        self.reply('ACK_PLANNED_MAINTENANCE', ask, instances=['x'],
                   instance_actions={'x': 'MIGRATE'})
        self.wait(0.05)
        self.request('x')
        self.move('x', 'h1', 'h2')

    def finish(self):
        """Tell the projects, and end and delete the session."""
        ask = self.ask('MAINTENANCE_COMPLETE')
        self.wait(0.1)
        self.reply('ACK_MAINTENANCE_COMPLETE', ask)
        self.wait(0.1)
        self.session('GET', 'MAINTENANCE_DONE')
        self.session('DELETE')
        self.wait(100)
        self.record('end')

    def close(self, state='MAINTENANCE_FAILED'):
        """End the timeline long after the session came to a stand."""
        self.session('GET', state)
        self.wait(100)
        self.record('end')


def good():
    """Return a timeline in which everything is as it should be."""
    timeline = Timeline()
    timeline.begin()
    timeline.empty()
    timeline.maintain('h1')
    timeline.finish()
    return timeline
