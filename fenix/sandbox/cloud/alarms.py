# SPDX-License-Identifier: Apache-2.0
"""Event alarms and their evaluation, as in aodh.evaluator.event."""

import collections.abc
import dataclasses
import fnmatch
import json
import operator
import threading
import uuid
from typing import Any

from oslo_log import log as logging
from oslo_utils import timeutils

from fenix.sandbox.cloud import ceilometer

LOG = logging.getLogger(__name__)

COMPARATORS = {'gt': operator.gt, 'lt': operator.lt, 'ge': operator.ge,
               'le': operator.le, 'eq': operator.eq, 'ne': operator.ne}
_TYPES = {'string': ceilometer.TEXT, 'integer': ceilometer.INTEGER,
          'float': ceilometer.FLOAT, 'datetime': ceilometer.DATETIME}


@dataclasses.dataclass
class Alarm:
    """An event alarm; times in seconds since the epoch."""

    name: str
    project_id: str
    user_id: str
    event_rule: dict[str, Any]
    timestamp: float
    state_timestamp: float
    description: str = ''
    enabled: bool = True
    alarm_actions: list[str] = dataclasses.field(default_factory=list)
    ok_actions: list[str] = dataclasses.field(default_factory=list)
    insufficient_data_actions: list[str] = dataclasses.field(
        default_factory=list)
    repeat_actions: bool = False
    severity: str = 'low'
    state: str = 'insufficient data'
    state_reason: str = 'Not evaluated yet'
    alarm_id: str = dataclasses.field(
        default_factory=lambda: str(uuid.uuid4()))
    type: str = 'event'


def _typed(value, kind):
    if kind == ceilometer.INTEGER:
        return int(value)
    if kind == ceilometer.FLOAT:
        return float(value)
    if kind == ceilometer.DATETIME:
        return timeutils.normalize_time(timeutils.parse_isotime(value))
    return str(value)


def event_project(event: dict[str, Any]) -> str:
    """Whose alarms an event may fire: the last of the two traits."""
    project = ''
    for name, _kind, value in event['traits']:
        if name in ('tenant_id', 'project_id'):
            project = value
    return project


def matches(alarm: Alarm, event: dict[str, Any]) -> bool:
    """Whether an event is what an alarm waits for.

    :raises TypeError, ValueError: the two cannot be compared
    """
    if alarm.state == 'alarm' and not alarm.repeat_actions:
        return False
    if not fnmatch.fnmatch(event['event_type'],
                           alarm.event_rule['event_type']):
        return False
    traits = {name: _typed(value, kind)
              for name, kind, value in event['traits']}
    for condition in alarm.event_rule['query']:
        field = condition['field']
        if not field.startswith('traits.'):
            # aodh stumbles over such a condition and does not fire.
            return False
        wanted = _typed(condition['value'],
                        _TYPES[condition.get('type') or 'string'])
        compare = COMPARATORS[condition.get('op') or 'eq']
        if not compare(traits.get(field.split('.', 1)[1]), wanted):
            return False
    return True


class Alarms:
    """The alarms, and what events do to them. Thread-safe.

    :param clock: seconds since the epoch
    :param notify: told of an alarm that fires:
        ``notify(alarm, previous, event, reason)``
    :param cache_ttl: seconds for which a project's alarms are remembered
    """

    def __init__(self, clock: collections.abc.Callable[[], float],
                 notify: collections.abc.Callable, cache_ttl: float = 0.0):
        self._clock = clock
        self._notify = notify
        self._cache_ttl = cache_ttl
        self._lock = threading.RLock()
        self._alarms: dict[str, Alarm] = {}
        self._cache: dict[str, tuple[float, list[Alarm]]] = {}

    def put(self, alarm: Alarm):
        """Add or replace an alarm."""
        with self._lock:
            self._alarms[alarm.alarm_id] = alarm

    def get(self, alarm_id: str) -> Alarm | None:
        """The alarm of that id, or None."""
        with self._lock:
            return self._alarms.get(alarm_id)

    def delete(self, alarm_id: str):
        """Remove an alarm."""
        with self._lock:
            self._alarms.pop(alarm_id, None)

    def list(self) -> list[Alarm]:
        """All alarms, oldest first."""
        with self._lock:
            return list(self._alarms.values())

    def _of_project(self, project):
        now = self._clock()
        known = self._cache.get(project)
        if known is not None and now - known[0] < self._cache_ttl:
            return known[1]
        alarms = [alarm for alarm in self._alarms.values()
                  if alarm.enabled and alarm.project_id == project]
        self._cache[project] = (now, alarms)
        return alarms

    def evaluate(self, event: dict[str, Any]):
        """Fire the alarms that wait for an event."""
        with self._lock:
            for alarm in self._of_project(event_project(event)):
                try:
                    if matches(alarm, event):
                        self._fire(alarm, event)
                except (TypeError, ValueError):
                    LOG.exception('Failed to evaluate alarm %s',
                                  alarm.alarm_id)

    def _fire(self, alarm, event):
        previous = alarm.state
        query = json.dumps(alarm.event_rule['query'], sort_keys=True)
        reason = (f'Event <id={event["message_id"]},event_type='
                  f'{event["event_type"]}> hits the query <query={query}>.')
        alarm.state = 'alarm'
        alarm.state_reason = reason
        alarm.state_timestamp = self._clock()
        self._notify(alarm, previous, event, reason)
