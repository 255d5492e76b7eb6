# SPDX-License-Identifier: Apache-2.0
"""What VNF managers register for instances and groups (CONTRACT.md 1.4).

The owner is the project of the token that registered them first; what the
body says of a project is not believed.
"""

import dataclasses
import typing

from oslo_log import log as logging

from fenix import errors
from fenix import words
from fenix.api import lenient
from fenix.api import views
from fenix.db import constraints
from fenix.db import models

LOG = logging.getLogger(__name__)

#: Characters of an id, here and in the database.
ID_LIMIT = 64


def _instance(instance_id, project_id, read):
    return models.InstanceConstraint(
        instance_id=instance_id, project_id=project_id,
        group_id=read.text('group_id', ID_LIMIT),
        instance_name=read.text('instance_name', 255),
        max_interruption_time=read.number('max_interruption_time', 120),
        migration_type=read.action('migration_type', words.MIGRATE),
        resource_mitigation=read.truth('resource_mitigation', True),
        lead_time=read.number('lead_time', 120))


def _group(group_id, project_id, read):
    return models.GroupConstraint(
        group_id=group_id, project_id=project_id,
        group_name=read.text('group_name', 255),
        anti_affinity_group=read.truth('anti_affinity_group', False),
        max_instances_per_host=read.number('max_instances_per_host', 0),
        # With 0 nothing could ever be maintained.
        max_impacted_members=read.number('max_impacted_members', 1, least=1),
        recovery_time=read.number('recovery_time', 60),
        resource_mitigation=read.truth('resource_mitigation', True))


@dataclasses.dataclass(frozen=True)
class Kind:
    """What instances and groups do differently."""

    #: Name of the id in the path.
    name: str
    build: typing.Callable
    find: typing.Callable
    put: typing.Callable
    delete: typing.Callable
    of_project: typing.Callable


INSTANCE = Kind('instance', _instance, constraints.get_instance,
                constraints.put_instance, constraints.delete_instance,
                constraints.instances_of_project)
GROUP = Kind('group', _group, constraints.get_group, constraints.put_group,
             constraints.delete_group, constraints.groups_of_project)


def list_instances(call):
    """List the constraints of a project's instances."""
    return {'instances': _list(INSTANCE, call)}


def list_groups(call):
    """List the constraints of a project's instance groups."""
    return {'instance_groups': _list(GROUP, call)}


def get_instance(call):
    """Return the constraints of an instance."""
    return _get(INSTANCE, call)


def get_group(call):
    """Return the constraints of an instance group."""
    return _get(GROUP, call)


def put_instance(call):
    """Register or replace the constraints of an instance."""
    return _put(INSTANCE, call)


def put_group(call):
    """Register or replace the constraints of an instance group."""
    return _put(GROUP, call)


def delete_instance(call):
    """Forget the constraints of an instance, if there are any."""
    return _delete(INSTANCE, call)


def delete_group(call):
    """Forget the constraints of an instance group, if there are any."""
    return _delete(GROUP, call)


def _list(kind, call):
    project_id = call.query.get('project_id', call.context.project_id)
    call.authorize(project_id)
    return [views.constraint(row) for row in kind.of_project(project_id)]


def _get(kind, call):
    row, _ = _find(kind, call)
    if row is None:
        raise errors.ConstraintNotFound()
    return views.constraint(row)


def _put(kind, call):
    key = call.path[kind.name]
    if len(key) > ID_LIMIT:
        raise errors.Invalid(f'The id is longer than {ID_LIMIT} characters.',
                             field=f'{kind.name}_id')
    _, owner = _find(kind, call)
    read = lenient.Reader(call.body)
    row = kind.build(key, owner, read)
    kind.put(row)
    if read.warnings:
        LOG.warning('Constraints of %s %s, project %s: %s', kind.name, key,
                    owner, '; '.join(read.warnings))
    return views.constraint(row) | {'warnings': read.warnings}


def _delete(kind, call):
    _, owner = _find(kind, call)
    kind.delete(call.path[kind.name], owner)
    return {}


def _find(kind, call):
    """Let the caller pass if the constraints are, or would be, its own.

    :returns: (the stored row or None, the owner)
    """
    try:
        row = kind.find(call.path[kind.name])
        owner = row.project_id
    except errors.ConstraintNotFound:
        row, owner = None, _caller(call)
    call.authorize(owner)
    return row, owner


def _caller(call):
    """Return the project that registers something.

    Without authentication nothing but the body may tell.
    """
    said = (call.body or {}).get('project_id')
    return call.context.project_id or (
        said[:255] if isinstance(said, str) else '')
