# SPDX-License-Identifier: Apache-2.0
"""What the tests of the workflow have in common."""

import collections

from oslotest import base

from fenix.sandbox.cloud import faults
from tests.unit.engine import harness

PROJECT, OTHER = harness.PROJECT, harness.OTHER


def fault(op, **values):
    """Return a fault that strikes once, unless it is told otherwise."""
    return faults.ModelFault(op, **{'count': 1, **values})


class EngineTestCase(base.BaseTestCase):
    """A cloud with an engine; most tests need no more than two hosts."""

    SHAPE = {'hosts': 1, 'per_host': 1, 'spare': 1}

    def prepare(self, **shape):
        """Build a cloud; ``self.cloud`` and ``self.vnfm`` stand for it."""
        self.cloud = self.useFixture(
            harness.Harness(**{**self.SHAPE, **shape}))
        self.vnfm = self.cloud.projects[PROJECT]
        return self.cloud

    def start(self, **session):
        """Start a session, which does not run yet."""
        if not hasattr(self, 'cloud'):
            self.prepare()
        self.cloud.session(**session)
        self.cloud.take()

    def run_session(self, **session):
        """Run a session to its end."""
        self.start(**session)
        self.cloud.run()

    def go_on(self):
        """Continue the session and run it to its end."""
        self.cloud.request('continue')
        self.cloud.run()

    def delete(self):
        """Delete the session and run it to its end."""
        self.cloud.request('delete')
        self.cloud.run()

    def step_is(self, host, step):
        """Return a condition: a host is in a step."""
        return lambda: any(row.name == host and row.step == step
                           for row in self.cloud.rows.hosts)

    def most_moves(self, by=None):
        """Return how many cold migrations went on at once, at most.

        One is over when Nova shows its server ACTIVE; Placement has the room
        on the source back a moment later.

        :param by: 'source' or 'target': count those that have it in common
        """
        moving, most = {}, 0
        for line in self.cloud.timeline:
            if line['what'] == 'migrate.start':
                moving[line['server']] = line[by] if by else None
            elif line['what'] == 'server.state' and line['state'] == 'ACTIVE':
                moving.pop(line['server'], None)
            most = max([most, *collections.Counter(moving.values()).values()])
        return most

    # -- what is expected -----------------------------------------------------

    def assert_done(self, ignore=()):
        """The session is done, and no rule was broken.

        :param ignore: rules that the verifier is not asked about, as it
            does not see why the session waited
        """
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state,
                         self.cloud.rows.session.reason)
        self.assertIsNone(self.cloud.rows.session.reason)
        self.assertEqual([], [breach for breach in self.cloud.verify()
                              if breach.rule not in ignore])

    def assert_failed(self, *words):
        """The session has failed, with a reason in which these stand."""
        self.assertEqual('MAINTENANCE_FAILED', self.cloud.state)
        for word in words:
            self.assertIn(word, self.cloud.rows.session.reason)

    def assert_gone(self):
        """The session is deleted, and nothing of it is left."""
        self.assertNotIn(self.cloud.session_id, self.cloud.sessions())
        self.assertEqual([], self.cloud.claims())

    def assert_maintained(self, *hosts):
        """These hosts went into maintenance and came back, no others."""
        states = {}
        for host, state in self.cloud.host_events():
            states.setdefault(host, []).append(state)
        self.assertEqual(
            {host: ['IN_MAINTENANCE', 'MAINTENANCE_COMPLETE']
             for host in hosts}, states)
