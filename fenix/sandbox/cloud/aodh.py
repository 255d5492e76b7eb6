# SPDX-License-Identifier: Apache-2.0
"""AODH's alarm API over HTTP, for event alarms."""

import datetime
import json
from typing import Any

from fenix.sandbox.cloud import alarms
from fenix.sandbox.cloud import errors
from fenix.sandbox.cloud import http
from fenix.sandbox.cloud import identity

_STATES = ('ok', 'alarm', 'insufficient data')
_SEVERITIES = ('low', 'moderate', 'critical')
#: What a client may set, and the type it must have.
_FIELDS = {'name': str, 'description': str, 'enabled': bool,
           'repeat_actions': bool, 'severity': str, 'state': str,
           'alarm_actions': list, 'ok_actions': list,
           'insufficient_data_actions': list}
#: What a client may send besides: read-only things come back in a PUT.
_ALSO = {'type', 'event_rule', 'alarm_id', 'project_id', 'user_id',
         'timestamp', 'state_timestamp', 'state_reason', 'time_constraints',
         'evaluate_timestamp'}
_QUERY_FIELDS = {'all_projects', 'user_id', 'project_id', 'type', 'name',
                 'enabled', 'state', 'severity', 'timestamp',
                 'repeat_actions'}
_SCHEMES = ('http', 'https', 'log', 'test', 'trust+http', 'trust+https',
            'zaqar', 'trust+zaqar', 'trust+heat')
_OPERATORS = {'=': 'eq', '!=': 'ne', '<': 'lt', '<=': 'le', '>': 'gt',
              '>=': 'ge'}


def _time(seconds):
    return datetime.datetime.fromtimestamp(
        seconds, datetime.UTC).replace(tzinfo=None).isoformat()


