# SPDX-License-Identifier: Apache-2.0
"""The administrator of the sandbox: starts, follows and deletes a session."""

import datetime

import requests
from oslo_log import log as logging

from fenix.sandbox import client as clients
from fenix.sandbox.cloud import timeline as timelines

LOG = logging.getLogger(__name__)

FINAL = ('MAINTENANCE_DONE', 'MAINTENANCE_FAILED')
#: What a session is once it is deleted.
GONE = 'GONE'


class AdminError(Exception):
    """Fenix refused what the administrator asked for."""


class Administrator:
    """Speaks to the admin API and writes down what it did and saw.

    :param client: a user with the role admin
    :param api: URL of the API of Fenix, with its version
    """

    def __init__(self, client: clients.Client,
                 timeline: timelines.Timeline, api: str):
        self._client = client
        self._timeline = timeline
        self._url = f'{api}/maintenance'
        self._state: str | None = None
        self.session: str | None = None
        self.reason: str | None = None
        #: When the session last came to rest, as Fenix says it.
        self.finished_at: str | None = None

    def create(self, notice: float, workflow: str, **fields) -> str:
        """Start a session on all hosts, and return its id.

        :param notice: seconds until the maintenance starts
        :param fields: further fields of the request
        :raises AdminError: Fenix refused
        """
        at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(
            seconds=notice)
        body = {'state': 'MAINTENANCE', 'hosts': [], 'workflow': workflow,
                'maintenance_at': at.strftime('%Y-%m-%d %H:%M:%S'),
                'metadata': {'openstack_version': 'sandbox'}, **fields}
        response = self._client.call('POST', self._url, json=body)
        if response.status_code == 200:
            self.session = response.json()['session_id']
        self._record('POST', response, body=body)
        if self.session is None:
            raise AdminError(f'the session was refused: {response.text}')
        return self.session

    def adopt(self, session: str, body: dict):
        """Take over a session whose id was in an answer that was lost."""
        self.session = session
        self._timeline.record('session', method='POST', body=body,
                              session=session, state=None, code=200)

    def resume(self):
        """Continue the session, which has failed.

        :raises AdminError: Fenix refused
        """
        response = self._client.call('PUT', f'{self._url}/{self.session}',
                                     json={})
        self._record('PUT', response)
        if response.status_code != 200:
            raise AdminError(f'it was not continued: {response.text}')

    def state(self) -> str | None:
        """Return the state of the session, None while Fenix is away.

        :raises AdminError: Fenix answered with an error
        """
        try:
            response = self._client.call('GET',
                                         f'{self._url}/{self.session}')
        except requests.RequestException as error:
            LOG.warning('Fenix does not answer: %s', error)
            return None
        if response.status_code == 404:
            state = GONE
        elif response.status_code >= 500:
            LOG.warning('Fenix answered %s', response.text)
            return None
        elif response.status_code != 200:
            raise AdminError(f'no state: {response.text}')
        else:
            state = response.json()['state']
            self.reason = response.json().get('reason') or self.reason
            self.finished_at = response.json().get('finished_at')
        if state != self._state:
            self._state = state
            self._record('GET', response, state=state)
        return state

    def delete(self):
        """Delete the session.

        :raises AdminError: Fenix refused
        """
        response = self._client.call('DELETE',
                                     f'{self._url}/{self.session}')
        self._record('DELETE', response)
        if response.status_code != 200:
            raise AdminError(f'it was not deleted: {response.text}')

    def _record(self, method, response, body=None, state=None):
        self._timeline.record('session', method=method, body=body,
                              session=self.session, state=state,
                              code=response.status_code)
