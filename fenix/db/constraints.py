# SPDX-License-Identifier: Apache-2.0
"""What VNFMs registered for instances and groups (ETSI NFV FEAT03).

Independent of sessions and of each other: CONTRACT.md 1.4.
"""

import oslo_db.exception
import sqlalchemy as sa

from fenix import errors
from fenix.db import core
from fenix.db import models
from fenix.db import types


@core.writer
def put_instance(db, constraint, any_project=False):
    """Store or replace the constraints of an instance.

    :param constraint: ``models.InstanceConstraint``; updated_at is ours
    :param any_project: replace those of another project too
    :raises: Forbidden if another project has registered the instance
    """
    _put(db, models.InstanceConstraint, constraint, any_project)


@core.writer
def put_group(db, constraint, any_project=False):
    """Store or replace the constraints of a group.

    :param constraint: ``models.GroupConstraint``; updated_at is ours
    :param any_project: replace those of another project too
    :raises: Forbidden if another project has registered the group
    """
    _put(db, models.GroupConstraint, constraint, any_project)


@core.reader
def get_instance(db, instance_id):
    """Return the constraints of an instance.

    :raises: ConstraintNotFound
    """
    return _get(db, models.InstanceConstraint, instance_id)


@core.reader
def get_group(db, group_id):
    """Return the constraints of a group.

    :raises: ConstraintNotFound
    """
    return _get(db, models.GroupConstraint, group_id)


@core.writer
def delete_instance(db, instance_id, project_id=None):
    """Forget the constraints of an instance; harmless if there are none.

    :param project_id: only if they are of this project; None: of any
    :returns: whether there were such constraints
    """
    return _delete(db, models.InstanceConstraint, instance_id, project_id)


@core.writer
def delete_group(db, group_id, project_id=None):
    """Forget the constraints of a group; harmless if there are none.

    :param project_id: only if they are of this project; None: of any
    :returns: whether there were such constraints
    """
    return _delete(db, models.GroupConstraint, group_id, project_id)


@core.reader
def instances_of_project(db, project_id):
    """Return the constraints of all instances of a project."""
    return _of_project(db, models.InstanceConstraint, project_id)


@core.reader
def groups_of_project(db, project_id):
    """Return the constraints of all groups of a project."""
    return _of_project(db, models.GroupConstraint, project_id)


@core.reader
def registered(db, project_id):
    """Tell whether a project has registered constraints of any instance."""
    return db.scalar(sa.select(sa.exists().where(
        models.InstanceConstraint.project_id == project_id)))


@core.reader
def of_instances(db, ids):
    """Return {instance id: InstanceConstraint} for those that have any."""
    return _of_ids(db, models.InstanceConstraint, ids)


@core.reader
def of_groups(db, ids):
    """Return {group id: GroupConstraint} for those that have any."""
    return _of_ids(db, models.GroupConstraint, ids)


def _key(model):
    return sa.inspect(model).primary_key[0]


def _put(db, model, constraint, any_project):
    table = model.__table__
    key = _key(model)
    values = {column.key: getattr(constraint, column.key)
              for column in table.columns if column.key != 'updated_at'}
    found = db.execute(sa.select(model.project_id).where(
        key == values[key.key]).with_for_update()).first()
    if found is None:
        try:
            db.execute(sa.insert(table).values(
                updated_at=types.utcnow(), **values))
        except oslo_db.exception.DBDuplicateEntry as error:
            # Somebody was faster: replace that
            raise core.again(error) from error
        return
    if found.project_id != constraint.project_id and not any_project:
        raise errors.Forbidden(
            f'{values[key.key]} is registered by another project')
    db.execute(sa.update(table).where(key == values[key.key]).values(
        updated_at=types.utcnow(), **values))


def _get(db, model, key):
    found = db.get(model, key)
    if found is None:
        raise errors.ConstraintNotFound()
    return found


def _delete(db, model, key, project_id):
    query = sa.delete(model.__table__).where(_key(model) == key)
    if project_id is not None:
        query = query.where(model.project_id == project_id)
    return db.execute(query).rowcount > 0


def _of_project(db, model, project_id):
    return list(db.scalars(
        sa.select(model).where(model.project_id == project_id)
        .order_by(_key(model))))


def _of_ids(db, model, ids):
    ids = sorted({key for key in ids if key is not None})
    found = {}
    for start in range(0, len(ids), 500):
        for row in db.scalars(sa.select(model).where(
                _key(model).in_(ids[start:start + 500]))):
            found[getattr(row, _key(model).key)] = row
    return found
