# SPDX-License-Identifier: Apache-2.0
"""What an engine tells whoever watches it, over HTTP."""

import re
import socket
from unittest import mock

import oslo_config.fixture
import requests
import testtools
from prometheus_client import parser

from fenix import conf
from fenix import metrics
from fenix.engine import watch
from tests import fixtures
from tests.functional.engine import trial


def read(text):
    """Return {(name, label value, …): number} of what Prometheus reads."""
    return {(sample.name, *sample.labels.values()): sample.value
            for family in parser.text_string_to_metric_families(text)
            for sample in family.samples}


def get(port, path, method='GET', address='127.0.0.1'):
    return requests.request(method, f'http://{address}:{port}{path}',
                            timeout=10, proxies={'http': ''})


class TestSession(trial.TrialTestCase):
    """A session leaves its traces in the metrics."""

    def test_session(self):
        self.set_options({'OS_ENGINE__HTTP_PORT': '0'})
        sandbox = self.start(tend=trial.look_on)
        log = self.directory / 'fenix-allinone.log'
        port = int(re.search(r'health and metrics on 127\.0\.0\.1 port (\d+)',
                             log.read_text())[1])
        self.run_session(sandbox)
        trial.wait_for(lambda: sandbox.happened('migrate.start'), 40)
        found = read(get(port, '/metrics').text)
        self.assertEqual((1, 1, 0), (
            sum(number for key, number in found.items()
                if key[0] == 'fenix_sessions'),
            found[('fenix_engine_sessions',)],
            found[('fenix_sessions_unowned',)]))
        self.finish(sandbox)
        health = get(port, '/healthcheck')
        self.assertEqual((200, 'ok', 'listening', None), (
            health.status_code, health.json()['status'],
            health.json()['bell']['state'],
            health.json()['notifications'].get('error')))
        answer = get(port, '/metrics')
        self.assertEqual(metrics.CONTENT_TYPE,
                         answer.headers['Content-Type'])
        found = read(answer.text)
        lines = sandbox.timeline.lines
        for what, call in (('migrate.start', 'migrate'),
                           ('service.disable', 'disable')):
            self.assertEqual(
                len([line for line in lines if line['what'] == what
                     and line.get('changed', True)]),
                found[('fenix_call_seconds_count', call, 'ok')])
        published = [line for line in lines if line['what'] == 'notify']
        self.assertEqual(len(published), sum(
            number for key, number in found.items()
            if key[0] == 'fenix_notifications_published_total'))
        self.assertEqual(len(published),
                         found[('fenix_notification_delay_seconds_count',)])
        self.assertEqual(
            (0, 0, 0, 0, 1, 1), tuple(found[(name, *labels)] for
                                         name, *labels in (
                ('fenix_takeovers_total',), ('fenix_asks_open',),
                ('fenix_moves_in_flight',),
                ('fenix_outbox_depth',), ('fenix_engines',),
                ('fenix_engine_bus_up', 'bell'))))
        self.assertGreater(found[('fenix_sessions_taken_total',)], 0)
        for name in ('fenix_turn_seconds_count',
                     'fenix_reply_decision_seconds_count'):
            self.assertGreater(found[(name,)], 3)
        self.assertGreater(
            found[('fenix_lease_renewals_total', 'renewed')], 1)
        self.assertGreater(found[('fenix_engine_lease_seconds',)], 0)
        self.assertEqual(32, found[('fenix_engine_threads', 'cloud')])
        self.assertGreater(found[(
            'fenix_api_request_seconds_count', 'POST', '/v1/maintenance',
            '200')], 0)
        self.check_log(log.read_text())
        documented = {name for name, *_ in metrics.table()}
        self.assertEqual(set(), {
            key[0] for key in found if key[0].startswith('fenix_')
            and re.sub('_(count|sum|bucket)$', '', key[0])
            not in documented})

    def check_log(self, text):
        """Each line about a session says which it is, and more."""
        (session_id,) = set(re.findall(
            r'INFO fenix\.api\.handlers\.sessions .* Session (\S+) was',
            text))
        project = '[0-9a-f]{32}'
        about = (rf'%s \[\S+ req-{session_id} - {project} .*\] '
                 rf'\[session {session_id}%s\] ')
        for name, host, what in (
                (r'fenix\.clouds\.openstack\.effects', r' host compute-\d',
                 'host compute-1: disable, request req-'),
                (r'fenix\.clouds\.openstack\.effects', r' host compute-\d',
                 r'instance \S+: migrate to compute-\d, request req-'),
                (r'fenix\.workflow\.verbs\.telling', ' host compute-1',
                 f'session {session_id}: host compute-1: ask -> empty'),
                (r'fenix\.workflow\.verbs\.telling', '',
                 f'session {session_id}: phase ')):
            self.assertRegex(text, about % (name, host) + what)
        for line in text.splitlines():
            if re.search(r' fenix\.(workflow|clouds)\S* \[', line) and (
                    'API is used at' not in line):
                self.assertIn(f'req-{session_id}', line)
        # What an administrator asked for leads from his request to this.
        asked = re.search(r'\[\S+ (req-\S+) .*\] Session \S+ is to be '
                          'deleted', text)
        if asked:
            self.assertIn(f'[{asked[1]} req-{session_id} ', text)


