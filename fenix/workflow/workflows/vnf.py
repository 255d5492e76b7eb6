# SPDX-License-Identifier: Apache-2.0
"""The ``vnf`` workflow: for applications that registered constraints.

As many hosts at once as room, limits and constraints allow, each in its own
step. The planner's fleet says what may be done; this carries it out.
"""

from fenix import words
from fenix.size import Size
from fenix.workflow import base
from fenix.workflow import ending
from fenix.workflow import states
from fenix.workflow.planner import model
from fenix.workflow.verbs import explaining
from fenix.workflow.verbs import grouping
from fenix.workflow.verbs import hosting
from fenix.workflow.verbs import keeping
from fenix.workflow.workflows import default

#: Seconds that a time of the planner's is rounded up by.
ROUNDED = 0.001


class VnfWorkflow(default.DefaultWorkflow):
    """Many hosts in flight, each in agreement with its projects."""

    one_at_a_time = False

    @property
    def disables_undone(self):
        return bool(self.session.settings.get('disable_undone', False))

    @property
    def halted(self):
        """Whether a host failed: nothing new is begun then."""
        return bool(self.picture.failed)

    def host_failed(self, host, reason):
        ending.stop_host(self.turn, host, reason)
        self.warn(f'host {host.name} failed: {reason}', host=host.name)
        self.turn.touch(None)

    # -- run hosts ------------------------------------------------------------

    def run_hosts(self):
        if self.halted:
            return self.halt()
        if not self.controllers_done():
            return None
        if not self.picture.pending and not self.picture.active:
            return states.FINISH
        if not all([self.disable(host) for host in self.to_be_disabled()]):
            return None
        kept = self.kept()
        if kept is None:
            return None
        orders = self.orders(kept)
        for ask in orders.ask:
            self.begin(kept, ask.host, ask.question)
        for name in orders.empty:
            self.begin(kept, name, words.PLANNED_MAINTENANCE)
        for instance_id, _target in orders.moves:
            self.turn.touch(kept.fleet.instances[instance_id].host)
        if orders.wake is not None:
            self.passed(self.turn.later(
                orders.wake + ROUNDED, self.session.created_at))
        explaining.note_all(self.turn, kept.fleet)
        if orders.room is not None:
            return states.MAKE_ROOM
        if (kept.down and kept.down >= self.picture.pending
                and not self.in_hand(orders)):
            self.look_at_down(kept)
        else:
            self.watch_for_stall(kept, orders)
        return None

    def look_at_down(self, kept):
        """Look again at hosts that are down: they may be back by now.

        :raises Failed: nothing else is left
        """
        since = self.last_change()
        if kept.surveyed_at >= since and not self.hopes_for(kept.down):
            raise self.only_down(kept.down)
        asked = self.turn.memory.surprised_at
        if asked is not None and asked > kept.surveyed_at:
            return    # It is being looked at.
        if kept.surveyed_at < since or self.passed(self.turn.later(
                base.LOOK_AGAIN, kept.surveyed_at)):
            keeping.surprised(self.turn)

    def controllers_done(self):
        """Send controllers without nova-compute on their way, one by one."""
        if not self.picture.waiting_controllers:
            return not any(not host.is_compute
                           for host in self.picture.active_hosts())
        if not self.picture.active:
            self.start_host(self.picture.hosts[min(
                self.picture.waiting_controllers)], states.MAINTAIN)
        return False

    def to_be_disabled(self):
        """Return the hosts that are kept free of new instances by now."""
        hosts = [self.picture.hosts[name]
                 for name in sorted(self.picture.pending)
                 ] if self.disables_undone else []
        return [host for host in hosts if host.disabled in (
            None, hosting.ASKED)]

    def begin(self, kept, name, question):
        """Send a host on its way, or go on with one that was asked."""
        host = self.picture.hosts[name]
        if host.step == states.PENDING:
            self.start_host(host, states.ASK, question)
            kept.fleet.asked(name, keeping.seconds(self.turn))
        self.turn.touch(name)

    def kept(self):
        """Return the fleet, made anew when it is time; None while it is not.

        The old one serves until the cloud was looked at.
        """
        memory = self.turn.memory
        after = max(filter(None, [
            memory.surprised_at, self.session.created_at]))
        survey = self.turn.watch(
            'survey', None, after, self.option('survey_interval'))
        if survey is not None and (
                memory.kept is None or memory.kept.surveyed_at
                != memory.readings['survey', None].at):
            self.make_fleet(survey)
        return memory.kept

    def make_fleet(self, survey):
        keeping.make(self.turn, survey, self.down(survey),
                     self.disables_undone)
        kept = self.turn.memory.kept
        for name in (self.left_out() | kept.down) & self.picture.pending:
            kept.fleet.refused(name)
        unknown = self.picture.pending - kept.fleet.hosts.keys()
        if unknown:
            raise base.Failed('Placement has no resource provider of '
                              + ', '.join(sorted(unknown)))

    def orders(self, kept):
        """Return what may be done now.

        Hosts that were not to be emptied to make room may go as soon as
        there is room for what is on them; those that are down come last.
        """
        fleet, now = kept.fleet, keeping.seconds(self.turn)
        orders = fleet.orders(now)
        if not self.in_hand(orders) or orders.room is not None:
            for name in self.left_out() - kept.down:
                fleet.put_back(name)
            orders = fleet.orders(now)
        unwilling = self.left_out() if any(
            ask.question == words.PREPARE_MAINTENANCE
            for ask in orders.ask) else ()
        for ask in orders.ask:
            if ask.question == words.PREPARE_MAINTENANCE and (
                    ask.host in unwilling):
                fleet.refused(ask.host)
        if unwilling:
            orders = fleet.orders(now)
            if not self.in_hand(orders) and orders.room is None:
                orders = model.Orders(room=self.no_one_agrees(unwilling))
        return orders

    def no_one_agrees(self, unwilling):
        return model.NeedRoom(
            host=min(unwilling), missing=Size(),
            reason=f'{", ".join(sorted(unwilling))} may not be emptied to '
                   'make room: a project on it does not agree')

    def in_hand(self, orders):
        """Tell whether anything is under way, or will be by itself."""
        return bool(orders.ask or orders.empty or orders.moves
                    or orders.wake is not None or self.picture.moving
                    or self.picture.unanswered or any(
                        host.step not in (states.ASK, states.EMPTY)
                        for host in self.picture.active_hosts()))

    def watch_for_stall(self, kept, orders):
        """Let the hosts fail that nothing has brought on for too long.

        :raises Failed: there is none, and hosts are still to come
        """
        memory = self.turn.memory
        if self.in_hand(orders):
            memory.stalled_at = None
            return
        memory.stalled_at = memory.stalled_at or self.turn.now
        hopeless = self.hopeless(kept)
        if not hopeless and not self.passed(self.turn.later(
                self.option('empty_timeout'), memory.stalled_at)):
            return
        now = keeping.seconds(self.turn)
        for host in self.picture.active_hosts():
            wait = kept.fleet.why(host.name, now)
            self.host_failed(host, 'it cannot be emptied: ' + (
                hopeless.get(host.name)
                or (wait.text if wait else 'the plan has no way')))
        if not self.picture.active:
            waits = {name: kept.fleet.why(name, now)
                     for name in sorted(self.picture.pending)}
            raise base.Failed('; '.join(
                f'host {name} cannot be emptied: '
                + (wait.text if wait else 'the plan has no way')
                for name, wait in waits.items()))

    def hopeless(self, kept):
        """Return why hosts keep an instance that does not get away.

        Its move failed, or all targets refused it and the cloud was looked
        at since. Of no use to wait for: nobody tries again by himself.

        :returns: {name: reason}
        """
        found = {}
        for host in self.picture.active_hosts():
            for row in self.instances_on(host):
                known = self.picture.latest_move(row.instance_id, host.name)
                if (known is not None and known.round >= host.round
                        and (known.state == 'failed'
                             or known.state == 'refused'
                             # Not before the host was begun anew.
                             and host.step_at <= known.ended_at
                             < kept.surveyed_at)):
                    found[host.name] = known.reason
        return found

    def halt(self):
        """Wait until what was begun has settled; then the session fails.

        Moves are followed to their end, and hosts in maintenance are
        finished. All others stay where they are, for the continuation.
        """
        settled = self.settle_moves()
        busy = [host for host in self.picture.active_hosts()
                if host.announced and host.reason is None]
        if settled and not busy:
            raise base.Failed('; '.join(
                f'host {name}: {self.picture.hosts[name].reason}'
                for name in sorted(self.picture.failed)))

    # -- make room ------------------------------------------------------------

    def make_room(self):
        if self.halted:
            return states.RUN_HOSTS
        return super().make_room()

    def to_be_emptied(self):
        return [host for host in self.picture.hosts.values()
                if host.step not in states.THROUGH]

    def worth_opening(self, survey):
        return []       # It disables them only where it is told to.

    def choose(self, survey):
        self.make_fleet(survey)
        return self.orders(self.turn.memory.kept).room

    # -- steps ----------------------------------------------------------------

    def ask(self, host):
        # It stays in use until its turn comes.
        return None if self.halted else self.after_asking(host)

    def consents(self, host):
        answers = super().consents(host)
        for row, answer in zip(self.instances_on(host), answers,
                               strict=True):
            if answer == base.PROCEED:
                keeping.agreed(self.turn, row.instance_id)
        return answers

    def may_empty(self, host):
        kept = self.turn.memory.kept
        return (kept is not None and host.name in kept.fleet.in_flight
                and self.disable(host))

    def empty(self, host):
        if self.halted:
            return None
        instances = self.instances_on(host)
        if (instances and self.misled(host, since=host.step_at)
                and not self.picture.moving_from(host.name)):
            return states.LEAVE
        if any(self.unasked(host, row) for row in instances):
            return states.ASK
        under_way = [self.follow(move)
                     for move in self.picture.moving_from(host.name)]
        for row in instances:
            if self.picture.move_of(row.instance_id) is None and (
                    self.may_move(host, row)):
                self.move(host, row)
        if instances or not all(under_way):
            return None
        return states.MAINTAIN

    def may_move(self, host, row):
        """Tell whether an instance may move, or has nowhere to go."""
        known = self.picture.latest_move(row.instance_id, host.name)
        return self.target(host, row) is not None or (
            known is not None and known.state == 'refused')

    def target(self, host, instance):
        """Return the target of an instance that may move now, or None."""
        kept = self.turn.memory.kept
        target = kept and kept.fleet.offered.get(instance.instance_id)
        if target is None:
            return None
        if not keeping.knows(self.turn, instance.instance_id, target):
            grouping.wait_for_rules(self.turn, host, instance)
            return None
        return target

    def maintain(self, host):
        if self.halted and not host.announced:
            return None
        return super().maintain(host)
