# SPDX-License-Identifier: Apache-2.0
"""The sessions of a run: several at once, each on hosts of its own.

A slot has hosts, a VNF with its manager, and an administrator who starts one
session after the other on these hosts, continues what failed, and deletes
what is done.
"""

import dataclasses
import itertools
import json
import pathlib
import threading
import time

import requests
from oslo_log import log as logging

from fenix.sandbox import administrator
from fenix.sandbox import client as clients
from fenix.sandbox import installation
from fenix.sandbox.cloud import timeline as timelines

LOG = logging.getLogger(__name__)

DONE = 'MAINTENANCE_DONE'
FAILED = 'MAINTENANCE_FAILED'
#: Seconds between two looks at a session, and before something that failed
#: is tried again; and looks that all administrators take in a second at most.
LOOK = 0.8
LOOKS = 25
#: Seconds that an administrator needs to see why a session failed.
REPAIR_TIME = 2.0
#: Settings of each session: everything is short.
SETTINGS = {'min_notice': 2.0, 'settle_time': 3.0}
#: How long others have, as long as no more than so many sessions run at once;
#: more of them share the same machine, and each takes longer for everything.
LIMITS = {'scale_in_window': 8.0, 'reply_window': 8.0,
          'complete_window': 8.0, 'own_action_window': 20.0,
          'migration_timeout': 30.0, 'confirm_timeout': 30.0,
          'empty_timeout': 30.0}
FEW = 20
#: Of these, what has to be longer than Fenix looks for a request, or it
#: refuses the session; and by how many seconds it is at least.
LOOKED_FOR_WITHIN = ('migration_timeout', 'confirm_timeout')
BEYOND = 10.0


@dataclasses.dataclass
class Outcome:
    """What became of a session.

    :ivar result: done, failed, stuck or lost
    :ivar reasons: why it failed, each time that it did
    """

    slot: str
    session: str | None = None
    result: str = 'stuck'
    reasons: list[str] = dataclasses.field(default_factory=list)
    seconds: float = 0.0


@dataclasses.dataclass(frozen=True)
class Manner:
    """What an administrator wants.

    :ivar continues: how often a session that failed is continued
    :ivar patience: seconds after which one that does not end is stuck
    :ivar notice: seconds until the maintenance starts
    :ivar look: seconds between two looks at a session
    :ivar pace: how much longer all others have than LIMITS says
    :ivar window: seconds for which Fenix looks for a request
    """

    workflow: str = 'default'
    continues: int = 20
    patience: float = 240.0
    notice: float = 3.0
    look: float = LOOK
    pace: float = 1.0
    window: float = 0.0

    @property
    def settings(self) -> dict[str, float]:
        """Settings of a session.

        Of many sessions that begin together all projects are asked at once:
        then they have as long for their first answer as for any other.
        """
        limits = {name: value * self.pace for name, value in LIMITS.items()}
        for name in LOOKED_FOR_WITHIN:
            limits[name] = max(limits[name], self.window + BEYOND)
        if self.pace > 1:
            limits['min_notice'] = limits['reply_window']
        return SETTINGS | limits


class _Stuck(Exception):
    """It does not go on."""


class _Lost(Exception):
    """A session that was answered 200 is not there."""


