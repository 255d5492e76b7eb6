# SPDX-License-Identifier: Apache-2.0
"""The sessions that are walked through."""

import collections.abc
import dataclasses
import typing

from fenix import words


def _nothing(world):
    """Everybody agrees, and moves cold."""


@dataclasses.dataclass(frozen=True)
class Shape:
    """A session, and the cloud that it runs in.

    :ivar name: what it is called on the command line
    :ivar hosts: hosts with instances
    :ivar per_host: instances on each
    :ivar spare: hosts without
    :ivar options: of the configuration: {group: {name: value}}
    :ivar session: what the administrator asks for, see ``Harness.session``
    :ivar prepare: called with the world before the session begins
    :ivar ends: the state at its end, or GONE
    :ivar same: whether it tells and does the same, whenever an engine dies;
        what depends on the moment does not
    :ivar small: whether all pairs of points are walked through
    :ivar again: what a project that does not answer is told once more, when
        it is not certain that it was told
    """

    name: str
    hosts: int = 1
    per_host: int = 1
    spare: int = 1
    options: dict = dataclasses.field(default_factory=dict)
    session: dict[str, typing.Any] = dataclasses.field(default_factory=dict)
    prepare: collections.abc.Callable = _nothing
    ends: str = words.MAINTENANCE_DONE
    same: bool = True
    small: bool = False
    again: frozenset = frozenset()


def _vnfm(world):
    return next(iter(world.projects.values()))


def _live(world):
    _vnfm(world).action = words.LIVE_MIGRATE


def _own(world):
    """The project replaces its instance as soon as it is asked."""
    def replace(question):
        names = [server.name for server in world.model.servers.values()]
        if question == words.PLANNED_MAINTENANCE and (
                'replacement' not in names):
            world.create('replacement', 'compute-2')
            world.model.delete(world.server('vm-0').id)

    _vnfm(world).action = words.OWN_ACTION
    _vnfm(world).before_answer = replace


def _constraints(world):
    world.constrain_group(recovery_time=3)
    for number in range(2):
        world.constrain(f'vm-{number}')


def _all_constrained(world):
    """Each instance is asked about by itself, in two groups."""
    world.constrain_group()
    world.constrain_group('others', max_impacted_members=2)
    for number, server in enumerate(list(world.model.servers.values())):
        world.constrain(server.name,
                        group='group' if number < 2 else 'others')


def _refuses(world):
    _vnfm(world).refused.add(words.PLANNED_MAINTENANCE)


def _silent(world):
    _vnfm(world).silent = set(words.QUESTIONS)


def _deleted(world):
    """It is deleted while an instance moves."""
    world.when('migrate.start', world.request, 'delete')


def _deleted_at_work(world):
    """It is deleted while a host is worked on."""
    world.work.endless = True
    world.when('host.work.start', world.request, 'delete')


def _fails_first(world):
    """The work on the host with the instance fails, and is mended."""
    def mend():
        world.work.fail.clear()
        world.request('continue')

    world.work.fail.add('compute-1')
    world.when('notify', mend, state=words.MAINTENANCE_FAILED)


ALL = [
    Shape('spare', small=True),
    Shape('live', small=True, prepare=_live),
    Shape('own-action', small=True, prepare=_own),
    Shape('full', hosts=3, per_host=2, spare=0),
    Shape('constraints', per_host=2, prepare=_constraints),
    Shape('vnf', small=True, prepare=_constraints, per_host=2,
          session={'workflow': 'vnf'}),
    # Several hosts are on their way at once.
    Shape('vnf-many', hosts=2, per_host=1, spare=2,
          session={'workflow': 'vnf'}),
    Shape('vnf-full', hosts=3, per_host=2, spare=0, prepare=_all_constrained,
          session={'workflow': 'vnf'}),
    Shape('actions', session={'actions': (
        ('dummy', 'pre'), ('dummy', 'host'), ('dummy', 'compute'),
        ('dummy', 'post'))}),
    Shape('refused', prepare=_refuses, ends=words.MAINTENANCE_FAILED),
    Shape('skipped', prepare=_refuses,
          session={'settings': {'on_refusal': 'skip'}}),
    Shape('silent', prepare=_silent,
          session={'settings': {'on_no_reply': 'proceed'}},
          again=frozenset([words.MAINTENANCE_COMPLETE])),
    Shape('deleted', prepare=_deleted, ends='GONE', same=False),
    Shape('deleted-at-work', prepare=_deleted_at_work, ends='GONE',
          same=False),
    Shape('continued', prepare=_fails_first),
]
BY_NAME = {shape.name: shape for shape in ALL}
