# SPDX-License-Identifier: Apache-2.0
"""What today's VNF managers do to a session (CONTRACT.md section 8)."""

import datetime

from fenix import words
from tests.unit.engine import cases


class TestTwoManagers(cases.EngineTestCase):
    """Two VNFs in one project; the alarm of one is on every event (8.16).

    So each message is answered by one manager once and by the other, which
    hears it twice, two times; each answers for the other's instances too.
    """

    def share(self):
        vnfm, hear = self.vnfm, self.vnfm.hear

        def hear_all(notification):
            for _ in range(3):
                hear(notification)
            payload = notification.payload
            if words.read_reply('ACK_' + payload['state'])[0] is None:
                # As Tacker answers what needs no answer.
                vnfm.reply(payload, 'ACK_' + payload['state'])
        vnfm.hear = hear_all

    def test_room_is_there(self):
        self.prepare(hosts=2, per_host=2, spare=1)
        self.share()
        self.run_session()
        self.assert_done()

    def test_room_is_made(self):
        self.prepare(hosts=3, per_host=2, spare=0)
        self.share()
        self.run_session()
        self.assert_done()


class TestDoctor(cases.EngineTestCase):
    """The times of the Doctor test."""

    def test_half_a_minute_is_enough(self):
        """8.10: the whole round of MAINTENANCE fits, and is not waited on."""
        self.prepare()
        self.vnfm.delay = 20
        self.start(notice=30)
        before = self.cloud.clock.now()
        self.cloud.run(lambda: self.cloud.host_events())
        self.assertLess(self.cloud.clock.now() - before,
                        datetime.timedelta(seconds=120))
        self.cloud.run()
        self.assert_done()

    def test_deleted_after_twenty_minutes(self):
        """8.13: it is still running, and every host is in use again."""
        self.prepare()
        self.vnfm.silent.add(words.PLANNED_MAINTENANCE)
        self.start(settings={'reply_window': 3000})
        self.cloud.run(
            lambda: self.vnfm.asked(words.PLANNED_MAINTENANCE))
        self.cloud.advance(1200)
        self.assertEqual(words.PLANNED_MAINTENANCE, self.cloud.state)
        self.assertNotEqual([], self.cloud.disabled())
        self.delete()
        self.assert_gone()
        self.assertEqual([], self.cloud.disabled())