class Engine:
    """Stands as a test wants it."""

    def __init__(self, **values):
        self.values = {
            'host': 'one', 'engine_id': 'e', 'lease_left': 5.04,
            'turns_taken': True, 'stopping': False, 'sessions': 2,
            'database': {'error': None, 'age': 0.4},
            'bell': {'state': 'listening', 'error': None},
            'publisher': {'state': 'ready', 'error': None},
            'pools': {'turns': (1, 2, 3), 'cloud': (4, 5, 6)}, **values}

    def stands(self):
        return watch.Standing(**self.values)


class WatchTest(fixtures.DatabaseTestCase):

    def setUp(self):
        super().setUp()
        self.fixture = self.useFixture(oslo_config.fixture.Config(conf.CONF))
        conf.CONF([], default_config_files=[])
        self.fixture.config(group='engine', http_port=0)

    def start(self, **values):
        self.engine = Engine(**values)
        made = watch.start(conf.CONF, self.engine)
        self.addCleanup(made.stop)
        self.port = made.port
        return made

    def test_health(self):
        self.start()
        answer = get(self.port, '/healthcheck')
        self.assertEqual(200, answer.status_code)
        self.assertEqual({
            'status': 'ok', 'host': 'one', 'engine': 'e', 'lease_left': 5.0,
            'sessions': 2, 'database': {'error': None, 'age': 0.4},
            'bell': {'state': 'listening', 'error': None},
            'notifications': {'state': 'ready', 'error': None}, 'pools': {
                'turns': {'waiting': 1, 'busy': 2, 'threads': 3},
                'cloud': {'waiting': 4, 'busy': 5, 'threads': 6}}},
            answer.json())

    def test_ill(self):
        self.start()
        for values, status in (
                ({'lease_left': 0}, 'no lease'),
                ({'turns_taken': False, 'lease_left': 5}, 'stuck'),
                ({'stopping': True}, 'stopping')):
            self.engine.values.update(values)
            answer = get(self.port, '/healthcheck')
            self.assertEqual((503, status), (answer.status_code,
                                             answer.json()['status']))

    def test_metrics(self):
        self.start(bell={'state': 'connecting'},
                   publisher={'error': 'away'}, lease_left=1.5)
        found = read(get(self.port, '/metrics').text)
        self.assertEqual((2, 1.5, 0, 0, 1, 5, 3, 1), tuple(
            found[key] for key in (
                ('fenix_engine_sessions',), ('fenix_engine_lease_seconds',),
                ('fenix_engine_bus_up', 'bell'),
                ('fenix_engine_bus_up', 'notifications'),
                ('fenix_engine_queue', 'turns'),
                ('fenix_engine_threads_busy', 'cloud'),
                ('fenix_engine_threads', 'turns'), ('fenix_database_up',))))

    def test_without_a_database(self):
        self.start()
        self.database.conf.set_override(
            'connection', 'sqlite:////no/such/place', 'database')
        self.addCleanup(self.database.conf.set_override, 'connection',
                        self.database.url, 'database')
        self.database.use()
        found = read(get(self.port, '/metrics').text)
        self.assertEqual(0, found[('fenix_database_up',)])
        self.assertEqual(2, found[('fenix_engine_sessions',)])
        self.assertEqual(200, get(self.port, '/healthcheck').status_code)

    def test_nothing_else(self):
        self.start()
        for path, method, code in (('/', 'GET', 404), ('/x', 'GET', 404),
                                   ('/metrics', 'POST', 405),
                                   ('/metrics', 'HEAD', 200)):
            self.assertEqual(code, get(
                self.port, path, method).status_code, (path, method))

    def test_off_by_default(self):
        self.fixture.config(group='engine', http_port=None)
        self.assertIsNone(watch.start(conf.CONF, Engine()))

    def test_port_taken(self):
        """An engine that cannot be watched works all the same."""
        with socket.socket() as other:
            other.bind(('127.0.0.1', 0))
            other.listen()
            self.fixture.config(group='engine',
                                http_port=other.getsockname()[1])
            with mock.patch.object(watch.LOG, 'error') as error:
                self.assertIsNone(watch.start(conf.CONF, Engine()))
            self.assertTrue(error.called)

    def resolve(self, *addresses):
        """Have the name of the host stand for these addresses."""
        known = socket.getaddrinfo

        def getaddrinfo(host, port, *args, **kwargs):
            if host != 'engine.example':
                return known(host, port, *args, **kwargs)
            if not addresses:
                raise socket.gaierror('no such name')
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, '',
                     (address, int(port))) for address in addresses]

        patch = mock.patch('socket.getaddrinfo', getaddrinfo)
        patch.start()
        self.addCleanup(patch.stop)
        self.fixture.config(group='engine', http_host='engine.example')

    def test_name_of_several_addresses(self):
        """As localhost is, where there is IPv6."""
        with socket.socket() as other:
            other.bind(('127.0.0.1', 0))
            port = other.getsockname()[1]
        self.fixture.config(group='engine', http_port=port)
        self.resolve('127.0.0.1', '127.0.0.2')
        made = self.start()
        self.assertEqual(port, made.port)
        for address in ('127.0.0.1', '127.0.0.2'):
            self.assertEqual(200, get(
                port, '/healthcheck', address=address).status_code)
        made.stop()
        self.assertFalse(made._thread.is_alive())
        with testtools.ExpectedException(requests.ConnectionError):
            get(port, '/healthcheck')

    def test_name_of_no_address(self):
        self.resolve()
        with mock.patch.object(watch.LOG, 'error') as error:
            self.assertIsNone(watch.start(conf.CONF, Engine()))
        self.assertTrue(error.called)

    def test_one_of_several_addresses_taken(self):
        """The others are not left behind without anybody who answers."""
        self.resolve('127.0.0.1', '127.0.0.2')
        with socket.socket() as other:
            other.bind(('127.0.0.2', 0))
            other.listen()
            port = other.getsockname()[1]
            self.fixture.config(group='engine', http_port=port)
            self.assertIsNone(watch.start(conf.CONF, Engine()))
        with testtools.ExpectedException(requests.ConnectionError):
            get(port, '/healthcheck')

    def test_stopped(self):
        made = self.start()
        made.stop()
        with testtools.ExpectedException(requests.ConnectionError):
            get(self.port, '/healthcheck')
        self.assertFalse(made._thread.is_alive())
