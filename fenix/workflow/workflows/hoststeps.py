# SPDX-License-Identifier: Apache-2.0
"""The steps of one host, from the question to the end."""

from fenix import words
from fenix.workflow import base
from fenix.workflow import states


class HostSteps:
    """Ask, empty, maintain, give back."""

    def ask(self, host):
        if not self.disable(host):
            return None
        return self.after_asking(host)

    def after_asking(self, host):
        """Ask about what is on a host; return the step that follows."""
        if self.look(host) is None:
            return None
        self.forget_gone(host)
        consents = self.consents(host)
        if base.SKIP in consents:
            after = self.leave_out(host)
        elif None in consents or not self.may_empty(host):
            return None
        else:
            after = states.EMPTY
        # Of a host that is left alone.
        self.withdraw_questions(host)
        return after

    def forget_gone(self, host):
        """Take back the questions about nothing but instances that left.

        Nobody looks for their answers, and other hosts may wait for them.
        """
        here = {row.instance_id for row in self.instances_on(host)}
        for ask in self.picture.unanswered_at(host.name):
            if here.isdisjoint(ask.instance_ids):
                self.withdraw(ask)

    def may_empty(self, host):
        """Tell whether a host may be emptied, now that all agreed."""
        return True

    def leave_out(self, host):
        """Let a host be, for now or for good."""
        if host.question == words.PREPARE_MAINTENANCE:
            return states.LEAVE
        self.warn(f'host {host.name} is left out: a project with instances '
                  'on it did not agree', host=host.name)
        return states.SKIPPED

    def consents(self, host):
        """Return what the projects say to each instance on the host."""
        instances = self.instances_on(host)
        new = [row for row in instances if self.unasked(host, row)]
        if new:
            self.put_questions(host, new)
        return [None if self.unasked(host, row) else self.consent(
            self.picture.ask_about(
                host.question, host.name, row.instance_id))
            for row in instances]

    def unasked(self, host, instance):
        """Tell whether an instance has to be asked about, or once more."""
        ask = self.picture.ask_about(
            host.question, host.name, instance.instance_id)
        return ask is None or ask.state == 'withdrawn' or (
            ask.round < host.round and ask.state in (
                'nacked', 'expired', 'unsubscribed'))

    def put_questions(self, host, instances):
        """Ask about instances that nobody was asked about.

        Each by itself if it has constraints, the others of a project
        together (CONTRACT.md 5.2).
        """
        constrained, _ = self.turn.constraints(
            [row.instance_id for row in instances])
        together = {}
        for row in instances:
            constraint = constrained.get(row.instance_id)
            if constraint is None:
                together.setdefault(row.project_id, []).append(
                    row.instance_id)
                continue
            self.question(
                host.question, row.project_id, host=host.name,
                instance_id=row.instance_id, instance_ids=[row.instance_id],
                round=host.round, window=max(self.option('reply_window'),
                                             constraint.lead_time))
        for project_id, ids in together.items():
            if self.url_is_busy(project_id, host):
                continue
            self.question(
                host.question, project_id, host=host.name, instance_ids=ids,
                round=host.round, window=self.option('reply_window'))

    def empty(self, host):
        instances = self.instances_on(host)
        if any(self.unasked(host, row) for row in instances):
            return states.ASK
        # Lists: every move is to go on, whether others are done or not.
        # Nova shows an instance on its target before the move is over.
        under_way = [self.follow(move)
                     for move in self.picture.moving_from(host.name)]
        try:
            moved = [self.move(host, row) for row in instances]
        except base.NoRoom:
            if not self.misled(host):
                raise
            return (None if self.picture.moving_from(host.name)
                    else states.LEAVE)
        if not all(under_way + moved):
            return None
        return states.MAINTAIN

    def maintain(self, host):
        if not host.announced:
            if not self.disable(host):
                return None
            if not self.proved_empty(host):
                return states.ASK if self.newcomers(host) else None
            self.announce_host(host, words.IN_MAINTENANCE)
        if not self.told_of(host):
            return None
        types = (['host'] + ['compute'] * host.is_compute
                 + ['controller'] * host.is_controller)
        for type_ in types:
            if not self.run_actions(type_, host):
                return None
        return states.GIVE_BACK

    def newcomers(self, host):
        """Tell whether instances turned up that nobody was asked about."""
        return host.is_compute and any(
            self.unasked(host, row) for row in self.instances_on(host))

    def give_back(self, host):
        if not self.service_up(host) or not self.enable(host):
            return None
        self.announce_host(host, words.MAINTENANCE_COMPLETE)
        return states.DONE

    def leave(self, host):
        return states.PENDING if self.enable(host) else None
