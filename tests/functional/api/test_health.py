# SPDX-License-Identifier: Apache-2.0
"""How the API says that it is, and to whom."""

from prometheus_client import parser

from fenix import metrics
from fenix.api import routes
from fenix.db import leases
from fenix.db import models
from tests import fixtures
from tests.functional.api import base
from tests.functional.db import records

BRIEF = {'status': 'ok', 'database': 'ok', 'bell': 'ready'}
NOWHERE = 'mysql+pymysql://fenix:s3cret@127.0.0.1:1/fenix'


def read(text):
    """Return {(name, label value, …): number} of what Prometheus reads."""
    return {(sample.name, *sample.labels.values()): sample.value
            for family in parser.text_string_to_metric_families(text)
            for sample in family.samples}


class UnknownCallerTest(base.ApiTest, fixtures.DatabaseTestCase):
    """Who has no token learns whether it works, and no more."""

    AUTH = 'keystone'

    def test_brief(self):
        leases.register(models.new_id(), 'secret-host', 60)
        self.assertEqual(BRIEF, self.call('GET', '/healthcheck'))

    def test_brief_without_a_database(self):
        self.config(group='database', connection=NOWHERE)
        self.app = base.app.make_app(self.conf, self.ringer)
        answer = self.call('GET', '/healthcheck', status=503)
        self.assertEqual({'error', 'code', 'field'}, answer.keys())
        self.assertNotIn('127.0.0.1', str(answer))

    def test_detailed_by_configuration(self):
        self.config(group='healthcheck', detailed=True)
        self.assertEqual([], self.call('GET', '/healthcheck')[
            'detail']['engines'])

    def test_metrics(self):
        answer = self.call('GET', '/metrics', status=401)
        self.assertEqual('fenix.unauthorized', answer['code'])
        self.config(group='api', public_metrics=True)
        self.assertEqual(200, self.send('GET', '/metrics').status_int)


class DetailTest(base.ApiTest, fixtures.DatabaseTestCase):

    def test_detail(self):
        engine = models.new_id()
        leases.register(engine, 'one', 60)
        for _ in range(2):
            session = base.new_session()
        leases._take(engine, session.id, 0)
        base.store(records.event(session.id))
        answer = self.call('GET', '/healthcheck')
        self.assertEqual(BRIEF, {name: answer[name] for name in BRIEF})
        detail = answer['detail']
        ((engine,)) = detail['engines']
        self.assertTrue(50 < engine.pop('lease_left') <= 60)
        self.assertEqual({'host': 'one', 'sessions': 1}, engine)
        self.assertEqual(({'MAINTENANCE': 2}, 1, 0, 1, {'state': 'ready'}), (
            detail['sessions'], detail['sessions_unowned'],
            detail['unread'], detail['outbox']['depth'], detail['bell']))
        self.assertGreater(detail['outbox']['age'], 1e6)
        self.assertGreater(detail['database']['seconds'], 0)

    def test_no_secrets(self):
        self.config(group='database', connection=NOWHERE)
        self.app = base.app.make_app(self.conf, self.ringer)
        self.ringer.health = lambda: {
            'state': 'failing', 'error': 'no rabbit://guest:s3cret@host/'}
        answer = self.call('GET', '/healthcheck', status=None)
        self.assertEqual('fenix.unavailable', answer['code'])
        self.assertIn("Can't connect to MySQL",
                      answer['detail']['database'])
        self.assertEqual('no rabbit://***@host/',
                         answer['detail']['bell']['error'])
        self.assertNotIn('s3cret', str(answer))

    def test_taken_out_of_service(self):
        (path,) = self.create_tempfiles([('down', '')])
        self.config(group='healthcheck', backends=['disable_by_file'])
        self.call('GET', '/healthcheck')
        self.config(group='healthcheck', disable_by_file_path=path)
        answer = self.call('GET', '/healthcheck', status=503)
        self.assertEqual('disable_by_file says: DISABLED BY FILE.',
                         answer['error'])

    def call(self, method, path, body=None, status=200, **headers):
        if status is None:      # 503 with more than the usual fields
            response = self.send(method, path, body, **headers)
            self.assertEqual(503, response.status_int)
            return response.json
        return super().call(method, path, body, status, **headers)


class MetricsTest(base.ApiTest, fixtures.DatabaseTestCase):

    def scrape(self):
        response = self.send('GET', '/metrics')
        self.assertEqual((200, metrics.CONTENT_TYPE), (
            response.status_int, response.headers['Content-Type']))
        return read(response.text)

    def test_requests(self):
        def counted(*labels):
            return self.scrape().get(
                ('fenix_api_request_seconds_count', *labels), 0)

        session = base.new_session()
        for labels, path in (
                (('GET', '/v1/maintenance/{session}', '200'),
                 f'/v1/maintenance/{session.id}'),
                (('GET', '/v1/maintenance/{session}', '404'),
                 '/v1/maintenance/none'),
                (('GET', 'none', '404'), '/no/such/place'),
                (('PATCH', 'none', '405'), '/v1/maintenance'),
                (('other', 'none', '404'), '/no/such/place')):
            method = {'other': 'BREW'}.get(labels[0], labels[0])
            labels = ('other' if method == 'PATCH' else method
                      if method != 'BREW' else 'other', *labels[1:])
            before = counted(*labels)
            self.send(method, path)
            self.assertEqual(before + 1, counted(*labels), labels)

    def test_labels_are_few(self):
        """Whatever a client sends makes no new label."""
        for number in range(3):
            for path in (f'/v1/maintenance/{number}', f'/{number}',
                         f'/v1/instance/{number}', f'/v1/%ff{number}'):
                self.send('GET', path)
                self.send(f'VERB{number}', path)
        known = {route.path for route in routes.ROUTES} | {'none'}
        found = [key for key in self.scrape()
                 if key[0] == 'fenix_api_request_seconds_count']
        self.assertEqual(set(), {key[2] for key in found} - known)
        self.assertEqual(set(), {key[1] for key in found} - {
            'GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'other'})

    def test_figures(self):
        leases.register(models.new_id(), 'one', 60)
        session = base.new_session()
        base.store(records.ask(session.id, state='open'),
                   records.move(session.id), records.event(session.id))
        found = self.scrape()
        self.assertEqual(
            [1, 1, 1, 1, 1, 1, 1],
            [found[key] for key in (
                ('fenix_database_up',), ('fenix_sessions', 'MAINTENANCE'),
                ('fenix_sessions_unowned',), ('fenix_asks_open',),
                ('fenix_moves_in_flight',), ('fenix_outbox_depth',),
                ('fenix_engines',))])

    def test_database_away(self):
        self.config(group='database', connection='sqlite:////no/such/place')
        self.app = base.app.make_app(self.conf, self.ringer)
        found = self.scrape()
        self.assertEqual(0, found[('fenix_database_up',)])
        self.assertNotIn(('fenix_asks_open',), found)

    def test_all_are_documented(self):
        documented = {name for name, *_ in metrics.table()}
        base.new_session()
        response = self.send('GET', '/metrics')
        found = {
            family.name + ('_total' if family.type == 'counter' else '')
            for family in parser.text_string_to_metric_families(
                response.text) if family.name.startswith('fenix_')}
        self.assertEqual(set(), found - documented)
