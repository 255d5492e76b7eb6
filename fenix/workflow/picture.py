# SPDX-License-Identifier: Apache-2.0
"""What the owner of a session knows of it.

Only the owner writes a session, so it may keep this picture between two
events. It is changed by ``Turn`` alone, together with the database: any
database error drops it, and it is loaded anew.

The indexes keep the cost of one event independent of the session's size.
"""

import collections

from fenix.workflow import cells
from fenix.workflow import states

#: States of an ask that still waits for an answer.
UNANSWERED = frozenset(['waiting', 'open'])
#: States of a move that is not over.
MOVING = frozenset(['intended', 'requested', 'unknown', 'confirming'])
#: Moves of each action of which it is remembered how long they took.
NEWEST = 20


def between_cells(move):
    """Return how the reason begins when Nova moves nothing between cells."""
    return f'{move.target} is in another cell of Nova than {move.source}'


def other_cell(move):
    """Tell whether a move was refused because of Nova's cells."""
    return move.state == 'refused' and move.reason.startswith(
        between_cells(move))


class Picture:
    """A session with its hosts, instances, asks, moves and runs.

    :param rows: ``fenix.db.pictures.Rows``
    """

    def __init__(self, rows):
        self.session = rows.session
        self.hosts = {host.name: host for host in sorted(
            rows.hosts, key=lambda host: (host.position, host.name))}
        self.active = set()
        #: Names of the hosts that are to come.
        self.pending = set()
        #: Those of them that are no compute hosts.
        self.waiting_controllers = set()
        #: Names of the hosts that failed.
        self.failed = set()
        for host in rows.hosts:
            self._index_host(host)
        self.through = sum(host.step in states.THROUGH
                           for host in rows.hosts)
        self.instances = {}
        self.on_host = collections.defaultdict(set)
        self._of_project = collections.defaultdict(set)
        #: Ids of the instances in ERROR.
        self.in_error = set()
        self.asks = {}
        self.unanswered = {}
        #: The same by project, host and instance.
        self._unanswered_to = collections.defaultdict(dict)
        self._unanswered_at = collections.defaultdict(dict)
        self._unanswered_about = collections.defaultdict(dict)
        self._asks = {}
        self._asks_to = collections.defaultdict(list)
        self._asks_of_instance = {}
        self.moves = {}
        self.moving = {}
        self._moves = {}
        self._moving_from = collections.defaultdict(dict)
        self._move_of = {}
        #: Moves off a host that their targets refused.
        self._refused = collections.defaultdict(dict)
        #: What the moves tell of Nova's cells.
        self.cells = cells.Cells()
        self._left_at = {}
        #: By action: the seconds until the newest moves were there.
        self.took = collections.defaultdict(
            lambda: collections.deque(maxlen=NEWEST))
        #: Ids of the instances whose newest move failed: they may still
        #: hold their share of a group.
        self.holding = set()
        self.actions = sorted(rows.actions, key=lambda action: (
            action.plugin, action.position))
        self.runs = {}
        self._running = {}
        self._runs = {}
        self.outbox = collections.deque(rows.events)
        for row in rows.instances:
            self.index(row)
        for row in sorted(rows.asks, key=lambda ask: (ask.created_at,
                                                      ask.round)):
            self.index(row)
        for row in sorted(rows.moves, key=lambda move: move.intended_at):
            self.index(row)
        for row in sorted(rows.runs, key=lambda run: run.started_at):
            self.index(row)

    # -- what a row is found by -----------------------------------------

    def index(self, row):
        """Take in a row that is new or has changed."""
        getattr(self, f'_index_{type(row).__name__.lower()}',
                lambda row: None)(row)

    def _index_host(self, host):
        self.hosts[host.name] = host
        _keep(self.active, host.name, host.step not in states.AT_REST)
        _keep(self.pending, host.name, host.step == states.PENDING)
        _keep(self.waiting_controllers, host.name,
              host.step == states.PENDING and not host.is_compute)
        _keep(self.failed, host.name, host.reason is not None)

    def _index_instance(self, instance):
        self.instances[instance.instance_id] = instance
        key = instance.instance_id
        if instance.host is not None and not instance.gone:
            self.on_host[instance.host].add(key)
        _keep(self._of_project[instance.project_id], key, not instance.gone)
        _keep(self.in_error, key,
              instance.status == 'ERROR' and not instance.gone)

    def unplace(self, instance):
        """Forget where an instance is, before that changes."""
        self.on_host[instance.host].discard(instance.instance_id)

    def _index_ask(self, ask):
        new = ask.id not in self.asks
        self.asks[ask.id] = ask
        places = [self.unanswered, self._unanswered_to[ask.project_id],
                  self._unanswered_at[ask.host]] + [
                      self._unanswered_about[key] for key in ask.instance_ids]
        for place in places:
            if ask.state in UNANSWERED:
                place[ask.id] = ask
            else:
                place.pop(ask.id, None)
        if new:
            self._asks[ask.question, ask.project_id, ask.host,
                       ask.instance_id] = ask
            self._asks_to[ask.question].append(ask)
            for instance_id in ask.instance_ids:
                self._asks_of_instance[
                    ask.question, ask.host, instance_id] = ask

    def _index_move(self, move):
        seen = move.id in self.moves and move.id not in self.moving
        if move.id not in self.moves:
            self._moves[move.instance_id, move.source] = move
        self.moves[move.id] = move
        _keep(self.holding, move.instance_id, move.state == 'failed')
        if move.state in MOVING:
            self.moving[move.id] = move
            self._moving_from[move.source][move.id] = move
            self._move_of[move.instance_id] = move
            return
        self.moving.pop(move.id, None)
        self._moving_from[move.source].pop(move.id, None)
        if self._move_of.get(move.instance_id) is move:
            del self._move_of[move.instance_id]
        if move.state == 'refused':
            self._refused[move.source][move.id] = move
            if other_cell(move):
                self.cells.apart(move.source, move.target)
        elif move.state == 'done' and move.target is not None:
            self.cells.together(move.source, move.target)
            if not seen:
                self.took[move.action].append((
                    (move.confirm_at or move.ended_at)
                    - move.intended_at).total_seconds())
        self._left_at[move.source] = max(
            move.ended_at, self._left_at.get(move.source, move.ended_at))

    def _index_actionrun(self, run):
        if run.id not in self.runs:
            self._runs[run.action_id, run.host] = run
        self.runs[run.id] = run
        if run.state == 'running':
            self._running[run.id] = run
        else:
            self._running.pop(run.id, None)

    def queue(self, event):
        """Put a new event behind the others that wait to be published."""
        if event.message_id is not None:
            self.outbox.append(event)

    # -- what a workflow asks ---------------------------------------------

    def instances_on(self, host):
        """Return the instances on a host, as last observed, by id."""
        return [self.instances[key] for key in sorted(self.on_host[host])]

    def projects(self):
        """Return the ids of the projects with instances in the session."""
        return sorted(project_id for project_id, ids
                      in self._of_project.items() if ids)

    def instances_of(self, project_id):
        """Return the ids of the instances of a project, in order."""
        return sorted(self._of_project[project_id])

    def latest_ask(self, question, project_id, host=None, instance_id=None):
        """Return the newest ask of that kind, or None."""
        return self._asks.get((question, project_id, host, instance_id))

    def unanswered_to(self, project_id, instance_id=None):
        """Return the questions to a project that wait for an answer.

        :param instance_id: only those that are about this instance
        """
        asks = (self._unanswered_to[project_id] if instance_id is None
                else self._unanswered_about[instance_id])
        return [ask for ask in asks.values()
                if ask.project_id == project_id]

    def unanswered_at(self, host):
        """Return the questions about a host that wait for an answer."""
        return list(self._unanswered_at[host].values())

    def asks_to(self, question):
        """Return all asks with a question, oldest first."""
        return self._asks_to[question]

    def ask_about(self, question, host, instance_id):
        """Return the newest ask that is about an instance, or None."""
        return self._asks_of_instance.get((question, host, instance_id))

    def latest_move(self, instance_id, source):
        """Return the newest move of an instance off a host, or None."""
        return self._moves.get((instance_id, source))

    def moving_from(self, host):
        """Return the moves off a host that are not over."""
        return list(self._moving_from[host].values())

    def move_of(self, instance_id):
        """Return the move of an instance that is not over, or None."""
        return self._move_of.get(instance_id)

    def refused(self, host, since_round, instance_id=None):
        """Return the moves off a host that their targets refused.

        :param since_round: only of this round of the host and later ones
        :param instance_id: only of this instance
        """
        return [move for move in self._refused[host].values()
                if move.round >= since_round
                and instance_id in (None, move.instance_id)]

    def left_at(self, host):
        """Return when the last move off a host ended, or None."""
        return self._left_at.get(host)

    def latest_run(self, action_id, host):
        """Return the newest run of an action on a host, or None."""
        return self._runs.get((action_id, host))

    def running(self):
        """Return the action runs that go on."""
        return list(self._running.values())

    def active_hosts(self):
        """Return the hosts in a step that is not at rest."""
        return [self.hosts[name] for name in sorted(self.active)]


def _keep(ids, key, belongs):
    """Have an id in a set, or not."""
    if belongs:
        ids.add(key)
    else:
        ids.discard(key)