class Slot:
    """Runs sessions on its hosts, one after the other, in a thread.

    :param client: an administrator of the cloud
    :param api: URL of the API of Fenix, with its version
    :param directory: where what is known of a stuck session is kept
    """

    def __init__(self, name: str, hosts: list[str], client: clients.Client,
                 timeline: timelines.Timeline, api: str, manner: Manner,
                 directory: pathlib.Path):
        self.name = name
        self.outcomes: list[Outcome] = []
        self._hosts = hosts
        self._client = client
        self._timeline = timeline
        self._api = api
        self._manner = manner
        self._directory = directory
        self._closing = threading.Event()
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True,
                                        name=f'chaos-{name}')

    def start(self):
        """Start sessions until it is closed."""
        self._thread.start()

    def close(self):
        """Start no more sessions."""
        self._closing.set()

    @property
    def running(self) -> bool:
        """Whether a session of it goes on."""
        return self._thread.is_alive()

    def end(self):
        """Give up the session that goes on, if any."""
        self._given_up.set()
        self._thread.join(2 * clients.TIMEOUT)

    def _run(self):
        for number in itertools.count(1):
            if number > 1 and self._closing.is_set():
                return
            outcome = Outcome(self.name)
            self.outcomes.append(outcome)
            began = time.monotonic()
            try:
                self._session(outcome, f'{self.name}/{number}')
            except _Stuck as error:
                outcome.reasons.append(str(error))
                self._keep(outcome)
                return
            except _Lost as error:
                outcome.result = 'lost'
                outcome.reasons.append(str(error))
            except Exception as error:
                LOG.exception('slot %s', self.name)
                outcome.reasons.append(f'the sandbox broke: {error!r}')
                return
            finally:
                outcome.seconds = round(time.monotonic() - began, 1)

    def _session(self, outcome, tag):
        admin = administrator.Administrator(self._client, self._timeline,
                                            self._api)
        outcome.session = self._create(admin, tag)
        result = 'done'
        while self._follow(admin, (DONE, FAILED)) == FAILED:
            outcome.reasons.append(admin.reason)
            if len(outcome.reasons) > self._manner.continues:
                result = 'failed'
                break
            self._given_up.wait(REPAIR_TIME)
            self._insist(admin.resume)
            self._follow(admin, (), admin.finished_at)
        # A session that is deleted goes without a word, so what is noted
        # comes first.
        self._insist(admin.delete)
        self._follow(admin, (administrator.GONE,))
        outcome.result = result

    def _create(self, admin, tag):
        deadline = time.monotonic() + self._manner.patience
        body = {'hosts': self._hosts, 'settings': self._manner.settings,
                'metadata': {'run': tag}, 'actions': [
                    {'plugin': 'command', 'type': 'host',
                     'metadata': {'command': installation.WORK}}]}
        while True:
            try:
                return admin.create(self._manner.notice * self._manner.pace,
                                    self._manner.workflow, **body)
            except (requests.RequestException,
                    administrator.AdminError) as error:
                LOG.info('slot %s: %s', self.name, error)
            # The answer may have been lost, and not the request.
            found = self._find(tag)
            if found is not None:
                admin.adopt(found, body)
                return found
            self._pause(deadline, 'no session could be started')

    def _find(self, tag) -> str | None:
        """Return the session with these metadata."""
        url = f'{self._api}/maintenance'
        try:
            for session in self._client.call('GET', url).json()['sessions']:
                detail = self._client.call(
                    'GET', f'{url}/{session}/detail').json()
                if detail.get('metadata', {}).get('run') == tag:
                    return session
        except (requests.RequestException, KeyError) as error:
            LOG.info('slot %s: %s', self.name, error)
        return None

    def _follow(self, admin, states, rested=None):
        """Wait for one of these states, or for the end of a rest.

        :param rested: the moment since which the session rests
        """
        deadline = time.monotonic() + self._manner.patience
        while True:
            state = admin.state()
            if state in states:
                return state
            if state == administrator.GONE:
                raise _Lost(f'session {admin.session} is gone')
            if rested is not None and state is not None and (
                    admin.finished_at != rested):
                return state
            self._pause(deadline, f'it stays {state or "without an answer"}')

    def _insist(self, request):
        """Send what may be sent again until it is answered well."""
        deadline = time.monotonic() + self._manner.patience
        while True:
            try:
                return request()
            except (requests.RequestException,
                    administrator.AdminError) as error:
                LOG.info('slot %s: %s', self.name, error)
                self._pause(deadline, str(error))

    def _pause(self, deadline, what):
        if time.monotonic() > deadline or self._given_up.is_set():
            raise _Stuck(what)
        self._given_up.wait(self._manner.look)

    def _keep(self, outcome):
        """Keep what Fenix knows of a session that is stuck."""
        url = f'{self._api}/maintenance/{outcome.session}/detail'
        try:
            detail = self._client.call('GET', url).json()
        except (requests.RequestException, ValueError) as error:
            LOG.warning('slot %s: %s', self.name, error)
            return
        self._directory.joinpath(f'stuck-{outcome.session}.json').write_text(
            json.dumps(detail, indent=1))
