# SPDX-License-Identifier: Apache-2.0
"""Calls of the world outside, in threads of their own.

An effect is called once. What came of it is posted to the session's runner,
as an answer or as an error; nothing is tried again here.
"""

import concurrent.futures

from oslo_log import log as logging

from fenix import errors
from fenix.engine import points
from fenix.engine import runner as runners

LOG = logging.getLogger(__name__)

#: What changes something in the cloud, and so needs a valid lease.
CHANGES = frozenset(['disable', 'enable', 'set_reason', 'migrate',
                     'live_migrate', 'confirm', 'start_run'])


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
        self._pool = concurrent.futures.ThreadPoolExecutor(
            threads, thread_name_prefix='fenix-executor')

    def submit(self, runner, effects):
        """Start effects; their results are posted to the runner."""
        for effect in effects:
            self._pool.submit(self.call, runner, effect)

    def call(self, runner, effect):
        """Make one call and post what came of it."""
        result = runners.Result(effect, self.clock.now())
        try:
            if effect.kind in CHANGES and not self.may_change():
                raise errors.CloudUnknown(
                    'the lease has run out: nothing was sent')
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

    def stop(self, wait):
        """Start nothing more; wait for the calls that go on if asked to."""
        self._pool.shutdown(wait=wait, cancel_futures=True)
