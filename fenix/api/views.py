# SPDX-License-Identifier: Apache-2.0
"""How rows look from outside."""

from fenix import words
from fenix.api import waiting
from fenix.api.spelling import time
from fenix.api.spelling import wire_state

#: What administrators call the steps of a host.
_HOST_STATES = {'ask': 'asked', 'leave': 'asked', 'empty': 'emptying',
                'maintain': 'emptying', 'give_back': words.IN_MAINTENANCE,
                'done': words.MAINTENANCE_COMPLETE}


def deleting(session, asked):
    """Tell whether a session is on its way out.

    :param asked: kinds of requests that the engine has not taken up
    """
    return session.deleting or 'delete' in asked


def session(conf, row, asked):
    """What GET tells of a session."""
    state = words.DELETING if deleting(row, asked) else row.state
    return {
        'session_id': row.id,
        'state': wire_state(conf, state),
        'percent_done': row.percent_done,
        'reason': row.reason,
        'phase': row.phase,
        'workflow': row.workflow,
        'maintenance_at': time(row.maintenance_at),
        'created_at': time(row.created_at),
        'finished_at': time(row.finished_at),
    }


def detail(conf, rows, asked):
    """All that is known of a session, and what it waits for.

    :param rows: ``fenix.db.pictures.Rows``
    """
    row = rows.session
    waits = waiting.Waits(conf, rows)
    return session(conf, row, asked) | {
        'waiting_for': waiting.of_session(
            conf, rows, deleting(row, asked), asked),
        'project_id': row.project_id,
        'metadata': row.meta,
        'settings': row.settings,
        'wanted_hosts': row.wanted_hosts,
        'other_hosts': row.other_hosts,
        'owner': row.owner,
        'hosts': [host(item) | {'waiting_for': waits.of_host(item)}
                  for item in rows.hosts],
        'instances': [
            _record(item, 'instance_id', 'project_id', 'name', 'host',
                    'vcpus', 'ram_mb', 'disk_gb', 'group_id', 'floating',
                    'status', 'task_state', 'gone')
            | {'waiting_for': waits.of_instance(item)}
            for item in rows.instances],
        'asks': [ask(conf, item) for item in rows.asks],
        'moves': _records(
            rows.moves, 'instance_id', 'project_id', 'action', 'source',
            'target', 'state', 'attempts', 'reason', 'intended_at',
            'deadline', 'ended_at'),
        'actions': [{'plugin': item.plugin, 'type': item.type,
                     'metadata': item.meta} for item in rows.actions],
        'runs': _records(
            rows.runs, 'id', 'plugin', 'host', 'state', 'output', 'reason',
            'attempts', 'started_at', 'ended_at'),
        'events': [event(item) for item in rows.events],
    }


def host(row):
    """A host of a session."""
    if row.reason is not None:
        state = 'failed'
    elif row.announced:
        state = words.IN_MAINTENANCE
    else:
        state = _HOST_STATES.get(row.step, row.step)
    return {'state': state, 'types': [
        name for name, is_it in (('compute', row.is_compute),
                                 ('controller', row.is_controller))
        if is_it]} | _record(row, 'name', 'step', 'reason', 'disabled',
                             'question', 'step_at')


def ask(conf, row):
    """A question to a project."""
    return _record(row, 'project_id', 'host', 'instance_id', 'state',
                   'instance_ids', 'actions', 'created_at', 'published_at',
                   'reply_by', 'answered_at') | {
                       'question': wire_state(conf, row.question)}


def event(row):
    """An entry of the timeline."""
    return _record(row, 'seq', 'event_type', 'payload', 'message_id',
                   'created_at', 'published_at') | {
                       'request_id': row.api_request}


def constraint(row):
    """What is registered for an instance or a group."""
    return _record(row, *[column.key for column in row.__table__.columns
                          if column.key != 'updated_at'])


def _records(rows, *names):
    return [_record(row, *names) for row in rows]


def _record(row, *names):
    values = {name: getattr(row, name) for name in names}
    return {name: time(value) if hasattr(value, 'strftime') else value
            for name, value in values.items()}
