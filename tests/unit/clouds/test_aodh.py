# SPDX-License-Identifier: Apache-2.0
import testtools

from fenix import errors
from tests.unit.clouds import fakes

EVENT = 'maintenance.scheduled'


def alarm(number, event_type=EVENT, **values):
    return {'alarm_id': f'a{number}', 'name': f'alarm {number}',
            'project_id': f'p{number}', 'enabled': True, 'state': 'ok',
            'alarm_actions': ['http://vnfm/'], 'repeat_actions': True,
            'event_rule': {'event_type': event_type}, **values}


class TestSubscriptions(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.cloud = self.useFixture(fakes.Cloud())

    def find(self, *alarms):
        self.cloud.http.get(f'{fakes.AODH}/v2/alarms', [
            {'json': list(alarms)}, {'json': []}])
        return self.cloud.driver.subscriptions(EVENT)

    def why_not(self, **values):
        (found,) = self.find(alarm(1, **values))
        self.assertFalse(found.live)
        return found.why_not

    def test_types_are_globs(self):
        found = self.find(*(
            alarm(number, event_type) for number, event_type in enumerate(
                [EVENT, '*', 'maintenance.*', 'maintenance.host',
                 'maintenance.schedule', ''])))
        self.assertEqual(['p0', 'p1', 'p2'],
                         [each.project_id for each in found])
        self.assertTrue(all(each.live and each.why_not is None
                            for each in found))

    def test_of_all_projects_and_pages(self):
        self.cloud.http.get(f'{fakes.AODH}/v2/alarms', [
            {'json': [alarm(1), alarm(2)]}, {'json': [alarm(3)]},
            {'json': []}])
        found = self.cloud.driver.subscriptions(EVENT)
        self.assertEqual(3, len(found))
        asked = [request.qs for request in self.cloud.sent('GET')
                 if 'alarms' in request.path]
        self.assertIn('all_projects', asked[0]['q.field'])
        self.assertEqual([None, ['a2'], ['a3']],
                         [each.get('marker') for each in asked])

    def test_disabled(self):
        self.assertIn('disabled', self.why_not(enabled=False))

    def test_without_actions(self):
        self.assertIn('alarm_actions', self.why_not(alarm_actions=[]))

    def test_has_fired_for_the_last_time(self):
        self.assertIn('repeat_actions', self.why_not(
            state='alarm', repeat_actions=False))

    def test_can_fire_again_or_still(self):
        found = self.find(alarm(1, state='alarm'),
                          alarm(2, repeat_actions=False))
        self.assertEqual([True, True], [each.live for each in found])

    def test_an_error_is_not_nobody(self):
        for answer in ({'status_code': 503},
                       # aodhclient stumbles over this body.
                       {'status_code': 500, 'json': {'error_message': 'x'},
                        'headers': {'Content-Type': 'application/json'}},
                       {'status_code': 403}, {'text': 'no json'}):
            self.cloud.http.get(f'{fakes.AODH}/v2/alarms', **answer)
            self.assertRaises(errors.CloudError,
                              self.cloud.driver.subscriptions, EVENT)
