# SPDX-License-Identifier: Apache-2.0
"""The judgement of chaos: it must be able to fail."""

import contextlib
import io
import itertools
import os
import pathlib
import re
import shlex
import signal
import subprocess
from unittest import mock

import oslo_config.fixture
from oslotest import base

import fenix
from fenix import conf
from fenix.api import admission
from fenix.engine import margins
from fenix.sandbox import options
from fenix.sandbox import processes
from fenix.sandbox.chaos import chance
from fenix.sandbox.chaos import crew
from fenix.sandbox.chaos import judge
from fenix.sandbox.chaos import servers
from fenix.sandbox.chaos import site
from fenix.sandbox.chaos import sizes
from fenix.sandbox.chaos import slots
from fenix.sandbox.chaos import watch
from tests.unit.sandbox import timelines

#: What chaos counts besides the verdict.
COUNTED = {'kills': 10, 'kills_wanted': 10, 'unexpected': [],
           'epochs_fell': 0,
           'engine': {'peak_mb': 184.0, 'peak_mb_bar': 300,
                      'threads': 73, 'threads_bar': 115}}
NOT_ANSWERED = (f'project {timelines.PROJECT} did not answer '
                f'PLANNED_MAINTENANCE and on_no_reply is "fail"')


def takeover(seconds, outage=False):
    return watch.Takeover(timelines.SESSION, 'engine', 0.0, seconds, outage)


class JudgeTest(base.BaseTestCase):

    def judge(self, timeline, result='done', reasons=(), takeovers=None,
              **counted):
        if takeovers is None:
            takeovers = [takeover(3.2)]
        figures = judge.judge(
            timeline.lines,
            [slots.Outcome('slot-1', timelines.SESSION, result,
                           list(reasons))],
            takeovers, 3.0) | COUNTED | counted
        return figures, judge.good(figures)

    def assertBroken(self, name, timeline, **arguments):
        figures, good = self.judge(timeline, **arguments)
        self.assertEqual(1, figures[name], figures['violations'])
        self.assertFalse(good)

    def test_good(self):
        figures, good = self.judge(timelines.good(),
                                   takeovers=[takeover(3.2)])
        self.assertTrue(good)
        self.assertEqual(1, figures['sessions']['done'])
        self.assertEqual({'n': 1, 'p50': 3.2, 'p99': 3.2, 'max': 3.2,
                          'bar': 5.0}, figures['takeover_s'])

    def test_each_bar(self):
        for arguments in ({'result': 'stuck'}, {'result': 'lost'},
                          {'result': 'failed'}, {'kills': 9},
                          {'unexpected': ['engine-1.7 ended with 1']},
                          {'epochs_fell': 1},
                          {'reasons': ['internal error: KeyError()']},
                          {'takeovers': [takeover(5.1)]},
                          # What was not measured has not kept its bar.
                          {'takeovers': []},
                          {'takeovers': [takeover(3.0, outage=True)]},
                          {'engine': {**COUNTED['engine'],
                                      'peak_mb': 300.1}},
                          {'engine': {**COUNTED['engine'], 'peak_mb': 0.0}},
                          {'engine': {**COUNTED['engine'], 'threads': 116}},
                          {'engine': {**COUNTED['engine'], 'threads': 0}}):
            self.assertFalse(self.judge(timelines.good(), **arguments)[1],
                             arguments)

    def test_without_kills_nobody_takes_over(self):
        self.assertTrue(self.judge(timelines.good(), takeovers=[], kills=0,
                                   kills_wanted=0)[1])

    def test_takeovers_without_kills_have_their_bar(self):
        self.assertFalse(self.judge(
            timelines.good(), takeovers=[takeover(5.1)], kills=0,
            kills_wanted=0)[1])

    def test_takeover_while_the_database_is_away(self):
        figures, good = self.judge(timelines.good(), takeovers=[
            takeover(3.0), takeover(60.0, outage=True)])
        self.assertTrue(good)
        self.assertEqual(60.0, figures['takeover_in_outage_s']['max'])

    def test_second_change(self):
        timeline = timelines.good()
        first = next(line for line in timeline.lines
                     if line['what'] == 'migrate.confirm')
        timeline.lines.append({**first, 't': first['t'] + 0.001})
        self.assertBroken('second_changes', timeline)

    def test_lost_notification(self):
        timeline = timelines.good()
        timeline.lines = [line for line in timeline.lines
                          if line['what'] != 'notify'
                          or line['payload'].get('state')
                          != 'MAINTENANCE_COMPLETE'
                          or line['payload'].get('host') != 'h2']
        self.assertBroken('lost_notifications', timeline)

    def asked(self, **reply):
        """Return a story in which a question was put, and answered."""
        timeline = timelines.Timeline()
        timeline.begin()
        asked = timeline.ask('PLANNED_MAINTENANCE')
        if reply:
            timeline.reply('ACK_PLANNED_MAINTENANCE', asked, **reply)
        timeline.wait(30)
        timeline.session('GET', 'MAINTENANCE_FAILED')
        return timeline

    def test_lost_reply(self):
        lost = judge.lost_replies(
            self.asked(code=200).lines,
            [slots.Outcome('slot', timelines.SESSION, 'done',
                           [NOT_ANSWERED])])
        self.assertEqual([('lost reply', timelines.PROJECT)], [
            (breach.kind, breach.subject) for breach in lost])

    def test_reply_that_was_not_taken(self):
        for timeline in (self.asked(), self.asked(code=503)):
            self.assertEqual([], judge.lost_replies(timeline.lines, [
                slots.Outcome('slot', timelines.SESSION, 'done',
                              [NOT_ANSWERED])]))

    def test_reply_that_came_late(self):
        timeline = timelines.Timeline()
        timeline.begin()
        asked = timeline.ask('PLANNED_MAINTENANCE', window=20)
        timeline.wait(21)
        timeline.reply('ACK_PLANNED_MAINTENANCE', asked)
        self.assertEqual([], judge.lost_replies(timeline.lines, [
            slots.Outcome('slot', timelines.SESSION, 'done',
                          [NOT_ANSWERED])]))

    def test_general(self):
        self.assertEqual(
            'host HOST: MIGRATE of instance ID to HOST, asked N times: no '
            'answer', judge.general(
                'host compute-1-2: MIGRATE of instance '
                '47679714-b4fa-4101-9bde-81635a427c37 to compute-3-1, asked '
                '3 times: no answer'))


