# SPDX-License-Identifier: Apache-2.0
"""Which host is next, where its instances may go, and how all may go.

These are pure functions: nothing here reads a clock, a database or a cloud.
So the engine, the dry run and the tests get the same answer to the same
question.
"""

import contextlib
import dataclasses
import gc

from fenix.workflow.planner import bound as bounds
from fenix.workflow.planner import fitting
from fenix.workflow.planner import forecast as forecasts
from fenix.workflow.planner import model
from fenix.workflow.planner import search
from fenix.workflow.planner import shortage
from fenix.workflow.planner.fitting import fit
from fenix.workflow.planner.model import NeedRoom
from fenix.workflow.planner.model import Start

__all__ = ('NeedRoom', 'Plan', 'Start', 'cost', 'fit', 'next_host', 'plan',
           'targets_for')

#: What all searches of one choice may cost together, in looks.
EFFORT = 2_000_000

_RANKS = {model.DONE: 0, model.OUTSIDE: 1, model.UNDONE: 2}


def targets_for(view, host, question):
    """Return the hosts to which the instances of a host may go, best first.

    Done hosts come first: whoever goes there need not move again. Hosts
    outside the session come next, and, for ``PREPARE_MAINTENANCE`` only,
    hosts that are still to be done. Those that other sessions will empty
    are the last choice of their kind.

    Among equals the fullest comes first (best fit). Room is scarce in a
    cloud under maintenance and comes in pieces; filling the small pieces
    first leaves the large ones whole, for large instances and for the next
    host that has to be emptied at once. Spreading is what groups are for,
    and they are kept.
    """
    return [name for name in _ranked(view)
            if name != host and _may_receive(view.hosts[name], question)]


def _ranked(view):
    most = [max([getattr(host.total, r) for host in view.hosts.values()]
                + [1]) for r in ('vcpus', 'ram_mb', 'disk_gb')]
    return sorted(view.hosts, key=lambda name: (
        _RANKS[view.hosts[name].standing], view.hosts[name].leaving,
        shortage.weight(view.hosts[name].free, most), name))


def _may_receive(host, question):
    return host.open and (host.standing != model.UNDONE
                          or question == model.PREPARE)


def cost(view, host):
    """Return what makes a host dear to empty, for sorting.

    Hosts whose instances have floating addresses come last, as somebody
    outside talks to these; then it counts how much has to move.
    """
    instances = view.on(host)
    return (any(instance.floating for instance in instances),
            len(instances),
            sum(instance.size.vcpus for instance in instances),
            host)


def next_host(view, left_out=frozenset(), undone_targets=True):
    """Choose the host that is next.

    An empty host comes first; then the cheapest one whose instances fit on
    hosts that are done or outside the session (``PLANNED_MAINTENANCE``);
    then, to bring scattered room together, the cheapest whose instances fit
    on any open host (``PREPARE_MAINTENANCE``).

    :param left_out: names of hosts that must not be chosen now; they may
        still be targets, if they are open
    :param undone_targets: whether instances may go to hosts that are still
        to be done
    :returns: :class:`Start`, :class:`NeedRoom`, or None if no undone host
        is left to choose
    """
    undone = [name for name, host in view.hosts.items()
              if host.standing == model.UNDONE and name not in left_out]
    if not undone:
        return None
    empty = [name for name in undone if not view.on(name)]
    if empty:
        # One with allocations of nobody's may not be as empty as it looks.
        return Start(min(empty, key=lambda name: (
            view.hosts[name].free != view.hosts[name].total, name)),
            model.PLANNED)
    undone.sort(key=lambda name: cost(view, name))
    ranked = _ranked(view)
    effort = fitting.Effort(EFFORT)
    questions = [model.PLANNED] + [model.PREPARE] * undone_targets
    for question in questions:
        targets = [name for name in ranked
                   if _may_receive(view.hosts[name], question)]
        for host in undone:
            placed = fit(view, [i.instance_id for i in view.on(host)],
                         [name for name in targets if name != host], effort)
            if placed is not None:
                return Start(host, question, placed)
    return shortage.closest(view, undone, targets)


@dataclasses.dataclass(frozen=True)
class Plan:
    """How a session is expected to go, and how good that is."""

    forecast: forecasts.Forecast
    bound: bounds.Bound
    #: Share by which the forecast is longer than the bound; None if not all
    #: hosts can be done.
    gap: float | None
    #: The order that a search found, for a
    #: :class:`~fenix.workflow.planner.fleet.Fleet`; empty if it finds its
    #: own.
    order: tuple[str, ...]
    #: Whether that fleet brings room together early.
    early: bool = False


@contextlib.contextmanager
def uncollected():
    """Keep Python's garbage collector waiting.

    A plan makes many records that stay and no cycles; to walk through all of
    them again and again takes longer than the plan of a large cloud.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@uncollected()
def plan(view, limits, estimates, now=0.0, effort=search.EFFORT):
    """Plan a session that begins now.

    :param effort: moves that may be simulated in search of a better order
    :returns: :class:`Plan`; its bound holds for all plans by which the same
        instances are given up
    """
    least = bounds.bound(view, limits, estimates)
    fleet, found = search.best(view, limits, estimates, now,
                               now + least.seconds, effort)
    if found.given_up:
        least = bounds.bound(view.without(found.given_up), limits, estimates)
    took = found.end - now
    gap = None
    if found.complete:
        gap = took / least.seconds - 1 if least.seconds else 0.0
    return Plan(found, least, gap,
                tuple(fleet.order) if fleet.strict else (), fleet.early)
