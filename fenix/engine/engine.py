# SPDX-License-Identifier: Apache-2.0
"""One engine: it owns sessions while its lease is valid, and runs them."""

import contextlib
import socket
import threading
import time

from oslo_log import log as logging
from stevedore import driver

from fenix import bell
from fenix import metrics
from fenix.clouds import base as clouds
from fenix.db import clock as clocks
from fenix.db import core
from fenix.db import inbox
from fenix.db import leases
from fenix.db import models
from fenix.engine import dispatcher
from fenix.engine import executor
from fenix.engine import housekeeping
from fenix.engine import planning
from fenix.engine import posted
from fenix.engine import runner as runners
from fenix.engine import watch
from fenix.notify.publishers import base as publishers
from fenix.workflow import bookings

LOG = logging.getLogger(__name__)

#: Share of the lease that has to be left for a change in the cloud.
MARGIN = 0.2
#: Lease times that a turn may take until the engine counts as stuck.
PATIENCE = 6


def _now():
    """Return seconds on a clock that nobody sets.

    It goes on while the machine sleeps, as the lease in the database does.
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Engine:
    """Owns sessions and runs them.

    Everything is opened by ``start``, in the process that runs it.

    :param conf: the configuration
    """

    def __init__(self, conf):
        self.conf = conf
        self.clock = clocks.DatabaseClock()
        self._runners = {}
        self.bookings = bookings.Bookings()
        self._plugins = {}
        self._workflows = {}
        self._lock = threading.Lock()
        #: No more work is looked for, and later: no lease is needed.
        self._stop = threading.Event()
        self._stopped = threading.Event()
        self._look = threading.Event()
        self._id = None
        #: Until when the lease is surely valid, by ``_now``.
        self._leased_until = 0
        self._told = None
        #: When the database last answered for the lease, by ``_now``, and
        #: what kind of error came since, or None.
        self._database_at = None
        self._database_error = None
        self.watch = None
        self.planning = planning.Planning(conf, self.clock, self.workflow)

    def start(self):
        """Start to work; what is not there yet is waited for."""
        conf = self.conf
        self.cloud = clouds.load(conf)
        self.publisher = publishers.load(conf)
        self.dispatcher = dispatcher.Dispatcher(
            self.clock, self._drop, conf.engine.runner_threads)
        self.executor = executor.Executor(
            executor.Calls(self.cloud, self.publisher, self.plugin),
            self.clock, self.may_change, self.dispatcher.wake,
            conf.engine.executor_threads, self.publisher.at_once)
        self.bell = bell.make_bell(conf, self.host, self.ring)
        self.dispatcher.start()
        self.planning.start(self.cloud)
        self.bell.start()
        for name, target in (('lease', self._keep_lease),
                             ('look', self._keep_looking),
                             ('tidy', self._keep_tidy)):
            threading.Thread(
                target=target, name=f'fenix-{name}', daemon=True).start()
        self.watch = watch.start(self.conf, self)
        LOG.info('engine on %s started', self.host)

    @property
    def host(self):
        return self.conf.engine.host or socket.gethostname()

    # -- plug-ins -----------------------------------------------------------

    def plugin(self, name):
        """Return the action plug-in of that name, made once."""
        with self._lock:
            if name not in self._plugins:
                self._plugins[name] = driver.DriverManager(
                    'fenix.actions', name, invoke_on_load=True,
                    invoke_args=(self.conf, self.run_changed)).driver
            return self._plugins[name]

    def workflow(self, name):
        """Return the workflow class of that name."""
        with self._lock:
            if name not in self._workflows:
                self._workflows[name] = driver.DriverManager(
                    'fenix.workflows', name).driver
            return self._workflows[name]

    def run_changed(self, run_id):
        """Pass on that the status of an action run changed."""
        for runner in list(self._runners.values()):
            picture = runner.picture
            if picture is not None and run_id in picture.runs:
                self._post(runner, posted.RunChanged(run_id))

    # -- sessions -------------------------------------------------------------

    def ring(self, session_id):
        """Look at a session now: its bell rang."""
        runner = self._runners.get(session_id)
        if runner is not None:
            self._post(runner, posted.INBOX)
        else:
            self._look.set()

    def _post(self, runner, message):
        runner.post(message)
        self.dispatcher.wake(runner)

    def _keep_looking(self):
        while not self._stop.is_set():
            self._look.clear()
            with self._patience('look for work'):
                self._look_for_work()
            self._look.wait(self.conf.engine.poll_interval)

    def _look_for_work(self):
        engine_id = self._id
        if engine_id is None:
            return
        self.planning.look(engine_id)
        leases.take(engine_id, self.conf.engine.max_sessions)
        # What is ours is read, not remembered: the answer to a call that
        # took or gave up a session may have been lost.
        for session_id, epoch in leases.owned(engine_id):
            self._own(engine_id, session_id, epoch)
        for session_id in inbox.sessions_with_unread(engine_id):
            runner = self._runners.get(session_id)
            if runner is not None:
                self._post(runner, posted.INBOX)

    def _own(self, engine_id, session_id, epoch):
        """Run a session from now on, unless we do already."""
        with self._lock:
            known = self._runners.get(session_id)
            if self._id != engine_id or self._stop.is_set() or (
                    known is not None and known.epoch >= epoch):
                return
            runner = self._runners[session_id] = runners.Runner(
                session_id, engine_id, epoch, self.conf, self.clock,
                self.executor, self.workflow, self.bookings)
        LOG.info('session %s: taken, epoch %s', session_id, epoch)
        self.dispatcher.wake(runner)

    def _drop(self, runner):
        """Let go of a session that needs nothing more of us."""
        self.bookings.drop(runner.session_id)
        with self._patience('give up a session'):
            leases.give_up(runner.session_id, runner.owner, runner.epoch)
        with self._lock:
            if self._runners.get(runner.session_id) is runner:
                del self._runners[runner.session_id]
        # A request may have come while it was still ours.
        self._look.set()

    def _keep_tidy(self):
        while not self._stop.is_set():
            with self._patience('forget what is no longer needed'):
                housekeeping.tidy(self.conf, self.clock)
            self._stop.wait(self.conf.engine.housekeeping_interval)

    # -- the lease ----------------------------------------------------------

    def may_change(self):
        """Tell whether the lease is valid for long enough to send a change."""
        margin = self.conf.engine.lease_time * MARGIN
        return _now() + margin < self._leased_until

    def _keep_lease(self):
        lease_time = self.conf.engine.lease_time
        while not self._stopped.is_set():
            with self._patience('renew the lease'):
                self._renew(lease_time)
            self._tell_health()
            self._stopped.wait(lease_time / 3)

    def _renew(self, lease_time):
        before = _now()
        engine_id = self._id
        if engine_id is not None:
            if not self._stop.is_set() and not self.dispatcher.healthy(
                    PATIENCE * lease_time):
                LOG.error('turns are stuck: the lease is not renewed')
                metrics.RENEWALS.labels('withheld').inc()
                return
            if self._renewed(engine_id, lease_time):
                self._leased_until = before + lease_time
                self.clock.sync()
                return
            LOG.warning('the lease ran out: all sessions are let go')
            self._let_go()
        if self._stop.is_set():
            return
        self.clock.sync()
        engine_id = models.new_id()
        with self._noting_database():
            leases.register(engine_id, self.host, lease_time)
        self._id = engine_id
        self._leased_until = before + lease_time
        self._look.set()

    def _renewed(self, engine_id, lease_time):
        """Renew the lease, and count what came of it."""
        outcome = 'failed'
        try:
            with self._noting_database():
                renewed = leases.renew(engine_id, lease_time)
            outcome = 'renewed' if renewed else 'lost'
            return renewed
        finally:
            metrics.RENEWALS.labels(outcome).inc()

    @contextlib.contextmanager
    def _noting_database(self):
        try:
            yield
        except core.ERRORS as error:
            # Who asks is anybody: no more than the kind.
            self._database_error = type(error).__name__
            raise
        self._database_at, self._database_error = _now(), None

    def _let_go(self):
        """Forget all sessions: others may own them by now."""
        self._leased_until = 0
        with self._lock:
            self._id = None
            lost, self._runners = self._runners, {}
        for runner in lost.values():
            runner.let_go()
            self.dispatcher.wake(runner)

    @contextlib.contextmanager
    def _patience(self, what):
        """Go on when the database is away for a while."""
        try:
            yield
        except core.ERRORS as error:
            LOG.warning('could not %s: %s', what, error)
        except Exception:
            LOG.exception('could not %s', what)

    # -- the end --------------------------------------------------------------

    def stop(self):
        """End: calls in flight are waited for, leases are released.

        They have ``[engine] graceful_shutdown_timeout``.
        """
        self._stop.set()
        self._look.set()
        end = (time.monotonic()
               + self.conf.engine.graceful_shutdown_timeout)
        self.bell.stop()
        self.planning.stop()
        self.dispatcher.stop(end - time.monotonic())
        if not self.executor.stop(end - time.monotonic()):
            LOG.warning('calls in flight did not end in time')
        # The lease was kept meanwhile; now nothing is sent any more.
        self._stopped.set()
        self._leased_until = 0
        for runner in list(self._runners.values()):
            with self._patience('note the last answers'):
                runner.close()
        if self._id is not None:
            with self._patience('release the lease'):
                leases.release(self._id)
        self.publisher.stop()
        if self.watch is not None:
            self.watch.stop()
        LOG.info('engine on %s stopped', self.host)

    # -- how it is ------------------------------------------------------------

    def stands(self):
        """Return how the engine is, for people and for metrics."""
        return watch.Standing(
            host=self.host, engine_id=self._id,
            lease_left=max(0.0, self._leased_until - _now()),
            turns_taken=self.dispatcher.healthy(
                PATIENCE * self.conf.engine.lease_time),
            stopping=self._stop.is_set(), sessions=len(self._runners),
            database={
                'error': self._database_error,
                'age': (None if self._database_at is None
                        else round(_now() - self._database_at, 1))},
            bell=self.bell.health(), publisher=self.publisher.health(),
            pools={'turns': self.dispatcher.load(), **self.executor.load()})

    def _tell_health(self):
        """Write to the log when the message bus goes away or comes back."""
        bus = self.bell.health()['state']
        publisher = self.publisher.health()
        health = (bus, publisher.get('error'))
        if health != self._told:
            self._told = health
            LOG.info('bell: %s, notifications: %s', bus,
                     publisher.get('error') or 'go out')