class LedgerTest(base.BaseTestCase):
    """Engines a and b, one session; each look is a second later."""

    def setUp(self):
        super().setUp()
        self.ledger = watch.Ledger()
        self.clock = itertools.count(1)

    def look(self, owner='a', epoch=1, seq=1, resting=False):
        t = next(self.clock)
        self.ledger.seen(t, {'s': watch.Row(owner, epoch, seq, resting)})
        return t

    def seconds(self):
        return [each.seconds for each in self.ledger.takeovers]

    def test_takeover_ends_with_the_first_commit(self):
        self.look()
        self.ledger.died('a', 1.5)
        self.look(seq=2)                    # Its last breath.
        self.assertEqual(1, self.ledger.orphans)
        self.look('b', 2, 2)                # Taken, and nothing written.
        self.assertEqual([], self.seconds())
        self.look('b', 2, 3)
        self.assertEqual([2.5], self.seconds())
        self.assertEqual(0, self.ledger.orphans)

    def test_who_takes_over_dies_too(self):
        self.look()
        self.ledger.died('a', 1.5)
        self.look()
        self.look('b', 2)
        self.ledger.died('b', 3.5)
        self.look('b', 2)
        self.look('c', 3, 2)
        self.assertEqual([1.5], self.seconds())

    def test_taken_unseen_before_its_owner_died(self):
        self.ledger.died('a', 0.5)
        self.look()
        self.look('b', 2, 2)
        self.assertEqual([1.5], self.seconds())

    def test_nothing_to_take_over(self):
        self.look()
        self.ledger.died('a', 1.5)
        self.look(resting=True)
        self.look('b', 2, 2)
        self.assertEqual([], self.seconds())

    def test_deleted_by_the_next_owner(self):
        self.look()
        self.ledger.died('a', 1.5)
        self.look()
        self.ledger.seen(3, {})
        self.assertEqual([1.5], self.seconds())

    def test_outage(self):
        self.look()
        self.ledger.died('a', 1.2)
        self.ledger.away(1.5)
        self.ledger.back(1.7)
        self.look()
        self.look('b', 2, 2)
        self.assertTrue(self.ledger.takeovers[0].outage)

    def test_seq_and_epoch_never_fall(self):
        self.look(seq=5)
        self.look(seq=4)
        self.look(epoch=0, seq=5)
        self.assertEqual(['s', 's'], self.ledger.fell)

    def test_recovery(self):
        self.look()
        self.ledger.await_commit('cloud', 1.5)
        self.look(seq=2)        # May have been written before that.
        self.look(seq=2)
        self.look(seq=3)
        self.assertEqual({'cloud': [2.5]}, self.ledger.recoveries)


