# SPDX-License-Identifier: Apache-2.0
"""Lets things go wrong as chance has it, and puts them right again."""

import collections
import dataclasses
import heapq
import itertools
import signal
import threading
import time

import requests
from oslo_log import log as logging

from fenix.sandbox.chaos import chance
from fenix.sandbox.chaos import crew as crews
from fenix.sandbox.cloud import faults

LOG = logging.getLogger(__name__)

#: Seconds between two looks at who has died.
LOOK = 0.02
#: An engine that wrote less often than this lives so many times as long.
ENOUGH = 5
SPARED = 3
#: Seconds for which an engine is not to die that is to end in order.
GRACE = 30.0
#: Seconds between two looks whether the API answers.
PROBE = 0.05
#: Seconds after which a fault of the cloud that met no request is over.
FAULT_TIME = 2.0


@dataclasses.dataclass
class Tally:
    """What was done to Fenix, and what it did not bear.

    :ivar points: engines that died at a point, by the point
    :ivar timed: engines that were killed at a time
    :ivar other: other faults, by kind
    :ivar unexpected: processes that ended although nobody wanted it
    """

    points: collections.Counter = dataclasses.field(
        default_factory=collections.Counter)
    timed: int = 0
    other: collections.Counter = dataclasses.field(
        default_factory=collections.Counter)
    unexpected: list[str] = dataclasses.field(default_factory=list)

    @property
    def kills(self) -> int:
        """How many engines were killed."""
        return self.timed + sum(self.points.values())


class _Seat:
    """A place for an engine: who dies there is followed by another one.

    :ivar paused: until when its engine stands still (monotonic seconds)
    """

    def __init__(self, number):
        self.number = number
        self.lives = 0
        self.life: crews.Life | None = None
        self.paused = 0.0
        self.leaving = False


