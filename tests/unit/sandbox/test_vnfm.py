# SPDX-License-Identifier: Apache-2.0
import datetime
import itertools
import json
import threading
import time

from oslotest import base
from werkzeug import wrappers

from fenix.sandbox import client
from fenix.sandbox import constraints
from fenix.sandbox import inspector
from fenix.sandbox import vnf
from fenix.sandbox import vnfm
from fenix.sandbox.cloud import cloud
from fenix.sandbox.cloud import config
from fenix.sandbox.cloud import http

ALL = ['MIGRATE', 'LIVE_MIGRATE', 'OWN_ACTION']


class FakeFenix:
    """Takes replies and constraints, and tells the instances of a URL."""

    def __init__(self):
        self.instances = []
        self.requests = []
        self.codes = []
        self._came = threading.Condition()
        self._server = http.Server(self._application, '127.0.0.1', 0, 4)
        self._server.start()
        self.url = f'http://127.0.0.1:{self._server.port}/v1'

    def _application(self, environ, start_response):
        request = wrappers.Request(environ)
        if request.method == 'GET':
            response = wrappers.Response(json.dumps(
                {'instance_ids': self.instances}))
        else:
            response = self._take(request)
        return response(environ, start_response)

    def _take(self, request):
        code = self.codes.pop(0) if self.codes else 200
        text = request.get_data()
        with self._came:
            self.requests.append((request.method, request.path,
                                  json.loads(text) if text else None))
            self._came.notify_all()
        return wrappers.Response('{}', status=code)

    def wait_for(self, number):
        """Return the requests when there are so many."""
        with self._came:
            self._came.wait_for(lambda: len(self.requests) >= number, 5)
            return self.requests

    def stop(self):
        self._server.stop()


class ManagerTestCase(base.BaseTestCase):
    """A manager in a real small cloud, spoken to by a false Fenix."""

    def setUp(self):
        super().setUp()
        self.fenix = FakeFenix()
        self.addCleanup(self.fenix.stop)
        self.cloud = cloud.Cloud(config.CloudConfig(
            maintenance_url=self.fenix.url,
            times=config.Times(schedule=0, boot=0.01, delete=0.01)))
        self.urls = self.cloud.start()
        self.addCleanup(self.cloud.stop)
        self._numbers = itertools.count(1)

    def client(self, project):
        return client.Client(self.urls['auth'], project, 'sandbox', project)

    def begin(self, **manners):
        """Boot a VNF of four and start its manager."""
        mine = self.client('doctor')
        self.vnf = vnf.Vnf('vnf', mine, self.cloud.timeline, vnf.Size(4),
                           switch_time=0.2,
                           control_url=self.urls['control'])
        self.vnf.boot()
        self.project = mine.project_id
        self.vnfm = vnfm.Vnfm(self.vnf, mine, self.cloud.timeline,
                              vnfm.Manners(**manners))
        self.vnfm.start()
        self.addCleanup(self.vnfm.stop)

    def notify(self, event_type, **payload):
        self.cloud.ceilometer.notify({}, {
            'message_id': f'message-{next(self._numbers)}',
            'event_type': event_type, 'timestamp': '2026-01-01 00:00:00',
            'payload': {'session_id': 's', **payload}})

    def ask(self, state, about=None, window=5, allowed=()):
        """Ask in the form of a list, or by URL."""
        url = f'{self.fenix.url}/maintenance/s/{self.project}'
        ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(
            seconds=window)
        self.notify('maintenance.scheduled', project_id=self.project,
                    state=state, instance_ids=about or url,
                    reply_url=f'{url}/{about[0]}' if about else url,
                    allowed_actions=list(allowed), metadata={},
                    reply_at=ends.strftime('%Y-%m-%d %H:%M:%S'))

    def move(self, *servers, **fields):
        """Ask by URL whether these may move."""
        self.fenix.instances = list(servers)
        self.ask('PLANNED_MAINTENANCE', allowed=ALL, **fields)

    def reply(self, number=1):
        return self.fenix.wait_for(number)[number - 1]

    def body(self, number=1):
        return self.reply(number)[2]

    def lines(self, what):
        return [line for line in self.cloud.timeline.lines
                if line['what'] == what]

    def wait_for_line(self, what, number=1):
        deadline = time.monotonic() + 5
        while len(self.lines(what)) < number:
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.01)
        return self.lines(what)[number - 1]


