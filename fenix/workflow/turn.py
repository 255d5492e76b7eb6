# SPDX-License-Identifier: Apache-2.0
"""One turn of a session: what is to be written, and what to be started.

Verbs read the picture and record into the turn. When the turn is over its
owner commits everything in one transaction, and only then starts the
effects. A turn that cannot be committed is forgotten together with the
picture that it changed.
"""

import dataclasses
import datetime
import typing

from fenix.db import models
from fenix.workflow import bookings as all_bookings


class Failed(Exception):
    """A verb failed; the text is for a human who can mend it."""

#: What is watched is asked for again no sooner than after so many times as
#: long as the answer took.
PATIENT = 3


@dataclasses.dataclass(frozen=True)
class Effect:
    """A call of the world outside, made after the commit.

    :ivar kind: what to call
    :ivar key: what it is about; one effect of a kind and key at a time
    :ivar host: name of the host whose step is called with the result;
        None for the session's phase
    :ivar args: what the call needs
    """

    kind: str
    key: str | None
    host: str | None = None
    args: tuple = ()

    @property
    def what(self):
        return self.kind, self.key


@dataclasses.dataclass
class Reading:
    """The newest answer to a read, and how reading goes."""

    value: typing.Any = None
    #: When the read that gave the value began; None: there is none yet.
    at: datetime.datetime | None = None
    #: When that answer came.
    came: datetime.datetime | None = None
    #: Since when reading fails; None: it does not.
    failing_since: datetime.datetime | None = None
    failures: int = 0
    error: str | None = None
    #: The newest failure was a refusal.
    refused: bool = False
    #: Not before this time again.
    not_before: datetime.datetime | None = None

    def succeed(self, value, began, now):
        """Take an answer to a call that began at that time."""
        self.value, self.at, self.came = value, began, now
        self.failing_since = self.error = self.not_before = None
        self.failures = 0

    def fail(self, now, error, interval=0.5):
        """Note a failure; the next try comes later each time.

        :param interval: seconds until the first one
        """
        self.failing_since = self.failing_since or now
        self.error = str(error)
        self.not_before = now + datetime.timedelta(
            seconds=min(30, 2 ** min(self.failures, 8) * interval))
        self.failures += 1


@dataclasses.dataclass
class Targets:
    """Where the instances of a host go.

    :ivar where: {instance id: host}
    :ivar owners: {instance id: project id} of these and of whom they join
    :ivar bound: what was registered for the groups of all these when that
        was chosen, see ``viewing.bound``
    """

    where: dict
    owners: dict
    bound: dict


@dataclasses.dataclass
class Memory:
    """What an owner remembers between turns and may forget at any time.

    All of it is found again by looking.
    """

    readings: dict = dataclasses.field(default_factory=dict)
    #: (kind, key) of the effects that were started and have not ended.
    in_flight: set = dataclasses.field(default_factory=set)
    #: Who waits for a read: {(kind, key): {host name or None}}.
    waiting: dict = dataclasses.field(default_factory=dict)
    #: Where the instances of a host go: {host: Targets}.
    targets: dict = dataclasses.field(default_factory=dict)
    #: Hosts that wait until a project's URL bears no open question:
    #: {project id: names}.
    queued: dict = dataclasses.field(default_factory=dict)
    #: The planner's fleet and what belongs to it, ``keeping.Kept``.
    kept: typing.Any = None
    #: When something happened that the fleet cannot explain.
    surprised_at: datetime.datetime | None = None
    #: Since when nothing is under way, though hosts are to come.
    stalled_at: datetime.datetime | None = None
    #: When looks at instances began that are newer than the last survey.
    seen: dict = dataclasses.field(default_factory=dict)
    #: Since when instances wait for their group, or to be left alone by
    #: their owners, before they move.
    held_up: dict = dataclasses.field(default_factory=dict)
    #: Hosts with a request to disable them, or to say why they are, whose
    #: fate is not known: {host: since when}.
    unanswered: dict = dataclasses.field(default_factory=dict)
    #: Hosts that cannot be emptied because their targets are down: {host:
    #: since when}.
    targets_down: dict = dataclasses.field(default_factory=dict)
    #: Groups that other sessions keep busy, until when.
    busy: dict = dataclasses.field(default_factory=dict)
    #: The ids of those sessions, by group.
    busy_by: dict = dataclasses.field(default_factory=dict)
    #: When it was last told what waits, and why.
    explained_at: datetime.datetime | None = None

    def copy(self, changing=()):
        """Return what is remembered now, for a turn that writes nothing.

        Without the fleet, and without who waits for reads: the first is made
        anew from the survey, the others are all called again.

        :param changing: (kind, key) of the readings that the turn may
            change; others it may drop, or add
        """
        readings = dict(self.readings)
        for what in readings.keys() & set(changing):
            readings[what] = dataclasses.replace(readings[what])
        return dataclasses.replace(
            self, readings=readings, in_flight=set(self.in_flight),
            waiting={}, queued={}, kept=None,
            targets=dict(self.targets),
            seen=dict(self.seen), held_up=dict(self.held_up),
            unanswered=dict(self.unanswered),
            targets_down=dict(self.targets_down), busy=dict(self.busy),
            busy_by=dict(self.busy_by))


