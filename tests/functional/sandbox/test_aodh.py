# SPDX-License-Identifier: Apache-2.0
"""The real aodhclient, and alarms all the way to a VNFM's address."""

import http.server
import json
import queue
import threading

import requests
from aodhclient import exceptions

from tests.functional.sandbox import base


class Hook:
    """An address that alarms are posted to."""

    def __init__(self):
        self.got = got = queue.SimpleQueue()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                got.put((self.path, json.loads(body)))
                self.send_response(200)
                self.send_header('Content-Length', '0')
                self.end_headers()

            def log_message(self, *args):
                """Say nothing."""

        self.server = http.server.ThreadingHTTPServer(
            ('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.server.server_port}'
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class TestAodh(base.CloudTestCase):

    def setUp(self):
        super().setUp()
        self.doctor = self.aodh('doctor')
        self.project = self.cloud.identity.project_id('doctor')

    def create(self, client=None, url='http://127.0.0.1:1/x', **fields):
        return (client or self.doctor).alarm.create({
            'name': 'a', 'type': 'event', 'alarm_actions': [url],
            'event_rule': {'event_type': 'maintenance.scheduled'}, **fields})

    def test_an_alarm_and_its_life(self):
        alarm = self.create(repeat_actions=True)
        self.assertEqual((self.project, 'insufficient data', 'low'),
                         (alarm['project_id'], alarm['state'],
                          alarm['severity']))
        self.assertEqual([], alarm['event_rule']['query'])
        changed = self.doctor.alarm.update(
            alarm['alarm_id'], {'repeat_actions': False})
        self.assertFalse(changed['repeat_actions'])
        self.doctor.alarm.set_state(alarm['alarm_id'], 'ok')
        self.assertEqual('ok', self.doctor.alarm.get_state(
            alarm['alarm_id']))
        self.doctor.alarm.delete(alarm['alarm_id'])
        self.assertRaises(exceptions.NotFound, self.doctor.alarm.get,
                          alarm['alarm_id'])

    def test_everything_has_its_default(self):
        alarm = self.doctor.alarm.create(
            {'name': 'a', 'type': 'event', 'event_rule': {}})
        self.assertEqual('*', alarm['event_rule']['event_type'])
        self.assertFalse(alarm['repeat_actions'])
        for bad in ({'event_rule': None}, {'severity': 'high'},
                    {'alarm_actions': ['gopher://x']}, {'colour': 'red'},
                    {'type': 'threshold'}):
            self.assertRaises(exceptions.BadRequest, self.create, **bad)

    def test_who_sees_which(self):
        mine, other = self.create(), self.create(self.aodh('demo'))
        admin = self.aodh()

        def ids(client, **filters):
            return [alarm['alarm_id'] for alarm in client.alarm.list(
                filters=filters)]
        self.assertEqual([mine['alarm_id']], ids(self.doctor))
        self.assertEqual([], ids(admin))
        self.assertEqual([mine['alarm_id'], other['alarm_id']],
                         ids(admin, all_projects='true'))
        self.assertEqual([mine['alarm_id']],
                         ids(admin, project_id=self.project))
        self.assertRaises(exceptions.Forbidden, ids, self.doctor,
                          all_projects='true')
        self.assertRaises(exceptions.ClientException, ids, self.doctor,
                          project_id=other['project_id'])
        self.assertRaises(exceptions.NotFound, self.doctor.alarm.get,
                          other['alarm_id'])
        self.assertEqual(2, len(admin.alarm.query(
            '{"and": [{"=": {"type": "event"}}, {"=": {"enabled": true}}]}')))
        self.assertEqual(1, len(self.doctor.alarm.query('{}')))

    def test_from_a_notification_to_the_vnfm(self):
        hook = Hook()
        self.addCleanup(hook.stop)
        self.create(url=f'{hook.url}/doctor', repeat_actions=True)
        self.create(self.aodh('demo'), url=f'{hook.url}/demo')
        for number in range(3):
            self.notify(number)
        for number in range(3):
            path, body = hook.got.get(timeout=5)
            self.assertEqual('/doctor', path)
            self.assertEqual(
                ('alarm' if number else 'insufficient data', 'alarm', 'low'),
                (body['previous'], body['current'], body['severity']))
            event = body['reason_data']['event']
            self.assertEqual(f'm{number}', event['message_id'])
            self.assertIn(['instance_ids', 1, "['i1']"], event['traits'])
            self.assertIn(['actions_at', 4, '2026-01-31T10:00:40'],
                          event['traits'])
        self.until(lambda: len(self.lines('alarm')) == 3)
        self.assertTrue(hook.got.empty())
        self.assertEqual(
            ('MAINTENANCE', 200, self.project),
            tuple(self.lines('alarm')[0][key]
                  for key in ('state', 'code', 'project')))
        self.assertEqual(3, len(self.lines('notify')))

    def notify(self, number, **message):
        answer = requests.post(self.cloud.urls['notifications'], json={
            'context': {}, 'message': {
                'message_id': f'm{number}', 'publisher_id': 'fenix',
                'event_type': 'maintenance.scheduled', 'priority': 'INFO',
                'timestamp': '2026-01-31 10:00:00', 'payload': {
                    'project_id': self.project, 'state': 'MAINTENANCE',
                    'instance_ids': ['i1'],
                    'actions_at': '2026-01-31 10:00:40'}}}, timeout=5)
        self.assertEqual(200, answer.status_code)

    def test_a_delivery_that_fails_is_not_repeated(self):
        self.create(repeat_actions=True)
        self.notify(1)
        self.until(lambda: self.lines('alarm'))
        self.assertIsNone(self.lines('alarm')[0]['code'])
