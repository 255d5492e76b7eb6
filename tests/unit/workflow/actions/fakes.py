# SPDX-License-Identifier: Apache-2.0
"""What the tests of the actions have in common."""

import queue
import time
import uuid

import testtools
from oslo_config import cfg

from fenix.conf import actions as options
from fenix.workflow.actions import base


def configuration(**values):
    """Return a configuration of its own with the options of [actions]."""
    conf = cfg.ConfigOpts()
    # Not by register(): all that register one group object share its values.
    conf.register_opts(options.OPTS, group='actions')
    conf([], default_config_files=[])
    for name, value in values.items():
        conf.set_override(name, value, group='actions')
    return conf


def run(metadata=None, host='compute-1', run_id=None, session_metadata=None):
    """Return a run as the engine hands it over."""
    return base.Run(
        run_id=run_id or uuid.uuid4().hex, session_id='session', type='host',
        host=host, metadata=metadata or {},
        session_metadata=session_metadata or {})


class ActionTestCase(testtools.TestCase):
    """Has a plug-in in ``self.action`` and hears of its changes."""

    plugin = None

    def setUp(self):
        super().setUp()
        self.changed = queue.Queue()
        self.make()

    def make(self, **options):
        self.action = self.plugin(configuration(**options),
                                  self.changed.put)

    def ended(self, run, timeout=20):
        """Wait until a run's change is told and return its status."""
        while self.changed.get(timeout=timeout) != run.run_id:
            pass
        return self.action.status(run)

    def eventually(self, condition, timeout=20):
        until = time.monotonic() + timeout
        while not condition():
            self.assertLess(time.monotonic(), until, 'it never came true')
            time.sleep(0.02)
