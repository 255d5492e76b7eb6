# SPDX-License-Identifier: Apache-2.0
"""A user of the cloud: plain REST with a Keystone token."""

import threading

import requests
from oslo_log import log as logging

LOG = logging.getLogger(__name__)

#: Seconds until a request is given up.
TIMEOUT = 30.0
#: How often a request that may be repeated is, and the seconds between.
TRIES = 20
TRY_WAIT = 0.5


class Client:
    """Speaks to the cloud's services as a user of one project.

    Thread-safe. Endpoints come from the catalogue.

    :param auth_url: of Keystone, with its version
    """

    def __init__(self, auth_url: str, username: str, password: str,
                 project_name: str):
        self._auth_url = auth_url.rstrip('/')
        self._username = username
        self._password = password
        self._project_name = project_name
        self._lock = threading.Lock()
        self._token: dict | None = None
        self._http = requests.Session()
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=32)
        self._http.mount('http://', adapter)
        # A proxy of the environment is not for the sandbox's traffic.
        self._http.trust_env = False

    def close(self):
        """Close the connections."""
        self._http.close()

    @property
    def project_id(self) -> str:
        """Id of the project."""
        return self._authenticated()['project']

    @property
    def user_id(self) -> str:
        """Id of the user."""
        return self._authenticated()['user']

    def url(self, service_type: str, path: str = '') -> str:
        """Return the address of something that a service has.

        :raises KeyError: the catalogue has no such service
        """
        return self._authenticated()['catalog'][service_type] + path

    def call(self, method: str, url: str, headers: dict | None = None,
             **arguments) -> requests.Response:
        """Send a request; a token that has run out is replaced once.

        :param headers: other ones, or other values
        :param arguments: as for ``requests.request``
        :raises requests.RequestException: there was no answer
        """
        for last in (False, True):
            response = self._http.request(
                method, url, headers={**self._headers(), **(headers or {})},
                timeout=TIMEOUT, **arguments)
            if response.status_code != 401 or last:
                break
            with self._lock:
                self._token = None
        return response

    def insist(self, stopping: threading.Event, method: str, url: str,
               **arguments) -> requests.Response:
        """Send a request that may be repeated until there is an answer.

        :param stopping: nothing is sent any more once it is set
        :raises requests.RequestException: there was none in the end
        """
        for last in range(TRIES, -1, -1):
            try:
                response = self.call(method, url, **arguments)
                if response.status_code < 500 or not last:
                    return response
            except requests.RequestException:
                if not last or stopping.is_set():
                    raise
            stopping.wait(TRY_WAIT)
        return response

    def json(self, method: str, service_type: str, path: str, **arguments):
        """Send a request to a service and return the JSON of its answer.

        :raises requests.RequestException: no answer, or an error
        """
        response = self.call(method, self.url(service_type, path),
                             **arguments)
        response.raise_for_status()
        return response.json() if response.content else None

    def post_plain(self, url: str, body: dict):
        """Post to something that asks for no token.

        :raises requests.RequestException: no answer, or an error
        """
        response = self._http.post(url, json=body, timeout=TIMEOUT)
        response.raise_for_status()

    def _headers(self):
        # Every client sends both, on requests without a body too
        # (CONTRACT.md 1).
        return {'X-Auth-Token': self._authenticated()['id'],
                'Content-Type': 'application/json',
                'Accept': 'application/json'}

    def _authenticated(self):
        with self._lock:
            if self._token is None:
                self._token = self._authenticate()
            return self._token

    def _authenticate(self):
        domain = {'id': 'default'}
        response = self._http.post(
            f'{self._auth_url}/auth/tokens', timeout=TIMEOUT, json={'auth': {
                'identity': {'methods': ['password'], 'password': {'user': {
                    'name': self._username, 'domain': domain,
                    'password': self._password}}},
                'scope': {'project': {'name': self._project_name,
                                      'domain': domain}}}})
        response.raise_for_status()
        token = response.json()['token']
        catalog = {
            service['type']: endpoint['url'].rstrip('/')
            for service in token['catalog']
            for endpoint in service['endpoints']
            if endpoint['interface'] == 'public'}
        return {'id': response.headers['X-Subject-Token'],
                'project': token['project']['id'],
                'user': token['user']['id'], 'catalog': catalog}