class CooperativeTest(ManagerTestCase):

    def test_maintenance(self):
        self.begin()
        self.fenix.instances = self.vnf.servers
        self.ask('MAINTENANCE')
        method, path, body = self.reply()
        self.assertEqual(('PUT', f'/v1/maintenance/s/{self.project}'),
                         (method, path))
        self.assertEqual({'state': 'ACK_MAINTENANCE', 'session_id': 's'},
                         body)
        line = self.wait_for_line('reply')
        self.assertEqual((200, self.vnf.servers, None, 'message-1'),
                         (line['code'], line['instances'], line['instance'],
                          line['message_id']))

    def test_foreign_instance(self):
        self.begin()
        self.fenix.instances = ['foreign']
        self.ask('MAINTENANCE')
        self.assertEqual('NACK_MAINTENANCE', self.body()['state'])

    def test_by_post(self):
        self.begin(method='POST')
        self.fenix.instances = self.vnf.servers
        self.ask('MAINTENANCE')
        self.assertEqual('POST', self.reply()[0])

    def test_sent_again_until_it_arrives(self):
        self.patch(vnfm, 'RETRY_WAIT', 0.05)
        self.begin()
        self.fenix.codes = [503]
        self.ask('MAINTENANCE')
        self.reply(2)
        self.wait_for_line('reply', 2)
        self.assertEqual([503, 200],
                         [line['code'] for line in self.lines('reply')])

    def test_both_vocabularies(self):
        for state in ('DOWN_SCALE', 'SCALE_IN'):
            self.begin()
            self.ask(state)
            self.assertEqual(f'ACK_{state}', self.body()['state'])
            self.fenix.requests.clear()
            self.vnfm.stop()

    def test_scales_in_and_back(self):
        self.begin()
        pair = self.vnf.pair
        self.ask('DOWN_SCALE')
        self.reply()
        self.assertEqual(pair, self.vnf.servers)
        self.assertEqual(set(pair), self.vnf.own().keys())
        self.ask('MAINTENANCE_COMPLETE')
        self.assertEqual('ACK_MAINTENANCE_COMPLETE', self.body(2)['state'])
        self.assertEqual(4, len(self.vnf.own()))
        self.assertEqual(['in', 'out'], [
            line['direction'] for line in self.lines('vnf.scale')])

    def test_worker_moves(self):
        self.begin()
        worker = self.vnf.others[0]
        self.move(worker)
        self.assertEqual({worker: 'MIGRATE'},
                         self.body()['instance_actions'])
        self.assertEqual([], self.lines('vnf.switch.start'))

    def test_active_moves_by_url(self):
        self.begin()
        old, new = self.vnf.pair
        self.move(old)
        self.assertEqual('ACK_PLANNED_MAINTENANCE', self.body()['state'])
        self.assertEqual(new, self.vnf.active)
        switched = self.lines('vnf.switch.end')[0]
        self.assertEqual(new, switched['active'])
        self.assertLess(switched['t'], self.wait_for_line('reply')['sent_t'])
        floating = [server.id for server in
                    self.cloud.model.servers.values() if server.floating]
        self.assertEqual([new], floating)

    def test_active_moves_by_list(self):
        self.begin(action='LIVE_MIGRATE')
        old, new = self.vnf.pair
        self.ask('PREPARE_MAINTENANCE', [old], allowed=ALL)
        _method, path, body = self.reply()
        self.assertTrue(path.endswith(f'/{self.project}/{old}'))
        self.assertEqual(('ACK_PREPARE_MAINTENANCE', 'LIVE_MIGRATE'),
                         (body['state'], body['instance_action']))
        self.assertEqual(new, self.vnf.active)
        self.assertEqual(old, self.wait_for_line('reply')['instance'])

    def test_action_that_is_not_allowed(self):
        self.begin(action='LIVE_MIGRATE')
        worker = self.vnf.others[0]
        self.ask('PREPARE_MAINTENANCE', [worker], allowed=['MIGRATE'])
        self.assertEqual('MIGRATE', self.body()['instance_action'])

    def test_does_not_switch_to_what_moves(self):
        self.begin()
        old, new = self.vnf.pair
        self.ask('PREPARE_MAINTENANCE', [old], allowed=ALL)
        self.reply()
        self.ask('PREPARE_MAINTENANCE', [new], allowed=ALL)
        time.sleep(0.3)
        self.assertEqual(1, len(self.fenix.requests))
        self.ask('ADMIN_ACTION_DONE', [old])
        self.assertEqual('ACK_PREPARE_MAINTENANCE', self.body(2)['state'])
        self.assertEqual(old, self.vnf.active)

    def test_refuses_when_it_cannot_switch(self):
        self.begin()
        self.move(*self.vnf.pair, window=2)
        self.assertEqual('NACK_PLANNED_MAINTENANCE', self.body()['state'])

    def test_own_action(self):
        self.begin(action='OWN_ACTION')
        old = self.vnf.others[0]
        self.move(old)
        self.assertEqual({old: 'OWN_ACTION'},
                         self.body()['instance_actions'])
        self.wait_for_line('server.delete')
        self.vnfm.stop()
        self.assertNotIn(old, self.vnf.servers)
        self.assertEqual(set(self.vnf.servers), self.vnf.own().keys())
        self.assertEqual(4, len(self.vnf.servers))

    def test_own_action_without_room(self):
        self.cloud.model.disable('compute-3')
        self.begin(action='OWN_ACTION')
        old = self.vnf.others[0]
        new = self.vnf.replace(old)
        own = self.vnf.own()
        self.assertEqual(set(self.vnf.servers), own.keys())
        self.assertEqual((4, 'ACTIVE'), (len(own), own[new]['status']))


