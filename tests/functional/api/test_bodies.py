# SPDX-License-Identifier: Apache-2.0
"""Whatever is sent: never a 5xx, and nothing is stored on a 4xx."""

import hypothesis
from hypothesis import strategies

from tests import fixtures
from tests.functional.api import base
from tests.functional.db import records

SCALARS = (strategies.none() | strategies.booleans() | strategies.floats()
           | strategies.integers() | strategies.text(max_size=20)
           | strategies.sampled_from([
               '', 'MAINTENANCE', 'ACK_MAINTENANCE', 'NACK_SCALE_IN',
               base.LATER, 'dummy', 'default', 'fail', 'host', 'i1',
               '60,', 'True,', 'MIGRATE', '[1]', '\0', '\ud800', 'DONE']))
VALUES = strategies.recursive(
    SCALARS, lambda inner: strategies.lists(inner, max_size=3)
    | strategies.dictionaries(strategies.text(max_size=9) | strategies
                              .sampled_from(['plugin', 'type', 'i1']),
                              inner, max_size=3), max_leaves=8)
FIELDS = {
    'POST /v1/maintenance': [
        'state', 'maintenance_at', 'workflow', 'metadata', 'hosts',
        'other_hosts', 'actions', 'download', 'settings', 'on_no_reply'],
    'PUT /v1/maintenance/{}': ['state'],
    'PUT /v1/maintenance/{}/p1': [
        'state', 'session_id', 'instance_ids', 'instance_action',
        'instance_actions'],
    'PUT /v1/maintenance/{}/p1/i1': [
        'state', 'instance_action', 'instance_actions'],
    'PUT /v1/maintenance/{}/actions/r1': ['state', 'output'],
    'PUT /v1/instance/i1': [
        'project_id', 'group_id', 'instance_name', 'max_interruption_time',
        'migration_type', 'resource_mitigation', 'lead_time'],
    'PUT /v1/instance_group/g1': [
        'project_id', 'group_name', 'anti_affinity_group',
        'max_instances_per_host', 'max_impacted_members', 'recovery_time',
        'resource_mitigation'],
}
GOOD = {'state': 'ACK_MAINTENANCE', 'maintenance_at': base.LATER,
        'metadata': {}}


@strategies.composite
def requests(draw):
    call = draw(strategies.sampled_from(sorted(FIELDS)))
    if draw(strategies.integers(0, 9)) == 0:
        return call, draw(VALUES)
    body = draw(strategies.dictionaries(
        strategies.sampled_from(FIELDS[call]), VALUES, max_size=4))
    if draw(strategies.booleans()):
        body = {name: value for name, value in GOOD.items()
                if name in FIELDS[call]} | body
    return call, body


@fixtures.on_each_database
class BodiesTest(base.ApiTest):

    # The tests are inner functions: hypothesis wants each to be of one class.

    def test_any_body(self):
        @hypothesis.settings(max_examples=60, deadline=None)
        @hypothesis.given(requests())
        def check(request):
            call, body = request
            self.database.empty()
            session = base.new_session(state='MAINTENANCE_FAILED')
            base.store(records.instance(session.id, instance_id='i1'),
                       records.run(session.id, id='r1'))
            before = records.everything()
            method, path = call.split()
            response = self.send(method, path.format(session.id), body)
            self.assertLess(response.status_int, 500, response.body)
            self.assertEqual('application/json', response.content_type)
            if response.status_int >= 400:
                self.assertEqual(before, records.everything())
            else:
                self.assertEqual(200, response.status_int)

        check()

    def test_any_bytes(self):
        @hypothesis.settings(max_examples=60, deadline=None)
        @hypothesis.given(strategies.sampled_from(sorted(FIELDS)),
                          strategies.binary(max_size=60))
        def check(call, body):
            method, path = call.split()
            self.assertLess(self.send(
                method, path.format('x'), body).status_int, 500)

        check()
