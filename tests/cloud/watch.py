# SPDX-License-Identifier: Apache-2.0
"""Looks at a cloud while a session goes on."""

import collections.abc
import threading
import time

from oslo_log import log as logging

from fenix.sandbox import alarms
from fenix.sandbox import inspector

LOG = logging.getLogger(__name__)

#: Seconds between two looks.
LOOK = 0.25
#: States of a server in which it does its work.
RUNNING = frozenset(['ACTIVE', 'VERIFY_RESIZE', 'MIGRATING'])


class Watch:
    """Sees for how long the VNF's active server did not run.

    :param client: a user of the VNF's project
    :param seen: called with the state of each server that changed its own
    """

    def __init__(self, client, vnf,
                 seen: collections.abc.Callable[[str, str], None]):
        self._client = client
        self._vnf = vnf
        self._seen = seen
        self._states: dict[str, str] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        #: Seconds, to within the time between two looks.
        self.interruption = 0.0

    def start(self):
        """Look, in a thread."""
        self._thread.start()

    def stop(self):
        """Look no more."""
        self._stopping.set()
        self._thread.join()

    def _run(self):
        before = time.monotonic()
        while not self._stopping.wait(LOOK):
            try:
                self._look()
            except Exception:
                LOG.exception('The servers could not be looked at')
                continue
            now = time.monotonic()
            if self._states.get(self._vnf.active) not in RUNNING:
                self.interruption += now - before
            before = now

    def _look(self):
        for server, each in self._vnf.own().items():
            state = each['status']
            if self._states.get(server) != state:
                self._states[server] = state
                self._seen(server, state)


class Inspector(inspector.Inspector):
    """Looks whether a host is empty when it is told that it is out.

    :param cloud: an ``audit.Cloud``
    """

    def __init__(self, client, timeline, cloud):
        super().__init__(client, timeline)
        self._cloud = cloud
        #: What stood between hosts and their maintenance.
        self.found: list[str] = []
        #: Hosts that went out, and those that came back, in order.
        self.told: dict[str, list[str]] = {
            'IN_MAINTENANCE': [], 'MAINTENANCE_COMPLETE': []}

    def _told(self, alarm):
        super()._told(alarm)
        if alarm.event_type != alarms.HOST:
            return
        host, state = alarm.traits['host'], alarm.traits['state']
        self.told[state].append(host)
        if state == 'IN_MAINTENANCE':
            self.found += [f'{host}: {each}'
                           for each in self._cloud.what_is_on(host)]