class ChanceTest(base.BaseTestCase):

    def test_repeatable(self):
        def drawn(seed):
            return ([chance.fate(seed, 1, number) for number in range(20)],
                    list(itertools.islice(
                        chance.faults(seed, 3, 3.0, True), 50)))
        self.assertEqual(drawn(7), drawn(7))
        self.assertNotEqual(drawn(7), drawn(8))

    def test_each_kind_comes(self):
        faults = list(itertools.islice(
            chance.faults(1, 3, 3.0, True), 500))
        self.assertEqual(set(chance.WEIGHTS),
                         {fault.kind for fault in faults})
        self.assertEqual({0, 1, 2}, {fault.seat for fault in faults})

    def test_no_servers(self):
        kinds = {fault.kind for fault in itertools.islice(
            chance.faults(1, 3, 3.0, False), 500)}
        self.assertEqual(set(chance.WEIGHTS) - {
            chance.BUS, chance.DATABASE}, kinds)

    def test_check(self):
        """The seed of .ci/run restarts both servers before it is over."""
        text = pathlib.Path(fenix.__file__).parents[1].joinpath(
            '.ci', 'run').read_text()
        wanted = re.search(
            r"check 'chaos' (.*?)\n(?! )", text, re.DOTALL)[1]
        found = options.parse(shlex.split(
            wanted.replace('\\\n', ' '))[1:])
        self.assertEqual(('mariadb', None), (found.database, found.transport))
        seconds, restarted = 0, set()
        for fault in chance.faults(found.seed, found.engines, found.lease,
                                   True):
            seconds += fault.gap
            if seconds > 6:
                break
            restarted.add(fault.kind)
        self.assertLessEqual({chance.BUS, chance.DATABASE}, restarted)

    def test_all_points_are_met(self):
        met = {point for number in range(500)
               for point in chance.fate(1, 0, number).points}
        self.assertEqual(set(chance.POINTS), met)

    def test_messages(self):
        carrier = chance.Carrier(1, 'alarms', 0.5)
        drawn = [carrier.delays() for _ in range(200)]
        self.assertEqual(carrier.met['lost'], drawn.count([]))
        self.assertTrue(all(carrier.met.values()), carrier.met)


class SiteTest(base.BaseTestCase):

    def test_times_fit_each_other(self):
        """At each lease; the nursery does not look whether they do."""
        for lease in ('1', '3', '6', '10', '28'):
            for kills in ('0', '8'):
                made = site.Site(options.parse(
                    ['chaos', '--lease', lease, '--kills', kills]), None)
                settings = made._settings()
                conf.CONF([], default_config_files=[])
                with oslo_config.fixture.Config(conf.CONF) as fixture:
                    for group in ('engine', 'nova', 'workflow'):
                        fixture.config(group=group, **settings[group])
                    margins.check(conf.CONF)
                    admission.check_margins(
                        made._manner().settings, conf.CONF)


