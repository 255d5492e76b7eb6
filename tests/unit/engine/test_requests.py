# SPDX-License-Identifier: Apache-2.0
"""The timeline tells which request of the API led to what."""

from fenix import context
from fenix import words
from fenix.db import core
from fenix.db import models
from tests.unit.engine import cases


class TestRequests(cases.EngineTestCase):

    def events(self):
        with core.engine().connect() as connection:
            return connection.execute(models.Event.__table__.select(
            ).order_by('seq', 'position')).all()

    def test_continued(self):
        self.prepare(hosts=2)
        self.cloud.work.fail.add('compute-2')
        self.run_session()
        before = len(self.events())
        self.cloud.work.fail.clear()
        with context.active(context.of_request(
                {'openstack.request_id': 'req-mine'})):
            self.cloud.request('continue')
        self.cloud.run()
        events = self.events()[before:]
        self.assertEqual(('continued by the administrator', 'req-mine'), (
            events[0].payload['text'], events[0].api_request))
        self.assertEqual(words.MAINTENANCE_DONE,
                         self.cloud.rows.session.state)
        # The projects, in this thread, answer by requests of their own.
        self.assertNotEqual('req-mine', events[-1].api_request)

    def test_created(self):
        with context.active(context.of_request(
                {'openstack.request_id': 'req-mine'})):
            self.start()
        self.cloud.run()
        events = self.events()
        self.assertEqual('req-mine', events[0].api_request)
        # The projects, in this thread, answer by requests of their own.
        self.assertNotEqual('req-mine', events[-1].api_request)
