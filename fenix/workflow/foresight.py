# SPDX-License-Identifier: Apache-2.0
"""Foreseeing a session: what happens when and where, and what is asked.

The planner's forecast in the words of an administrator. It is made on a
picture that is thrown away, of a session that runs or of one that is not
there.
"""

import collections
import dataclasses
import datetime
import functools

from fenix import words
from fenix.db import models
from fenix.db import pictures
from fenix.size import Size
from fenix.workflow import hostplans
from fenix.workflow import states
from fenix.workflow.planner import bound as bounds
from fenix.workflow.planner import forecast as forecasts
from fenix.workflow.planner import model
from fenix.workflow.planner import planner
from fenix.workflow.turn import Failed
from fenix.workflow.verbs import keeping
from fenix.workflow.verbs import learning
from fenix.workflow.verbs import observing
from fenix.workflow.verbs import viewing
from fenix.workflow.verbs import ways

#: An id that no session has.
NOBODY = '00000000-0000-0000-0000-000000000000'


def imagine(body, now):
    """Return the rows of a session that is not there.

    :param body: ``workflow``, ``maintenance_at`` (seconds since the epoch),
        ``hosts``, ``other_hosts`` and ``settings``
    :param now: aware
    """
    session = models.Session(
        id=NOBODY, project_id=NOBODY, workflow=body['workflow'],
        maintenance_at=datetime.datetime.fromtimestamp(
            body['maintenance_at'], datetime.UTC),
        meta={}, wanted_hosts=body['hosts'], other_hosts=body['other_hosts'],
        settings=body['settings'], created_at=now)
    return pictures.Rows(session, [], [], [], [], [], [], [])


def foresee(workflow, survey):
    """Return the plan of a session.

    :param workflow: on a turn that nobody commits, whose memory has the
        survey
    :param survey: the cloud as it is
    :returns: what ``GET .../plan`` answers
    """
    if not hasattr(workflow, 'one_at_a_time'):
        return {'complete': False, 'obstacles': [
            f'workflow {workflow.session.workflow} has a way of its own, '
            'which the planner does not know']}
    try:
        workflow.discover()
    except Failed as failure:
        return {'complete': False, 'obstacles': [str(failure)]}
    # What the rows say may be older than the survey: both have to agree.
    observing.absorb(workflow.turn, 'survey', None, survey)
    return _Foresight(workflow, survey).tell()


