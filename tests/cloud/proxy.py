# SPDX-License-Identifier: Apache-2.0
"""Stands between Fenix and Nova: sees everything, changes nothing.

What Fenix asks for, and what Nova answers, is shown to a witness before it
goes on its way. An ambush can do something to the cloud at the moment at
which Fenix sends a request.
"""

import collections.abc
import json
import re
import time

import requests
from oslo_log import log as logging
from werkzeug import wrappers

from fenix.sandbox.cloud import http

LOG = logging.getLogger(__name__)

#: Seconds; Fenix gives up long before.
TIMEOUT = 120.0
#: Headers of one connection, not of what it carries.
HOP = frozenset(['connection', 'keep-alive', 'transfer-encoding', 'te',
                 'host', 'content-length', 'content-encoding', 'upgrade'])
SERVER = re.compile(r'/servers/([0-9a-f-]{36})(?:/|$)')
ONE_SERVER = re.compile(r'/servers/([0-9a-f-]{36})$')
SERVICE = re.compile(r'/os-services/([0-9a-f-]{36})$')

#: Called with method, path and body before a request goes to Nova.
Ambush = collections.abc.Callable[[str, str, dict], None]


class Proxy:
    """A port that is Nova to Fenix.

    :param nova: URL of Nova in the catalogue, with the version in it
    :ivar witness: who is shown what passes, or None
    :ivar ambush: called with each request, or None
    :ivar lists: of all servers, as Fenix asked for them: the seconds that
        each page took, and how many were on it
    """

    def __init__(self, nova: str, threads: int = 24):
        self._root, _, self._prefix = nova.partition('/v2.1')
        self.witness = None
        self.ambush: Ambush | None = None
        self.lists: list[list[tuple[float, int]]] = []
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.mount('http://', requests.adapters.HTTPAdapter(
            pool_maxsize=threads))
        self._server = http.Server(self._application, '127.0.0.1', 0,
                                   threads)
        self.url = f'http://127.0.0.1:{self._server.port}/v2.1'

    def start(self):
        """Serve, in threads of its own."""
        self._server.start()

    def stop(self):
        """Close the port."""
        self._server.stop()
        self._http.close()

    def _application(self, environ, start_response):
        request = wrappers.Request(environ)
        data = request.get_data()
        body = _json(data)
        witness = self.witness
        server = SERVER.search(request.path)
        if witness is not None and server is not None:
            witness.asking(server[1], request.method, request.path)
        if self.ambush is not None and request.method != 'GET':
            self._lie_in_wait(request, body)
        asked = time.time()
        try:
            answer = self._http.request(
                request.method, self._root + request.path, data=data,
                params=request.query_string, timeout=TIMEOUT,
                headers=_headers(request), allow_redirects=False)
        except requests.RequestException as error:
            # Nova is away: then it is away for Fenix, too.
            LOG.info('%s %s: %s', request.method, request.path, error)
            http.hang_up(environ)
            return wrappers.Response(status=503)(environ, start_response)
        took = time.time() - asked
        if witness is not None:
            self._show(witness, request, body, asked, took, answer)
        response = wrappers.Response(answer.content,
                                     status=answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in HOP:
                response.headers[name] = value
        return response(environ, start_response)

    def _lie_in_wait(self, request, body):
        try:
            self.ambush(request.method, request.path, body)
        except Exception:
            LOG.exception('The ambush failed')

    def _show(self, witness, request, body, asked, took, answer):
        """Show a request and its answer to the witness.

        Before Fenix has the answer; nothing of it may fail.
        """
        try:
            self._tell(witness, request, body, asked, answer)
            self._note_page(request, took, answer)
        except Exception:
            LOG.exception('%s %s was not understood', request.method,
                          request.path)

    def _note_page(self, request, took, answer):
        """Note a page of a list of all servers."""
        args = request.args
        if (request.method == 'GET' and answer.status_code == 200
                and request.path.endswith('/servers/detail')
                and not args.keys() & {'host', 'status'}):
            if 'marker' not in args:
                self.lists.append([])
            servers = _json(answer.content)['servers']
            self.lists[-1].append((took, len(servers)))

    def _tell(self, witness, request, body, asked, answer):
        code = answer.status_code
        server = SERVER.search(request.path)
        service = SERVICE.search(request.path)
        if server and request.path.endswith('/action'):
            witness.acted(server[1], body, asked, code)
        elif service and request.method == 'PUT':
            witness.service(service[1], body, asked, code)
        elif (request.method == 'GET' and code == 404
                and ONE_SERVER.search(request.path)):
            witness.gone(server[1], asked)
        elif request.method == 'GET' and code == 200:
            found = _json(answer.content)
            if 'server' in found:
                witness.server(found['server'], asked)
            for document in found.get('servers', ()):
                witness.server(document, asked)
            for document in found.get('migrations', ()):
                witness.migration(document)
            host = request.args.get('host')
            if 'servers' in found and host and 'marker' not in request.args:
                for each in witness.not_listed(host, found['servers']):
                    self._look_at(witness, request, each)

    def _look_at(self, witness, request, server):
        """Show the witness a server that it believes elsewhere."""
        asked = time.time()
        answer = self._http.get(
            self._root + f'/v2.1/servers/{server}', timeout=TIMEOUT,
            headers=_headers(request))
        if answer.status_code == 404:
            witness.gone(server, asked)
        elif answer.status_code == 200:
            witness.server(answer.json()['server'], asked)


def _headers(request) -> dict:
    """Return what of a request's headers goes on to Nova."""
    return {name: value for name, value in request.headers
            if name.lower() not in HOP}


def _json(data) -> dict:
    """Return the JSON object in a body; another body has nothing in it."""
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
