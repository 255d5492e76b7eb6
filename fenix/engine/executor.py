# SPDX-License-Identifier: Apache-2.0
"""Calls of the world outside, in threads of their own.

An effect is called once. What came of it is posted to the session's runner,
as an answer or as an error; nothing is tried again here.
"""

import collections
import dataclasses
import functools
import time

from oslo_log import log as logging

from fenix import context
from fenix import errors
from fenix import metrics
from fenix.clouds import permission
from fenix.engine import lanes
from fenix.engine import points
from fenix.engine import posted
from fenix.engine import runner as runners

LOG = logging.getLogger(__name__)

#: What changes something outside, and so needs a valid lease.
CHANGES = frozenset(['disable', 'enable', 'set_reason', 'migrate',
                     'live_migrate', 'confirm', 'start_run', 'publish'])
#: What begins something, which a session that is deleted does not: what ends
#: it may have gone first.
BEGINS = frozenset(['disable', 'migrate', 'live_migrate', 'start_run'])
#: Threads that publish.
PUBLISHERS = 4
#: What the threads take that are reserved for sessions which end: one only
#: calls of those that are deleted.
RESERVED = (lanes.DELETED, lanes.FAILED)

#: How a call ended, by the first of these that its error is, for the metrics.
OUTCOMES = ((type(None), 'ok'), (errors.CloudRefused, 'refused'),
            # What cannot be read has not answered, or makes no sense.
            (errors.CloudError, 'unknown'), (Exception, 'failed'))

#: Calls of the publisher between two commits: so often what went out is
#: noted, and windows begin.
PIECES = 5
#: Seconds between two looks at a lease that is too short.
LEASE_LOOK = 0.1


def _is_deleted(picture):
    """Tell whether a session is deleted; false while it is read anew."""
    return picture is not None and picture.session.deleting


class Calls:
    """What the kinds of effects call.

    :param cloud: ``fenix.clouds.base.Cloud``
    :param publisher: ``fenix.notify.publishers.base.Publisher``
    :param plugins: finds an action plug-in by its name
    """

    def __init__(self, cloud, publisher, plugins):
        self.cloud = cloud
        self.publisher = publisher
        self.plugins = plugins

    def make(self, effect):
        """Make the call of an effect and return its answer."""
        return getattr(self, effect.kind)(effect)

    def survey(self, effect):
        return self.cloud.survey()

    def subscriptions(self, effect):
        return self.cloud.subscriptions(effect.key)

    def look_at_host(self, effect):
        return self.cloud.look_at_host(effect.key)

    def look_at_server(self, effect):
        return self.cloud.look_at_server(effect.key)

    def service(self, effect):
        return self.cloud.service(effect.key)

    def disable(self, effect):
        return self.cloud.disable(*effect.args)

    def enable(self, effect):
        return self.cloud.enable(*effect.args)

    def set_reason(self, effect):
        return self.cloud.set_reason(*effect.args)

    def migrate(self, effect):
        return self.cloud.migrate(*effect.args)

    def live_migrate(self, effect):
        return self.cloud.live_migrate(*effect.args)

    def confirm(self, effect):
        return self.cloud.confirm(*effect.args)

    def start_run(self, effect):
        return self._run('start', *effect.args)

    def run_status(self, effect):
        return self._run('status', *effect.args)

    def _run(self, method, plugin, run):
        action = self.plugins(plugin)
        return getattr(action, method)(run), action.may_rerun(run)

    def cancel_run(self, effect):
        plugin, run = effect.args
        self.plugins(plugin).cancel(run)

    def leave_run(self, effect):
        plugin, run = effect.args
        self.plugins(plugin).leave(run)

    def publish(self, effect):
        self.publisher.publish(effect.args)
        return len(effect.args)


