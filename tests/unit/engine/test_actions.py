# SPDX-License-Identifier: Apache-2.0
"""Action plug-ins: order, failure, retry, and an administrator's word."""

from fenix.engine import posted
from fenix.workflow.actions import manual
from tests.unit.engine import cases


class ActionCase(cases.EngineTestCase):
    """Two empty hosts, or one with a single instance."""

    SHAPE = {'hosts': 2, 'per_host': 0, 'spare': 0}

    def work(self):
        return [(type_, host)
                for type_, host, _ in self.cloud.work.started]

    def runs(self, **wanted):
        return [run for run in self.cloud.rows.runs
                if all(getattr(run, name) == value
                       for name, value in wanted.items())]

    def report(self, run, state, **body):
        self.cloud.request('report', run=run.id, state=state, **body)


class TestOrder(ActionCase):

    def test_types(self):
        self.run_session(actions=[
            ('a', 'post'), ('a', 'compute'), ('a', 'host'), ('a', 'pre'),
            ('a', 'controller')])
        self.assertEqual(
            [('pre', None), ('host', 'compute-1'), ('compute', 'compute-1'),
             ('host', 'compute-2'), ('compute', 'compute-2'),
             ('post', None)], self.work())
        self.assert_done()

    def test_by_name_within_a_type_one_after_another(self):
        self.run_session(hosts=['compute-1'], actions=[
            ('zebra', 'host'), ('ant', 'host'), ('mole', 'host')])
        runs = sorted(self.runs(), key=lambda run: run.started_at)
        self.assertEqual(['ant', 'mole', 'zebra'],
                         [run.plugin for run in runs])
        for run, after in zip(runs, runs[1:], strict=False):
            self.assertLessEqual(run.ended_at, after.started_at)
        self.assertEqual({'ok'}, {run.output for run in runs})

    def test_none(self):
        self.run_session(actions=[])
        self.assert_maintained('compute-1', 'compute-2')
        self.assert_done()

    def test_pre_comes_after_the_start_and_before_all_else(self):
        self.start(actions=[('a', 'pre')], notice=100)
        self.cloud.run()
        _, _, when = self.cloud.work.started[0]
        self.assertGreaterEqual(
            when, self.cloud.rows.session.maintenance_at)
        self.assertLess(when.timestamp(),
                        self.cloud.lines('service.disable')[0]['t'])


class TestFailure(ActionCase):

    def fail(self, **session):
        self.prepare()
        self.cloud.work.fail.add('compute-1')
        self.run_session(hosts=['compute-1', 'compute-2'], **session)

    def test_the_host_fails_and_stays_disabled(self):
        self.fail()
        self.assert_failed('compute-1', 'action dummy', 'it broke')
        self.assertIn('compute-1', self.cloud.disabled())
        self.assertEqual([('compute-1', 'IN_MAINTENANCE')],
                         self.cloud.host_events())
        run, = self.runs(host='compute-1')
        self.assertEqual(('failed', 'no', 'it broke'),
                         (run.state, run.output, run.reason))

    def test_continue_runs_again_what_failed_and_nothing_else(self):
        self.fail(actions=[('a', 'host'), ('b', 'compute')])
        self.cloud.work.fail.clear()
        self.go_on()
        self.assertEqual(
            [('host', 'compute-1')] * 2 + [('compute', 'compute-1')]
            + [('host', 'compute-2'), ('compute', 'compute-2')],
            self.work())
        self.assert_maintained('compute-1', 'compute-2')
        self.assert_done()

    def test_fails_again(self):
        self.fail()
        self.go_on()
        self.assert_failed('it broke')
        self.assertEqual(2, len(self.work()))

    def test_pre_and_post(self):
        for type_ in ('pre', 'post'):
            with self.subTest(type_):
                self.prepare()
                self.cloud.work.fail.add(None)
                self.run_session(actions=[('a', type_), ('b', 'host')])
                self.assert_failed('action a', type_, 'it broke')
                self.cloud.work.fail.clear()
                self.go_on()
                self.assertEqual(2, self.work().count((type_, None)))
                self.assertEqual(1, self.work().count(('host', 'compute-1')))
                self.assert_done()

    def test_cannot_start(self):
        self.prepare()

        def start(run):
            raise OSError('no such file')

        self.cloud.work.start = start
        self.run_session()
        self.assert_failed('no such file')


