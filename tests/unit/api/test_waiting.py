# SPDX-License-Identifier: Apache-2.0
import datetime

from oslo_config import cfg
from oslotest import base

from fenix import conf as fenix_conf
from fenix import words
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
        self.assertEqual(['its turn, after cmp-1'], two)
        self.assertEqual(['the engine to move it'], first)
        self.assertEqual(['the turn of host cmp-2, which waits for its '
                          'turn, after cmp-1'], second)

    def test_nobody_is_in_hand(self):
        self.rows.hosts[0].step = 'done'
        self.assertEqual(['the engine to choose the next host'],
                         self.tell()[1])

    def test_what_the_engine_wrote(self):
        two, first = self.rows.hosts[1], self.rows.instances[0]
        two.waits_for = words.HOSTS_IN_HAND
        two.waits_why = 'a limit of the session: 1 hosts at once'
        first.waits_for = 'session s2'
        first.waits_why = 'waits for its group g'
        text = ('the hosts in hand (cmp-1): a limit of the session: '
                '1 hosts at once')
        group = 'session s2: waits for its group g'
        self.assertEqual([
            [f'instance i1: {group}'], [text], [group],
            [f'the turn of host cmp-2, which waits for {text}']],
            self.tell())
        first.waits_for = 'g'
        self.assertEqual(['waits for its group g'], self.tell()[2])
        # What it wrote before may be of long ago.
        self.rows.session.state = 'MAINTENANCE_FAILED'
        self.assertEqual(['the session to be continued or deleted'],
                         self.tell()[1])

    def test_an_agreement_is_there_and_its_turn_is_not(self):
        self.rows.hosts[1].step = 'ask'
        self.rows.hosts[1].waits_for = ''
        self.rows.hosts[1].waits_why = 'the notice goes on'
        self.assertEqual(['the notice goes on'], self.tell()[1])

    def test_other_phases(self):
        self.rows.session.phase = 'announce'
        self.assertIn('the start of the work, not before 20',
                      self.tell()[1][0])
        self.rows.session.phase = 'make_room'
        self.rows.asks.append(records.ask(
            S, state='open', question='SCALE_IN', project_id='p7',
            published_at=NOW, reply_by=NOW))
        self.assertEqual(
            ['room: projects are asked to scale in: p7'], self.tell()[1])

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
