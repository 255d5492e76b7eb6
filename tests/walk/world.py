# SPDX-License-Identifier: Apache-2.0
"""A cloud and any number of engines in one thread, on a virtual clock.

The engines are Fenix's own, with everything below them; only their threads
are missing. Whatever an engine does is done in a greenlet, so that it can
stand still anywhere and go on later.

Each engine has a monotonic clock of its own, hours from those of the others,
and no other clock at all: one that it read by mistake would not be there.
"""

import contextlib
import datetime
import functools
import logging
import random
import time
import traceback
import uuid

import fixtures
import greenlet
import oslo_config.fixture
import sqlalchemy as sa
from oslo_db.sqlalchemy import enginefacade
from sqlalchemy import orm

from fenix import conf
from fenix import errors
from fenix.db import core
from fenix.db import models
from fenix.db import pictures
from fenix.engine import runner as runners
from tests.unit.engine import harness
from tests.walk import engine

OPTIONS = {'engine': {'lease_time': 3.0}, 'nova': {'unknown_window': 20.0},
           'workflow': {'settle_time': 1.0, 'scale_in_window': 60.0,
                        'complete_window': 60.0}}
#: What an engine needs for one thing.
MOMENT = datetime.timedelta(milliseconds=1)
#: What an engine would log with its traceback.
LOGGERS = ('fenix.engine.engine.LOG', 'fenix.engine.executor.LOG',
           'fenix.engine.runner.LOG')
TAKE_FAILURES = runners.Runner._failed


class Crash(BaseException):
    """The process dies here."""


class _Clock:
    """Stands for the module ``time`` in the engine's code."""

    CLOCK_BOOTTIME = time.CLOCK_BOOTTIME

    def __init__(self, world):
        self.monotonic = self.perf_counter = world.monotonic
        self.clock_gettime = lambda clock: world.monotonic()
        self.sleep = world.sleep


class _Log:
    """Keeps what an engine did not expect."""

    def __init__(self, mistakes):
        self._mistakes = mistakes

    def exception(self, *message):
        self._mistakes.append(traceback.format_exc())

    def info(self, *message):
        pass

    error = warning = info


class _Transactions:
    """Stands for oslo.db's transactions: one connection, always open.

    To a database in memory: a process that forks copies it.
    """

    def __init__(self):
        manager = enginefacade.transaction_context()
        manager.configure(connection='sqlite://', sqlite_fk=True)
        self.connection = manager.writer.get_engine().connect()
        self.reader = self.writer = self
        models.Base.metadata.create_all(self.connection)
        self.connection.commit()

    def empty(self):
        """Delete all rows."""
        for table in reversed(models.Base.metadata.sorted_tables):
            self.connection.execute(sa.delete(table))
        self.connection.commit()

    @contextlib.contextmanager
    def using(self, scope):
        with orm.Session(self.connection, expire_on_commit=False) as db, (
                db.begin()):
            yield db

    def get_engine(self):
        return self.connection.engine

    def dispose_pool(self):
        """Keep it: what SQLAlchemy has compiled once serves all worlds."""


_transactions = functools.cache(_Transactions)


