# SPDX-License-Identifier: Apache-2.0
"""Every crash point of a session is crashed; nothing happens twice.

At each point the process forks, and the child dies there: its engine is
gone with all that was not committed, another one takes over in a copy of
the database, and what came of it is checked. A crash before a commit is the
same as one after the effect that led to it, and one before an effect the
same as one after the commit; so the points after them are all there are.
"""

import collections
import os
import random
import tempfile
import traceback
import warnings

from fenix import words
from fenix.engine import runner
from tests.unit.engine import cases


class Walk(cases.EngineTestCase):
    """Crashes an engine at each point that a session passes.

    :ivar crashes: how often each child dies: the first time at its point,
        then after a random number of others
    """

    crashes = 1
    state = 'MAINTENANCE_DONE'

    def prepare(self, **shape):
        # What a crash may have kept from going out is put again after this.
        return super().prepare(**{'options': {
            'settle_time': 1, 'scale_in_window': 60, 'complete_window': 60},
            **shape})

    def walk(self):
        self.cloud.model.times.settle = 0
        self.children, self.points = [], 0
        self.random = None
        self.cloud.crash = self.crash
        self.start()
        try:
            self.cloud.run()
            self.check()
        except BaseException:
            if self.random is not None:
                self.report(traceback.format_exc())
            raise
        if self.random is not None:
            self.report('')
        self.assertGreater(len(self.children), 20)
        failures = [f'crash at point {place}: {text}'
                    for place, text in self.children if text]
        self.assertEqual([], failures[:3], '\n'.join(failures[:3]))

    def crash(self, point, names):
        """Tell whether the process dies here; the parent never does."""
        if not point.startswith('after') or (
                point == 'after-effect' and names[0] in runner.READS):
            return False    # A read is the same as the commit before it.
        self.points += 1
        if self.random is None:
            return self.fork()
        if self.points == self.next_crash and (
                self.cloud.crashes < self.crashes):
            self.plan_crash()
            return True
        return False

    def fork(self):
        read, write = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')     # Some are afraid of forks.
            pid = os.fork()
        if pid:
            os.close(write)
            with os.fdopen(read) as pipe:
                self.children.append((self.points, pipe.read()))
            os.waitpid(pid, 0)
            return False
        os.close(read)
        self.pipe = write
        self.random = random.Random(self.points)  # noqa: S311 - a test
        self.plan_crash()
        self.cloud.copy_database(tempfile.mkdtemp(
            dir=os.path.dirname(self.cloud.path)))
        return True

    def plan_crash(self):
        self.next_crash = self.points + self.random.randint(1, 25)

    def report(self, text):
        """End a child; the parent reads how it went."""
        os.write(self.pipe, text[-3000:].encode())
        os._exit(0)

    # -- what has to be so after all ------------------------------------------

    def check(self):
        self.assertEqual(self.state, self.cloud.state,
                         self.cloud.rows.session.reason)
        self.assertEqual([], self.cloud.verify())
        self.assertEqual([], self.cloud.lines('migrate.refused'))
        for what in ('service.disable', 'service.enable'):
            changes = collections.Counter(
                line['host'] for line in self.cloud.lines(what)
                if line['changed'])
            self.assertLessEqual(set(changes.values()), {1})
        for what in ('migrate.start', 'live-migrate.start'):
            moves = collections.Counter(
                (line['server'], line['source'])
                for line in self.cloud.lines(what))
            self.assertLessEqual(set(moves.values()), {1})
        self.check_notifications()

    def check_notifications(self):
        """Nothing is lost; what is repeated has the same message id."""
        first = {}
        for notification in self.cloud.published:
            first.setdefault(notification.message_id, notification)
        noted = [event.message_id for event in self.cloud.events()
                 if event.message_id is not None]
        unsure = {event.message_id for event in self.cloud.events()
                  if event.once}
        self.assertEqual(set(), set(noted) - set(first) - unsure)
        self.assertEqual(set(), set(first) - set(noted))
        hosts = collections.Counter(
            (notification.payload['host'], notification.payload['state'])
            for notification in first.values()
            if notification.event_type == 'maintenance.host')
        self.assertLessEqual(set(hosts.values()), {1})
        if self.state == 'MAINTENANCE_DONE':
            self.assertEqual(2 * len(self.cloud.model.hosts), len(hosts))


class TestNothingSpare(Walk):

    def test_walk(self):
        self.prepare(hosts=3, per_host=2, spare=0)
        self.walk()


class TestSeveralCrashes(Walk):
    """Each child dies up to three times."""

    crashes = 3

    def test_walk(self):
        self.prepare()
        self.walk()


class TestConstraints(Walk):

    def test_walk(self):
        self.prepare(per_host=2)
        self.cloud.constrain_group(recovery_time=3)
        for number in range(2):
            self.cloud.constrain(f'vm-{number}')
        self.walk()


class TestLiveMigration(Walk):

    def test_walk(self):
        self.prepare()
        self.vnfm.action = 'LIVE_MIGRATE'
        self.walk()


class TestOwnAction(Walk):
    """The project replaces its instance as soon as it is asked."""

    def test_walk(self):
        self.prepare()
        self.vnfm.action = 'OWN_ACTION'
        self.vnfm.before_answer = self.replace
        self.walk()

    def replace(self, question):
        names = [server.name for server in self.cloud.model.servers.values()]
        if question == words.PLANNED_MAINTENANCE and (
                'replacement' not in names):
            self.cloud.create('replacement', 'compute-2')
            self.cloud.model.delete(self.cloud.server('vm-0').id)


class TestRefusing(Walk):
    """It fails, clearly, and keeps its hosts."""

    state = 'MAINTENANCE_FAILED'

    def test_walk(self):
        self.prepare()
        self.vnfm.refused.add(words.PLANNED_MAINTENANCE)
        self.walk()

    def check(self):
        super().check()
        self.assert_failed('refused PLANNED_MAINTENANCE')
        self.assertEqual(['compute-1'], self.cloud.disabled())
        self.assert_maintained('compute-2')


class TestDeleted(Walk):
    """It is deleted while an instance moves."""

    def test_walk(self):
        self.prepare()
        self.cloud.after(36, self.ask_for_deletion)
        self.walk()

    def ask_for_deletion(self):
        self.cloud.request('delete')

    def check(self):
        self.assert_gone()
        self.assertEqual([], [breach for breach in self.cloud.verify()
                              if not self.spoiled(breach.subject)])
        for host in self.cloud.disabled():
            self.assertTrue(self.spoiled(host), host)

    def spoiled(self, host):
        """Tell whether a host was left with its work begun."""
        host = self.cloud.model.hosts.get(host)
        return host is not None and 'did not succeed' in (
            host.nova_compute.disabled_reason or '')

