# SPDX-License-Identifier: Apache-2.0
"""A sample inspector: it must not repair a host that is in maintenance.

It stands for the fault management of an infrastructure, which would see a
host under maintenance as broken and evacuate it.
"""

import threading

from oslo_log import log as logging

from fenix.sandbox import alarms
from fenix.sandbox import client as clients
from fenix.sandbox.cloud import timeline as timelines

LOG = logging.getLogger(__name__)


class Inspector:
    """Listens to ``maintenance.host`` and knows which hosts are out.

    :param client: a user of the administrator's project
    """

    def __init__(self, client: clients.Client,
                 timeline: timelines.Timeline):
        self._client = client
        self._timeline = timeline
        self._lock = threading.Lock()
        self._out: set[str] = set()
        self._receiver = alarms.Receiver(self._told)

    def start(self):
        """Listen, and subscribe."""
        self._receiver.start()
        alarms.subscribe(self._client, 'inspector', alarms.HOST,
                         self._receiver.url)

    def stop(self):
        """Close the port."""
        self._receiver.stop()
        self._client.close()

    @property
    def out(self) -> set[str]:
        """The hosts that are in maintenance: no fault management there."""
        with self._lock:
            return set(self._out)

    def _told(self, alarm):
        if alarm.event_type != alarms.HOST:
            return
        host, state = alarm.traits['host'], alarm.traits['state']
        with self._lock:
            if state == 'IN_MAINTENANCE':
                self._out.add(host)
            else:
                self._out.discard(host)
        self._timeline.record('inspector', host=host, state=state)
