# SPDX-License-Identifier: Apache-2.0
import logging

import fixtures
import requests
import testtools
from oslo_context import fixture as context_fixture

from fenix import context
from fenix import errors
from fenix.clouds import permission
from tests.unit.clouds import fakes

MARK = 'fenix:session'
REASON = f'{MARK} maintenance'
REQUEST_ID = {'x-openstack-request-id': 'req-1'}


class EffectsTestCase(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(context_fixture.ClearRequestContext())
        # Retries of reads are on: effects must not have any all the same.
        self.cloud = self.useFixture(fakes.Cloud(read_retries=2))
        self.http = self.cloud.http
        self.driver = self.cloud.driver
        self.log = self.useFixture(fixtures.FakeLogger(level=logging.DEBUG))
        self.useFixture(fixtures.MockPatch('time.sleep'))

    def bodies(self, method):
        return [request.json() for request in self.cloud.sent(method)]


class TestPermission(EffectsTestCase):
    """Whoever may not change things any more sends nothing."""

    def setUp(self):
        super().setUp()
        self.http.put(f'{fakes.NOVA}/os-services/id-one', json={})
        self.http.post(f'{fakes.NOVA}/servers/vm/action', status_code=202)
        self.before = []

    def refuse(self):
        """Note what was requested before the check, and raise."""
        self.before.append([(request.method, request.path) for request
                            in self.http.request_history])
        raise errors.NotSent('the lease has run out')

    def test_each_request_is_checked_last(self):
        enabled = fakes.service()
        disabled = fakes.service(status='disabled', disabled_reason=REASON)
        for service, call, *args in (
                (None, self.driver.migrate, 'vm', 'two'),
                (None, self.driver.live_migrate, 'vm', 'two'),
                (None, self.driver.confirm, 'vm'),
                (enabled, self.driver.disable, 'one', REASON),
                (disabled, self.driver.enable, 'one', MARK),
                (disabled, self.driver.set_reason, 'one', 'why', MARK)):
            with self.subTest(call.__name__):
                self.cloud.services(*[service] if service else [])
                self.http.reset_mock()
                self.before.clear()
                with permission.checked_by(self.refuse):
                    self.assertRaises(errors.NotSent, call, *args)
                self.assertEqual([], self.changes())
                (before,) = self.before
                self.assertEqual(service is not None,
                                 ('GET', '/v2.1/os-services') in before)

    def changes(self):
        return self.cloud.sent('PUT') + self.cloud.sent('POST')

    def test_after_the_token(self):
        with permission.checked_by(self.refuse):
            self.assertRaises(
                errors.NotSent, self.driver.migrate, 'vm', 'two')
        self.assertIn(('POST', '/v3/auth/tokens'), self.before[0])

    def test_again_after_a_new_token(self):
        """Keystone may take its time for that one too."""
        self.http.post(f'{fakes.NOVA}/servers/vm/action', status_code=401)
        checks = [lambda: None, self.refuse]
        with permission.checked_by(lambda: checks.pop(0)()):
            self.assertRaises(
                errors.NotSent, self.driver.migrate, 'vm', 'two')
        self.assertEqual(1, len(self.cloud.sent('POST')))

    def test_who_may(self):
        with permission.checked_by(lambda: None):
            self.driver.migrate('vm', 'two')
        self.assertEqual(1, len(self.cloud.sent('POST')))


class TestMoves(EffectsTestCase):

    ACTION = f'{fakes.NOVA}/servers/vm/action'

    def answer(self, **kwargs):
        self.http.post(self.ACTION, headers=REQUEST_ID, **kwargs)

    def test_the_session_is_in_novas_log(self):
        self.answer(status_code=202)
        made = context.of_session('695030ee-1c4d-41e8-a9b0-0242ac110002')
        self.driver.migrate('vm', 'two')
        with context.active(made):
            self.driver.migrate('vm', 'two')
        self.assertEqual([None, made.request_id], [
            request.headers.get('X-OpenStack-Request-ID')
            for request in self.cloud.sent('POST')])

    def test_bodies_versions_and_request_ids(self):
        self.answer(status_code=202)
        self.assertEqual('req-1', self.driver.migrate('vm', 'two'))
        self.assertEqual('req-1', self.driver.live_migrate('vm', 'two'))
        self.assertIsNone(self.driver.confirm('vm'))
        self.assertEqual([
            {'migrate': {'host': 'two'}},
            {'os-migrateLive': {'host': 'two', 'block_migration': 'auto'}},
            {'confirmResize': None}], self.bodies('POST'))
        for request in self.cloud.sent('POST'):
            self.assertEqual('compute 2.96',
                             request.headers['OpenStack-API-Version'])
            self.assertEqual('close', request.headers['Connection'])
        self.assertIn('instance vm: migrate to two, request req-1',
                      self.log.output)

    def test_refused_with_what_nova_says(self):
        for status in (400, 403, 404, 409, 429):
            self.answer(status_code=status, json={
                'conflictingRequest': {'message': 'it is busy'}})
            raised = self.assertRaises(
                errors.CloudRefused, self.driver.migrate, 'vm', 'two')
            self.assertIn('it is busy', str(raised))
        self.assertEqual(5, len(self.cloud.sent('POST')))

    def test_a_target_that_does_not_take_it(self):
        self.answer(status_code=400, json={'badRequest': {
            'code': 400, 'message': 'No valid host was found.'}})
        for move in (self.driver.migrate, self.driver.live_migrate):
            self.assertRaises(errors.TargetRefused, move, 'vm', 'two')
        raised = self.assertRaises(errors.CloudRefused,
                                   self.driver.confirm, 'vm')
        self.assertNotIsInstance(raised, errors.TargetRefused)

    def test_a_target_in_another_cell(self):
        self.answer(status_code=400, json={'badRequest': {
            'code': 400,
            'message': 'Compute host two could not be found.'}})
        for move in (self.driver.migrate, self.driver.live_migrate):
            self.assertRaises(errors.OtherCell, move, 'vm', 'two')

    def test_a_locked_server(self):
        """Nova lets administrators move it, and Fenix is none here."""
        self.answer(status_code=409, json={'conflictingRequest': {
            'code': 409, 'message': 'Instance vm is locked'}})
        raised = self.assertRaises(
            errors.CloudRefused, self.driver.migrate, 'vm', 'two')
        self.assertIn('its owner may unlock it', str(raised))
        self.assertIn('context_is_admin', str(raised))

    def test_refused_by_what_is_not_nova(self):
        self.answer(status_code=403, text='<html>', reason='Forbidden')
        raised = self.assertRaises(
            errors.CloudRefused, self.driver.migrate, 'vm', 'two')
        self.assertIn('Forbidden', str(raised))

    def test_unknown_and_sent_once(self):
        for status in (408, 500, 502, 503, 504):
            self.http.reset_mock()
            self.answer(status_code=status)
            self.assertRaises(
                errors.CloudUnknown, self.driver.live_migrate, 'vm', 'two')
            self.assertEqual(1, len(self.cloud.sent('POST')), status)

    def test_not_now_is_no_refusal(self):
        self.answer(status_code=409, json={'conflictingRequest': {
            'code': 409, 'message': 'Service is unavailable at this time.'}})
        for send in (lambda: self.driver.migrate('vm', 'two'),
                     lambda: self.driver.live_migrate('vm', 'two'),
                     lambda: self.driver.confirm('vm')):
            self.http.reset_mock()
            raised = self.assertRaises(errors.CloudUnknown, send)
            self.assertIn('Service is unavailable', str(raised))
            self.assertEqual(1, len(self.cloud.sent('POST')))

    def test_a_redirect_is_not_followed(self):
        self.http.post(self.ACTION, status_code=307,
                       headers={'Location': 'http://elsewhere/'})
        self.http.post('http://elsewhere/', status_code=202)
        self.assertRaises(
            errors.CloudUnknown, self.driver.migrate, 'vm', 'two')
        self.assertEqual(1, len(self.cloud.sent('POST')))

    def test_no_answer_is_unknown_and_sent_once(self):
        for failure in (requests.exceptions.ReadTimeout,
                        requests.exceptions.ConnectTimeout,
                        requests.exceptions.ConnectionError, OSError):
            self.http.reset_mock()
            self.http.post(self.ACTION, exc=failure)
            self.assertRaises(
                errors.CloudUnknown, self.driver.migrate, 'vm', 'two')
            self.assertEqual(1, len(self.cloud.sent('POST')), failure)

    def test_nothing_secret_is_told(self):
        self.http.post(f'{fakes.AUTH}/auth/tokens', status_code=401,
                       json={'error': {'message': 'no', 'code': 401}})
        raised = self.assertRaises(
            errors.CloudUnknown, self.driver.migrate, 'vm', 'two')
        self.assertNotIn(fakes.PASSWORD, str(raised) + self.log.output)


class TestServices(EffectsTestCase):

    PUT = f'{fakes.NOVA}/os-services/id-one'

    def setUp(self):
        super().setUp()
        self.http.put(self.PUT, json={'service': fakes.service()},
                      headers=REQUEST_ID)

    def host(self, reason=None):
        """Have nova-compute be enabled, or disabled for a reason."""
        disabled = {'status': 'disabled', 'disabled_reason': reason}
        self.cloud.services(fakes.service(**(disabled if reason else {})))

    def test_disable(self):
        self.host()
        self.assertEqual('us', self.driver.disable('one', REASON))
        self.assertEqual([{'status': 'disabled', 'disabled_reason': REASON}],
                         self.bodies('PUT'))
        self.assertIn('host one: disable, request req-1', self.log.output)

    def test_its_cell_is_silent(self):
        """What is not known to be disabled is not enabled for that."""
        self.cloud.services({'host': 'one', 'binary': 'nova-compute',
                             'status': 'UNKNOWN'})
        for call in (self.driver.disable, self.driver.enable):
            self.assertRaises(errors.NotSent, call, 'one', MARK)
        self.assertRaises(errors.NotSent, self.driver.set_reason, 'one',
                          'why', MARK)
        self.assertEqual([], self.cloud.sent('PUT'))

    def test_disable_what_is_disabled(self):
        for reason, by in ((f'{MARK} another text', 'us'), (MARK, 'us'),
                           (f'{MARK}2 text', 'before'), ('By hand',
                                                         'before')):
            self.host(reason)
            self.assertEqual(by, self.driver.disable('one', REASON), reason)
        self.cloud.services(fakes.service(status='disabled'))
        self.assertEqual('before', self.driver.disable('one', REASON))
        self.assertEqual([], self.cloud.sent('PUT'))

    def test_enable(self):
        self.host(REASON)
        self.assertTrue(self.driver.enable('one', MARK))
        self.assertEqual([{'status': 'enabled'}], self.bodies('PUT'))

    def test_enable_what_another_hand_disabled(self):
        self.host('by hand')
        self.assertFalse(self.driver.enable('one', MARK))
        self.assertEqual([], self.cloud.sent('PUT'))

    def test_enable_what_is_enabled(self):
        self.host()
        self.assertTrue(self.driver.enable('one', MARK))
        self.assertEqual([], self.cloud.sent('PUT'))

    def test_set_reason(self):
        self.host(REASON)
        self.driver.set_reason('one', f'{MARK} failed:\n  \U0001f600 ' +
                               'x' * 300, MARK)
        (body,) = self.bodies('PUT')
        self.assertEqual('disabled', body['status'])
        self.assertEqual(255, len(body['disabled_reason']))
        self.assertStartsWith(body['disabled_reason'], f'{MARK} failed: ? x')

    def test_set_reason_only_of_what_is_ours_and_other(self):
        for reason in ('by hand', REASON, None):
            self.host(reason)
            self.driver.set_reason('one', REASON, MARK)
        self.assertEqual([], self.cloud.sent('PUT'))

    def test_no_compute(self):
        self.cloud.services()
        self.assertRaises(errors.CloudRefused, self.driver.disable, 'one',
                          REASON)

    def test_unknown_when_the_look_before_fails(self):
        self.http.get(f'{fakes.NOVA}/os-services', status_code=503)
        self.assertRaises(errors.CloudUnknown, self.driver.disable, 'one',
                          REASON)
        self.assertEqual([], self.cloud.sent('PUT'))

    def assertStartsWith(self, text, start):
        self.assertEqual(start, text[:len(start)])
