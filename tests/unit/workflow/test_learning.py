# SPDX-License-Identifier: Apache-2.0
"""How long things take, as a session has seen it."""

import datetime
from unittest import mock

import fixtures
from oslotest import base

from fenix.db import models
from fenix.db import pictures
from fenix.workflow import picture as picturing
from fenix.workflow.verbs import learning

NOW = datetime.datetime(2026, 1, 31, 10, 0, tzinfo=datetime.UTC)
OPTIONS = {'host_time': 600.0, 'confirm_time': 2.0, 'migration_time': 30.0,
           'live_migration_time': 10.0, 'own_action_time': 60.0,
           'migration_time_per_gb': 0.0, 'live_migration_time_per_gb': 1.0}


def later(seconds):
    return NOW + datetime.timedelta(seconds=seconds)


class LearningTest(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.rows = pictures.Rows(
            models.Session(id='s'), [], [], [], [], [], [], [])

    def move(self, took, action='MIGRATE', gb=1, begun=0.0, state='done',
             source='h0', **values):
        key = f'i{len(self.rows.moves)}'
        self.rows.instances.append(models.Instance(
            session_id='s', instance_id=key, project_id='p', name=key,
            host='there', vcpus=1, ram_mb=1024 * gb, disk_gb=1,
            status='ACTIVE'))
        self.rows.moves.append(models.Move(
            session_id='s', instance_id=key, project_id='p', action=action,
            source=source, target='there', state=state, deadline=NOW,
            intended_at=later(begun), ended_at=later(begun + took),
            **{'round': 0, **values}))

    def host(self, name, back, **values):
        self.rows.hosts.append(models.Host(**{
            'session_id': 's', 'name': name, 'is_compute': True, 'round': 0,
            'step': 'done', 'step_at': later(back), **values}))

    def learn(self):
        return learning.estimates(mock.Mock(
            picture=picturing.Picture(self.rows), option=OPTIONS.get))

    def test_nothing_yet(self):
        found = self.learn()
        self.assertEqual((600.0, 2.0), (found.host, found.confirm))
        self.assertEqual(30.0, found.base['MIGRATE'])

    def test_too_few(self):
        for _ in range(learning.LEAST - 1):
            self.move(100)
        self.assertEqual(30.0, self.learn().base['MIGRATE'])

    def test_moves(self):
        """Begin to end, the confirmation included; other actions stay."""
        for took in (50, 60, 70):
            self.move(took)
        self.move(1, state='failed')
        found = self.learn()
        self.assertAlmostEqual(
            60, found.move(mock.Mock(ram_mb=4096), 'MIGRATE'))
        self.assertEqual(10.0, found.base['LIVE_MIGRATE'])

    def test_size(self):
        """What grows with the size goes on doing so."""
        for gb in (10, 20, 30):
            self.move(3 * (10 + gb), 'LIVE_MIGRATE', gb)
        found = self.learn()
        self.assertAlmostEqual(30, found.base['LIVE_MIGRATE'])
        self.assertAlmostEqual(3, found.per_gb['LIVE_MIGRATE'])

    def test_shorter_than_its_confirmation(self):
        for _ in range(3):
            self.move(1)
        self.assertEqual(0.0, self.learn().base['MIGRATE'])

    def test_expected_to_take_no_time(self):
        self.useFixture(self.zero('migration_time'))
        for _ in range(3):
            self.move(12)
        self.assertAlmostEqual(10, self.learn().base['MIGRATE'])

    def zero(self, name):
        return fixtures.MonkeyPatch(
            f'{__name__}.OPTIONS', {**OPTIONS, name: 0.0})

    def test_newest(self):
        for number in range(learning.NEWEST):
            self.move(32, begun=1000 + number)
        for number in range(20):
            self.move(999, begun=-2000 + number)
        self.assertAlmostEqual(30, self.learn().base['MIGRATE'])

    def test_hosts(self):
        """From the last move off it until it is back."""
        for number in range(3):
            self.move(10, source=f'h{number}', begun=-50)
            self.move(10, source=f'h{number}')
            self.host(f'h{number}', 10 + 40 + number)
        self.host('empty', 5)
        self.host('controller', 5, is_compute=False)
        self.move(10, source='h9')
        self.host('h9', 500, step='maintain')
        self.assertAlmostEqual(41, self.learn().host)

    def test_hosts_of_a_session_that_paused(self):
        """A night between the last move and the end is no work."""
        for number in range(3):
            self.move(10, source=f'h{number}', round=number)
            self.host(f'h{number}', 10 + 40, round=number)
        self.move(10, source='h9')
        self.host('h9', 50000, round=1)
        self.assertAlmostEqual(40, self.learn().host)