class Turn:
    """The work of one turn.

    :param picture: ``Picture``
    :param memory: ``Memory``
    :param now: the database's time, aware UTC
    :param conf: the configuration
    :param constraints: a function: instance ids -> ({instance id:
        InstanceConstraint}, {group id: GroupConstraint})
    :param bookings: ``Bookings`` of all sessions of the engine
    """

    def __init__(self, picture, memory, now, conf, constraints,
                 bookings=None):
        self.picture = picture
        self.session = picture.session
        self.memory = memory
        self.now = now
        self.conf = conf
        self._read_constraints = constraints
        self.bookings = bookings or all_bookings.Bookings()
        self._constraints = ({}, {})
        #: In which words projects are spoken to, found once a turn.
        self.vocabularies = {}
        self.added = []
        self._new = set()
        self.changed = {}
        self.effects = []
        #: Kinds of the effects whose outcomes this turn notes.
        self.outcomes = []
        self.claims = []
        self.wakes = {}
        #: Who is to be called in this turn, besides those that its messages
        #: concern: names of hosts, None for the phase.
        self.touched = set()
        #: Id of the API's request that is acted on, for the timeline.
        self.api_request = None
        #: The host whose step is called; None: the session's phase.
        self.subject = None
        self._place = 0
        self._options = {}

    def option(self, name):
        """Return an option as this session has it.

        :param name: of an option of [workflow] or [planner]
        """
        # Asked for each instance of a cloud, and slow in oslo.config.
        if name not in self._options:
            self._options[name] = self._find_option(name)
        return self._options[name]

    def lift(self, limits):
        """Let limits be none in this turn: its workflow does not keep them.

        :param limits: names of options for which 0 means no limit
        """
        self._options.update(dict.fromkeys(limits, 0))

    def _find_option(self, name):
        if name in self.session.settings:
            return self.session.settings[name]
        group = (self.conf.workflow if name in self.conf.workflow
                 else self.conf.planner)
        return group[name]

    def constraints(self, instance_ids, owners=None):
        """Return what is registered for instances, as it stands now.

        Read once a turn. What another project than its owner registered for
        an instance does not count (CONTRACT.md 1.4 rule 4).

        :param owners: {instance id: project id} of instances that may be on
            other hosts than the session's
        :returns: ({instance id: InstanceConstraint}, {group id:
            GroupConstraint}), None standing for those without
        """
        instances, groups = self._constraints
        unknown = [key for key in instance_ids if key not in instances]
        if unknown:
            found, found_groups = self._read_constraints(unknown)
            instances.update(dict.fromkeys(unknown), **found)
            for group_id, group in found_groups.items():
                groups.setdefault(group_id, group)
        return ({key: instances[key] for key in instance_ids
                 if instances[key] is not None
                 and self._owns(instances[key], owners)}, groups)

    def group_of(self, constraint):
        """Return what is registered for the group of an instance, or None.

        What another project than the instance's registered does not count.

        :param constraint: its ``InstanceConstraint``, or None
        """
        group = constraint and self._constraints[1].get(constraint.group_id)
        return (group if group and group.project_id == constraint.project_id
                else None)

    def _owns(self, row, owners):
        known = self.picture.instances.get(row.instance_id)
        owner = known.project_id if known else (owners or {}).get(
            row.instance_id)
        return row.project_id == owner

    # -- rows ---------------------------------------------------------------

    def add(self, row):
        """Store a new row."""
        row.session_id = self.session.id
        if row.id is None:
            row.id = models.new_id()
        self.added.append(row)
        self._new.add(row.id)
        if isinstance(row, models.Event):
            row.seq = self.session.seq + 1
            row.position = self._place
            row.api_request = self.api_request
            self._place += 1
            self.picture.queue(row)
        else:
            self.picture.index(row)
        return row

    def change(self, row, **values):
        """Change some attributes of a row."""
        values = {name: value for name, value in values.items()
                  if getattr(row, name) != value}
        if not values:
            return
        if isinstance(row, models.Instance):
            self.picture.unplace(row)
        for name, value in values.items():
            setattr(row, name, value)
        if not isinstance(row, models.Session | models.Event):
            self.picture.index(row)
        if row.id not in self._new:
            self.changed.setdefault((type(row), row.id), {}).update(values)

    @property
    def writes(self):
        """Whether there is anything to commit."""
        return bool(self.added or self.changed or self.claims)

    # -- the world outside --------------------------------------------------

    def effect(self, kind, key, host=None, args=()):
        """Start an effect after the commit.

        Unless one of its kind and key is on its way already.
        """
        if (kind, key) not in self.memory.in_flight:
            self.memory.in_flight.add((kind, key))
            self.effects.append(Effect(kind, key, host, args))

    def in_flight(self, kind, key):
        """Tell whether such an effect was started and has not ended."""
        return (kind, key) in self.memory.in_flight

    def read(self, kind, key, after):
        """Return what the cloud says, asked at ``after`` or later.

        :returns: the answer, or None: it is not there yet, call again
        :raises Failed: the cloud could not be read for ``[workflow]
            cloud_patience``
        """
        reading = self.memory.readings.setdefault((kind, key), Reading())
        if (reading.at is not None and reading.at >= after
                and reading.failing_since is None):
            return reading.value
        if reading.failing_since is not None:
            limit = reading.failing_since + datetime.timedelta(
                seconds=self.option('cloud_patience'))
            if self.now >= limit:
                self.memory.readings.pop((kind, key))
                raise Failed(f'the cloud could not be read: {reading.error}')
        start = max(after, reading.not_before or after)
        if start > self.now:
            self.wake(start)
        else:
            self.memory.waiting.setdefault((kind, key), set()).add(
                self.subject)
            self.effect(kind, key)
        return None

    def watch(self, kind, key, after, interval=None):
        """Return what the cloud says of a thing that changes by itself.

        Like ``read``, but the answer is renewed every ``interval`` seconds
        (``[nova] observe_interval``) for as long as it is asked for; one
        that takes long to give is asked for less often.
        """
        if interval is None:
            interval = self.conf.nova.observe_interval
        reading = self.memory.readings.get((kind, key))
        if reading is not None and reading.at is not None and (
                reading.at >= after):
            took = (reading.came - reading.at).total_seconds()
            due = self.later(max(interval, PATIENT * took), reading.came)
            if due > self.now:
                self.wake(due)
                return reading.value
        return self.read(kind, key, max(after, self.now))

    # -- time ---------------------------------------------------------------

    def touch(self, *subjects):
        """Have others called in this turn, as something concerns them.

        :param subjects: names of hosts, None for the phase
        """
        self.touched.update(subjects)

    def wake(self, when):
        """Have the present subject called again at that time."""
        known = self.wakes.get(self.subject)
        if known is None or when < known:
            self.wakes[self.subject] = when

    def later(self, seconds, since=None):
        """Return a time so many seconds from now, or after ``since``."""
        return (since or self.now) + datetime.timedelta(seconds=seconds)

    def passed(self, when):
        """Tell whether a time has come; have the subject woken if not."""
        if when <= self.now:
            return True
        self.wake(when)
        return False
