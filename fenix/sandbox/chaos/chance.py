# SPDX-License-Identifier: Apache-2.0
"""What is to go wrong and when, all of it from one seed.

Everything that draws has a generator of its own, named after the seed and
itself: what one of them draws does not depend on when the others are asked.
"""

import collections.abc
import dataclasses
import random

#: Kinds of effects that change something.
EFFECTS = ('migrate', 'live_migrate', 'confirm', 'disable', 'enable',
           'set_reason', 'start_run', 'cancel_run', 'publish')
#: Of these the outcome changes no row, and so is not committed.
UNCOMMITTED = ('confirm', 'cancel_run')
#: Points at which an engine dies, as ``fenix.engine.points`` has them.
POINTS = (
    *(f'{point}-commit={what}'
      for point in ('before', 'after')
      for what in (
          *(f'sessions:phase:{phase}'
            for phase in ('make_room', 'run_hosts', 'finish', 'over')),
          *(f'hosts:step:{step}'
            for step in ('ask', 'empty', 'maintain', 'give_back', 'done')),
          *(f'asks:state:{state}' for state in ('open', 'acked')),
          *(f'effect:{kind}' for kind in EFFECTS),
          *(f'outcome:{kind}' for kind in EFFECTS
            if kind not in UNCOMMITTED))),
    *(f'{point}-effect={kind}'
      for point in ('before', 'after')
      for kind in EFFECTS))

#: Of the lives of engines this share is to end at one of so many points.
AT_POINT = 0.6
POINTS_OF_LIFE = 6
#: Seconds that a life lasts at most, at random, once it has a lease.
LIFE = (1.5, 6.0)

#: Kinds of faults besides kills of engines, and how often they come.
ENGINE_STOP = 'engine stopped'
ENGINE_RESTART = 'engine restarted'
API_KILL = 'api killed'
API_STOP = 'api stopped'
CLOUD = 'cloud'
BUS = 'bus restarted'
DATABASE = 'database restarted'
WEIGHTS = {ENGINE_STOP: 8, ENGINE_RESTART: 4, API_KILL: 5, API_STOP: 4,
           CLOUD: 40, BUS: 1, DATABASE: 3}
#: Seconds between two faults, at random.
GAP = (1.0, 4.0)

#: What the cloud does wrong: fields of ``faults.HttpFault``.
WRONGS: tuple[dict, ...] = (
    {'answer': 500}, {'answer': 503}, {'answer': 500, 'apply': True},
    {'answer': 503, 'apply': True}, {'drop': True},
    {'drop': True, 'apply': True}, {'delay': 1.0}, {'delay': 3.0},
    {'hold': 1.5}, {'hold': 3.0})
#: To which requests of Fenix.
REQUESTS: tuple[dict, ...] = (
    {'service': 'nova', 'method': 'POST', 'action': 'migrate'},
    {'service': 'nova', 'method': 'POST', 'action': 'os-migrateLive'},
    {'service': 'nova', 'method': 'POST', 'action': 'confirmResize'},
    {'service': 'nova', 'method': 'PUT'},
    {'service': 'nova', 'method': 'GET'},
    {'service': 'nova', 'method': 'GET', 'path': '/servers/'},
    {'service': 'nova', 'method': 'GET', 'path': '/os-services'},
    {'service': 'placement', 'method': 'GET'},
    {'service': 'aodh', 'method': 'GET'})


@dataclasses.dataclass(frozen=True)
class Fate:
    """How the life of an engine is to end.

    :ivar points: at which it dies, whichever it comes to first
    :ivar seconds: after which it is killed if it still lives
    """

    points: tuple[str, ...]
    seconds: float


@dataclasses.dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    :ivar gap: seconds since the last one
    :ivar seconds: how long it lasts, for what can be made to last
    :ivar hard: a server is killed, not asked to end
    :ivar seat: which engine it hits
    :ivar request: which requests of Fenix to the cloud
    :ivar wrong: what becomes of those
    """

    kind: str
    gap: float
    seconds: float
    hard: bool
    seat: int
    request: dict
    wrong: dict


def _generator(*names):
    return random.Random(':'.join(map(str, names)))  # noqa: S311 - a game


def fate(seed: int, seat: int, number: int) -> Fate:
    """Return how a life ends.

    :param number: how many engines had that seat before
    """
    draw = _generator(seed, 'fate', seat, number)
    points = tuple(draw.sample(POINTS, POINTS_OF_LIFE))
    return Fate(points if draw.random() < AT_POINT else (),
                draw.uniform(*LIFE))


def faults(seed: int, engines: int, lease: float, servers: bool
           ) -> collections.abc.Iterator[Fault]:
    """Return faults without end.

    :param engines: how many there are
    :param lease: seconds; an engine stands still for longer, or shorter
    :param servers: whether there are servers to restart
    """
    draw = _generator(seed, 'faults')
    weights = {kind: weight for kind, weight in WEIGHTS.items()
               if servers or kind not in (BUS, DATABASE)}
    while True:
        kind = draw.choices(list(weights), list(weights.values()))[0]
        longest = 2 * lease if kind == ENGINE_STOP else 2.0
        yield Fault(kind, draw.uniform(*GAP), draw.uniform(0.2, longest),
                    draw.random() < 0.5, draw.randrange(engines),
                    draw.choice(REQUESTS), draw.choice(WRONGS))


class Carrier:
    """Draws what becomes of messages: alarms and replies.

    Thread-safe, as far as it goes: what a message meets depends on the
    order in which they come.
    """

    def __init__(self, seed: int, name: str, lost: float):
        self._draw = _generator(seed, 'carrier', name)
        self._lost = lost
        self.met = {'lost': 0, 'repeated': 0, 'late': 0}

    def delays(self) -> list[float]:
        """Return after how many seconds a message goes out, each time."""
        draw = self._draw
        if draw.random() < self._lost:
            self.met['lost'] += 1
            return []
        delays = [0.0]
        if draw.random() < 0.1:
            self.met['late'] += 1
            delays = [draw.uniform(0.1, 1.5)]
        if draw.random() < 0.15:
            self.met['repeated'] += 1
            delays.append(draw.choice([0.0, draw.uniform(0.1, 6.0)]))
        return delays