class World(harness.Harness):
    """Hosts, instances, projects and engines.

    :param shape: one of ``shapes``
    :ivar at: called with (point, names, request) at each point; a request is
        a function that makes the one which is on its way
    :ivar mistakes: what an engine did not expect, and writes without a right
    """

    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)

    def __init__(self, shape):
        super().__init__(shape.hosts, shape.per_host, shape.spare)
        self.plan = shape
        self.engines = []
        self.started = 0
        self.active = None
        self.epoch = 0
        self.mistakes = []
        self.at = lambda point, names, request: None
        self._awaited = []

    def _setUp(self):
        random_ = random.Random(1)  # noqa: S311 - a test
        for name, new in {
                'fenix.db.models.new_id': lambda: str(uuid.UUID(
                    int=random_.getrandbits(128))),
                'fenix.engine.engine.time': _Clock(self),
                'fenix.engine.executor.time': _Clock(self),
                'fenix.db.clock.time': _Clock(self),
                'fenix.engine.lanes.Lane': engine.Lane,
                'fenix.db.pictures.commit': self._owners(pictures.commit),
                'fenix.db.pictures.remove': self._owners(pictures.remove),
                **{name: _Log(self.mistakes) for name in LOGGERS}}.items():
            self.useFixture(fixtures.MonkeyPatch(name, new))
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)
        super()._setUp()
        self.useFixture(fixtures.MonkeyPatch(
            'fenix.engine.runner.Runner._failed', TAKE_FAILURES))
        fixture = self.useFixture(oslo_config.fixture.Config(conf.CONF))
        for group, options in (OPTIONS | self.plan.options).items():
            fixture.config(group=group, **options)
        self.model.times.settle = 0
        self.cloud.send = self.send
        self.plan.prepare(self)

    def _open_database(self):
        transactions = _transactions()
        transactions.empty()
        self._set_clock(
            transactions.connection.connection.dbapi_connection, None)
        core.dispose()
        self.useFixture(fixtures.MonkeyPatch(
            'fenix.db.core._manager', transactions))

    def _owners(self, write):
        """Have writes watched that only an owner may make."""
        @functools.wraps(write)
        def watched(session_id, owner, epoch, *args, **kwargs):
            write(session_id, owner, epoch, *args, **kwargs)
            if epoch < self.epoch:
                self.mistakes.append(
                    f'{write.__name__} of epoch {epoch} in {self.epoch}')
        return watched

    def owned(self, session_id, epoch):
        """Note that an engine owns a session from now on."""
        self.epoch = max(epoch, self.epoch)

    # -- time -----------------------------------------------------------------

    def monotonic(self, of=None):
        """Return what an engine's clock shows, by default the active one's."""
        of = of or self.active
        return ((self.clock.time - self.start).total_seconds()
                + (of.offset if of else 0))

    def sleep(self, seconds):
        """Let what the active engine does here go on later."""
        greenlet.getcurrent().parent.switch(
            self.clock.now() + datetime.timedelta(seconds=seconds))

    def when(self, what, call, *args, **fields):
        """Have something happen once, a second after a line was written.

        :param fields: of the line, or of the payload in it
        """
        self._awaited.append((what, fields, call, args))

    def record(self, what, **fields):
        super().record(what, **fields)
        said = {**fields.get('payload', {}), **fields}
        for awaited in list(self._awaited):
            its_what, wanted, call, args = awaited
            if its_what == what and wanted.items() <= said.items():
                self._awaited.remove(awaited)
                self.after(1, call, *args)

    # -- points ---------------------------------------------------------------

    def _reach(self, point, names):
        self.at(point, names, None)

    def send(self, kind, request):
        """Let a request of an engine go to the cloud, or not."""
        self.at('send', (kind,), request)
        return request()

    def publish(self, notifications):
        for place, notification in enumerate(notifications):
            publish = functools.partial(super().publish, [notification])
            try:
                self.send('publish', publish)
            except errors.CloudError as error:
                raise errors.PublishError(
                    str(error), published=place, uncertain=isinstance(
                        error, errors.CloudUnknown)) from error

    # -- engines --------------------------------------------------------------

    def take(self):
        """Start an engine, which takes what has no owner."""
        self.started += 1
        one = engine.Engine(self, self.started)
        self.engines.append(one)
        self._do(one, functools.partial(
            one.renew, self.conf.engine.lease_time))

    def die(self):
        """Let the active engine die."""
        self._leave_to_others(self.active)
        raise Crash()

    def stand_still(self, seconds):
        """Let the active engine stand still, and go on in its next line."""
        one = self.active
        self._leave_to_others(one)
        self.after(seconds, self._go_on, one, greenlet.getcurrent())
        greenlet.getcurrent().parent.switch(None)

    def _go_on(self, one, where):
        self.engines.insert(0, one)
        one.asleep.insert(0, (self.clock.now(), where))

    def _leave_to_others(self, one):
        self.crashes += 1
        self.engines.remove(one)
        self.after(max(0, one.leased) + MOMENT.total_seconds(), self.look)

    def look(self):
        """Have all engines look for work."""
        for one in self.engines:
            one.look()

    def ring(self):
        for one in self.engines:
            one.ring(self.session_id)

    def request(self, kind, **body):
        if self.session_id in self.sessions():
            self.add_request(kind, **body)
            self.ring()

    def _do(self, one, job):
        """Have an engine do something, until it ends, sleeps or stops."""
        if not isinstance(job, greenlet.greenlet):
            job = greenlet.greenlet(functools.partial(self._until_dead, job))
        self.active = one
        when = job.switch()
        self.active = None
        if when is not None:
            one.asleep.append((when, job))

    def _until_dead(self, job):
        try:
            job()
        except Crash:
            pass

    def step(self):
        if not self.engines:
            self.take()
        for one in list(self.engines):
            job = one.next_job()
            if job is not None:
                # Nothing is done in no time.
                self.clock.time += MOMENT
                self._do(one, job)
                return True
        return self._let_time_pass()

    def _let_time_pass(self):
        times = [when for one in self.engines for when in one.due()]
        times += [entry[0] for entry in self._later[:1]]
        if self.model.next_due():
            times.append(datetime.datetime.fromtimestamp(
                self.model.next_due(), datetime.UTC)
                # A float has more digits: never a bit too early.
                + datetime.timedelta(microseconds=1))
        if not times:
            return False
        due = max(min(times), self.clock.time)
        self._keep_leases((due - self.clock.time).total_seconds())
        self.clock.time = due
        self.model.advance()
        while self._later and self._later[0][0] <= due:
            _, _, call, args = self._later.pop(0)
            call(*args)
        for one in self.engines:
            one.wake_due()
        return True

    def _keep_leases(self, seconds):
        """Renew leases as if it were done again and again for a while."""
        for one in list(self.engines):
            if one.leased - seconds < self.conf.engine.lease_time / 2:
                self._do(one, functools.partial(
                    one.renew, seconds + self.conf.engine.lease_time))
