# SPDX-License-Identifier: Apache-2.0
"""Projects that answer anything at any time never make a rule break."""

import hypothesis
from hypothesis import strategies as st

from fenix import errors
from fenix import words
from tests.unit.engine import cases
from tests.unit.engine import harness

QUESTIONS = sorted(words.QUESTIONS)
FINAL = ('MAINTENANCE_DONE', 'MAINTENANCE_FAILED', 'GONE')

#: When a reply comes after the session's start, to what, and what it says.
REPLIES = st.lists(st.tuples(
    st.integers(0, 240), st.sampled_from(QUESTIONS),
    st.sampled_from(['ACK_', 'NACK_']), st.booleans(),
    st.sampled_from(['MIGRATE', 'LIVE_MIGRATE', 'EXPLODE', None])),
    max_size=8)
#: What happens besides: an administrator, a tenant, the bus, an engine.
EVENTS = st.lists(st.tuples(
    st.integers(0, 240), st.sampled_from([
        'delete', 'continue', 'remove', 'bus down', 'bus up', 'crash'])),
    max_size=4)


class TestChance(cases.EngineTestCase):

    @hypothesis.settings(max_examples=15, deadline=None, derandomize=True,
                         database=None, phases=[hypothesis.Phase.generate])
    @hypothesis.given(
        replies=REPLIES, events=EVENTS,
        policy=st.sampled_from(['proceed', 'skip', 'fail']),
        silent=st.sets(st.sampled_from(QUESTIONS)))
    def test_rules_hold(self, replies, events, policy, silent):
        with harness.Harness(hosts=1, per_host=2, spare=1, options={
                'complete_window': 60, 'scale_in_window': 60}) as self.cloud:
            self.cloud.model.times.settle = 0
            self.vnfm = self.cloud.projects[cases.PROJECT]
            self.vnfm.silent = silent
            self.start(settings={'on_refusal': policy,
                                 'on_no_reply': policy})
            for after, *reply in replies:
                self.cloud.after(after, self.reply, *reply)
            for after, event in events:
                self.cloud.after(after, self.happen, event)
            self.cloud.after(8000, self.happen, 'bus up')
            self.cloud.run()
            self.check()

    def reply(self, question, verb, for_one, action):
        asked = self.vnfm.asked(question)
        if not asked or self.cloud.session_id not in self.cloud.sessions():
            return
        instance = self.cloud.server('vm-0').id if for_one else None
        self.vnfm.reply(asked[-1], verb + asked[-1]['state'], action,
                        instance=instance)

    def happen(self, event):
        if event == 'bus up':
            self.cloud.publish_error = None
        if self.cloud.session_id not in self.cloud.sessions():
            return
        if event in ('delete', 'continue'):
            self.cloud.request(event)
        elif event == 'remove':
            self.remove('vm-1')
        elif event == 'crash':
            self.cloud.take()
        elif event == 'bus down':
            self.cloud.publish_error = errors.PublishError('away')

    def remove(self, name):
        server = self.cloud.server(name)
        if server.status != 'DELETED':
            self.cloud.model.delete(server.id)

    def check(self):
        gone = self.cloud.session_id not in self.cloud.sessions()
        state = 'GONE' if gone else self.cloud.state
        self.assertIn(state, FINAL)
        # What nobody can see: a bus that is away, an own confirmation.
        self.assertEqual([], [breach for breach in self.cloud.verify()
                              if breach.rule != 7
                              and not self.spoiled(breach)])
        self.assertEqual([], self.cloud.lines('migrate.refused'))
        if state == 'MAINTENANCE_DONE' or gone:
            self.assertEqual([], [host for host in self.cloud.disabled()
                                  if not self.reason(host)])

    def spoiled(self, breach):
        return breach.rule == 4 and self.reason(breach.subject)

    def reason(self, host):
        """Tell whether a host was left with its work begun."""
        host = self.cloud.model.hosts.get(host)
        return host is not None and 'did not succeed' in (
            host.nova_compute.disabled_reason or '')
