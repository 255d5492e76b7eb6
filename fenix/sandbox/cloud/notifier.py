# SPDX-License-Identifier: Apache-2.0
"""Delivers alarms: one POST each, not repeated, as aodh's REST notifier.

Each URL has its own queue and thread: a client gets its alarms in order, and
one that works long inside a POST keeps only itself waiting.
"""

import collections.abc
import json
import queue
import threading
import time
import uuid

import requests
from oslo_log import log as logging

LOG = logging.getLogger(__name__)

#: Seconds to connect, and to wait for the answer; aodh itself would wait
#: for ever.
TIMEOUT = (10, 900)


class Notifier:
    """Posts alarms to their actions.

    :param record: told of each delivery
    :ivar deliveries: returns after how many seconds an alarm is delivered,
        each time that it is; nothing: it is lost
    """

    def __init__(self, record):
        self._record = record
        self._lock = threading.Lock()
        self._queues: dict[str, queue.SimpleQueue] = {}
        self.deliveries: collections.abc.Callable[
            [], collections.abc.Sequence[float]] = lambda: (0.0,)

    def notify(self, alarm, previous, event, reason):
        """Queue the deliveries of an alarm that fired."""
        body = json.dumps({
            'alarm_name': alarm.name, 'alarm_id': alarm.alarm_id,
            'severity': alarm.severity, 'previous': previous,
            'current': 'alarm', 'reason': reason,
            'reason_data': {'type': 'event', 'event': event}})
        state = next((value for name, _kind, value in event['traits']
                      if name == 'state'), None)
        facts = {'alarm': alarm.alarm_id, 'project': alarm.project_id,
                 'message_id': event['message_id'], 'state': state}
        for url in alarm.alarm_actions:
            if url.startswith(('http://', 'https://')):
                self._deliver_as_told(url, (body, facts))

    def _deliver_as_told(self, url, job):
        delays = self.deliveries()
        if not delays:
            self._record('alarm.lost', url=url, **job[1])
        for delay in delays:
            if delay <= 0:
                self._queue(url).put(job)
                continue
            later = threading.Timer(delay, self._put_late, (url, job))
            later.daemon = True
            later.start()

    def _put_late(self, url, job):
        with self._lock:
            if url in self._queues:     # Else it was stopped meanwhile.
                self._queues[url].put(job)

    def _queue(self, url):
        with self._lock:
            if url not in self._queues:
                self._queues[url] = queue.SimpleQueue()
                threading.Thread(
                    target=self._deliver, args=(url, self._queues[url]),
                    name=f'sandbox-notifier {url}', daemon=True).start()
            return self._queues[url]

    def _deliver(self, url, jobs):
        session = requests.Session()
        # A proxy of the environment is not for the sandbox's own traffic.
        session.trust_env = False
        while True:
            job = jobs.get()
            if job is None:
                return
            body, facts = job
            sent = time.time()
            code = None
            try:
                code = session.post(url, data=body, timeout=TIMEOUT, headers={
                    'content-type': 'application/json',
                    'x-openstack-request-id': f'req-{uuid.uuid4()}',
                }).status_code
            except requests.RequestException as error:
                LOG.warning('Alarm %s was not delivered to %s: %s',
                            facts['alarm'], url, error)
            self._record('alarm', url=url, code=code, sent_t=sent, **facts)

    def stop(self):
        """End the threads when they have delivered what is queued."""
        with self._lock:
            for jobs in self._queues.values():
                jobs.put(None)
            self._queues = {}
