# SPDX-License-Identifier: Apache-2.0
"""One session in its owner's hands.

Everything that concerns the session arrives as a message. A turn takes the
messages, calls the steps and the phase that they concern, commits what came
of it in one transaction, and starts the effects. One thread at a time takes
a turn.
"""

import collections
import datetime
import threading

from oslo_log import log as logging

from fenix import context
from fenix import errors
from fenix import metrics
from fenix import words
from fenix.db import claims
from fenix.db import core
from fenix.db import pictures
from fenix.engine import calls
from fenix.engine import lanes
from fenix.engine import points
from fenix.engine import posted
from fenix.engine import reading
from fenix.engine import relay
from fenix.workflow import ending
from fenix.workflow import picture as picturing
from fenix.workflow import states
from fenix.workflow import turn as turns
from fenix.workflow.verbs import acting
from fenix.workflow.verbs import asking
from fenix.workflow.verbs import booking
from fenix.workflow.verbs import hosting
from fenix.workflow.verbs import moving
from fenix.workflow.verbs import observing

LOG = logging.getLogger(__name__)

READS = frozenset(['survey', 'subscriptions', 'look_at_host',
                   'look_at_server', 'service'])
#: Who takes the answers to the effects that change something.
TAKERS = {
    'migrate': moving.sent,
    'live_migrate': moving.sent,
    'confirm': moving.confirmed,
    'disable': hosting.disabled,
    'enable': hosting.enabled,
    'set_reason': hosting.explained,
    'start_run': acting.reported,
    'run_status': acting.reported,
    'cancel_run': lambda turn, effect, value, error: None,
    'leave_run': lambda turn, effect, value, error: None,
}
#: Turns that may fail, though the database does not, before the session
#: does.
PATIENCE = 5


