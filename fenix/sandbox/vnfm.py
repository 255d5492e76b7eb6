# SPDX-License-Identifier: Apache-2.0
"""A sample VNF manager: what a vendor's manager does, in small.

It learns of everything by alarms and answers over REST, as CONTRACT.md
sections 2 and 3 say, in both forms (URL and list) and both vocabularies.
"""

import collections.abc
import concurrent.futures
import dataclasses
import datetime
import threading
import time

import requests
from oslo_log import log as logging

from fenix.sandbox import alarms
from fenix.sandbox import client as clients
from fenix.sandbox import constraints
from fenix.sandbox import vnf as vnfs
from fenix.sandbox.cloud import timeline as timelines

LOG = logging.getLogger(__name__)

COOPERATIVE = 'cooperative'
SILENT = 'silent'
REFUSING = 'refusing'
SLOW = 'slow'
DUPLICATING = 'duplicating'
#: How a manager may behave; cooperative is how it should.
MODES = (COOPERATIVE, SILENT, REFUSING, SLOW, DUPLICATING)

SCALE_IN = ('SCALE_IN', 'DOWN_SCALE')
DONE = ('INSTANCE_ACTION_DONE', 'ADMIN_ACTION_DONE')
MOVING = ('PREPARE_MAINTENANCE', 'PLANNED_MAINTENANCE')

#: Servers that a scale-in removes.
SCALE_STEP = 2
#: Seconds before the end of the window at which a slow manager answers.
MARGIN = 2.0
#: Seconds after which a duplicating manager says everything once more.
LATER = 3.0
#: How often an answer that did not arrive is sent again, and the seconds
#: between two tries.
RETRIES = 20
RETRY_WAIT = 1.0
#: Seconds between two looks at Nova of who waits to hear of a move.
LOOK = 1.0


@dataclasses.dataclass(frozen=True)
class Manners:
    """How a manager behaves.

    :ivar mode: one of MODES
    :ivar action: MIGRATE, LIVE_MIGRATE or OWN_ACTION
    :ivar limits: values of the constraints that it registers, or None
    :ivar method: PUT or POST; the published use case says POST
    :ivar delays: returns after how many seconds a reply is sent, and each
        time that it is sent once more
    """

    mode: str = COOPERATIVE
    action: str = 'MIGRATE'
    limits: constraints.Limits | None = None
    method: str = 'PUT'
    delays: collections.abc.Callable[
        [], collections.abc.Sequence[float]] = lambda: (0.0,)


