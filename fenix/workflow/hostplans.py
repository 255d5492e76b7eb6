# SPDX-License-Identifier: Apache-2.0
"""What happens to each host of a session: what is done, and what will be."""

import collections

from fenix.workflow import states
from fenix.workflow.planner import forecast as forecasts


class HostPlans:
    """The hosts of a plan, what is done of them taken from the rows.

    :param picture: the session's
    :param fleet: ``planner.fleet.Fleet``, before anything of the forecast
    :param found: ``planner.forecast.Forecast``
    :param when: a function: the planner's seconds -> aware
    :param spell: a function: aware -> text
    """

    def __init__(self, picture, fleet, found, when, spell):
        self.picture = picture
        self.fleet = fleet
        self.when = when
        self.spell = spell
        self.order = {name: n for n, name in enumerate(found.order)}
        self.entries = collections.defaultdict(list)
        for entry in found.entries:
            self.entries[entry.host, entry.kind].append(entry)
        self.moves = collections.defaultdict(list)
        for move in sorted(picture.moves.values(),
                           key=lambda move: move.intended_at):
            self.moves[move.source].append(move)
        self.asked = collections.defaultdict(list)
        for ask in picture.asks.values():
            if ask.published_at is not None and ask.state != 'withdrawn':
                self.asked[ask.host].append(ask)
        self.runs = collections.defaultdict(list)
        for run in picture.runs.values():
            self.runs[run.host].append(run)

    def tell(self):
        """Return what happens to each host, those first that are through."""
        return [self.host(row) for row in sorted(
            self.picture.hosts.values(),
            key=lambda row: (row.step not in states.THROUGH, self.order.get(
                row.name, len(self.order)), row.position, row.name))]

    def host(self, row):
        """Return what happens to one host."""
        moves = [*self.moves_done(row), *self.moves_to_come(row)]
        asks = [*self.asks_put(row), *self.asks_to_come(row)]
        works = self.entries[row.name, forecasts.MAINTAIN]
        began, ended = self.began(row), (
            row.step_at if row.step == states.DONE else None)
        if began is None and works:
            began = self.when(works[0].start)
        if works:
            ended = self.when(works[-1].end)
        return {
            'name': row.name, 'step': row.step,
            'asked_at': self.text(min(
                [at for at, _ in asks], default=None)),
            'asks': [self.ask(at, ask, moves) for at, ask in asks],
            'moves': [move | {'from': self.text(move['from']),
                              'until': self.text(move['until'])}
                      for move in moves],
            'maintenance_from': self.text(began),
            'maintenance_until': self.text(ended),
        }

    def text(self, when):
        return None if when is None else self.spell(when)

    # -- moves --------------------------------------------------------------

    def moves_done(self, row):
        """Yield the moves off a host that are over."""
        for move in self.moves[row.name]:
            if move.state == 'done':
                yield {'instance_id': move.instance_id,
                       'project_id': move.project_id, 'action': move.action,
                       'target': move.target, 'from': move.intended_at,
                       'until': move.ended_at, 'done': True}

    def moves_to_come(self, row):
        """Yield the moves off a host that go on or will be begun."""
        for entry in self.entries[row.name, forecasts.MOVE]:
            instance = self.fleet.instances[entry.instance_id]
            known = self.picture.move_of(entry.instance_id)
            under_way = known is not None and known.source == row.name
            yield {'instance_id': entry.instance_id,
                   'project_id': instance.project_id,
                   'action': known.action if under_way else instance.action,
                   'target': entry.target,
                   'from': (known.intended_at if under_way
                            else self.when(entry.start)),
                   'until': self.when(entry.end), 'done': False}

    # -- work on the host ---------------------------------------------------

    def began(self, row):
        """Return when the work on a host began, None if it did not.

        That is when the last instance left. Of one on which there was none
        only the begin of its first action may be known.
        """
        if row.step not in (states.MAINTAIN, states.GIVE_BACK, states.DONE):
            return None
        left = self.picture.left_at(row.name)
        if left is None and row.step == states.MAINTAIN:
            left = row.step_at
        return left or min(
            [run.started_at for run in self.runs[row.name]], default=None)

    # -- questions ----------------------------------------------------------

    def asks_put(self, row):
        """Yield when the projects were asked, and what."""
        for ask in self.asked[row.name]:
            yield ask.published_at, {
                'project_id': ask.project_id, 'question': ask.question,
                'instance_ids': list(ask.instance_ids)}

    def asks_to_come(self, row):
        """Yield when projects are to be asked, and what."""
        put = {(ask.question, key) for ask in self.asked[row.name]
               for key in ask.instance_ids}
        for entry in self.entries[row.name, forecasts.ASK]:
            # Who was asked already, though he has not answered, is not
            # asked once more.
            question = entry.question or row.question
            projects = collections.defaultdict(list)
            for key in entry.instances:
                if (question, key) not in put:
                    projects[self.fleet.instances[key].project_id].append(
                        key)
            for project, ids in sorted(projects.items()):
                yield self.when(entry.start), {
                    'project_id': project, 'question': question,
                    'instance_ids': sorted(ids)}

    def ask(self, at, ask, moves):
        """Return a question with its time and its notice.

        :param moves: of the instances off the host
        """
        first = min([move['from'] for move in moves
                     if move['instance_id'] in ask['instance_ids']
                     and move['from'] >= at], default=None)
        return ask | {
            'asked_at': self.spell(at),
            'notice_s': None if first is None else round(
                (first - at).total_seconds(), 1)}
