# SPDX-License-Identifier: Apache-2.0
"""How rows look from outside."""

from fenix import words

#: What administrators call the steps of a host.
_HOST_STATES = {'ask': 'asked', 'leave': 'asked', 'empty': 'emptying',
                'maintain': 'emptying', 'give_back': words.IN_MAINTENANCE,
                'done': words.MAINTENANCE_COMPLETE}

#: What Nova and Placement have to show of a host in a step.
_SHOWN = {'ask': 'to be looked at', 'leave': 'to be enabled',
          'empty': 'to let its instances go: their groups may need time',
          'maintain': 'to be disabled and empty, and after its actions to '
                      'have its services up',
          'give_back': 'to be enabled'}

#: States of a move that is not over.
_MOVING = ('intended', 'requested', 'unknown', 'confirming')


def wire_state(conf, state):
    """Spell a state as [workflow] vocabulary has it."""
    return words.on_the_wire(state, conf.workflow.vocabulary)


def time(moment):
    """Spell a time: ISO 8601, UTC."""
    return moment and moment.strftime('%Y-%m-%dT%H:%M:%S.%fZ')


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
    return session(conf, row, asked) | {
        'waiting_for': waiting_for(conf, rows, asked),
        'project_id': row.project_id,
        'metadata': row.meta,
        'settings': row.settings,
        'wanted_hosts': row.wanted_hosts,
        'other_hosts': row.other_hosts,
        'owner': row.owner,
        'hosts': [host(item) for item in rows.hosts],
        'instances': _records(
            rows.instances, 'instance_id', 'project_id', 'name', 'host',
            'vcpus', 'ram_mb', 'disk_gb', 'group_id', 'floating', 'status',
            'task_state', 'gone'),
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
                   'created_at', 'published_at')


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


def waiting_for(conf, rows, asked):
    """Tell in words what would bring a session on."""
    row = rows.session
    if deleting(row, asked):
        waits = ['an engine to give the hosts back']
    elif row.state == words.MAINTENANCE_FAILED:
        waits = ['an engine to take up the continuation'
                 if 'continue' in asked else
                 'the administrator: mend what the reason names, then PUT '
                 'continues the session; DELETE ends it']
    elif row.state == words.MAINTENANCE_DONE:
        return ['the administrator: nothing is left to do; DELETE removes '
                'the session']
    elif row.owner is None:
        waits = ['an engine: none owns the session']
    elif row.phase == 'announce':
        waits = ['the start of the work, not before '
                 + time(row.maintenance_at)]
    else:
        waits = []
    waits += [*[_ask_waits(conf, item) for item in rows.asks
                if item.state in ('waiting', 'open')],
              *[_move_waits(item) for item in rows.moves
                if item.state in _MOVING],
              *_run_waits(rows)]
    return waits or _cloud_waits(rows)


def _ask_waits(conf, row):
    question = wire_state(conf, row.question)
    about = (f' about instance {row.instance_id}' if row.instance_id
             else f' about host {row.host}' if row.host else '')
    if row.published_at is None:
        return (f'{question}{about} to be published to project '
                f'{row.project_id}')
    return (f'project {row.project_id} to answer {question}{about} by '
            f'{time(row.reply_by)}')


def _move_waits(row):
    to = f' for {row.target}' if row.target else ''
    return (f'instance {row.instance_id} to leave {row.source}{to} '
            f'({row.action}, {row.state}) by {time(row.deadline)}')


def _run_waits(rows):
    latest = {(row.action_id, row.host): row for row in rows.runs}
    for row in latest.values():
        where = f' on {row.host}' if row.host else ''
        if row.state == 'running':
            yield f'action {row.plugin}{where} to end (run {row.id})'
        elif row.state == 'failed':
            yield (f'the administrator to have action {row.plugin}{where} '
                   f'retried or skipped (run {row.id})')


def _cloud_waits(rows):
    """Tell what the cloud has to show when nobody else has to act."""
    if rows.session.phase == 'make_room':
        return ['the cloud to show the room that was made']
    return [f'host {row.name} {_SHOWN[row.step]}' for row in rows.hosts
            if row.step in _SHOWN] or ['the engine to go on']