class _Foresight:

    def __init__(self, workflow, survey):
        self.turn = turn = workflow.turn
        self.session, self.picture = turn.session, turn.picture
        self.view = viewing.view(turn, survey)
        self.estimates = learning.estimates(turn)
        self.limits = viewing.limits(turn.option)
        if workflow.one_at_a_time:
            self.limits = dataclasses.replace(self.limits, hosts_at_once=1)
        self.start = turn.now
        if self.session.phase == states.ANNOUNCE:
            # The start moves, never the notice.
            self.start = max(self.session.maintenance_at, turn.later(
                turn.option('min_notice'), self.session.created_at))
        down = workflow.down(survey)
        keeping.make(
            turn, survey, down, limits=self.limits,
            # One that asks while others do not has begun.
            all_disabled=(not workflow.one_at_a_time
                          and workflow.disables_undone))
        self.fleet = turn.memory.kept.fleet
        for name in workflow.left_out() | down:
            self.fleet.refused(name)
        self.down = down
        self.survey = survey
        self.stuck = list(viewing.stuck(turn, survey))

    def tell(self):
        now = keeping.seconds(self.turn, self.start)
        if self.untouched():
            plan = planner.plan(self.view, self.limits, self.estimates, now)
            found, least = plan.forecast, plan.bound
        else:
            found = forecasts.forecast(self.fleet, now)
            least = self.bound_of_rest(found, now)
        obstacles = [*found.obstacles, *self.obstacles()]
        gap = None if obstacles else _gap(found.end - now, least.seconds)
        return {
            'complete': not obstacles,
            'obstacles': obstacles,
            'starts_at': _time(self.start),
            'ends_at': self.time(found.end),
            'duration_s': round(found.end - now, 1),
            'lower_bound_s': round(least.seconds, 1),
            'lower_bound': {
                'binding': least.binding,
                'parts': {name: round(seconds, 1) for name, seconds
                          in least.parts.items()}},
            'gap': None if gap is None else round(gap, 4),
            'moves': found.moves,
            'scale_in': list(self.scale_in(found)),
            'would_do': list(found.given_up),
            'hosts': hostplans.HostPlans(
                self.picture, self.fleet, found, self.when, _time).tell(),
            'waiting': self.waiting(now),
        }

    def untouched(self):
        """Tell whether no host has begun."""
        return all(host.step == states.PENDING
                   for host in self.picture.hosts.values())

    def bound_of_rest(self, found, now):
        """Return the least time of what is left of a session that runs.

        What has not begun takes as long as if nothing else went on; and each
        host in hand takes what is left of its own moves and work.
        """
        rest = self.rest()
        least = bounds.bound(rest.without(
            rest.instances.keys() & found.given_up),
            self.limits, self.estimates)
        parts = least.parts | {'hosts in hand': max(
            [self.left_of(self.fleet.hosts[name], now)
             for name in self.fleet.in_flight], default=0.0)}
        binding = max(parts, key=lambda name: parts[name])
        return bounds.Bound(parts[binding], parts, binding)

    def left_of(self, host, now):
        """Return the least seconds until a host in hand is done."""
        if host.back is not None:
            return max(0.0, host.back - now)
        instances = [self.fleet.instances[key] for key in host.instances
                     if key in self.fleet.instances]
        return self.estimates.host + max(
            [max(0.0, instance.ends - now) if instance.moving
             else instance.takes for instance in instances], default=0.0)

    def rest(self):
        """Return the view of what has not begun.

        What is under way may end at once, and the hosts in hand give all
        their room; notice that was given may be over. So nothing that is
        left can be done sooner than this lets it.
        """
        hosts = dict(self.view.hosts)
        instances = dict(self.view.instances)
        for row in self.picture.hosts.values():
            host = hosts.get(row.name)
            if row.step == states.PENDING or host is None or (
                    host.standing != model.UNDONE):
                continue
            if row.step == states.ASK and (
                    row.name not in self.fleet.in_flight):
                for instance in self.view.on(row.name):
                    instances[instance.instance_id] = dataclasses.replace(
                        instance, asked=False)
                continue
            hosts[row.name] = dataclasses.replace(
                host, standing=model.OUTSIDE, open=True,
                free=self.room_of(host))
        return dataclasses.replace(
            self.view, hosts=hosts, instances=instances)

    def room_of(self, host):
        """Return the room of a host without what is leaving it."""
        return functools.reduce(Size.__sub__, [
            instance.size for instance in self.view.on(host.name)
            if self.picture.move_of(instance.instance_id) is None
        ], host.total)

    def obstacles(self):
        """Return what the planner does not know of."""
        for server, why in self.stuck:
            yield f'{ways.who(server)} on {server.host} {why}'
        to_come = {name for name, row in self.picture.hosts.items()
                   if row.step not in states.THROUGH}
        for server in self.survey.servers.values():
            if server.status in ways.LASTING and server.host in to_come and (
                    # Of our own move we see to that.
                    self.picture.move_of(server.instance_id) is None):
                yield (f'{ways.who(server)} on {server.host} is '
                       f'{server.status} and cannot be moved until that is '
                       f'over: {ways.LASTING[server.status]}')
        for name in sorted(self.down):
            yield (f'host {name} is down and has instances, which Nova '
                   'cannot move: start its nova-compute, or evacuate it')
        for name in sorted(to_come - self.view.hosts.keys()):
            if self.picture.hosts[name].is_compute:
                yield f'Placement has no resource provider of {name}'

    def waiting(self, now):
        """Return why hosts and instances that are in hand wait."""
        found = {}
        for row in self.picture.hosts.values():
            if row.step in states.THROUGH or row.name not in (
                    self.fleet.hosts):
                continue
            keys = [row.name] + [
                instance.instance_id for instance
                in self.picture.instances_on(row.name)
                if row.step in (states.ASK, states.EMPTY)
                and instance.instance_id in self.fleet.instances]
            for key in keys:
                wait = self.fleet.why(key, now)
                if wait is not None:
                    found[key] = {'for': self.waited_for(wait),
                                  'reason': wait.text}
        return found

    def waited_for(self, wait):
        if wait.waits_for == words.HOSTS_IN_HAND:
            return ', '.join(sorted(self.fleet.in_flight))
        return wait.waits_for

    def scale_in(self, found):
        """Yield the room that projects have to make, and when."""
        window = self.turn.option('scale_in_window')
        for entry in found.entries:
            if entry.kind != forecasts.SCALE_IN:
                continue
            projects = collections.defaultdict(Size)
            for key in entry.instances:
                instance = self.fleet.instances[key]
                projects[instance.project_id] += Size(*instance.need)
            for project, room in sorted(projects.items()):
                yield {'project_id': project, **dataclasses.asdict(room),
                       'reason': entry.reason,
                       'asked_at': self.time(entry.start),
                       'expected_at': self.time(entry.end),
                       'answer_by': self.time(entry.start + window),
                       'notice_s': round(window, 1)}

    def when(self, seconds):
        return self.session.created_at + datetime.timedelta(seconds=seconds)

    def time(self, seconds):
        return _time(self.when(seconds))


def _gap(took, least):
    """Return by which share a plan is longer than its bound.

    None: nothing is left to do.
    """
    return took / least - 1 if least else None


def _time(moment):
    return moment.strftime('%Y-%m-%dT%H:%M:%S.%fZ')
