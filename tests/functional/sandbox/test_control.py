# SPDX-License-Identifier: Apache-2.0
"""The sandbox's own handles: work, faults, displays."""

import threading
import time

import novaclient.exceptions as nova_exceptions
import requests
from keystoneauth1 import exceptions as ks_exceptions

from tests.functional.sandbox import base


class TestControl(base.CloudTestCase):

    def call(self, method, path, **body):
        return requests.request(
            method, f'{self.cloud.urls["control"]}{path}', json=body or None,
            timeout=10)

    def fault(self, **body):
        answer = self.call('POST', '/faults', **body)
        self.assertEqual(200, answer.status_code, answer.text)

    def test_work_on_a_host(self):
        done = []
        start = time.monotonic()
        thread = threading.Thread(target=lambda: done.append(self.call(
            'POST', '/hosts/compute-1/work', session='s', seconds=0.5)))
        thread.start()
        admin = self.nova()

        def state():
            return admin.services.list(host='compute-1')[0].state
        self.until(lambda: state() == 'down')
        self.assertEqual(409, self.call(
            'POST', '/hosts/compute-1/work').status_code)
        thread.join()
        self.assertEqual(200, done[0].status_code)
        self.assertTrue(0.5 <= time.monotonic() - start < 1.5)
        self.assertEqual('up', state())
        self.assertEqual('s', self.lines('host.work.end')[0]['session'])
        # As configured, on a controller, without a body.
        self.assertEqual(200, self.call(
            'POST', '/hosts/controller-1/work').status_code)

    def test_no_work_under_a_server(self):
        self.boot()
        self.assertEqual(409, self.call(
            'POST', '/hosts/compute-1/work', session='s').status_code)
        self.assertEqual(404, self.call(
            'POST', '/hosts/nowhere/work', session='s').status_code)

    def test_displays(self):
        server = self.boot()
        hosts = self.call('GET', '/hosts').json()['hosts']
        self.assertEqual([server.id], hosts[0]['servers'])
        self.assertEqual((4, 2), (hosts[0]['capacity']['VCPU'],
                                  hosts[0]['used']['VCPU']))
        shown = self.call('GET', '/servers').json()['servers']
        self.assertEqual(('ACTIVE', 'compute-1'),
                         (shown[0]['status'], shown[0]['host']))

    def test_floating_address_and_host_state(self):
        server = self.boot()
        self.call('POST', '/floating', server=server.id, address='1.2.3.4')
        self.assertEqual(['1.2.3.4'], self.call(
            'GET', '/servers').json()['servers'][0]['floating'])
        self.call('POST', '/hosts/compute-1/state', state='down')
        self.assertRaises(nova_exceptions.Conflict,
                          self.nova().servers.migrate, server.id)
        self.assertEqual('down', self.lines('service.state')[-1]['state'])

    def test_an_answer_that_lies(self):
        """A 500, and the request took effect all the same."""
        server, admin = self.boot(), self.nova()
        self.fault(match={'service': 'nova', 'action': 'migrate'},
                   answer=500, apply=True)
        self.assertRaises(nova_exceptions.ClientException,
                          admin.servers.migrate, server.id)
        self.until_status(admin, server, 'VERIFY_RESIZE')
        self.assertEqual([], self.call('GET', '/faults').json()['faults'])

    def test_an_answer_that_does_not_come(self):
        server, admin = self.boot(), self.nova()
        for apply, count in ((False, 0), (True, 1)):
            self.fault(match={'method': 'POST', 'path': f'{server.id}/action$'
                              }, drop=True, apply=apply)
            self.assertRaises(ks_exceptions.ConnectFailure,
                              admin.servers.migrate, server.id)
            self.assertEqual(count, len(self.lines('migrate.start')))
        self.until_status(admin, server, 'VERIFY_RESIZE')

    def test_an_answer_that_is_late_or_unwelcome(self):
        admin = self.nova()
        admin.services.list()
        self.fault(match={'service': 'nova'}, delay=0.4)
        start = time.monotonic()
        admin.services.list()
        self.assertGreater(time.monotonic() - start, 0.4)
        self.fault(match={'service': 'placement'}, answer=503, count=2)
        answers = [self.placement().get(
            '/resource_providers', raise_exc=False).status_code
            for _ in range(2)]
        self.assertEqual([503, 200], [answers[0], self.placement().get(
            '/resource_providers').status_code])

    def test_operations_that_fail(self):
        server, admin = self.boot(), self.nova()
        self.fault(op='migrate', server=server.id, fail=True)
        admin.servers.migrate(server.id)
        self.until_status(admin, server, 'ERROR')
        self.assertEqual(400, self.call(
            'POST', '/faults', op='explode').status_code)
        self.assertEqual(400, self.call(
            'POST', '/faults', match={'colour': 'red'}).status_code)
        self.call('DELETE', '/faults')
        self.assertEqual([], self.call('GET', '/faults').json()['faults'])
