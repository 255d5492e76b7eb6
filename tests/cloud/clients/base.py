# SPDX-License-Identifier: Apache-2.0
"""What the managers of the matrix have in common.

Each is written from the contract with existing clients, section by section,
with all that is odd about them. They share nothing with the sandbox's
manager but the plain tools: an HTTP client and a port for alarms.
"""

import concurrent.futures
import dataclasses
import datetime
import threading
import time

import requests
from oslo_log import log as logging

from fenix.sandbox import alarms
from tests.cloud.scenarios import model

LOG = logging.getLogger(__name__)

SCALE_IN = ('SCALE_IN', 'DOWN_SCALE')
DONE = ('INSTANCE_ACTION_DONE', 'ADMIN_ACTION_DONE')
MOVING = ('PREPARE_MAINTENANCE', 'PLANNED_MAINTENANCE')
COMPLETE = 'MAINTENANCE_COMPLETE'
#: All that a project may be told, by the words that it is to be told it in.
WORDS = {words: frozenset(['MAINTENANCE', *MOVING, scale_in, done, COMPLETE])
         for words, scale_in, done in (('fenix', SCALE_IN[0], DONE[0]),
                                       ('doctor', SCALE_IN[1], DONE[1]))}
#: What every one of them has; times are left out where there is none.
TRAITS = frozenset(['service', 'project_id', 'session_id', 'state',
                    'instance_ids', 'reply_url', 'allowed_actions',
                    'metadata'])

#: Seconds after the end of a window at which a late manager answers.
LATE_BY = 1.0
#: Seconds between two tries of a request that had no answer.
RETRY_WAIT = 1.0
RETRIES = 60
#: Seconds between two looks at what others did.
LOOK = 0.05