class Storm:
    """Kills, stops and restarts what a site has.

    :param site: ``site.Site``
    :param tally: counts
    """

    def __init__(self, site, tally: Tally):
        self._site = site
        self._options = site.options
        self._ledger = site.ledger
        self._tally = tally
        self._seats = [_Seat(number)
                       for number in range(site.options.engines)]
        self._faults = chance.faults(
            site.options.seed, site.options.engines, site.options.lease,
            site.database is not None or site.bus is not None)
        self._next = next(self._faults)
        self._next_at = time.monotonic() + self._next.gap
        #: What is to be done later: (monotonic time, number, call).
        self._later: list[tuple] = []
        self._numbers = itertools.count()
        self._apis = itertools.count(1)
        self._busy: set[str] = set()
        self._repairs: list[threading.Thread] = []
        self.killing = False

    @property
    def pids(self) -> list[int]:
        """Processes of the engines that run."""
        return [seat.life.pid for seat in self._seats
                if seat.life is not None and seat.life.ended_t is None]

    # One look after the other

    def tick(self):
        """Do what is due."""
        now = time.monotonic()
        while self._later and self._later[0][0] <= now:
            heapq.heappop(self._later)[2]()
        for seat in self._seats:
            self._look_at(seat, now)
        self._look_at_api()
        if self.killing and now >= self._next_at:
            self._meet(self._next)
            self._next = next(self._faults)
            self._next_at = now + self._next.gap

    def calm(self):
        """Let nothing go wrong any more, and put right what did."""
        self.killing = False
        while self._later:
            heapq.heappop(self._later)[2]()
        for repair in self._repairs:
            repair.join()
        self._site.cloud.faults.clear()
        self._site.cloud.notifier.deliveries = lambda: (0.0,)

    def _after(self, seconds, call):
        heapq.heappush(self._later, (time.monotonic() + seconds,
                                     next(self._numbers), call))

    # Engines

    def _look_at(self, seat, now):
        life = seat.life
        if life is not None and life.ended_t is None:
            if self.killing and not seat.leaving and (
                    now >= seat.paused and self._is_time(life)):
                life.kill('time')
            return
        if life is not None:
            self._bury(life)
        fate = chance.fate(self._options.seed, seat.number, seat.lives)
        if not self.killing:
            fate = dataclasses.replace(fate, points=())
        seat.life = self._site.crew.start(
            'engine', f'engine-{seat.number + 1}.{seat.lives}', fate)
        seat.lives += 1
        seat.paused = 0.0
        seat.leaving = False

    def _is_time(self, life):
        """Tell whether an engine has been at work for as long as it may.

        On a slow machine all is slower: whoever could take over what the
        last ones left is to live for long enough to do so, and to do
        something besides.
        """
        began = self._ledger.at_work.get(life.name)
        if began is None:
            return False
        lived = time.time() - began
        idle = self._ledger.commits[life.name] < ENOUGH
        return (lived >= life.fate.seconds * (SPARED if idle else 1)
                and 2 * self._ledger.orphans <= self._options.sessions)

    def _bury(self, life):
        """Count a death."""
        killed_t = life.killed_t or life.ended_t
        if life.point is not None:
            self._tally.points[life.point] += 1
            mark = life.marks[life.point]
            killed_t = mark.stat().st_mtime
            mark.unlink()
        elif life.unexpected:
            self._tally.unexpected.append(
                f'{life.name} ended with {life.status}: {life.log}')
            return
        elif life.ending == 'time':
            self._tally.timed += 1
        else:
            return
        self._ledger.died(life.name, killed_t)

    # The API

    def _look_at_api(self):
        life = self._site.api
        if life.ended_t is None:
            return
        if life.unexpected:
            self._tally.unexpected.append(
                f'{life.name} ended with {life.status}: {life.log}')
        self._site.api = self._site.crew.start(
            'api', f'fenix-api.{next(self._apis)}')

    # Other faults

    def _meet(self, fault):
        {chance.ENGINE_STOP: self._stop_engine,
         chance.ENGINE_RESTART: self._restart_engine,
         chance.API_KILL: self._kill_api,
         chance.API_STOP: self._stop_api,
         chance.CLOUD: self._break_cloud,
         chance.BUS: self._restart_bus,
         chance.DATABASE: self._restart_database}[fault.kind](fault)

    def _stop_engine(self, fault):
        """Have an engine stand still; its fate waits as well."""
        seat = self._seats[fault.seat]
        life = seat.life
        if life.ended_t is not None or seat.leaving or seat.paused:
            return
        self._tally.other[fault.kind] += 1
        life.signal(signal.SIGSTOP)
        # Afterwards it is to have the time to do harm.
        seat.paused = time.monotonic() + fault.seconds + 1
        self._ledger.await_commit(fault.kind, time.time())
        self._after(fault.seconds, lambda: life.signal(signal.SIGCONT))

    def _restart_engine(self, fault):
        """Ask an engine to end in order; another takes its seat."""
        seat = self._seats[fault.seat]
        life = seat.life
        if life.ended_t is not None or seat.leaving or seat.paused:
            return
        self._tally.other[fault.kind] += 1
        seat.leaving = True
        life.ending = 'order'
        life.signal(signal.SIGTERM)
        self._ledger.await_commit(fault.kind, time.time())
        self._after(GRACE, lambda: self._overdue(life))

    def _overdue(self, life):
        if life.ended_t is None:
            self._tally.unexpected.append(f'{life.name} did not end in order')
            life.kill('overdue')

    def _kill_api(self, fault):
        self._tally.other[fault.kind] += 1
        self._site.api.kill('time')
        self._watch_api(fault.kind)

    def _stop_api(self, fault):
        life = self._site.api
        self._tally.other[fault.kind] += 1
        life.signal(signal.SIGSTOP)

        def go_on():
            life.signal(signal.SIGCONT)
            self._watch_api(fault.kind)
        self._after(fault.seconds, go_on)

    def _watch_api(self, kind):
        """Measure until the API answers."""
        began = time.monotonic()

        def probe():
            while time.monotonic() < began + 60:
                try:
                    requests.get(self._site.fenix.url, timeout=5,
                                 proxies={'http': ''})
                    self._ledger.recovered(kind, time.monotonic() - began)
                    return
                except requests.RequestException:
                    time.sleep(PROBE)
            self._tally.unexpected.append('the API does not answer')
        self._repair(probe)

    def _break_cloud(self, fault):
        """Answer the next requests of a kind badly."""
        store = self._site.cloud.faults
        known = faults.HttpFault(
            match={**fault.request, 'user': 'fenix'},
            count=1 + fault.seat, **fault.wrong)
        store.add(known)
        self._tally.other[self._name(fault)] += 1

        def end():
            store.remove(known)
            self._ledger.await_commit(chance.CLOUD, time.time())
        self._after(FAULT_TIME, end)

    @staticmethod
    def _name(fault):
        words = fault.wrong
        what = (str(words['answer']) if 'answer' in words
                else 'no answer' if 'drop' in words
                else 'late answer' if 'delay' in words else 'late request')
        return f'cloud: {what}' + (', but done' if 'apply' in words else '')

    # Servers

    def _restart_bus(self, fault):
        if self._site.bus is None or chance.BUS in self._busy:
            return
        self._count(fault)
        self._busy.add(chance.BUS)

        def restart():
            self._site.timeline.record('bus.away')
            self._site.bus.stop(fault.hard)
            self._site.bus.start()
            self._site.timeline.record('bus.back')
            back = time.time()
            lines = self._site.timeline.lines
            seen = len(lines)
            while time.time() < back + 60:
                if any(line['what'] == 'notify' for line in lines[seen:]):
                    self._ledger.recovered(fault.kind, time.time() - back)
                    break
                seen = len(lines)
                time.sleep(PROBE)
            self._busy.discard(chance.BUS)
        self._repair(restart)

    def _restart_database(self, fault):
        if self._site.database is None or chance.DATABASE in self._busy:
            return
        self._count(fault)
        self._busy.add(chance.DATABASE)

        def restart():
            self._ledger.away(time.time())
            self._site.database.stop(fault.hard)
            time.sleep(fault.seconds)
            self._site.database.start()
            self._ledger.back(time.time())
            self._ledger.await_commit(fault.kind, time.time())
            self._busy.discard(chance.DATABASE)
        self._repair(restart)

    def _count(self, fault):
        how = 'kill' if fault.hard else 'in order'
        self._tally.other[f'{fault.kind}, {how}'] += 1

    def _repair(self, work):
        def safely():
            try:
                work()
            except Exception as error:
                LOG.exception('a repair failed')
                self._tally.unexpected.append(f'the sandbox broke: {error}')
        thread = threading.Thread(target=safely, daemon=True,
                                  name='chaos-repair')
        self._repairs = [each for each in self._repairs if each.is_alive()]
        self._repairs.append(thread)
        thread.start()
