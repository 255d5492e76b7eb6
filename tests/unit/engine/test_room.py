# SPDX-License-Identifier: Apache-2.0
"""Making room: bounded rounds of scaling in, measured after each."""

from fenix import words
from tests.unit.engine import cases


class TestScaleIn(cases.EngineTestCase):
    """Three full hosts: two instances have to go before one is empty."""

    SHAPE = {'hosts': 3, 'per_host': 2, 'spare': 0}

    def asked(self):
        return self.vnfm.asked(words.SCALE_IN)

    def test_acknowledged_without_effect(self):
        """An ACK that frees nothing ends in a clear failure, not in a loop."""
        self.prepare(options={'settle_time': 20})
        self.vnfm.scale_in = 0
        self.start()
        self.cloud.run(lambda: self.asked())
        asked = self.cloud.clock.now()
        self.cloud.run()
        self.assert_failed('nothing became free', 'acked',
                           'cannot be emptied', 'VCPU')
        self.assertEqual(1, len(self.asked()))
        self.assertLess((self.cloud.clock.now() - asked).seconds, 30)
        self.assertEqual([], self.cloud.lines('migrate.start'))

    def test_continued_after_an_acknowledgement_without_effect(self):
        self.prepare()
        self.vnfm.scale_in = 0
        self.run_session()
        self.vnfm.scale_in = 2
        self.go_on()
        self.assertEqual(2, len(self.asked()))
        self.assert_done()

    def test_continued_when_there_is_room_now(self):
        """The administrator made room himself: nobody is asked again."""
        self.prepare()
        self.vnfm.scale_in = 0
        self.run_session()
        self.vnfm.remove(2)
        self.cloud.advance(1)
        self.go_on()
        self.assertEqual(1, len(self.asked()))
        self.assert_done()

    def test_several_rounds(self):
        self.prepare()
        self.vnfm.scale_in = 1
        self.run_session()
        self.assertEqual(2, len(self.asked()))
        self.assert_done()

    def test_rounds_are_bounded(self):
        self.prepare(hosts=6, options={'max_scale_in_rounds': 2})
        # An instance as large as a host: many small ones have to go.
        self.vnfm.scale_in = 1
        for number in range(12):
            server = self.cloud.server(f'vm-{number}')
            self.cloud.model.delete(server.id)
        self.cloud.advance(1)
        for number in range(6):
            self.cloud.create(f'big-{number}', f'compute-{number + 1}',
                              flavor='4', project=cases.OTHER)
        self.cloud.projects[cases.OTHER].scale_in = 0
        self.run_session()
        self.assert_failed('nothing became free')

    def test_refused_or_silent_though_there_is_room_by_then(self):
        for way in ('refused', 'silent'):
            with self.subTest(way):
                self.prepare()
                getattr(self.vnfm, way).add(words.SCALE_IN)
                self.start()
                self.cloud.run(self.asked)
                self.vnfm.remove(2)
                self.cloud.run()
                self.assertEqual(1, len(self.asked()))
                self.assert_done()

    def test_refused_or_silent_and_no_room(self):
        for way, state in (('refused', 'nacked'), ('silent', 'expired')):
            with self.subTest(way):
                self.prepare()
                getattr(self.vnfm, way).add(words.SCALE_IN)
                self.run_session()
                self.assert_failed('nothing became free', state)

    def test_nobody_to_ask(self):
        self.prepare()
        self.cloud.cloud.subscribed.clear()
        self.run_session()
        self.assert_failed('no project can be asked to scale in',
                           'cannot be emptied')

    def test_an_instance_that_goes_slowly(self):
        self.prepare(options={'settle_time': 1})
        self.cloud.model.times.delete = 60
        self.run_session()
        self.assertEqual(1, len(self.asked()))
        self.assert_done()

    def test_an_instance_that_never_goes(self):
        """Somebody else's instance hangs in Nova: that is not waited for."""
        self.prepare()
        self.vnfm.scale_in = 0
        self.cloud.model.times.delete = 1e6
        self.cloud.model.delete(self.cloud.server('vm-5').id)
        self.run_session()
        self.assert_failed('nothing became free')

    def test_a_project_that_was_told_twice_is_asked_once(self):
        self.prepare()
        self.vnfm.silent.add(words.MAINTENANCE)
        self.run_session()
        self.vnfm.silent.clear()
        self.go_on()
        self.assertEqual(2, len(self.vnfm.asked(words.MAINTENANCE)))
        self.assertEqual(1, len(self.asked()))
        self.assert_done()

    def test_not_asked_where_room_is_not_what_is_missing(self):
        """An instance in ERROR cannot be moved: its host fails clearly."""
        self.prepare(hosts=1, per_host=1, spare=1)
        server = self.cloud.server('vm-0')
        self.cloud.model.reset_state(server.id, 'error')
        self.run_session()
        self.assertEqual([], self.asked())
        self.assert_failed(server.id, 'compute-1', 'cannot be moved')
        self.assert_maintained('compute-2')
        # The tenant mends it.
        self.cloud.model.reset_state(server.id, 'active')
        self.go_on()
        self.assert_done()

    def test_state_after_a_continuation(self):
        """A session that measures anew is not over (it once was)."""
        self.prepare()
        self.vnfm.scale_in = 0
        self.run_session()
        self.cloud.request('continue')
        self.cloud.run(lambda: self.cloud.state != 'MAINTENANCE_FAILED')
        self.assertNotEqual('MAINTENANCE_FAILED', self.cloud.state)
