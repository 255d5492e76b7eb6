# SPDX-License-Identifier: Apache-2.0
"""The log tells which request a line is about, and so does the timeline."""

import io
import logging

from oslo_config import cfg
from oslo_log import formatters
from oslo_log import log

from fenix import context
from fenix.db import models
from fenix.db import sessions
from tests import fixtures
from tests.functional.api import base
from tests.functional.db import records

MINE = 'req-11111111-2222-4333-8444-555555555555'


class LogsTest(base.ApiTest, fixtures.DatabaseTestCase):

    def setUp(self):
        super().setUp()
        own = cfg.ConfigOpts()
        log.register_options(own)
        own([], default_config_files=[])
        own.set_default('logging_context_format_string', context.LOG_FORMAT)
        self.lines = io.StringIO()
        handler = logging.StreamHandler(self.lines)
        handler.setFormatter(formatters.ContextFormatter(config=own))
        logger = logging.getLogger('fenix')
        logger.addHandler(handler)
        self.addCleanup(logger.removeHandler, handler)
        # Whatever tests before this one made of it.
        self.addCleanup(logger.setLevel, logger.level)
        logger.setLevel(logging.INFO)

    def line(self, text):
        """Return the only line with a text."""
        (found,) = [line for line in self.lines.getvalue().splitlines()
                    if text in line]
        return found

    def start(self, **headers):
        response = self.send('POST', '/v1/maintenance', base.request(),
                             X_Project_Id='boss', **headers)
        return (response.json['session_id'],
                response.headers['X-OpenStack-Request-ID'])

    def test_request(self):
        session_id, request_id = self.start(X_OpenStack_Request_ID=MINE)
        self.assertIn(f'[{MINE} {request_id} - boss - - - -] '
                      f'Session {session_id} was started',
                      self.line('was started'))
        self.assertEqual(request_id, sessions.get(session_id).api_request)

    def test_session(self):
        session = base.new_session(state='MAINTENANCE_FAILED')
        for method, text, kind in (
                ('PUT', 'is to be continued', 'continue'),
                ('DELETE', 'is to be deleted', 'delete')):
            response = self.send(method, f'/v1/maintenance/{session.id}', {})
            request_id = response.headers['X-OpenStack-Request-ID']
            self.assertRegex(self.line(text), (
                rf'\[None {request_id} .*\] \[session {session.id}\] '))
            self.assertEqual([request_id], [
                row.api_request for row in base.stored(models.Request)
                if row.kind == kind])

    def test_reply(self):
        session = base.new_session()
        base.store(records.instance(session.id, project_id='p1'))
        response = self.send(
            'PUT', f'/v1/maintenance/{session.id}/p1',
            {'state': 'ACK_MAINTENANCE'})
        (row,) = base.stored(models.Reply)
        self.assertEqual(response.headers['X-OpenStack-Request-ID'],
                         row.api_request)

    def test_nothing_is_left_for_the_next_request(self):
        self.start(X_OpenStack_Request_ID=MINE)
        self.assertIsNone(context.current())
        self.assertIsNone(context.request_id())

    def test_timeline(self):
        session = base.new_session()
        base.store(records.event(session.id, api_request='req-1'),
                   records.event(session.id, seq=2))
        events = self.call(
            'GET', f'/v1/maintenance/{session.id}/events')['events']
        self.assertEqual(['req-1', None],
                         [event['request_id'] for event in events])


class UnknownCallerTest(LogsTest):
    """Even a request without a token has an id in the log."""

    AUTH = 'keystone'

    def test_request(self):
        logging.getLogger('fenix.api.x').info('before')
        self.assertIn('[-] before', self.line('before'))
        response = self.send('GET', '/v1/maintenance')
        self.assertEqual(401, response.status_int)
        self.assertIsNone(context.current())

    test_session = test_reply = test_timeline = None
    test_nothing_is_left_for_the_next_request = None