class TestReport(ActionCase):
    """An administrator tells how a run ended."""

    def setUp(self):
        super().setUp()
        self.prepare()

    def failed(self):
        self.cloud.work.fail.add('compute-1')
        self.run_session(hosts=['compute-1'])
        return self.runs(state='failed')[0]

    def test_skip_a_failed_run(self):
        run = self.failed()
        self.report(run, 'SKIP')
        self.cloud.run()
        # That does not continue the session by itself.
        self.assertEqual('MAINTENANCE_FAILED', self.cloud.state)
        self.go_on()
        self.assertEqual(1, len(self.work()))
        self.assertEqual(1, len(self.runs(state='skipped')))
        self.assert_done(ignore=[4])

    def test_done_by_hand(self):
        run = self.failed()
        self.report(run, 'DONE', output='mended')
        self.cloud.run()
        self.go_on()
        self.assertEqual(1, len(self.work()))
        done, = self.runs(state='done')
        self.assertEqual('mended', done.output)

    def test_retry_a_failed_run(self):
        run = self.failed()
        self.cloud.work.fail.clear()
        self.report(run, 'RETRY')
        self.cloud.run()
        self.go_on()
        self.assertEqual(2, len(self.work()))
        self.assert_done()

    def test_words_that_do_not_fit(self):
        run = self.failed()
        self.report(run, 'FAILED')
        self.cloud.run()
        self.assertEqual('it broke', self.runs(id=run.id)[0].reason)
        self.report(run, 'EXPLODE')
        self.cloud.request('report', run='no such run', state='DONE')
        self.cloud.run()
        self.assertEqual('failed', self.runs(id=run.id)[0].state)

    def test_a_run_that_is_done_stays_so(self):
        self.run_session()
        run = self.runs()[0]
        self.report(run, 'FAILED')
        self.cloud.run()
        self.assertEqual('done', self.runs(id=run.id)[0].state)

    def endless(self):
        self.cloud.work.endless = True
        self.start(hosts=['compute-1'])
        self.cloud.run(lambda: self.runs(output='still at it'))
        run, = self.runs(state='running')
        self.cloud.work.endless = False
        return run

    def test_a_run_that_goes_on_is_ended(self):
        for state in ('SKIP', 'DONE', 'FAILED'):
            with self.subTest(state):
                self.prepare()
                run = self.endless()
                self.report(run, state)
                self.cloud.run()
                self.assertEqual([run.id], self.cloud.work.cancelled)
                if state == 'FAILED':
                    self.assert_failed('the administrator reported')
                else:
                    self.assertEqual('MAINTENANCE_DONE', self.cloud.state)


class TestManual(ActionCase):

    def setUp(self):
        super().setUp()
        self.prepare()
        self.cloud.work = manual.Manual(self.cloud.conf, None)
        self.start(hosts=['compute-1'], actions=[('manual', 'host')])
        self.cloud.run(lambda: self.cloud.rows.runs and
                       self.cloud.rows.runs[0].output)
        self.run_, = self.runs()

    def test_waits_for_as_long_as_it_takes(self):
        end = self.cloud.clock.now().timestamp() + 86400
        self.cloud.conf.set_override('status_interval', 3600.0, 'actions')
        self.cloud.run(lambda: self.cloud.clock.seconds() > end)
        self.assertIn('DONE or FAILED', self.run_.output)
        self.assertEqual([('compute-1', 'IN_MAINTENANCE')],
                         self.cloud.host_events())
        self.report(self.run_, 'DONE')
        self.cloud.run()
        self.assert_maintained('compute-1')
        self.assert_done()

    def test_failed(self):
        self.report(self.run_, 'FAILED', output='no spare part')
        self.cloud.run()
        self.assert_failed('the administrator reported that it failed')
        run, = self.runs()
        self.assertEqual('no spare part', run.output)

    def test_survives_its_engine(self):
        self.cloud.take()
        end = self.cloud.clock.seconds() + 60
        self.cloud.run(lambda: self.cloud.clock.seconds() > end)
        self.report(self.run_, 'DONE')
        self.cloud.run()
        self.assert_maintained('compute-1')
        self.assert_done()


class TestLost(ActionCase):
    """The engine ends while an action runs."""

    def lose(self, rerunnable):
        self.prepare()
        self.cloud.work.rerunnable = rerunnable
        self.start(hosts=['compute-1'])
        self.cloud.run(lambda: self.work())
        self.cloud.work.until.clear()
        self.cloud.take()
        self.cloud.run()

    def test_rerunnable(self):
        self.lose(True)
        self.assertEqual(2, len(self.work()))
        self.assertEqual([2], [run.attempts for run in self.runs()])
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)

    def test_not_rerunnable(self):
        self.lose(False)
        self.assert_failed('compute-1', 'nobody knows how far it came')
        self.assertEqual(1, len(self.work()))
        self.assertEqual(['compute-1'], self.cloud.disabled())
        self.go_on()
        self.assertEqual(2, len(self.work()))
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)


class TestNews(ActionCase):

    def test_a_plug_in_that_tells_is_asked_at_once(self):
        self.prepare()
        self.cloud.conf.set_override('status_interval', 1000.0, 'actions')
        self.cloud.work.seconds = 0.5
        self.start(hosts=['compute-1'])
        self.cloud.run(lambda: self.cloud.rows.runs and
                       self.cloud.rows.runs[0].output)
        run, = self.runs(state='running')
        self.cloud.advance(1)
        self.cloud.runner.post(posted.RunChanged(run.id))
        began = self.cloud.clock.seconds()
        self.cloud.run()
        self.assertLess(self.cloud.clock.seconds(), began + 10)
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)