class ConstraintsTest(ManagerTestCase):

    def test_registered_and_withdrawn(self):
        self.begin(limits=constraints.Limits(lead_time=7))
        requests = list(self.fenix.requests)
        self.assertEqual(2 + 4, len(requests))
        groups = {body['group_id']: body for _method, path, body in requests
                  if '/instance_group/' in path}
        pair = groups[self.vnf.group]
        self.assertEqual((True, 1, 1), (
            pair['anti_affinity_group'], pair['max_instances_per_host'],
            pair['max_impacted_members']))
        for method, path, body in requests:
            self.assertEqual('PUT', method)
            if '/instance/' in path:
                self.assertEqual(7, body['lead_time'])
                self.assertIn(body['group_id'], groups)
        self.vnfm.withdraw()
        gone = [path for method, path, _body in self.fenix.requests
                if method == 'DELETE']
        self.assertEqual({path for _method, path, _body in requests},
                         set(gone))
        self.assertEqual(12, len(self.lines('constraint')))

    def test_follow_a_replacement(self):
        self.begin(limits=constraints.Limits(), action='OWN_ACTION')
        old = self.vnf.others[0]
        self.move(old)
        requests = self.fenix.wait_for(2 + 4 + 1 + 2)
        self.assertEqual(
            [('PUT', f'/v1/instance/{self.vnf.others[0]}'),
             ('DELETE', f'/v1/instance/{old}')],
            [request[:2] for request in requests[-2:]])


class OtherMannersTest(ManagerTestCase):

    def test_silent(self):
        self.begin(mode='silent')
        self.ask('MAINTENANCE')
        self.wait_for_line('alarm')
        time.sleep(0.2)
        self.assertEqual([], self.fenix.requests)

    def test_refusing(self):
        self.begin(mode='refusing')
        self.move(self.vnf.active)
        self.assertEqual('NACK_PLANNED_MAINTENANCE', self.body()['state'])
        self.assertEqual([], self.lines('vnf.switch.start'))

    def test_slow(self):
        self.begin(mode='slow')
        asked = time.time()
        self.move(self.vnf.others[0], window=4)
        self.reply()
        self.assertGreater(time.time() - asked, 0.9)
        self.assertLess(time.time() - asked, 3.9)

    def test_duplicating(self):
        self.patch(vnfm, 'LATER', 0.1)
        self.begin(mode='duplicating')
        self.move(self.vnf.others[0])
        # Two alarms, each answered three times.
        requests = self.fenix.wait_for(6)
        self.assertEqual({'ACK_PLANNED_MAINTENANCE'},
                         {body['state'] for _m, _p, body in requests})
        self.ask('ADMIN_ACTION_DONE', [self.vnf.others[0]])
        self.assertEqual('ACK_ADMIN_ACTION_DONE', self.body(7)['state'])

    def test_duplicating_scales_in_once(self):
        self.begin(mode='duplicating')
        self.ask('SCALE_IN')
        self.fenix.wait_for(4)
        self.assertEqual(1, len(self.lines('vnf.scale')))


class InspectorTest(ManagerTestCase):

    def test_knows_which_hosts_are_out(self):
        admin = self.client('admin')
        watcher = inspector.Inspector(admin, self.cloud.timeline)
        watcher.start()
        self.addCleanup(watcher.stop)
        for number, (host, state) in enumerate((
                ('h1', 'IN_MAINTENANCE'), ('h2', 'IN_MAINTENANCE'),
                ('h1', 'MAINTENANCE_COMPLETE')), 1):
            self.notify('maintenance.host', project_id=admin.project_id,
                        host=host, state=state)
            self.wait_for_line('inspector', number)
        self.assertEqual({'h2'}, watcher.out)

    def test_of_another_project(self):
        watcher = inspector.Inspector(self.client('admin'),
                                      self.cloud.timeline)
        watcher.start()
        self.addCleanup(watcher.stop)
        self.notify('maintenance.host', project_id='other', host='h1',
                    state='IN_MAINTENANCE')
        time.sleep(0.1)
        self.assertEqual(set(), watcher.out)
