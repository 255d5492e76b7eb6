# SPDX-License-Identifier: Apache-2.0
import datetime

from oslo_config import cfg
from oslotest import base

from fenix import conf as fenix_conf
from fenix.api import waiting
from fenix.db import models
from fenix.db import pictures
from tests.functional.db import records

NOW = datetime.datetime(2026, 1, 31, 10, tzinfo=datetime.UTC)
S = 's1'


class TestWaits(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.conf = cfg.ConfigOpts()
        fenix_conf.register(self.conf)
        self.conf([], project='fenix', default_config_files=[])
        self.rows = pictures.Rows(
            records.session(id=S, phase='run_hosts', owner='engine'),
            [models.Host(session_id=S, name='cmp-1', position=0,
                         step='empty', is_compute=True, is_controller=False),
             models.Host(session_id=S, name='cmp-2', position=1,
                         step='pending', is_compute=True,
                         is_controller=False)],
            [records.instance(S, instance_id='i1', host='cmp-1'),
             records.instance(S, instance_id='i2', host='cmp-2')],
            [], [], [], [], [])

    def tell(self):
        waits = waiting.Waits(self.conf, self.rows)
        return ([waits.of_host(row) for row in self.rows.hosts]
                + [waits.of_instance(row) for row in self.rows.instances])

    def test_turns(self):
        one, two, first, second = self.tell()
        self.assertIn('let its instances go', one[0])
        self.assertIn('its turn', two[0])
        self.assertIn('its turn to move', first[0])
        self.assertEqual(['the turn of host cmp-2'], second)

    def test_an_answer(self):
        self.rows.hosts[0].step = 'ask'
        self.rows.asks.append(records.ask(
            S, state='open', question='PLANNED_MAINTENANCE', host='cmp-1',
            instance_ids=['i1'], published_at=NOW, reply_by=NOW))
        one, _, first, _ = self.tell()
        self.assertEqual(one, first)
        self.assertIn('to answer PLANNED_MAINTENANCE about host cmp-1 by '
                      '2026-01-31T10:00:00', one[0])

    def test_a_move(self):
        self.rows.moves.append(records.move(
            S, instance_id='i1', source='cmp-1', target='cmp-2',
            state='requested', deadline=NOW))
        one, _, first, _ = self.tell()
        self.assertEqual(one, first)
        self.assertIn('instance i1 to leave cmp-1 for cmp-2', one[0])

    def test_a_failure(self):
        self.rows.session.state = 'MAINTENANCE_FAILED'
        self.rows.hosts[0].reason = 'no room'
        one, two, first, second = self.tell()
        self.assertEqual(['the administrator: it has failed'], one)
        self.assertEqual(['the session to be continued or deleted'], two)
        self.assertEqual(([], []), (first, second))

    def test_what_is_through_waits_for_nothing(self):
        self.rows.hosts[1].step = 'done'
        self.assertEqual(([], []), tuple(self.tell()[1::2]))
