# SPDX-License-Identifier: Apache-2.0
"""Looks at a cloud while a session goes on."""

import threading
import time

from oslo_log import log as logging

from fenix.sandbox import alarms
from fenix.sandbox import inspector

LOG = logging.getLogger(__name__)

#: Seconds between two looks. Fenix itself looks more often, and what it is
#: shown the witness sees.
LOOK = 1.0
#: And how many times as long as the last look took: a machine with much to
#: do is to be busy with the session, not with being watched.
PATIENT = 4


class Watch:
    """Shows the servers of the cloud to a witness.

    :param cloud: an ``audit.Cloud``
    """

    def __init__(self, cloud, witness):
        self._cloud = cloud
        self._witness = witness
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        """Look, in a thread."""
        self._thread.start()

    def stop(self):
        """Look once more, and then no more."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._thread.join()
            self._look()

    def _run(self):
        took = 0.0
        while not self._stopping.wait(max(LOOK, PATIENT * took)):
            began = time.monotonic()
            self._look()
            took = time.monotonic() - began

    def _look(self):
        asked = time.time()
        try:
            self._witness.all_servers(list(self._cloud.servers().values()),
                                      asked)
            for migration in self._cloud.newest_migrations():
                self._witness.migration(migration)
        except Exception as error:
            LOG.info('The cloud could not be looked at: %s', error)


class Inspector(inspector.Inspector):
    """Looks whether a host is empty when it is told that it is out.

    :param cloud: an ``audit.Cloud``
    :param tap: told of alarms, in case that it missed their notifications
    """

    def __init__(self, client, timeline, cloud, tap):
        super().__init__(client, timeline)
        self._cloud = cloud
        self._tap = tap
        #: Looks at hosts: (host, when it was over, what was found).
        self._looks: list[tuple[str, float, list[str]]] = []

    def _told(self, alarm):
        super()._told(alarm)
        if alarm.event_type != alarms.HOST:
            return
        self._tap.note_alarm(alarm)
        host, state = alarm.traits['host'], alarm.traits['state']
        if state == 'IN_MAINTENANCE':
            found = self._cloud.what_is_on(host)
            self._looks.append((host, time.time(), found))

    @property
    def found(self) -> list[str]:
        """What stood between hosts and their maintenance, once all is over.

        Not before: that a host was enabled is written down only when Nova has
        answered, and counts from when it was asked.
        """
        return [f'{host}: {each}' for host, at, found in self._looks
                if not self._was_back(host, at) for each in found]

    def _was_back(self, host, at):
        """Tell whether a look was so late that the host was back."""
        done = sorted((line['t'], line['what'])
                      for line in self._timeline.lines
                      if line.get('host') == host and line['t'] <= at
                      and line['what'] in ('service.disable',
                                           'service.enable'))
        return bool(done) and done[-1][1] == 'service.enable'

    def stop(self):
        """Close the port, and forget the alarm."""
        forget(self._client)
        super().stop()


def forget(client):
    """Delete the alarms of inspectors, of a run that died too."""
    for alarm in client.json('GET', 'alarming', '/v2/alarms'):
        if alarm['name'] == 'inspector':
            client.call('DELETE', client.url(
                'alarming', f'/v2/alarms/{alarm["alarm_id"]}'))
