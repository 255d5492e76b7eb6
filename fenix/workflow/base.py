# SPDX-License-Identifier: Apache-2.0
"""What a workflow is: the only import that its author needs.

A workflow is a class with one short method per phase of the session and per
step of a host. The engine calls the method of the thing that an event
concerns; the method calls verbs and returns where to go next, or None to be
called again. A verb starts its work when it is first called, and afterwards
only tells how it stands; it never waits. So a crash, a repeated message or
another engine is nothing special: it is one more call.
"""

import abc
import functools

from fenix import words
from fenix.workflow import ending
from fenix.workflow import picture as pictures
from fenix.workflow import states
from fenix.workflow import turn as turns
from fenix.workflow.planner import planner
from fenix.workflow.verbs import acting
from fenix.workflow.verbs import asking
from fenix.workflow.verbs import booking
from fenix.workflow.verbs import hosting
from fenix.workflow.verbs import moving
from fenix.workflow.verbs import observing
from fenix.workflow.verbs import telling
from fenix.workflow.verbs import viewing

Failed = turns.Failed


class NoRoom(Failed):
    """No host takes what is left on one that is being emptied."""


PROCEED, SKIP = asking.PROCEED, asking.SKIP

#: Seconds between two looks at hosts that are down.
LOOK_AGAIN = 10.0


