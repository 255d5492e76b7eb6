# SPDX-License-Identifier: Apache-2.0
"""What a run of many sessions has to come to."""

from oslotest import base

from tools import bench_sessions


def found(**changes):
    """Return what ``fenix-sandbox chaos`` tells of a good run."""
    return {
        'sessions': {'done': 10, 'failed': 0, 'stuck': 0, 'lost': 0,
                     'continued': 1, **changes.pop('sessions', {})},
        'seconds': 50.0, 'takes_s': {'n': 10}, 'good': True,
        'cpu_s': {'engines': 12.0},
        'engine': {'peak_mb': 150.0, 'threads': 70}, **changes}


class TestBar(base.BaseTestCase):

    def good(self, *argv, **changes):
        options = bench_sessions.parse(['--sessions', '10', *argv])
        return bench_sessions.good(
            options, bench_sessions.sum_up(options, found(**changes)))

    def test_figures(self):
        figures = bench_sessions.sum_up(
            bench_sessions.parse(['--sessions', '10']), found())
        self.assertEqual((10, 1200, 150.0, 70), tuple(
            figures[name] for name in (
                'done', 'engine_ms_per_session', 'peak_mb', 'threads')))

    def test_good(self):
        self.assertTrue(self.good())

    def test_one_is_not_done(self):
        self.assertFalse(self.good(sessions={'done': 9, 'failed': 1}))

    def test_a_bar_of_chaos(self):
        self.assertFalse(self.good(good=False))

    def test_too_many_were_continued(self):
        self.assertFalse(self.good(sessions={'continued': 2}))
        self.assertTrue(self.good('--continued', '2',
                                  sessions={'continued': 2}))
