# SPDX-License-Identifier: Apache-2.0
"""Calls of the world outside, in threads of their own.

An effect is called once. What came of it is posted to the session's runner,
as an answer or as an error; nothing is tried again here.
"""

import functools
import queue
import threading
import time

from oslo_log import log as logging

from fenix import errors
from fenix.engine import points
from fenix.engine import runner as runners

LOG = logging.getLogger(__name__)

#: What changes something in the cloud, and so needs a valid lease.
CHANGES = frozenset(['disable', 'enable', 'set_reason', 'migrate',
                     'live_migrate', 'confirm', 'start_run'])
#: Threads that publish.
PUBLISHERS = 4

#: Seconds between two looks at a lease that is too short.
LEASE_LOOK = 0.1


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

    def publish(self, effect):
        self.publisher.publish(effect.args)
        return len(effect.args)


class Executor:
    """Makes the calls of all sessions of an engine.

    Notifications have threads of their own: a message bus that does not
    answer must not keep anybody from the cloud.

    :param calls: ``Calls``
    :param clock: tells the database's time
    :param may_change: tells whether the engine may change anything: its
        lease is valid for long enough
    :param wake: called with a runner that has got a message
    :param threads: how many calls are made at once
    """

    def __init__(self, calls, clock, may_change, wake, threads):
        self.calls = calls
        self.clock = clock
        self.may_change = may_change
        self.wake = wake
        self._stopped = False
        self._cloud = _Lane('fenix-executor', threads)
        self._bus = _Lane('fenix-outbox', PUBLISHERS)

    def submit(self, runner, effects):
        """Start effects; their results are posted to the runner.

        After ``stop`` nothing is started: the next owner finds what was
        meant to be.
        """
        if self._stopped:
            return
        for effect in effects:
            lane = self._bus if effect.kind == 'publish' else self._cloud
            lane.put(functools.partial(self.call, runner, effect))

    def call(self, runner, effect):
        """Make one call and post what came of it."""
        result = runners.Result(effect, self.clock.now())
        try:
            if effect.kind in CHANGES:
                self._wait_for_lease(runner)
            points.reach('before-effect', (effect.kind,))
            result.value = self.calls.make(effect)
        except errors.PublishError as error:
            result.value, result.error = error.published, error
        except errors.FenixError as error:
            result.error = error
        except Exception as error:
            LOG.exception('%s of %s failed', effect.kind, effect.key)
            result.error = errors.CloudUnknown(f'{error!r}')
        points.reach('after-effect', (effect.kind,))
        runner.post(result)
        self.wake(runner)

    def _wait_for_lease(self, runner):
        """Wait until the lease is renewed that is too short to change things.

        :raises CloudUnknown: the session is lost, or all ends
        """
        while not self.may_change() and not runner.lost and (
                not self._stopped):
            time.sleep(LEASE_LOOK)
        if runner.lost or not self.may_change():
            raise errors.CloudUnknown(
                'the lease has run out: nothing was sent')

    def stop(self, timeout):
        """Start nothing more; wait for the calls that were submitted.

        :param timeout: seconds that they have
        :returns: whether all of them have ended
        """
        self._stopped = True
        end = time.monotonic() + timeout
        return all([lane.stop(end) for lane in (self._cloud, self._bus)])


class _Lane:
    """Threads that make calls in the order in which they come.

    Daemons, unlike those of ``concurrent.futures``: a call that hangs does
    not keep the process from its end.
    """

    def __init__(self, name, threads):
        self._calls = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, daemon=True,
                             name=f'{name}-{number}')
            for number in range(threads)]
        for thread in self._threads:
            thread.start()

    def put(self, call):
        self._calls.put(call)

    def stop(self, end):
        """Wait until the calls that were put have ended, or it is time."""
        for _ in self._threads:
            self._calls.put(None)
        for thread in self._threads:
            thread.join(max(0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self):
        while (call := self._calls.get()) is not None:
            try:
                call()
            except Exception:
                LOG.exception('a call broke')