class Workflow(abc.ABC):
    """Base of the workflows (entry points of ``fenix.workflows``).

    :param turn: the turn that this object serves; it lives no longer
    """

    def __init__(self, turn):
        self.turn = turn
        self.session = turn.session
        self.picture = turn.picture

    # -- phases: each returns the next phase, or None to stay ---------------

    @abc.abstractmethod
    def announce(self):
        """Find the hosts, tell every project, wait for the start."""

    @abc.abstractmethod
    def make_room(self):
        """See to it that a host can be emptied."""

    @abc.abstractmethod
    def run_hosts(self):
        """Send hosts on their way."""

    @abc.abstractmethod
    def finish(self):
        """Give everything back and tell every project."""

    def over(self):  # noqa: B027 - it is a phase like any other
        """Nothing is left to do."""

    # -- steps: each returns the next step of the host, or None to stay -----

    @abc.abstractmethod
    def ask(self, host):
        """Keep instances off the host, and ask those that it has."""

    @abc.abstractmethod
    def empty(self, host):
        """Take its instances away."""

    @abc.abstractmethod
    def maintain(self, host):
        """Have the work done on it."""

    @abc.abstractmethod
    def give_back(self, host):
        """Put it back into use."""

    @abc.abstractmethod
    def leave(self, host):
        """Let it be, for now."""

    def host_failed(self, host, reason):
        """Take it that a step of a host failed: so does the session."""
        ending.fail_host(self.turn, host, reason)

    # -- verbs: what the cloud says -----------------------------------------

    def survey(self, after):
        """Return the cloud as it was at ``after`` or later, or None yet."""
        return observing.survey(self.turn, after)

    def view(self, survey):
        """Return a survey as the planner's functions take it."""
        return viewing.view(self.turn, survey)

    def note_server(self, server):
        """Take an instance into the session if it is on one of its hosts."""
        observing.note_server(self.turn, server)

    def look(self, host):
        """Return what is on the host since its step began, or None yet."""
        return observing.look_at_host(self.turn, host, host.step_at)

    def instances_on(self, host):
        """Return the instances on a host, as last observed."""
        return self.picture.instances_on(host.name)

    # -- verbs: questions -----------------------------------------------------

    def question(self, question, project_id, **about):
        """Put a question to a project; see ``asking.ask``."""
        return asking.ask(self.turn, question, project_id, **about)

    def answered(self, ask):
        """Tell whether a question is decided."""
        return asking.answered(self.turn, ask)

    def url_is_busy(self, project_id, host):
        """Tell whether a host has to wait with a question by URL."""
        return asking.url_is_busy(self.turn, project_id, host)

    def withdraw(self, ask):
        """Take back a question that nobody has to answer any more."""
        asking.withdraw(self.turn, ask)

    def withdraw_questions(self, host):
        """Take back what has not been answered about a host."""
        for ask in self.picture.unanswered_at(host.name):
            self.withdraw(ask)

    def consent(self, ask):
        """Return PROCEED or SKIP, or None while the question is open.

        :raises Failed: by the policy that the administrator chose
        """
        return asking.consent(self.turn, ask)

    # -- verbs: hosts ---------------------------------------------------------

    def disable(self, host):
        """Keep new instances off a host; true once that is so."""
        return hosting.disable(self.turn, host)

    def enable(self, host):
        """Undo our ``disable``; true once that is so."""
        return hosting.enable(self.turn, host)

    def proved_empty(self, host):
        """True when nothing of any tenant is on a host at this moment."""
        return hosting.empty(self.turn, host)

    def service_up(self, host):
        """True when the services of a host report after the work on it."""
        return hosting.service_up(self.turn, host)

    def announce_host(self, host, state):
        """Tell infrastructure services a host's state, once."""
        if (state == words.IN_MAINTENANCE) != host.announced:
            telling.host_state(self.turn, host, state)

    def start_host(self, host, step, question=None, targets=None):
        """Send a host on its way."""
        self.turn.change(host, question=question)
        self.turn.memory.targets.pop(host.name, None)
        if targets:
            booking.plan(
                self.turn, self.turn.memory.readings['survey', None].value,
                host.name, targets)
        telling.step(self.turn, host, step)

    def told_of(self, host):
        """True when the last that was told of a host is published."""
        return not any(
            event.payload.get('host') == host.name
            for event in self.picture.outbox
            if event.event_type == telling.HOST_EVENT)

    # -- verbs: instances and actions ---------------------------------------

    def move(self, host, instance):
        """Take an instance off a host as its project chose; true when done.

        :raises Failed: it could not be moved
        """
        ask = self.picture.ask_about(
            host.question, host.name, instance.instance_id)
        return moving.move(
            self.turn, host, instance,
            action=functools.partial(asking.action_for, self.turn, ask,
                                     instance.instance_id),
            target=functools.partial(self.target, host))

    def follow(self, move):
        """See a move that was begun to its end; true when done.

        :raises Failed: it failed
        """
        return moving.follow(self.turn, move)

    def target(self, host, instance):
        """Return the host that an instance goes to, or None yet.

        The plan is made when the host's turn comes. It is made anew when it
        was forgotten, lacks an instance that came later, named a host that
        does not take one, or goes by what VNFMs had registered before they
        registered something else.
        """
        known = self.turn.memory.targets.get(host.name)
        stands = known is not None and known.bound == viewing.bound(
            self.turn, known.owners)
        if stands and instance.instance_id in known.where:
            return known.where[instance.instance_id]
        refused = self.picture.refused(host.name, host.round)
        # Newer than the last move: where that one went counts. And newer
        # than a refusal: what was taken for room was none.
        survey = self.survey(max([
            host.step_at, self.picture.left_at(host.name) or host.step_at,
            *(move.ended_at for move in refused)]))
        if survey is None:
            return None
        with self.turn.bookings.choosing:
            return self.find_target(host, instance, survey, refused,
                                    known.where if stands else {})

    def find_target(self, host, instance, survey, refused, known):
        """Choose targets for all that is left on a host.

        :param known: {instance id: host} of those whose targets stand
        :returns: that of one instance, or None: there may be one soon
        :raises NoRoom: there is none, nor may be soon
        """
        moving = {row.instance_id: row.target
                  for row in self.picture.moving_from(host.name)}
        view = viewing.moved(self.view(survey), moving)
        left = [row.instance_id for row in self.instances_on(host)
                if row.instance_id in view.instances
                and row.instance_id not in moving]
        unfit = {move.target for move in refused}

        def fit(view):
            return planner.fit(view, left, [
                name for name in planner.targets_for(
                    view, host.name, host.question)
                if name not in unfit]) or {}

        targets = known | fit(view)
        if instance.instance_id not in targets:
            # It has to go: who comes first has what others have booked.
            view = viewing.moved(
                viewing.view(self.turn, survey, booked=False), moving)
            targets = known | fit(view)
        booking.plan(self.turn, survey, host.name, targets)
        waiting = self.turn.memory.targets_down
        if instance.instance_id in targets:
            waiting.pop(host.name, None)
        elif instance.instance_id in fit(viewing.all_up(
                view, survey)) and self.hopes_since(waiting.setdefault(
                    host.name, self.turn.now)):
            return None
        else:
            waiting.pop(host.name, None)
            reason = (f'no host has room for instance '
                      f'{instance.instance_id} of {host.name}')
            if refused:
                reason = f'{refused[-1].reason}; and else {reason}'
            raise NoRoom(reason)
        return targets[instance.instance_id]

    def misled(self, host, since=None):
        """Tell whether a host was begun for room in another cell of Nova.

        That is known from a move which Nova refused. Once nothing of the host
        is on its way it may go back, for a plan that knows better.

        :param since: only if it became known then or later
        """
        return any(
            pictures.other_cell(move) and (
                since is None or move.ended_at >= since)
            for move in self.picture.refused(host.name, 0))

    def hopes_since(self, since):
        """Tell whether hosts that are down are given time to be back.

        The cloud is looked at again now and then.
        """
        if self.passed(self.turn.later(
                self.option('cloud_patience'), since)):
            return False
        self.survey(max(since, self.turn.later(-LOOK_AGAIN)))
        self.turn.wake(self.turn.later(LOOK_AGAIN))
        return True

    def settle_moves(self):
        """Bring moves that were begun to their end; true when none is left.

        What a project does itself is not waited for.
        """
        for row in list(self.picture.moving.values()):
            if row.action == words.OWN_ACTION:
                continue
            try:
                moving.follow(self.turn, row)
            except Failed:
                pass        # Noted with the move; here only its end counts.
        if not any(row.action != words.OWN_ACTION
                   for row in self.picture.moving.values()):
            return True
        # The answer to a request concerns a host that may have stopped.
        self.turn.wake(self.turn.later(self.turn.conf.nova.observe_interval))
        return False

    def run_actions(self, type_, host=None):
        """Run the actions of a type; true when all are done.

        :raises Failed: one failed
        """
        return acting.run_actions(self.turn, type_, host)

    # -- verbs: the rest ------------------------------------------------------

    def option(self, name):
        """Return an option of [workflow] or [planner] for this session."""
        return self.turn.option(name)

    def note(self, text, **about):
        """Write into the session's timeline."""
        telling.note(self.turn, text, **about)

    def warn(self, text, **about):
        """Write a warning into the session's timeline."""
        telling.warn(self.turn, text, **about)

    def passed(self, when):
        """Tell whether a time has come; called again then, if not."""
        return self.turn.passed(when)


__all__ = ['PROCEED', 'SKIP', 'Failed', 'NoRoom', 'Workflow', 'states',
           'words']
