# SPDX-License-Identifier: Apache-2.0
"""Goes through a session, and forks at its points."""

import collections
import dataclasses
import gc
import json
import os
import selectors
import traceback
import warnings

from fenix import words
from fenix.workflow import marks
from tests.walk import faults
from tests.walk import judge
from tests.walk import world as worlds

#: Steps of the world after which a session goes on for ever.
STEPS = 3000
#: How often an administrator continues what a refusal let fail.
CONTINUED = 3


@dataclasses.dataclass
class Figures:
    """What a walk came to.

    :ivar points: points at which something went wrong
    :ivar runs: sessions that were run to their end
    :ivar crashes: how often something went wrong
    :ivar pairs: sessions in which that was twice
    :ivar faults: how often each kind of it
    :ivar problems: [(kind, shape, plan, text)]
    """

    points: int = 0
    runs: int = 0
    crashes: int = 0
    pairs: int = 0
    faults: collections.Counter = dataclasses.field(
        default_factory=collections.Counter)
    problems: list = dataclasses.field(default_factory=list)

    def add(self, other):
        """Add the figures of another walk."""
        self.points += other.points
        self.runs += other.runs
        self.crashes += other.crashes
        self.pairs += other.pairs
        self.faults.update(other.faults)
        self.problems += other.problems


class Walk:
    """One session, and what may go wrong in it.

    :param shape: one of ``shapes``
    :param plan: what goes wrong, in this order: [(point, name, how often
        that is passed first, fault)], see ``spell``
    :param depth: how many things more go wrong in a child, at each point
    :param wanted: the names of the faults that are tried
    :param stride: every how many points something goes wrong
    :param first: the first of these points
    :param jobs: how many children run at once; a child has one of its own at
        a time
    """

    def __init__(self, shape, plan=(), depth=0, wanted=(), stride=1, first=0,
                 jobs=1):
        self.shape = shape
        self.plan = list(plan)
        self.depth = depth
        self.wanted = wanted
        self.stride = stride
        self.first = first
        self.figures = Figures()
        self.went_wrong = []
        self.number = 0
        self._passed = collections.Counter()
        self._pipe = None
        self._children = _Children(jobs)

    # -- a run ----------------------------------------------------------------

    def run(self, reference=None):
        """Run the session; return its outcome.

        What is wrong with it, and with the children, is in the figures.
        """
        with worlds.World(self.shape) as world:
            self.world = world
            world.session(**self.shape.session)
            world.at = self._at
            world.take()
            if self.depth:
                gc.collect()
                gc.freeze()     # Else each child copies all that it counts.
            outcome = self._finish(world, reference)
        return outcome

    def _finish(self, world, reference):
        problems, outcome = [], None
        try:
            try:
                self._run(world)
            except AssertionError as error:
                problems.append(('stuck', f'{error}'))
            outcome = judge.outcome(world)
            problems += judge.judge(world, reference, [
                step[3] for step in self.went_wrong])
        except BaseException:
            if self._pipe is None:
                raise
            problems.append(('stuck', traceback.format_exc()))
        for figures in self._children.figures():
            self.figures.add(figures)
        self._note(problems)
        if self._pipe is not None:
            self._report()
        return outcome

    def _run(self, world):
        for _ in range(CONTINUED):
            world.run(steps=STEPS)
            if not self._failed_by_refusal(world):
                break
            world.request('continue')
        for left in marks.find(world.cloud).values():
            # As by "fenix-manage release": Nova has refused to enable it,
            # and its session is no more.
            if left.state is None and self._was('refused'):
                marks.release(world.cloud, left, 'the walk')

    def _was(self, fault):
        return any(step[3] == fault for step in self.went_wrong)

    def _failed_by_refusal(self, world):
        return (self._was('refused')
                and world.plan.ends != words.MAINTENANCE_FAILED
                and world.session_id in world.sessions()
                and world.state == words.MAINTENANCE_FAILED)

    def _note(self, problems):
        self.figures.runs += 1
        self.figures.crashes += len(self.went_wrong)
        self.figures.pairs += len(self.went_wrong) == 2
        self.figures.faults.update(step[3] for step in self.went_wrong)
        self.figures.problems += [
            (kind, self.shape.name, spell(self.went_wrong), text)
            for kind, text in problems]

    # -- points ---------------------------------------------------------------

    def _at(self, point, names, request):
        place = [(point, name, self._passed[point, name])
                 for name in names or ['']]
        self._passed.update((point, name) for name in set(names or ['']))
        if self.plan:
            step = self.plan[0]
            if step[:3] in place:
                del self.plan[0]
                self._go_wrong(step, request)
            return
        if self.depth:
            self._fork_at(place[0], faults.at(point, names), request)

    def _fork_at(self, place, possible, request):
        possible = [name for name in possible if name in self.wanted]
        if not possible or (self.went_wrong and faults.same_as_another(
                place[0])):
            return
        self.number += 1
        if (self.number + self.first) % self.stride:
            return
        self.figures.points += not self.went_wrong
        for fault in possible:
            if self._fork():
                self._go_wrong((*place, fault), request)
                return

    def _go_wrong(self, step, request):
        self.went_wrong.append(step)
        faults.BY_POINT[step[0]][step[3]](self.world, request)

    # -- children -------------------------------------------------------------

    def _fork(self):
        """Return whether this is a child, in which something goes wrong."""
        read, write = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')     # Some are afraid of forks.
            child = os.fork()
        if child:
            os.close(write)
            self._children.add(child, read)
            return False
        os.close(read)
        if self._pipe is not None:
            os.close(self._pipe)
        self._pipe = write
        self.depth -= 1
        self.figures = Figures()
        self._children.leave()
        self._children = _Children(1)
        return True

    def _report(self):
        """End a child; its parent reads how it went."""
        try:
            with os.fdopen(self._pipe, 'w') as pipe:
                json.dump(vars(self.figures), pipe)
        finally:
            os._exit(0)