class Runner:
    """Takes the turns of one session.

    :param session_id: the session
    :param owner: id of the engine that owns it
    :param epoch: under which it owns it
    :param conf: the configuration
    :param clock: tells the database's time
    :param executor: ``submit(runner, effects)`` makes calls and posts their
        results; one that publishes has up to ``batch`` notifications
    :param workflows: finds a workflow class by its name
    :param bookings: ``Bookings`` of all sessions of the engine
    """

    def __init__(self, session_id, owner, epoch, conf, clock, executor,
                 workflows, bookings):
        self.session_id = session_id
        self.owner = owner
        self.epoch = epoch
        self.conf = conf
        self.clock = clock
        self.executor = executor
        self.workflows = workflows
        self.bookings = bookings
        #: What the lines of the log are about.
        self.context = context.of_session(session_id)
        self.picture = None
        self.memory = turns.Memory()
        #: When the steps want to be called: {host name or None: time}.
        self.timers = {}
        #: Nothing is left to do here: another owns it, or it is over.
        self.ended = False
        #: Another engine may own the session, or soon will.
        self.lost = False
        #: Calls that were started and have not ended.
        self._in_flight = set()
        #: Whose those are that wait for the executor.
        self._waits_as = lanes.OTHERS
        #: Turns that failed one after another.
        self._failures = 0
        #: Turns that failed, though the database did not, since the last one
        #: that wrote something.
        self._broken = 0
        self._reason = None
        #: Something was written under this epoch.
        self._began = False
        self._messages = collections.deque([posted.INBOX])
        #: Whom the inbox concerns of which only a part was read.
        self._touched = set()
        #: Messages that could not be acted on, for the next turn.
        self._kept = []
        #: Effects that leave the action runs which go on to the new owner.
        self._runs = []
        self._lock = threading.Lock()

    def post(self, message):
        """Leave a message; the dispatcher has to be told besides."""
        self._messages.append(message)

    @property
    def has_messages(self):
        return bool(self._messages)

    @property
    def rank(self):
        """Whose its calls are for the executor, see ``lanes``."""
        return lanes.rank(self.picture)

    @property
    def next_wake(self):
        """When the runner wants a turn without any message, or None."""
        return min(self.timers.values(), default=None)

    # -- a turn ---------------------------------------------------------------

    def turn(self):
        """Take one turn. Never raises: what fails is tried again later."""
        with self._lock, context.active(self.context):
            if self.lost and not self.ended:
                self._leave()
            if self.ended:
                return
            messages = self._take_messages()
            before = self.memory.copy(changing=[
                message.effect.what for message in messages
                if isinstance(message, posted.Result)])
            try:
                self._turn(messages)
                self._failures = 0
            except errors.Fenced:
                metrics.FAILED_TURNS.labels('fenced').inc()
                LOG.info('session %s: another engine owns it',
                         self.session_id)
                self._leave()
            except claims.Busy as busy:
                self._take_busy(busy, messages, before)
            except errors.HostClaimed as claimed:
                self._forget(messages)
                self._reason = str(claimed)
                self._messages.append(posted.INBOX)
            except errors.SessionNotFound:
                self.ended = True
            except core.ERRORS as error:
                LOG.warning('session %s: the database failed a turn: %s',
                            self.session_id, error)
                self._forget(messages)
                self._failed(error)
            except Exception as error:
                LOG.exception('session %s: a turn failed', self.session_id)
                # What broke it may be one of the messages.
                self._forget()
                self._failed(error)

    def _take_messages(self):
        messages, self._kept = self._kept, []
        while self._messages:
            messages.append(self._messages.popleft())
            if isinstance(messages[-1], posted.Result):
                self._in_flight.discard(messages[-1].effect.what)
                self.memory.in_flight.discard(messages[-1].effect.what)
        return messages

    def let_go(self):
        """Change nothing more: another engine may own the session.

        Does not wait for a turn that goes on; the next turn is the last.
        """
        self.lost = True

    def _leave(self):
        """Take no more turns.

        What runs in this process on the session's behalf is ended, as its
        new owner may start it anew; what runs elsewhere is the new owner's.
        """
        self._forget()
        self.lost = self.ended = True
        self.executor.submit(self, self._runs)

    def close(self):
        """Note the answers that are there, and begin nothing more.

        The last thing that an engine does which ends.

        :raises: as ``pictures.commit``
        """
        if not self._lock.acquire(blocking=False):
            return      # A turn hangs: the database does not answer.
        try:
            results = [message for message in self._take_messages()
                       if isinstance(message, posted.Result)]
            if results and not self.lost and not self.ended:
                turn = self._make_turn()
                for result in results:
                    self._take_result(turn, result)
                self._commit(turn, ([], []))
        finally:
            self._lock.release()

    def _failed(self, error):
        """Try again later, a database that is away as long as it takes."""
        ours = not isinstance(error, core.ERRORS)
        metrics.FAILED_TURNS.labels(
            'internal' if ours else 'database').inc()
        self._failures += 1
        self._broken += ours
        if self._broken >= PATIENCE:
            self._reason = f'internal error: {error!r}'
        self.timers = {None: self._in(
            min(30, 0.2 * 2 ** min(self._failures, 8)))}

    def _in(self, seconds):
        return self.clock.now() + datetime.timedelta(seconds=seconds)

    def _forget(self, messages=()):
        """Forget what a turn may have changed that was not committed.

        Calls that were made before go on, and their answers will come.

        :param messages: of that turn; they are kept, but for those about
            the inbox, which is read anew anyway
        """
        self._kept = [message for message in messages
                      if message != posted.INBOX]
        if self.picture is not None:
            self._runs = [acting.ending('leave_run', self.picture, run)
                          for run in self.picture.running()]
        self.picture = None
        self.bookings.drop(self.session_id)
        self.memory = turns.Memory(in_flight=set(self._in_flight))
        self.timers = {}
        self._touched = set()

    def _take_busy(self, busy, messages, before):
        """Note that another session keeps a group busy, and turn anew.

        That is none of the database's errors: nothing was written for sure.
        What is known of the cloud, and since when something is waited for,
        is as it was before the turn, which may be one of very many.

        :param before: what was remembered then
        """
        self._forget(messages)
        before.in_flight = self.memory.in_flight
        before.busy[busy.group_id] = busy.until or self._in(
            self.conf.nova.observe_interval)
        before.busy_by[busy.group_id] = busy.sessions - {self.session_id}
        self.memory = before
        self._messages.append(posted.INBOX)

    def _turn(self, messages):
        loaded = self.picture is None
        turn = self._make_turn()
        session = self.picture.session
        self.context.project_id = session.project_id
        self._act_on(turn, session.api_request
                     if session.phase == states.ANNOUNCE else None)
        workflow = self.workflows(session.workflow)(turn)
        touched = set(self._touched)
        if loaded:
            touched |= self.picture.active | {None}
            messages = [message for message in messages
                        if message != posted.INBOX] + [posted.INBOX]
        if self._reason is not None:
            ending.fail(turn, self._reason)
        consumed = ([], [])
        due = {subject for subject, when in self.timers.items()
               if when <= turn.now}
        if due and (self.picture.unanswered or (
                turn.session.phase == states.ANNOUNCE)):
            # A window may be over: not before everything that came within
            # it was read, whether its bell rang or not.
            messages = [*messages, posted.INBOX]
        for message in dict.fromkeys(messages):
            if isinstance(message, posted.Result):
                touched |= self._take_result(turn, message)
            elif isinstance(message, posted.RunChanged):
                self._take_run_changed(turn, message)
            elif message == posted.INBOX:
                consumed = reading.unread(self.session_id)
                touched |= self._take_inbox(turn, *consumed)
        if reading.in_time(turn, consumed[0]):
            self._touched = touched | turn.touched | due
        else:
            self._touched = set()
            for subject in due:
                del self.timers[subject]
            calls.call(turn, workflow, touched | due)
        self._overtake()
        over = calls.conclude(turn, workflow)
        relay.send(turn, self.executor.batch)
        self._commit(turn, consumed)
        for reply in consumed[0]:
            metrics.DECISIONS.observe(max(0, (
                self.clock.now() - reply.received_at).total_seconds()))
        if reading.more(consumed):
            self._messages.append(posted.INBOX)
        self._reason = None
        self.timers.update(turn.wakes)
        self._in_flight.update(effect.what for effect in turn.effects)
        self.executor.submit(self, turn.effects)
        if over:
            self._end()

    def _overtake(self):
        """Wait behind nobody, and for nothing needless, once it ends."""
        if self.rank < self._waits_as:
            dropped = self.executor.overtake(self)
            self._in_flight -= dropped
            self.memory.in_flight -= dropped
        self._waits_as = self.rank

    def _make_turn(self):
        if self.picture is None:
            self.picture = picturing.Picture(pictures.load(self.session_id))
            booking.again(self.bookings, self.picture, self.memory)
        return turns.Turn(self.picture, self.memory, self.clock.now(),
                          self.conf, reading.constraints_of, self.bookings)

    def _commit(self, turn, consumed):
        # The first turn of an owner always writes: then everybody can see
        # that the session is in good hands.
        if self._began and not turn.writes and not any(consumed):
            return
        if points.watched:
            points.reach('before-commit', points.names(turn))
        pictures.commit(
            self.session_id, self.owner, self.epoch, added=turn.added,
            changed=[(model, key, values) for (model, key), values
                     in turn.changed.items()],
            consumed_replies=[reply.id for reply in consumed[0]],
            consumed_requests=[request.id for request in consumed[1]],
            claims=turn.claims)
        turn.session.seq += 1
        self._began = True
        # The turn in between that asks again for what breaks us writes
        # nothing: it does not count as getting on.
        self._broken = 0
        if points.watched:
            points.reach('after-commit', points.names(turn))

    # -- messages -------------------------------------------------------------

    def _take_result(self, turn, result):
        """Note what came of an effect; return whom that concerns."""
        effect = result.effect
        what = effect.what
        turn.outcomes.append(effect.kind)
        if effect.kind == 'publish':
            return relay.published(
                turn, effect.args[:result.value or 0], result.error)
        if effect.kind in READS:
            reading = self.memory.readings.setdefault(what, turns.Reading())
            error = result.error or observing.doubt(
                turn, effect.kind, result.value)
            if error is None:
                reading.succeed(result.value, result.began, turn.now)
                observing.absorb(turn, *what, result.value)
            else:
                reading.fail(turn.now, error)
            return self.memory.waiting.pop(what, set())
        TAKERS[effect.kind](turn, effect, result.value, result.error)
        host = self.picture.hosts.get(effect.host)
        if host is None or host.step in states.AT_REST:
            return {effect.host, None}
        return {host.name}

    def _take_run_changed(self, turn, message):
        run = self.picture.runs.get(message.run_id)
        if run is not None and run.state == 'running':
            acting.ask_status(turn, run)

    def _take_inbox(self, turn, replies, requests):
        """Take what projects and administrators said.

        :returns: whom it concerns
        """
        touched = set()
        # Of what arrived together, a refusal counts before an agreement.
        for reply in sorted(replies, key=lambda reply: words.read_reply(
                reply.state)[1] is not False):
            self._act_on(turn, reply.api_request)
            touched |= {ask.host for ask in asking.take(turn, reply)}
        for request in requests:
            self._act_on(turn, request.api_request)
            if request.kind == 'delete' and not turn.session.deleting:
                ending.delete(turn)
                touched.add(None)
            elif request.kind == 'continue' and ending.resume(turn):
                touched |= self.picture.active | {None}
            elif request.kind == 'report':
                run = acting.report(turn, request.body.get('run'),
                                    request.body.get('state'),
                                    request.body.get('output'))
                if run is not None:
                    touched.add(run.host)
        # What follows is due to all of them.
        causes = {row.api_request for row in (*replies, *requests)}
        if causes:
            self._act_on(turn, causes.pop() if len(causes) == 1 else None)
        return touched

    def _act_on(self, turn, cause):
        """Note in log and timeline which request is acted on, if any."""
        turn.api_request = self.context.global_request_id = cause

    def _end(self):
        """Let go of a session that needs nothing for now."""
        if self.picture.session.deleting:
            pictures.remove(self.session_id, self.owner, self.epoch)
            LOG.info('session %s: deleted', self.session_id)
        self.ended = True
