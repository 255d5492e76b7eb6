# SPDX-License-Identifier: Apache-2.0
"""Who listens to our notifications: the event alarms of all projects."""

import fnmatch

from aodhclient import client

from fenix.clouds import base
from fenix.clouds.openstack.failures import reading

#: Alarms in a page.
PAGE = 1000


class Alarms:
    """Reads of Aodh.

    :param sessions: ``session.Sessions``
    """

    def __init__(self, sessions):
        self._aodh = client.Client('2', **sessions.for_reads('alarming'))

    @reading
    def subscriptions(self, event_type) -> list[base.Subscription]:
        """As ``base.Cloud.subscriptions``.

        The type of an alarm is a glob, as Aodh's evaluator reads it. What
        else an alarm asks of an event (its query) is not looked at.
        """
        return [_subscription(alarm) for alarm in self._event_alarms()
                if fnmatch.fnmatch(event_type,
                                   alarm['event_rule']['event_type'])]

    def _event_alarms(self):
        marker = None
        while True:
            page = self._aodh.alarm.list(
                filters={'all_projects': 'true', 'type': 'event'},
                limit=PAGE, marker=marker, sorts=['alarm_id:asc'])
            if not page:
                return
            yield from page
            marker = page[-1]['alarm_id']


def _subscription(alarm):
    why_not = None
    if not alarm['enabled']:
        why_not = 'it is disabled'
    elif not alarm['alarm_actions']:
        why_not = 'it has no alarm_actions'
    elif not alarm['repeat_actions'] and alarm['state'] == 'alarm':
        why_not = 'it has fired, and repeat_actions is off'
    if why_not is not None:
        why_not = f"alarm {alarm['name']} ({alarm['alarm_id']}): {why_not}"
    return base.Subscription(project_id=alarm['project_id'],
                             live=why_not is None, why_not=why_not)