def _text(value: Any) -> str:
    """A value as it stands in a query."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def view(alarm: alarms.Alarm) -> dict[str, Any]:
    """An alarm as the API shows it."""
    fields = ('alarm_id', 'name', 'description', 'enabled', 'type',
              'alarm_actions', 'ok_actions', 'insufficient_data_actions',
              'repeat_actions', 'severity', 'state', 'state_reason',
              'project_id', 'user_id', 'event_rule')
    shown = {field: getattr(alarm, field) for field in fields}
    shown['timestamp'] = _time(alarm.timestamp)
    shown['state_timestamp'] = _time(alarm.state_timestamp)
    shown['evaluate_timestamp'] = shown['timestamp']
    shown['time_constraints'] = []
    return shown


def _rule(wanted):
    """An event rule, checked and completed.

    :raises errors.BadRequest: it is none
    """
    rule = wanted.get('event_rule')
    if not isinstance(rule, dict):
        raise errors.BadRequest(
            'event_rule must be set for event type alarm')
    query = []
    for condition in rule.get('query') or []:
        operation = condition.get('op') or 'eq'
        kind = condition.get('type') or ''
        if 'field' not in condition or operation not in alarms.COMPARATORS:
            raise errors.BadRequest(
                f'Query value or traits invalid: {condition}')
        if kind not in ('string', 'integer', 'float', 'boolean', ''):
            raise errors.BadRequest(
                f'Query value or traits invalid: {condition}')
        query.append({'field': condition['field'], 'op': operation,
                      'type': kind, 'value': condition.get('value')})
    return {'event_type': rule.get('event_type') or '*', 'query': query}


def _checked(wanted: Any) -> dict[str, Any]:
    """The fields of an alarm that a client sent.

    :raises errors.BadRequest: some are wrong
    """
    if not isinstance(wanted, dict):
        raise errors.BadRequest('Invalid input')
    unknown = set(wanted) - set(_FIELDS) - _ALSO
    if unknown:
        raise errors.BadRequest(f'Unknown attribute: {min(unknown)}')
    if 'name' not in wanted or 'type' not in wanted:
        raise errors.BadRequest('Mandatory field missing: name and type')
    if wanted['type'] != 'event':
        raise errors.BadRequest(
            'The sandbox knows alarms of type event only')
    fields = {}
    for name, kind in _FIELDS.items():
        if wanted.get(name) is not None:
            if not isinstance(wanted[name], kind):
                raise errors.BadRequest(
                    f'Invalid input for field/attribute {name}')
            fields[name] = wanted[name]
    for name in ('alarm_actions', 'ok_actions', 'insufficient_data_actions'):
        for action in fields.get(name, []):
            if str(action).split(':', 1)[0] not in _SCHEMES:
                raise errors.BadRequest(f'Unsupported action {action}')
    if (fields.get('severity', 'low') not in _SEVERITIES
            or fields.get('state', 'ok') not in _STATES):
        raise errors.BadRequest('Invalid input for severity or state')
    fields['event_rule'] = _rule(wanted)
    fields.setdefault('description', 'Alarm when '
                      f'{fields["event_rule"]["event_type"]} event occurred.')
    return fields


class Aodh(http.GuardedService):
    """The alarming service."""

    name = 'aodh'
    prefix = '/alarming'

    def __init__(self, tokens: identity.Identity, store: alarms.Alarms,
                 clock):
        super().__init__(tokens)
        self._store = store
        self._clock = clock

    def routes(self):
        one = '/v2/alarms/<alarm_id>'
        return [
            http.Route('GET', '/', self.versions),
            http.Route('GET', '/v2/alarms', self.index),
            http.Route('POST', '/v2/alarms', self.create),
            http.Route('POST', '/v2/query/alarms', self.query),
            http.Route('GET', one, self.show),
            http.Route('PUT', one, self.update),
            http.Route('DELETE', one, self.delete),
            http.Route('GET', f'{one}/state', self.show_state),
            http.Route('PUT', f'{one}/state', self.set_state),
        ]

    def handle(self, request, handler, values):
        if handler != self.versions:
            self.authenticate(request)
            if request.token.project is None:
                raise errors.Unauthorized('The token has no project.')
        return handler(request, **values)

    def fault(self, code, message):
        response = http.answer({'error_message': {
            'debuginfo': None, 'faultcode': 'Client' if code < 500
            else 'Server', 'faultstring': message}}, code)
        if code == 401:
            response.headers['WWW-Authenticate'] = 'Keystone'
        return response

    def versions(self, request):
        return http.answer({'versions': {'values': [{
            'id': 'v2', 'status': 'stable',
            'updated': '2013-02-13T00:00:00Z',
            'links': [{'rel': 'self',
                       'href': f'{request.host_url}alarming/v2'}],
            'media-types': [{
                'base': 'application/json',
                'type': 'application/vnd.openstack.telemetry-v2+json'}],
        }]}})

    # lists

    @staticmethod
    def _conditions(request):
        """The ``q`` of a list, as field and value."""
        args = request.args
        fields, values = args.getlist('q.field'), args.getlist('q.value')
        operations = args.getlist('q.op') or ['eq'] * len(fields)
        if len(fields) != len(values):
            raise errors.BadRequest('Wrong query')
        if set(operations) - {'eq'} or set(fields) - _QUERY_FIELDS:
            raise errors.BadRequest(
                f'only fields {sorted(_QUERY_FIELDS)} and the operation eq '
                f'are allowed')
        return dict(zip(fields, values, strict=True))

    def index(self, request):
        conditions = self._conditions(request)
        everybody = conditions.pop('all_projects', '').lower() == 'true'
        own = request.token.project.id
        if everybody:
            self.admin_only(request)
        elif conditions.setdefault('project_id', own) != own:
            if not request.token.is_admin:
                raise errors.Unauthorized(
                    f'Not Authorized to access project '
                    f'{conditions["project_id"]}')
        found = [alarm for alarm in map(view, self._store.list())
                 if all(_text(alarm[field]) == value
                        for field, value in conditions.items())]
        return http.answer(self._page(request, found))

    @staticmethod
    def _page(request, found):
        marker = request.args.get('marker')
        ids = [alarm['alarm_id'] for alarm in found]
        if marker in ids:
            found = found[ids.index(marker) + 1:]
        try:
            return found[:int(request.args.get('limit', len(found)))]
        except ValueError:
            raise errors.BadRequest('limit is an integer') from None

    def query(self, request):
        body = request.body()
        wanted = body.get('filter') or '{}'
        try:
            # aodhclient sends the filter as JSON in JSON.
            condition = (json.loads(wanted) if isinstance(wanted, str)
                         else wanted)
            found = [alarm for alarm in map(view, self._store.list())
                     if self._holds(condition, alarm)]
        except (KeyError, TypeError, ValueError):
            raise errors.BadRequest('Filter expression not valid') from None
        if not request.token.is_admin:
            found = [alarm for alarm in found if alarm['project_id']
                     == request.token.project.id]
        return http.answer(found[:body.get('limit') or len(found)])

    def _holds(self, condition, alarm):
        if not condition:
            return True
        [(operation, operands)] = condition.items()
        if operation == 'and':
            return all(self._holds(part, alarm) for part in operands)
        if operation == 'or':
            return any(self._holds(part, alarm) for part in operands)
        if operation == 'not':
            return not self._holds(operands, alarm)
        [(field, value)] = operands.items()
        if operation == 'in':
            return alarm[field] in value
        return alarms.COMPARATORS[_OPERATORS[operation]](
            alarm[field], value)

    # one alarm

    def _find(self, request, alarm_id):
        alarm = self._store.get(alarm_id)
        if alarm is None or (
                not request.token.is_admin
                and alarm.project_id != request.token.project.id):
            raise errors.NotFound(f'Alarm {alarm_id} not found')
        return alarm

    def create(self, request):
        wanted = request.body()
        fields = _checked(wanted)
        token = request.token
        owner = {'project_id': token.project.id, 'user_id': token.user.id}
        for key, own in owner.items():
            asked = wanted.get(key) or own
            if asked != own and not token.is_admin:
                raise errors.Unauthorized(
                    f'Not Authorized to access {key} {asked}')
            owner[key] = asked
        now = self._clock()
        alarm = alarms.Alarm(timestamp=now, state_timestamp=now, **owner,
                             **fields)
        self._store.put(alarm)
        return http.answer(view(alarm), 201, {
            'Location': f'/alarming/v2/alarms/{alarm.alarm_id}'})

    def show(self, request, alarm_id):
        return http.answer(view(self._find(request, alarm_id)))

    def update(self, request, alarm_id):
        known = self._find(request, alarm_id)
        fields = _checked(request.body())
        now = self._clock()
        alarm = alarms.Alarm(
            alarm_id=alarm_id, project_id=known.project_id,
            user_id=known.user_id, timestamp=now,
            state_timestamp=known.state_timestamp,
            state_reason=known.state_reason, **fields)
        if alarm.state != known.state:
            self._state_set(alarm)
        self._store.put(alarm)
        return http.answer(view(alarm))

    def _state_set(self, alarm):
        alarm.state_timestamp = self._clock()
        alarm.state_reason = 'Manually set via API'

    def delete(self, request, alarm_id):
        self._store.delete(self._find(request, alarm_id).alarm_id)
        return http.answer(status=204)

    def show_state(self, request, alarm_id):
        return http.answer(self._find(request, alarm_id).state)

    def set_state(self, request, alarm_id):
        alarm = self._find(request, alarm_id)
        state = request.body()
        if state not in _STATES:
            raise errors.BadRequest('state invalid')
        alarm.state = state
        self._state_set(alarm)
        return http.answer(state)
