# SPDX-License-Identifier: Apache-2.0
"""The ``default`` workflow: the OPNFV Doctor use case, one host at a time.

The steps of a host are in ``hoststeps``; this is the session around them.
"""

import dataclasses

from fenix import size
from fenix import words
from fenix.conf import planner as planner_options
from fenix.workflow import base
from fenix.workflow import states
from fenix.workflow.planner import planner
from fenix.workflow.verbs import hosting
from fenix.workflow.verbs import keeping
from fenix.workflow.workflows import discovery
from fenix.workflow.workflows import hoststeps
from fenix.workflow.workflows import room


class DefaultWorkflow(hoststeps.HostSteps, room.ScaleIn,
                      discovery.Discovery, base.Workflow):
    """Hosts one after another, each in agreement with its projects."""

    #: Whether a host begins only when the one before it has ended.
    one_at_a_time = True

    def __init__(self, turn):
        super().__init__(turn)
        if self.one_at_a_time:
            # A plan is to foretell what is done, and so without them.
            turn.lift(planner_options.VNF_ALONE)

    # -- announce -------------------------------------------------------------

    def announce(self):
        if not self.discover():
            return None
        asks = [self.told(project_id)
                for project_id in self.picture.projects()]
        if None in asks or not all(
                ask.reply_by is not None or ask.state == 'unsubscribed'
                for ask in asks):
            return None
        start = max([self.session.maintenance_at] + [
            ask.reply_by for ask in asks if ask.reply_by is not None])
        # Its policies may end the session as soon as they are known to.
        answers = [self.consent(ask) for ask in asks]
        if not self.passed(start):
            return None
        if None in answers:
            return None
        self.skip_hosts_of({ask.project_id for ask, answer
                            in zip(asks, answers, strict=True)
                            if answer == base.SKIP})
        if not self.run_actions('pre'):
            return None
        return states.MAKE_ROOM

    def told(self, project_id):
        """Return the MAINTENANCE question to a project, asking it if need be.

        :returns: None while something has to be known first
        """
        # Two rounds in each of the session's: the question, and once more.
        round_ = 2 * self.session.round
        ids = self.picture.instances_of(project_id)
        known = self.picture.latest_ask(words.MAINTENANCE, project_id)
        if known is not None:
            if known.state == 'nacked' and known.round == round_:
                # The list that the project refused may be out of date.
                if self.survey(known.answered_at) is None:
                    return None
                ids = self.picture.instances_of(project_id)
                if known.instance_ids != ids:
                    round_ += 1
            if known.round >= round_ or known.state not in (
                    'expired', 'nacked', 'unsubscribed'):
                return known
        return self.question(
            words.MAINTENANCE, project_id, window=self.option('min_notice'),
            instance_ids=ids, until=self.session.maintenance_at,
            round=round_)

    def skip_hosts_of(self, projects):
        """Leave out the hosts that have instances of these projects."""
        for host in self.picture.hosts.values():
            if host.step == states.PENDING and any(
                    row.project_id in projects
                    for row in self.instances_on(host)):
                self.warn(f'host {host.name} is left out: a project with '
                          'instances on it did not agree', host=host.name)
                self.start_host(host, states.SKIPPED)

    # -- run hosts ------------------------------------------------------------

    def run_hosts(self):
        if self.picture.active:
            return None
        pending = [host for host in self.picture.hosts.values()
                   if host.step == states.PENDING]
        for host in pending:
            if not host.is_compute:
                self.start_host(host, states.MAINTAIN)
                return None
        if not pending:
            return states.FINISH
        # Each that ends calls this: the choice is made when all have.
        if not all([self.disable(host) for host in pending
                    if host.disabled == hosting.ASKED]) or any(
                self.turn.in_flight('enable', host.name)
                for host in pending):
            return None
        survey = self.survey(max(filter(None, [
            self.last_change(), self.turn.memory.surprised_at])))
        if survey is None:
            return None
        down = self.down(survey)
        if {host.name for host in pending} <= down and self.hopes_for(down):
            return None
        # Others choose when they see what this one has booked.
        with self.turn.bookings.choosing:
            return self.begin_with(survey, pending)

    def begin_with(self, survey, pending):
        """Send the host on its way whose turn it is.

        :param pending: the hosts to choose from
        :returns: the next phase, or None to stay
        """
        choice = self.choose(survey)
        if isinstance(choice, planner.NeedRoom):
            # All seem to be down while the message bus is away.
            if self.hopes_for(self.lost(survey)):
                return None
            closed = self.worth_opening(survey)
            if not closed:
                return states.MAKE_ROOM
            if not all([self.enable(host) for host in closed]):
                keeping.surprised(self.turn)    # The survey is of before.
            return None
        if (self.disables_undone
                and choice.question == words.PLANNED_MAINTENANCE
                and not all([self.disable(host) for host in pending])):
            return None
        self.start_host(self.picture.hosts[choice.host], states.ASK,
                        choice.question, choice.targets)
        return None

    @property
    def disables_undone(self):
        """Whether all hosts that are not done are kept free of new ones."""
        return self.option('disable_undone')

    def worth_opening(self, survey):
        """Return the hosts to come whose being in use makes the room missing.

        They are kept free of instances for a plan that turned out otherwise:
        it could not know in which cells of Nova the hosts are, say.
        """
        closed = [host for host in self.to_be_emptied()
                  if host.disabled == hosting.US]
        names = {host.name for host in closed}
        return closed if names and isinstance(
            self.choose(survey, names), planner.Start) else []

    def choose(self, survey, opened=frozenset()):
        """Return what the planner would do next.

        :param opened: names of hosts that count as if they were in use
        :raises Failed: nothing is left but what cannot be emptied
        """
        view = self.view(survey)
        view = dataclasses.replace(view, hosts=view.hosts | {
            name: dataclasses.replace(
                view.hosts[name], open=survey.hosts[name].up)
            for name in opened & view.hosts.keys()})
        down = self.down(survey)
        unwilling = self.left_out()
        choice = planner.next_host(view, left_out=unwilling | down)
        if unwilling and not isinstance(choice, planner.Start):
            # They may go as soon as the room for them is there.
            other = planner.next_host(view, left_out=down)
            if other is not None and (
                    not isinstance(other, planner.Start)
                    or other.question == words.PLANNED_MAINTENANCE):
                return other
        if choice is not None:
            return choice
        if unwilling:
            return planner.NeedRoom(
                host=min(unwilling), missing=size.Size(),
                reason=f'{", ".join(sorted(unwilling))} may not be emptied '
                       'to make room: a project on it does not agree')
        if down:
            raise self.only_down(down)
        raise base.Failed(
            'Placement has no resource provider of '
            + ', '.join(name for name, host in self.picture.hosts.items()
                        if host.step == states.PENDING
                        and name not in view.hosts))

    def only_down(self, down):
        """Return the error that nothing else is left to do."""
        return base.Failed(
            f'{", ".join(sorted(down))} is down and has instances, which '
            'Nova cannot move: start its nova-compute, or evacuate it')

    def hopes_for(self, hosts):
        """Tell whether hosts, if any, are given time to be back."""
        return bool(hosts) and self.hopes_since(self.last_change())

    def lost(self, survey):
        """Return the hosts that are down although they were given back."""
        return {host.name for host in self.picture.hosts.values()
                if host.step == states.DONE and host.is_compute
                and host.name in survey.hosts
                and not survey.hosts[host.name].up}

    def down(self, survey):
        """Return the hosts that are down, with instances on them.

        They come last: they may be back by then.
        """
        return frozenset(
            host.name for host in self.picture.hosts.values()
            if host.step == states.PENDING and host.is_compute
            and host.name in survey.hosts
            and not survey.hosts[host.name].up and self.instances_on(host))

    def left_out(self):
        """Return the hosts that must not be emptied to make room now."""
        return frozenset(
            ask.host for ask in self.picture.asks_to(
                words.PREPARE_MAINTENANCE)
            if ask.state in ('nacked', 'expired', 'unsubscribed')
            and ask.round >= self.picture.hosts[ask.host].round
            and self.picture.hosts[ask.host].step == states.PENDING)

    def last_change(self):
        """Return when the session last changed what a plan depends on."""
        return max([host.step_at for host in self.picture.hosts.values()
                    if host.step_at is not None]
                   + [self.session.created_at])

    # -- finish ---------------------------------------------------------------

    def finish(self):
        if not self.run_actions('post'):
            return None
        if not all([self.enable(host)
                    for host in self.picture.hosts.values()]):
            return None
        asks = [self.completed(project_id) for project_id in self.informed()]
        if None in asks or not all([self.answered(ask) for ask in asks]):
            return None
        return states.OVER

    def informed(self):
        """Return the projects that were told about the session."""
        return sorted({ask.project_id for ask in self.picture.asks.values()
                       if ask.published_at is not None})

    def completed(self, project_id):
        """Return the final question to a project, asking it if need be."""
        known = self.picture.latest_ask(
            words.MAINTENANCE_COMPLETE, project_id)
        if known is not None and not (
                known.unsure and self.answered(known)
                and known.state == 'expired'):
            return known
        return self.question(
            words.MAINTENANCE_COMPLETE, project_id,
            window=self.option('complete_window'),
            instance_ids=self.picture.instances_of(project_id))