class Executor:
    """Makes the calls of all sessions of an engine.

    Notifications have threads of their own: a message bus that does not
    answer must not keep anybody from the cloud. Sessions that end have some
    besides those of all: who stops one because the cloud is in trouble must
    not wait behind all the calls that the cloud does not answer, not even
    those of the many sessions that failed for it. Sessions that are deleted
    come first everywhere.

    A survey is long, and the same for all: one is made for all sessions that
    want one by the time it begins, so that hundreds of sessions cost Nova and
    Placement hardly more than one. Nobody may change what it returns.

    :param calls: ``Calls``
    :param clock: tells the database's time
    :param may_change: tells whether the engine may change anything: its
        lease is valid for long enough
    :param wake: called with a runner that has got a message
    :param threads: how many calls are made at once
    :param at_once: how many notifications the publisher is given at once
    :ivar batch: how many notifications an effect has at most
    """

    def __init__(self, calls, clock, may_change, wake, threads, at_once=1):
        self.calls = calls
        self.clock = clock
        self.may_change = may_change
        self.wake = wake
        self.at_once = at_once
        self.batch = PIECES * at_once
        self._stopped = False
        self._cloud = lanes.Lane('fenix-executor', [lanes.OTHERS] * threads)
        self._bus = lanes.Lane('fenix-outbox', [lanes.OTHERS] * PUBLISHERS)
        self._reserved = lanes.Lane('fenix-reserved', RESERVED,
                                    self._cloud.calls)
        self._surveys = lanes.Lane('fenix-survey', [lanes.OTHERS])
        #: Who wants one that has not begun: (runner, effect).
        self._wanted = collections.deque()

    def submit(self, runner, effects):
        """Start effects; their results are posted to the runner.

        After ``stop`` nothing is started: the next owner finds what was
        meant to be.
        """
        if self._stopped:
            return
        for effect in effects:
            if effect.kind == 'survey':
                self._wanted.append((runner, effect))
                self._surveys.put(self._survey)
                continue
            if effect.kind == 'publish':
                self._bus.put(functools.partial(self.call, runner, effect))
            else:
                self._put(runner, effect)

    def _put(self, runner, effect):
        self._cloud.put(functools.partial(self.call, runner, effect),
                        runner.rank, (runner, effect))

    def overtake(self, runner):
        """Let a session that ends wait no longer behind all others.

        What it wanted to read is dropped: much of that nobody needs any more,
        and the rest is asked for again. All else that waits gets the place
        that is the session's now.

        :returns: ``what`` of the effects that were dropped
        """
        dropped = set()
        for _, effect in self._cloud.take_back(
                lambda about: about[0] is runner):
            if effect.kind in runners.READS:
                dropped.add(effect.what)
            else:
                self._put(runner, effect)
        return dropped

    def _survey(self):
        """Make one survey, for all who want one by now."""
        wanted = []
        while self._wanted:
            wanted.append(self._wanted.popleft())
        at, make = self.clock.now(), _once(self.calls.make)
        for runner, effect in wanted:
            self.call(runner, effect, at, make)

    def call(self, runner, effect, at=None, make=None):
        """Make one call and post what came of it.

        :param at: when it began, if it has already
        :param make: makes it, if not ``Calls.make``
        """
        with (context.active(runner.context.at(effect.host)),
              permission.checked_by(functools.partial(
                  self._wait_for_lease, runner))):
            self._call(runner, effect, at or self.clock.now(),
                       make or self.calls.make)

    def _call(self, runner, effect, at, make):
        result = posted.Result(effect, at)
        began = None
        try:
            if points.watched:
                points.reach('before-effect', (effect.kind,))
            if effect.kind in BEGINS and _is_deleted(runner.picture):
                raise errors.NotSent('the session is deleted: nothing '
                                     'begins any more')
            if effect.kind in CHANGES:
                # Who stood still until now must not go on as if nothing
                # had been. A driver that looks first asks once more.
                self._wait_for_lease(runner)
            began = time.perf_counter()
            result.value = (
                self._publish(runner, effect) if effect.kind == 'publish'
                else make(effect))
        except errors.PublishError as error:
            result.value, result.error = error.published, error
        except errors.FenixError as error:
            result.error = error
        except Exception as error:
            LOG.exception('%s of %s failed', effect.kind, effect.key)
            result.error = errors.CloudUnknown(f'{error!r}')
        ended = time.perf_counter()
        if points.watched:
            points.reach('after-effect', (effect.kind,))
        runner.post(result)
        self.wake(runner)
        # Last, as nobody waits for it.
        if began is not None:
            self._count(result, ended - began)

    def _publish(self, runner, effect):
        """Publish piece by piece, as each may take as long as a lease.

        :returns: how many notifications went out
        """
        sent = 0
        while True:
            piece = effect.args[sent:sent + self.at_once]
            try:
                self.calls.make(dataclasses.replace(effect, args=piece))
            except errors.PublishError as error:
                error.published += sent
                raise
            except Exception as error:
                LOG.exception('the publisher failed')
                raise errors.PublishError(
                    f'{error!r}', sent, uncertain=len(piece)) from error
            sent += len(piece)
            if sent == len(effect.args):
                return sent
            try:
                self._wait_for_lease(runner)
            except errors.NotSent as error:
                raise errors.PublishError(str(error), sent) from error

    def _count(self, result, seconds):
        """Count a call that was made."""
        effect = result.effect
        outcome = next(outcome for kind, outcome in OUTCOMES
                       if isinstance(result.error, kind))
        metrics.CALLS.labels(effect.kind, outcome).observe(seconds)
        if effect.kind == 'publish':
            now = self.clock.now()
            for notification in effect.args[:result.value or 0]:
                metrics.PUBLISHED.labels(notification.event_type).inc()
                metrics.DELAYS.observe(max(
                    0, (now - notification.created).total_seconds()))

    def load(self):
        """Return {pool: (calls that wait, threads at work, threads)}."""
        return {'cloud': self._cloud.load(), 'outbox': self._bus.load(),
                'reserved': self._reserved.load(),
                'surveys': self._surveys.load()}

    def _wait_for_lease(self, runner):
        """Wait until the lease is renewed that is too short to change things.

        :raises NotSent: the session is lost, or all ends
        """
        while not self.may_change() and not runner.lost and (
                not self._stopped):
            time.sleep(LEASE_LOOK)
        if runner.lost or not self.may_change():
            raise errors.NotSent('the lease has run out: nothing was sent')

    def stop(self, timeout):
        """Start nothing more; wait for the calls that were submitted.

        :param timeout: seconds that they have
        :returns: whether all of them have ended
        """
        self._stopped = True
        end = time.monotonic() + timeout
        return all([lane.stop(end) for lane in (
            self._cloud, self._bus, self._reserved, self._surveys)])


def _once(make):
    """Return a function that makes one call, and always gives its result."""
    known = []

    def made(effect):
        if not known:
            try:
                known.append((make(effect), None))
            except Exception as error:
                known.append((None, error))
        value, error = known[0]
        if error is not None:
            raise error
        return value

    return made