class _Children:
    """Processes that run at once, and what they report.

    :param most: how many
    """

    def __init__(self, most):
        self._most = most
        #: What each has written, in the order in which they were forked.
        self._texts = []
        #: (process, its text) of those that run, by their pipes.
        self._running = selectors.PollSelector()

    def add(self, child, pipe):
        """Add one, and wait until there is room for another."""
        self._texts.append([])
        self._running.register(pipe, selectors.EVENT_READ, (
            child, self._texts[-1]))
        while len(self._running.get_map()) >= self._most:
            self._hear()

    def figures(self):
        """Wait for all; return their figures, the first one's first."""
        while self._running.get_map():
            self._hear()
        return [_read(b''.join(text)) for text in self._texts]

    def leave(self):
        """Let go of them in a process that is not their parent."""
        for pipe in self._running.get_map():
            os.close(pipe)

    def _hear(self):
        for key, _ in self._running.select():
            child, text = key.data
            if some := os.read(key.fd, 65536):
                text.append(some)
                continue
            self._running.unregister(key.fd)
            os.close(key.fd)
            os.waitpid(child, 0)


def _read(text):
    if not text:
        return Figures(runs=1, problems=[
            ('stuck', '', '', 'a child died without a word')])
    figures = Figures(**json.loads(text))
    figures.faults = collections.Counter(figures.faults)
    return figures


def spell(plan):
    """Return what goes wrong as one text: ``point=name:passed=fault``."""
    return ' '.join(f'{point}={name}:{passed}={fault}'
                    for point, name, passed, fault in plan)


def parse(text):
    """Return what ``spell`` spelled."""
    plan = []
    for step in text.split():
        point, rest = step.split('=', 1)
        rest, fault = rest.rsplit('=', 1)
        name, passed = rest.rsplit(':', 1)
        plan.append((point, name, int(passed), fault))
    return plan


def refer(shape):
    """Return the outcome of a session in which nothing goes wrong.

    :raises AssertionError: something is wrong with it all the same
    """
    one = Walk(shape)
    outcome = one.run()
    if one.figures.problems:
        raise AssertionError(f'{shape.name}: {one.figures.problems}')
    return outcome


def replay(shape, text, reference=None):
    """Let go wrong what is spelled; return what is wrong then.

    :param reference: of ``refer``, if it is there already
    :returns: [(kind, text)]
    """
    one = Walk(shape, plan=parse(text))
    one.run(reference or refer(shape))
    if one.plan:
        raise AssertionError(f'{spell(one.plan)} never was')
    return [(kind, what) for kind, _, _, what in one.figures.problems]
