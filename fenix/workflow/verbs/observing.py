# SPDX-License-Identifier: Apache-2.0
"""Observing: what the cloud says of hosts and instances, into the picture."""

from fenix import errors
from fenix.db import models
from fenix.workflow import states
from fenix.workflow.verbs import keeping
from fenix.workflow.verbs import moving
from fenix.workflow.verbs.ways import OFF_HOST


def survey(turn, after):
    """Return the whole cloud as it was at ``after`` or later, or None."""
    return turn.read('survey', None, after)


def look_at_host(turn, host, after):
    """Return what is on a host at ``after`` or later, or None."""
    return turn.read('look_at_host', host.name, after)


def doubt(turn, kind, answer):
    """Return why an answer of the cloud is no answer, or None.

    Of a cell that does not answer, Nova before 2.69 leaves out the hosts.
    What is not listed for that has not gone.
    """
    if kind != 'survey':
        return None
    missing = [host.name for host in turn.picture.hosts.values()
               if host.is_compute and host.step not in states.THROUGH
               and host.name not in answer.hosts]
    return errors.CloudError(
        f'Nova does not list {", ".join(missing)} any more'
    ) if missing else None


def absorb(turn, kind, key, answer):
    """Note what an answer of the cloud says about instances, as it comes."""
    if kind == 'survey':
        _note_survey(turn, answer)
    elif kind == 'look_at_host':
        _note_host(turn, key, answer)
    elif kind == 'look_at_server':
        _note_look(turn, key, answer)


def _note_survey(turn, found):
    """Note what a survey shows, but for what was looked at since it began.

    A survey takes a while, in which instances go on moving.
    """
    memory = turn.memory
    began = memory.readings['survey', None].at
    memory.seen = {key: at for key, at in memory.seen.items() if at > began}
    for server in found.servers.values():
        if server.instance_id not in memory.seen:
            note_server(turn, server)
    for row in turn.picture.instances.values():
        if row.instance_id not in found.servers and not row.gone and (
                row.instance_id not in memory.seen):
            _note_gone(turn, row)


def _note_host(turn, name, look):
    here = {server.instance_id for server in look.servers}
    for server in look.servers:
        note_server(turn, server)
    for row in turn.picture.instances_on(name):
        if row.instance_id not in here:
            # Gone, or elsewhere: the next look at it will tell.
            turn.change(row, host=None)
            keeping.gone(turn, row)


def _note_look(turn, instance_id, look):
    turn.memory.seen[instance_id] = turn.memory.readings[
        'look_at_server', instance_id].at
    if look.server is not None:
        note_server(turn, look.server)
    elif instance_id in turn.picture.instances:
        _note_gone(turn, turn.picture.instances[instance_id])


def _note_gone(turn, row):
    turn.change(row, gone=True, host=None)
    moving.recovered(turn, row)
    keeping.gone(turn, row)


def note_server(turn, server):
    """Note an instance as Nova shows it."""
    picture = turn.picture
    known = picture.instances.get(server.instance_id)
    values = {
        'host': server.host, 'status': server.status,
        'task_state': server.task_state, 'vcpus': server.size.vcpus,
        'ram_mb': server.size.ram_mb, 'disk_gb': server.size.disk_gb,
        'group_id': server.group_id, 'floating': server.floating,
        'gone': server.status in OFF_HOST}
    if known is not None:
        turn.change(known, **values)
        moving.recovered(turn, known)
        keeping.seen(turn, server)
    elif server.host in picture.hosts and server.status not in OFF_HOST:
        turn.add(models.Instance(
            instance_id=server.instance_id, project_id=server.project_id,
            name=server.name, **values))
        keeping.seen(turn, server)