class Vnfm:
    """Manages one VNF.

    :param client: a user of the VNF's project
    """

    def __init__(self, vnf: vnfs.Vnf, client: clients.Client,
                 timeline: timelines.Timeline,
                 manners: Manners = Manners()):
        self._vnf = vnf
        self._client = client
        self._timeline = timeline
        self._manners = manners
        self._stopping = threading.Event()
        self._receiver = alarms.Receiver(self._told)
        self._pool = concurrent.futures.ThreadPoolExecutor(
            32, thread_name_prefix='vnfm')
        #: Servers that Fenix may touch now, and where they were then: they
        #: must not become active.
        self._given: dict[str, str | None] = {}
        #: What was answered to an alarm, by its message id; None: not yet.
        self._answers: dict[str, tuple | None] = {}
        self._free = threading.Condition()
        self._switching = threading.Lock()
        self._scaled: dict[str, list[str]] = {}
        self._registry = constraints.Registry(client, timeline, vnf,
                                              manners, self._stopping)

    def start(self):
        """Listen, subscribe and register constraints.

        :raises requests.RequestException: the cloud or Fenix refused
        """
        self._receiver.start()
        name = self._vnf.name
        kinds = [alarms.SCHEDULED]
        if self._manners.mode == DUPLICATING:
            # As Heat makes it for each VDU: any event, the same address.
            kinds.append('*')
        made = [alarms.subscribe(self._client, f'{name}-{number}', kind,
                                 self._receiver.url)
                for number, kind in enumerate(kinds)]
        self._timeline.record('vnf.subscribe', alarms=made,
                              project=self._client.project_id)
        self._registry.register(self._vnf.servers)

    def stop(self):
        """Stop whatever it does, and close the port; once is enough."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        with self._free:
            self._free.notify_all()
        self._receiver.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._client.close()

    def withdraw(self):
        """Take the constraints back.

        :raises requests.RequestException: Fenix did not answer 200
        """
        self._registry.withdraw()

    # Alarms

    def _told(self, alarm):
        """Answer the alarm at once and do what it takes in a thread."""
        if alarm.event_type == alarms.SCHEDULED:
            self._pool.submit(self._safely, self._handle, alarm)

    def _safely(self, function, *arguments):
        try:
            function(*arguments)
        except Exception:
            LOG.exception('The manager of %s could not do what it was asked',
                          self._vnf.name)

    def _handle(self, alarm):
        if self._known(alarm):
            return
        state = alarm.traits['state']
        mode = self._manners.mode
        if state in DONE:
            self._done(alarm)
        elif mode == SILENT:
            LOG.debug('%s is not answered', state)
        elif mode == REFUSING:
            self._reply(alarm, agreed=False, ids=self._ids(alarm))
        else:
            self._comply(alarm, state)

    def _known(self, alarm) -> bool:
        """Answer an alarm that came before as it was answered then."""
        if self._manners.mode == DUPLICATING:
            return False
        with self._free:
            known = alarm.message_id in self._answers
            answer = self._answers.setdefault(alarm.message_id)
        if answer is not None:
            self._send(alarm, *answer)
        return known

    def _done(self, alarm):
        """Fenix moved an instance; it may be active again."""
        ids = self._ids(alarm)
        with self._free:
            for server in ids:
                self._given.pop(server, None)
            self._free.notify_all()
        if self._manners.mode == DUPLICATING:
            self._reply(alarm, agreed=True, ids=ids)

    def _comply(self, alarm, state):
        ids = self._ids(alarm)
        if state in SCALE_IN:
            self._scale_in(alarm)
            self._reply(alarm, agreed=True, ids=self._vnf.servers)
        elif state == 'MAINTENANCE_COMPLETE':
            with self._free:
                self._given.clear()
            self._registry.register(self._vnf.scale_out())
            self._reply(alarm, agreed=True, ids=ids)
        elif state in MOVING:
            self._prepare(alarm, ids)
        else:
            with self._free:
                self._given.clear()
            own = set(self._vnf.servers)
            self._reply(alarm, agreed=own.issuperset(ids), ids=ids)

    def _ids(self, alarm) -> list[str]:
        """Return the instances that an alarm is about."""
        about = alarm.traits['instance_ids']
        if isinstance(about, list):
            return about
        if not str(about).startswith('http'):
            return [about]
        answer = self._client.insist(self._stopping, 'GET', about)
        answer.raise_for_status()
        return answer.json()['instance_ids']

    def _scale_in(self, alarm):
        """Scale in once for a message, however often it is delivered."""
        with self._switching:
            if alarm.message_id not in self._scaled:
                self._scaled[alarm.message_id] = self._vnf.scale_in(
                    SCALE_STEP, self._given)

    # Instances that are to move

    def _prepare(self, alarm, ids):
        """Make sure that the service does not run on these, and agree."""
        action = self._action(alarm)
        agreed = True
        if not set(ids).isdisjoint(self._vnf.pair):
            with self._switching:
                agreed = self._clear(alarm, ids)
                self._give(ids, agreed and action != 'OWN_ACTION')
        else:
            self._give(ids, action != 'OWN_ACTION')
        self._reply(alarm, agreed, ids, action)
        if agreed and action == 'OWN_ACTION':
            for server in ids:
                self._act(server)

    def _give(self, ids, given):
        """Note that Fenix may touch these from now on."""
        if not given:
            return
        own = {}
        if not set(ids).isdisjoint(self._vnf.pair):
            own = self._vnf.own()
        with self._free:
            self._given.update({
                server: own.get(server, {}).get('hostId') for server in ids})

    def _action(self, alarm):
        """Return the action of choice, if it is allowed."""
        allowed = alarm.traits['allowed_actions']
        if self._manners.action in allowed:
            return self._manners.action
        return 'MIGRATE'

    def _clear(self, alarm, ids) -> bool:
        """Switch over if the active server is concerned.

        :returns: False if that cannot be done before the window ends
        """
        if self._vnf.active not in ids:
            return True
        standby = self._vnf.standby
        free = False
        while not free and self._until(alarm) > 0:
            with self._free:
                free = self._free.wait_for(
                    lambda: (standby not in self._given
                             or self._stopping.is_set()),
                    min(LOOK, self._until(alarm)))
            if not free:
                self._see_moved(standby)
        if not free or standby in ids or self._stopping.is_set():
            return False
        self._vnf.switch_over()
        return True

    def _see_moved(self, server):
        """Find that a server has moved though nobody told: alarms get lost."""
        shown = self._vnf.own().get(server, {})
        with self._free:
            there = self._given.get(server)
            if (there is not None and shown.get('hostId') != there
                    and shown.get('status') == 'ACTIVE'
                    and shown.get('OS-EXT-STS:task_state') is None):
                del self._given[server]

    def _act(self, server):
        """Replace a server, as the project does it itself."""
        if server not in self._vnf.servers:
            LOG.info('%s was replaced already', server)
            return
        with self._switching:
            new = self._vnf.replace(server)
        self._registry.replace(server, new)

    # Replies

    @staticmethod
    def _until(alarm) -> float:
        """Return the seconds until the window of a question ends."""
        ends = alarm.traits.get('reply_at')
        now = datetime.datetime.now(datetime.UTC)
        return max(0.0, (ends - now).total_seconds()) if ends else 0.0

    def _reply(self, alarm, agreed, ids, action=None):
        traits = alarm.traits
        listed = isinstance(traits['instance_ids'], list)
        verb = 'ACK' if agreed else 'NACK'
        body = {'state': f'{verb}_{traits["state"]}',
                'session_id': traits['session_id']}
        if action is not None and listed:
            body['instance_action'] = action
        elif action is not None:
            body['instance_actions'] = dict.fromkeys(ids, action)
        elif self._manners.mode == DUPLICATING:
            body['instance_ids'] = ids
        if self._manners.mode == SLOW:
            self._stopping.wait(self._until(alarm) - MARGIN)
        first, *later = self._manners.delays()
        if first:
            self._stopping.wait(first)
        self._send(alarm, body, ids)
        with self._free:
            self._answers[alarm.message_id] = (body, ids)
        if self._manners.mode == DUPLICATING:
            self._send(alarm, {**body, 'vendor': {'x': [1]}}, ids)
            later.append(LATER)
        for delay in later:
            timer = threading.Timer(delay, self._safely,
                                    (self._repeat, alarm, body, ids))
            timer.daemon = True
            timer.start()

    def _repeat(self, alarm, body, ids):
        if not self._stopping.is_set():
            self._send(alarm, body, ids)

    def _send(self, alarm, body, ids):
        """Send a reply, again if it did not arrive, and write it down."""
        for _ in range(RETRIES):
            code = self._send_once(alarm, body, ids)
            if code is not None and code < 500:
                return
            if self._stopping.wait(RETRY_WAIT):
                return
        LOG.error('%s could not be sent', body['state'])

    def _send_once(self, alarm, body, ids):
        traits = alarm.traits
        sent, code = time.time(), None
        try:
            code = self._client.call(self._manners.method,
                                     traits['reply_url'],
                                     json=body).status_code
        except requests.RequestException as error:
            LOG.warning('%s was not answered: %s', body['state'], error)
        listed = isinstance(traits['instance_ids'], list)
        self._timeline.record(
            'reply', session=traits['session_id'],
            project=traits['project_id'], state=body['state'], body=body,
            instance=ids[0] if listed else None, code=code, sent_t=sent,
            message_id=alarm.message_id, instances=ids)
        return code
