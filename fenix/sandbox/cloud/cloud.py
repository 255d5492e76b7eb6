# SPDX-License-Identifier: Apache-2.0
"""Assembles the cloud and serves it."""

import threading
import time

from fenix.sandbox.cloud import alarms
from fenix.sandbox.cloud import aodh
from fenix.sandbox.cloud import ceilometer
from fenix.sandbox.cloud import config as cloud_config
from fenix.sandbox.cloud import control
from fenix.sandbox.cloud import faults
from fenix.sandbox.cloud import http
from fenix.sandbox.cloud import identity
from fenix.sandbox.cloud import keystone
from fenix.sandbox.cloud import model as cloud_model
from fenix.sandbox.cloud import notifier
from fenix.sandbox.cloud import placement
from fenix.sandbox.cloud import timeline as cloud_timeline
from fenix.sandbox.cloud.nova import api as nova

#: Seconds after which the ticker looks again, come what may.
_LONGEST_WAIT = 1.0


class _Ticker:
    """Lets things happen in the model when they are due."""

    def __init__(self, model):
        self._model = model
        self._stopping = False
        self._thread = threading.Thread(
            target=self._run, name='sandbox-ticker', daemon=True)

    def start(self):
        self._thread.start()

    def _run(self):
        model = self._model
        with model.changed:
            while not self._stopping:
                model.advance()
                due = model.next_due()
                wait = _LONGEST_WAIT
                if due is not None:
                    wait = min(wait, due - model.clock())
                if wait > 0:
                    model.changed.wait(wait)

    def stop(self):
        with self._model.changed:
            self._stopping = True
            self._model.changed.notify_all()
        self._thread.join(5)


class Cloud:
    """A cloud with its services at one port.

    :ivar model: the cloud itself
    :ivar timeline: what happened
    :ivar identity: users, projects and the catalogue
    :ivar faults: of HTTP requests; those of operations are ``model.faults``
    :ivar notifier: delivers alarms, or not
    :ivar urls: of each service, once made
    """

    def __init__(self, config: cloud_config.CloudConfig | None = None,
                 timeline: cloud_timeline.Timeline | None = None):
        config = config or cloud_config.CloudConfig()
        self.config = config
        self._own_timeline = timeline is None
        self.timeline = timeline or cloud_timeline.Timeline(config.timeline)
        record = self.timeline.record
        self.model = cloud_model.Model(time.time, record, config.times,
                                       config.seed)
        self.model.load(config)
        self.identity = identity.Identity(
            config.users, time.time, config.token_lifetime, config.region)
        self.faults = faults.HttpFaults()
        self.notifier = notifier.Notifier(record)
        store = alarms.Alarms(time.time, self.notifier.notify,
                              config.alarm_cache_ttl)
        self.ceilometer = ceilometer.Ceilometer(store.evaluate, record)
        services = [
            keystone.Keystone(self.identity),
            nova.Nova(self.identity, self.model, record),
            placement.Placement(self.identity, self.model),
            aodh.Aodh(self.identity, store, time.time),
            self.ceilometer,
            control.Control(self.model, self.faults)]
        self._server = http.Server(
            http.Application(services, self.faults, self.identity),
            config.host, config.port, config.threads)
        self._ticker = _Ticker(self.model)
        self._bus = None
        base = f'http://{config.host}:{self._server.port}'
        self.urls = {
            'identity': f'{base}/identity', 'auth': f'{base}/identity/v3',
            'compute': f'{base}/compute/v2.1',
            'placement': f'{base}/placement', 'alarming': f'{base}/alarming',
            'notifications': f'{base}/notifications',
            'control': f'{base}/control'}
        for kind in ('identity', 'compute', 'placement', 'alarming'):
            self.identity.set_endpoint(kind, self.urls[kind])
        if config.maintenance_url:
            self.identity.set_endpoint('maintenance', config.maintenance_url)

    def start(self) -> dict[str, str]:
        """Serve; returns ``urls``."""
        self._ticker.start()
        self._server.start()
        if self.config.transport_url:
            # Only a cloud with a bus needs oslo.messaging.
            from fenix.sandbox.cloud import bus
            self._bus = bus.Bus(self.config.transport_url, self.ceilometer,
                                self.config.topic,
                                self.config.durable_queues)
            self._bus.start()
        return self.urls

    def stop(self):
        """Serve no more; a timeline of its own is closed."""
        if self._bus is not None:
            self._bus.stop()
        self._server.stop()
        self._ticker.stop()
        self.notifier.stop()
        if self._own_timeline:
            self.timeline.close()
