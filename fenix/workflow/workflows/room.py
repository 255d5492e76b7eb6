# SPDX-License-Identifier: Apache-2.0
"""Making room: the projects scale in until a host can be emptied.

Capacity is measured again after each round. An acknowledgement that frees
nothing ends in a clear failure, not in a loop.
"""

from fenix import words
from fenix.workflow import base
from fenix.workflow import states
from fenix.workflow.planner import planner
from fenix.workflow.verbs import viewing
from fenix.workflow.verbs import ways


class ScaleIn:
    """The phase ``make_room``."""

    def make_room(self):
        asks = self.scale_in_asks()
        if not all([self.answered(ask) for ask in asks]):
            return None
        since = max([ask.answered_at for ask in asks]
                    + [self.last_change()])
        hosts = self.to_be_emptied()
        if not all(host.is_compute for host in hosts) or not hosts:
            return states.RUN_HOSTS     # Room is needed by none of them.
        survey = self.turn.watch('survey', None, since)
        if survey is None:
            return None
        choice = self.choose(survey)
        if not isinstance(choice, planner.NeedRoom) or (
                self.worth_opening(survey)):
            self.turn.change(self.session, scale_in_free=None)
            return states.RUN_HOSTS
        self.check_movable(survey, choice)
        free = self.free(survey)
        if asks and not self.freed(survey, free, asks):
            return None
        self.scale_in(choice, free)
        return None

    def to_be_emptied(self):
        """Return the hosts for which room may be needed."""
        return [host for host in self.picture.hosts.values()
                if host.step == states.PENDING]

    def worth_opening(self, survey):
        """Return hosts that make the room missing once they are enabled."""
        return []

    def check_movable(self, survey, choice):
        """Refuse to make room where room is not what is missing.

        :raises Failed: nobody can move an instance of the host
        """
        stuck = [f'{ways.who(server)} {why}' for server, why in
                 viewing.stuck(self.turn, survey)
                 if server.host == choice.host]
        if stuck:
            raise base.Failed('; '.join(
                [f'host {choice.host} cannot be emptied', *stuck]))

    def scale_in_asks(self):
        """Return the questions of the present round."""
        if self.session.scale_in_free is None:
            return []
        return [ask for ask in self.picture.asks_to(words.SCALE_IN)
                if ask.round == self.session.scale_in_round]

    def free(self, survey):
        """Return what is free on all hosts together."""
        total = {'vcpus': 0, 'ram_mb': 0, 'disk_gb': 0}
        for capacity in survey.capacities.values():
            for name in total:
                total[name] += getattr(capacity.free, name)
        return total

    def freed(self, survey, free, asks):
        """Tell whether the last round freed something.

        :raises Failed: it did not, and has had the time for it
        """
        answered = max(ask.answered_at for ask in asks)
        if any(server.task_state == 'deleting'
               for server in survey.servers.values()) and not (
                self.passed(self.turn.later(
                    self.option('empty_timeout'), answered))):
            return False
        before = self.session.scale_in_free
        if any(free[name] > before[name] for name in free):
            return True
        if any(ask.unsure and ask.state == 'expired' for ask in asks):
            # It may never have been asked: once more cannot scale in twice.
            return True
        if not self.passed(self.turn.later(
                self.option('settle_time'), answered)):
            return False
        answers = ', '.join(f'{ask.project_id}: {ask.state}' for ask in asks)
        raise base.Failed(
            f'the projects were asked to scale in ({answers}) and nothing '
            f'became free; {self.choose(survey).reason}')

    def scale_in(self, choice, free):
        """Open the next round."""
        limit = self.option('max_scale_in_rounds') * (self.session.round + 1)
        if self.session.scale_in_round >= limit:
            raise base.Failed(
                f'after {self.session.scale_in_round} rounds of scaling in '
                f'there is still no room; {choice.reason}')
        round_ = self.session.scale_in_round + 1
        asks = [self.question(
            words.SCALE_IN, project_id, round=round_,
            window=self.option('scale_in_window'),
            instance_ids=self.picture.instances_of(project_id))
            for project_id in self.listening()]
        if None in asks:
            return
        if not any(ask.state == 'waiting' for ask in asks):
            raise base.Failed('no project can be asked to scale in; '
                              + choice.reason)
        self.turn.change(self.session, scale_in_round=round_,
                         scale_in_free=free)
        self.note(f'asked to scale in, round {round_}: {choice.reason}')

    def listening(self):
        """Return the projects that have heard of the session so far."""
        return sorted({ask.project_id
                       for ask in self.picture.asks_to(words.MAINTENANCE)
                       if ask.published_at is not None}
                      & set(self.picture.projects()))