class LifeTest(base.BaseTestCase):

    def life(self, status, **fields):
        life = crew.Life('e.1', 'engine', None, {
            'p': pathlib.Path(self.id())}, pathlib.Path('log'), **fields)
        life.status = status
        return life

    def test_unexpected(self):
        self.assertFalse(self.life(None).unexpected)
        self.assertTrue(self.life(1).unexpected)
        self.assertTrue(self.life(0).unexpected)
        self.assertTrue(self.life(-signal.SIGKILL).unexpected)
        self.assertTrue(self.life(-signal.SIGSEGV, ending='time').unexpected)
        self.assertFalse(self.life(-signal.SIGKILL,
                                   ending='time').unexpected)
        self.assertFalse(self.life(0, ending='order').unexpected)
        self.assertTrue(self.life(1, ending='order').unexpected)

    def test_died_at_its_point(self):
        life = self.life(-signal.SIGKILL)
        with mock.patch.object(pathlib.Path, 'exists', return_value=True):
            self.assertEqual('p', life.point)
            self.assertFalse(life.unexpected)


class SizesTest(base.BaseTestCase):

    def test_of_a_process_and_of_one_that_is_gone(self):
        found = sizes.Sizes(15)
        found.look([2 ** 22 + 1, os.getpid()])
        self.assertGreater(found.figures()['peak_mb'], 1)
        self.assertGreaterEqual(found.figures()['threads'], 1)

    def test_not_more_often_than_it_costs(self):
        found = sizes.Sizes(15)
        found.look([])
        found.look([os.getpid()])
        self.assertEqual({'peak_mb': 0.0, 'peak_mb_bar': 300,
                          'threads': 0, 'threads_bar': 115},
                         found.figures())

    def test_without_children(self):
        """A command that begins has the memory of its engine for a while."""
        found = sizes.Sizes(0)
        with subprocess.Popen(['sleep', '60']) as child:  # noqa: S607
            self.addCleanup(child.kill)
            found.look([os.getpid()])
            self.assertLess(found.memory_mb,
                            processes.memory_mb(os.getpid()))
            child.kill()


class SlotTest(base.BaseTestCase):

    def test_each_runs_one_session_at_least(self):
        """However soon it is closed: --kills 0 closes it at once."""
        slot = slots.Slot('slot', ['h'], None, None, 'http://api/v1',
                          slots.Manner(), pathlib.Path())
        with mock.patch.object(slots.Slot, '_session') as session:
            slot.close()
            slot.start()
            slot.end()
        session.assert_called_once()
        self.assertEqual(1, len(slot.outcomes))

    def test_many_have_longer(self):
        few, many = (slots.Manner(pace=pace).settings for pace in (1.0, 10.0))
        self.assertEqual((2.0, 8.0, 30.0), tuple(few[name] for name in (
            'min_notice', 'reply_window', 'migration_timeout')))
        self.assertEqual((80.0, 80.0, 300.0), tuple(many[name] for name in (
            'min_notice', 'reply_window', 'migration_timeout')))
        self.assertEqual(few['settle_time'], many['settle_time'])


class OptionsTest(base.BaseTestCase):

    def refused(self, *argv):
        with contextlib.redirect_stderr(io.StringIO()) as stderr:
            self.assertRaises(SystemExit, options.parse, ['chaos', *argv])
        return stderr.getvalue()

    def test_defaults_are_the_bar(self):
        found = options.parse(['chaos'])
        self.assertEqual((1000, 3, 3.0, 'mariadb'), (
            found.kills, found.engines, found.lease, found.database))

    def test_wrong(self):
        self.assertIn('--database is one of', self.refused(
            '--database', 'oracle'))
        self.assertIn('--lease', self.refused('--lease', '0.5'))
        self.assertIn('at least 1', self.refused('--engines', '0'))

    def test_server_that_is_not_installed(self):
        with mock.patch.dict('os.environ', PATH='/nowhere'):
            error = self.assertRaises(
                servers.ServerError, servers.find, 'no-such-mariadbd',
                'mariadb-server')
        self.assertIn('package mariadb-server', str(error))
