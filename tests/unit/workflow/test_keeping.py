# SPDX-License-Identifier: Apache-2.0
"""The planner's fleet, as it is made from a survey and told of events."""

import datetime

import oslo_config.fixture
from oslotest import base

from fenix import conf
from fenix.clouds import base as clouds
from fenix.db import models
from fenix.db import pictures
from fenix.size import Size
from fenix.workflow import picture as picturing
from fenix.workflow import turn as turns
from fenix.workflow.planner import records
from fenix.workflow.verbs import keeping

NOW = datetime.datetime(2026, 1, 31, 10, 0, tzinfo=datetime.UTC)
TOTAL, SIZE = Size(8, 8192, 80), Size(2, 2048, 20)


def nothing(instance_ids):
    """Nobody has registered constraints."""
    return {}, {}


class MovedMeanwhile(base.BaseTestCase):
    """A move ends in Nova before its session hears of it.

    Instance ``i`` goes from host ``a`` to host ``b``.
    """

    def setUp(self):
        super().setUp()
        self.useFixture(oslo_config.fixture.Config(conf.CONF))
        conf.CONF([], default_config_files=[])
        self.begin()

    def begin(self):
        self.move = models.Move(
            id='m', session_id='s', instance_id='i', project_id='p',
            action='MIGRATE', source='a', target='b', round=0,
            state='requested', intended_at=NOW, deadline=NOW)
        rows = pictures.Rows(
            models.Session(id='s', settings={}, created_at=NOW),
            [models.Host(id=name, session_id='s', name=name, step=step,
                         is_compute=True, round=0, position=0,
                         question='PLANNED_MAINTENANCE')
             for name, step in (('a', 'empty'), ('b', 'done'))],
            [models.Instance(
                id='1', session_id='s', instance_id='i', project_id='p',
                name='i', host='a', vcpus=2, ram_mb=2048, disk_gb=20,
                status='ACTIVE', gone=False)],
            [], [self.move], [], [], [])
        self.turn = turns.Turn(picturing.Picture(rows), turns.Memory(),
                               NOW, conf.CONF, nothing)

    def survey(self, host, status, **holders):
        """Make the fleet from a survey.

        :param host: where Nova shows the instance
        :param holders: {host: consumer of its room}
        """
        found = clouds.Survey(
            hosts={name: clouds.HostService(
                name, True, False, True, None, True) for name in 'ab'},
            capacities={name: clouds.Capacity(
                name, TOTAL, SIZE if name in holders else Size(),
                frozenset([holders[name]] if name in holders else []))
                for name in 'ab'},
            servers={'i': clouds.Server('i', 'p', 'i', host, SIZE, status)},
            groups={})
        reading = turns.Reading()
        reading.succeed(found, NOW, NOW)
        self.turn.memory.readings['survey', None] = reading
        keeping.make(self.turn, found, frozenset())

    def end(self):
        """Let the session hear that the move is over."""
        picture = self.turn.picture
        self.turn.change(picture.instances['i'], host='b')
        self.turn.change(self.move, state='done', ended_at=NOW)
        keeping.ended(self.turn, self.move)

    def room(self):
        """Return what the fleet takes for free on both hosts."""
        hosts = self.turn.memory.kept.fleet.hosts
        return {name: tuple(hosts[name].room) for name in 'ab'}

    def test_over_in_nova(self):
        """Its source has its room back: it does not get it twice."""
        self.survey('b', 'ACTIVE', b='i')
        self.end()
        self.assertEqual({'a': records.numbers(TOTAL),
                          'b': records.numbers(TOTAL - SIZE)}, self.room())

    def test_not_over_in_nova(self):
        """Both hosts have its room taken; the source gets it back."""
        for host, status, holders in (
                ('a', 'ACTIVE', {'a': 'i'}),
                ('a', 'RESIZE', {'a': 'm', 'b': 'i'}),
                ('b', 'VERIFY_RESIZE', {'a': 'm', 'b': 'i'})):
            with self.subTest(status=status, host=host):
                self.begin()
                self.survey(host, status, **holders)
                self.end()
                self.assertEqual({'a': records.numbers(TOTAL),
                                  'b': records.numbers(TOTAL - SIZE)},
                                 self.room())
