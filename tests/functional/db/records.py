# SPDX-License-Identifier: Apache-2.0
"""Records for the tests of the database, and threads that race."""

import datetime
import threading

import sqlalchemy as sa

from fenix.db import core
from fenix.db import models

TIME = datetime.datetime(2026, 1, 31, 10, 0, 30, 123456, datetime.UTC)


def session(**values):
    """Make a session that is not stored yet."""
    return models.Session(**{
        'project_id': 'admin', 'workflow': 'default', 'maintenance_at': TIME,
        'meta': {'openstack_version': 'X'}, 'wanted_hosts': [],
        'other_hosts': [], 'settings': {}, **values})


def host(session_id, **values):
    return models.Host(session_id=session_id, **{'name': 'cmp-1', **values})


def instance(session_id, **values):
    return models.Instance(session_id=session_id, **{
        'instance_id': models.new_id(), 'project_id': 'p1', 'name': 'vm',
        'host': 'cmp-1', 'vcpus': 2, 'ram_mb': 512, 'disk_gb': 1,
        'status': 'ACTIVE', **values})


def ask(session_id, **values):
    return models.Ask(session_id=session_id, **{
        'question': 'MAINTENANCE', 'project_id': 'p1', 'window': 30.5,
        'instance_ids': [], 'created_at': TIME, **values})


def move(session_id, **values):
    return models.Move(session_id=session_id, **{
        'instance_id': models.new_id(), 'project_id': 'p1',
        'action': 'MIGRATE', 'source': 'cmp-1', 'target': 'cmp-2',
        'intended_at': TIME, 'deadline': TIME, **values})


def action(session_id, **values):
    return models.ActionPlugin(session_id=session_id, **{
        'plugin': 'dummy', 'type': 'host', 'meta': {}, **values})


def run(session_id, **values):
    return models.ActionRun(session_id=session_id, **{
        'action_id': models.new_id(), 'plugin': 'dummy', 'started_at': TIME,
        **values})


def reply(session_id, **values):
    """Make a reply that was acted on."""
    return models.Reply(session_id=session_id, **{
        'project_id': 'p1', 'state': 'ACK_MAINTENANCE', 'actions': {},
        'received_at': TIME, 'consumed_at': TIME, **values})


def event(session_id, **values):
    return models.Event(session_id=session_id, **{
        'seq': 1, 'position': 0, 'event_type': 'maintenance.scheduled',
        'payload': {}, 'message_id': models.new_id(), 'created_at': TIME,
        **values})


def everything():
    """Return the rows of all tables, to see what has changed."""
    with core.engine().connect() as connection:
        return {table.name: sorted(map(repr, connection.execute(
            sa.select(table)))) for table in models.Base.metadata.tables
            .values()}


def race(*functions):
    """Call functions in threads at the same time.

    :returns: what each returned, or the exception that it raised
    """
    barrier = threading.Barrier(len(functions))
    results = [None] * len(functions)

    def call(place, function):
        barrier.wait()
        try:
            results[place] = function()
        except Exception as error:
            results[place] = error

    threads = [threading.Thread(target=call, args=pair)
               for pair in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
