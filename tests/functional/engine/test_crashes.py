# SPDX-License-Identifier: Apache-2.0
"""``kill -9`` of the engine in every step of a session.

With real processes and over HTTP. A walk over all points of a session, on a
virtual clock, is in ``tests/unit/engine/test_walk.py``.
"""

from tests.functional.engine import trial

#: Where the engine dies, and while what happens.
POINTS = [
    *(('after-commit', f'sessions:phase:{phase}')
      for phase in ('make_room', 'run_hosts', 'finish', 'over')),
    *(('after-commit', f'hosts:step:{step}')
      for step in ('ask', 'empty', 'maintain', 'give_back', 'done')),
    *(('after-commit', f'asks:state:{state}')
      for state in ('open', 'acked')),
    *(('after-commit', f'moves:state:{state}')
      for state in ('requested', 'confirming', 'done')),
    *((point, kind) for kind in ('migrate', 'confirm', 'disable', 'enable',
                                 'start_run', 'publish')
      for point in ('before-effect', 'after-effect')),
    # One kind of effect at each of its stages.
    ('before-commit', 'effect:live_migrate'),
    ('after-commit', 'effect:live_migrate'),
    ('before-effect', 'live_migrate'),
    ('after-effect', 'live_migrate'),
    ('before-commit', 'outcome:live_migrate'),
    ('after-commit', 'outcome:live_migrate')]


class TestCrashes(trial.TrialTestCase):
    """Dies once, is started again, and gets done what was begun."""

    def crash(self, point, what):
        self.crash_at(point, what)
        # A question is repeated as it was for half of its window; then it
        # tells a new end of it.
        notice = '8' if what == 'publish' else '2'
        action = 'LIVE_MIGRATE' if 'live_migrate' in what else 'MIGRATE'
        sandbox = self.start('--notice', notice, '--action', action)
        self.run_session(sandbox)
        self.finish(sandbox)
        self.assertTrue(self.once.exists(), f'{point}={what} never was')


def _add_tests():
    for point, what in POINTS:
        def test(self, point=point, what=what):
            self.crash(point, what)
        name = f'test_{point}_{what}'.replace('-', '_').replace(':', '_')
        test.__name__ = name
        setattr(TestCrashes, name, test)


_add_tests()