class Manager:
    """A VNF manager: told by alarms, answers over REST.

    :param spec: a ``scenarios.model.Vnf``
    :param vnf: its ``tenant.RealVnf``
    :param user: a ``tenant.Client`` of the project
    :param tap: told of alarms, in case that it missed their notifications
    :param stranger: a user of another project, for the mode "foreign"
    :ivar problems: what is against the contract with existing clients
    """

    #: Servers that a scale-in removes.
    step = 2

    def __init__(self, spec: model.Vnf, vnf, user, timeline, tap,
                 stranger=None):
        self.spec = spec
        self.vnf = vnf
        self.problems: list[str] = []
        #: The session is being deleted.
        self.over = False
        self._user = user
        self._timeline = timeline
        self._tap = tap
        self._stranger = stranger
        self._receiver = alarms.Receiver(self._told)
        self._pool = concurrent.futures.ThreadPoolExecutor(
            16, thread_name_prefix=vnf.name)
        self._stopping = threading.Event()
        self._alone = threading.RLock()
        self._alarms: list[str] = []
        self._scaled: set[str] = set()
        #: Servers that are Fenix's to touch.
        self._given: set[str] = set()
        self._free = threading.Condition(self._alone)

    @property
    def project(self) -> str:
        """Id of its project."""
        return self._user.project_id

    @property
    def user_name(self) -> str:
        """Name of its user, and of its project."""
        return self._user.name

    def behave(self):
        """Be cooperative from now on."""
        self.spec = dataclasses.replace(self.spec, mode=model.COOPERATIVE)

    # Life

    def start(self):
        """Listen, subscribe, register.

        :raises requests.RequestException: the cloud or Fenix refused
        """
        self._receiver.start()
        if self.spec.alarms:
            self._alarms = [alarms.subscribe(
                self._user, f'{self.vnf.name}-{number}', kind,
                self._receiver.url)
                for number, kind in enumerate(self.spec.alarms)]
            self._timeline.record('vnf.subscribe', alarms=self._alarms,
                                  project=self._user.project_id)
        self.register(self.vnf.servers)

    def stop(self):
        """Take all back and close the port."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        with self._free:
            self._free.notify_all()
        self._receiver.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for alarm in self._alarms:
            self._user.call('DELETE', self._user.url(
                'alarming', f'/v2/alarms/{alarm}'))

    def register(self, servers: list[str]):
        """Put the constraints of servers, if this client has any."""

    def withdraw(self):
        """Delete all constraints that were put."""

    def forget(self, servers: list[str]):
        """Delete the constraints of servers that are gone."""

    # Alarms

    def _told(self, alarm):
        if alarm.event_type != alarms.SCHEDULED:
            return
        self._tap.note_alarm(alarm)
        self._pool.submit(self._safely, self._handle, alarm)

    def _safely(self, function, *arguments):
        try:
            function(*arguments)
        except Exception as error:
            LOG.exception('%s could not do what it was asked', self.vnf.name)
            if not self._stopping.is_set():
                self.problem(f'{type(error).__name__}: {error}')

    def problem(self, text: str):
        """Note something that is against the contract."""
        self.problems.append(f'{self.vnf.name}: {text}')

    def _handle(self, alarm):
        state = alarm.traits['state']
        self._check_form(alarm)
        if state in DONE:
            self.done(alarm)
            return
        if self._misbehaves(alarm):
            return
        if state in SCALE_IN:
            self._scale_in(alarm)
            self.reply(alarm, True, self.vnf.servers)
        elif state == COMPLETE:
            with self._alone:
                self._given.clear()
                self.register(self.vnf.scale_out())
            self.reply(alarm, True, self.vnf.servers)
        elif state in MOVING:
            self._prepare(alarm)
        else:
            self._given.clear()
            self.announced(alarm)

    def announced(self, alarm):
        """Answer MAINTENANCE; NACK if it is about what is not ours."""
        ids = self.listed(alarm)
        foreign = set(ids) - self.vnf.own().keys()
        if foreign:
            self.problem(f'MAINTENANCE lists {sorted(foreign)}')
        self.reply(alarm, not foreign, ids)

    def done(self, alarm):
        """Take note that Fenix has moved an instance."""
        with self._free:
            self._given.difference_update(alarm.traits['instance_ids'])
            self._free.notify_all()

    def listed(self, alarm) -> list[str]:
        """Return the instances that a question is about."""
        about = alarm.traits['instance_ids']
        if isinstance(about, list):
            return about
        answer = self._user.call('GET', about)
        if answer.status_code != 200:
            self.problem(f'GET {about}: {answer.status_code}')
            return []
        return answer.json()['instance_ids']

    # Behaviour

    def _misbehaves(self, alarm) -> bool:
        """Do what the mode says; True if that was all."""
        question = alarm.traits['state']
        mode = self.spec.mode
        if self.spec.asked and question not in self.spec.asked:
            return False
        if mode == model.SILENT:
            return True
        if mode == model.CONTRADICTING:
            self._wait_for_another(alarm)
        if mode in (model.REFUSING, model.CONTRADICTING):
            self.reply(alarm, False, self.listed(alarm))
            return True
        if mode == model.FOREIGN:
            body = self.body(alarm, True, self.listed(alarm), None)
            code = self._stranger.call('PUT', alarm.traits['reply_url'],
                                       json=body).status_code
            if code != 403:
                self.problem(f'another project was answered {code}')
            return True
        if mode == model.IDLE and question in SCALE_IN:
            self.reply(alarm, True, self.vnf.servers)
            return True
        if mode == model.LATE:
            self._stopping.wait(self._until(alarm) + LATE_BY)
        return False

    def _wait_for_another(self, alarm):
        """Wait until another manager of the project has agreed."""
        deadline = time.monotonic() + self._until(alarm)
        agreed = f'ACK_{alarm.traits["state"]}'
        while not any(line['what'] == 'reply' and line['code'] == 200
                      and line['project'] == self.project
                      and line['state'] == agreed
                      for line in list(self._timeline.lines)):
            if (time.monotonic() > deadline
                    or self._stopping.wait(LOOK)):
                self.problem(f'nobody sent {agreed}')
                return

    @staticmethod
    def _until(alarm) -> float:
        """Return the seconds until the window of a question ends."""
        ends = alarm.traits.get('reply_at')
        if ends is None:
            return 0.0
        now = datetime.datetime.now(datetime.UTC)
        return max(0.0, (ends - now).total_seconds())

    def _scale_in(self, alarm):
        """Scale in once for a message, however often it comes."""
        with self._alone:
            if alarm.message_id in self._scaled:
                return
            self._scaled.add(alarm.message_id)
            self.forget(self.vnf.scale_in(self.step, self._given))

    def _prepare(self, alarm):
        ids = self.listed(alarm)
        own = [server for server in ids if server in self.vnf.servers]
        if not own:
            # Several managers in one project: it is another one's.
            self.others(alarm, ids)
            return
        action = self.spec.action
        with self._alone:
            agreed = self._clear(alarm, own)
            if agreed and action != 'OWN_ACTION':
                self._given.update(own)
        if agreed and action == 'OWN_ACTION':
            self.before_own_action(alarm, own)
        self.reply(alarm, agreed, ids, action)
        if agreed and action == 'OWN_ACTION':
            self.after_own_action(own)

    def others(self, alarm, ids):
        """What to do with a question about another VNF: nothing."""

    def before_own_action(self, alarm, servers):
        """Whoever acts before it answers does it here."""

    def after_own_action(self, servers):
        """Replace servers, as most do after their answer."""
        self.replace(servers)

    def replace(self, servers):
        """Put new servers in the place of these."""
        for server in servers:
            with self._alone:
                if server in self.vnf.servers:
                    new = self.vnf.replace(server)
                    self.register([new])
                    self.forget([server])

    def _clear(self, alarm, ids) -> bool:
        """Switch over if the active server is concerned."""
        if self.vnf.active not in ids:
            return True
        standby = self.vnf.standby
        if standby in ids:
            return False
        free = self._free.wait_for(
            lambda: standby not in self._given or self._stopping.is_set(),
            self._until(alarm))
        if not free or self._stopping.is_set():
            return False
        self.vnf.switch_over()
        return True

    # Replies

    def body(self, alarm, agreed: bool, ids, action) -> dict:
        """Return a reply as this client writes it."""
        raise NotImplementedError

    def reply(self, alarm, agreed: bool, ids, action=None):
        """Answer a question, as often as the mode says."""
        body = self.body(alarm, agreed, ids, action)
        self.send(alarm, body, ids)
        if self.spec.mode == model.TWICE:
            self.send(alarm, {**body, 'vendor': {'x': [1]}}, ids)

    def send(self, alarm, body: dict, ids):
        """Send a reply until it arrives, and write it down."""
        for _ in range(RETRIES):
            code = self._send_once(alarm, body, ids)
            if code is not None and code < 500:
                # Of a session that is deleted nobody needs an answer.
                if code != 200 and not (self.over and code == 404):
                    self.problem(f'{body["state"]} was answered {code}')
                return
            if self._stopping.wait(RETRY_WAIT):
                return

    def _send_once(self, alarm, body, ids):
        traits = alarm.traits
        sent, code = time.time(), None
        try:
            code = self._user.call('PUT', traits['reply_url'],
                                   json=body).status_code
        except requests.RequestException as error:
            LOG.warning('%s was not answered: %s', body['state'], error)
        listed = isinstance(traits['instance_ids'], list)
        self._timeline.record(
            'reply', session=traits['session_id'],
            project=traits['project_id'], state=body['state'], body=body,
            instance=ids[0] if listed and ids else None, code=code,
            sent_t=sent, message_id=alarm.message_id, instances=ids)
        return code

    # What a client relies on

    #: Questions in which it wants a list of one instance.
    wants_list: tuple[str, ...] = ()

    def _check_form(self, alarm):
        """Note what this client could not read (contract, 2.2 and 2.4)."""
        traits = alarm.traits
        missing = TRAITS - traits.keys()
        if missing:
            self.problem(f'{traits.get("state")} without {sorted(missing)}')
            return
        state, about = traits['state'], traits['instance_ids']
        if state not in WORDS[self.spec.vocabulary]:
            self.problem(f'{state} is no word for it')
        wants_list = state in (*self.wants_list, *DONE)
        if wants_list != isinstance(about, list) or (
                wants_list and len(about) != 1):
            self.problem(f'{state} about {about}')
            return
        # Replies of most clients name no instance: the path has to.
        end = f'/{traits["session_id"]}/{self.project}'
        if state in self.wants_list:
            end += f'/{about[0]}'
        url = str(traits['reply_url'])
        if not url.startswith('http') or (
                state not in DONE and not url.endswith(end)):
            self.problem(f'{state} is answered at {url}')
        if not wants_list and not str(about).endswith(end):
            self.problem(f'{state} lists instances at {about}')
        if state in MOVING and 'MIGRATE' not in traits['allowed_actions']:
            self.problem(f'{state} without MIGRATE')
