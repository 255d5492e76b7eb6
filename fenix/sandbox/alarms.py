# SPDX-License-Identifier: Apache-2.0
"""Aodh event alarms, as a client creates, receives and reads them."""

import ast
import collections.abc
import dataclasses
import datetime
import json
from typing import Any

from oslo_log import log as logging
from werkzeug import wrappers

from fenix.sandbox import client as clients
from fenix.sandbox.cloud import http

LOG = logging.getLogger(__name__)

SCHEDULED = 'maintenance.scheduled'
HOST = 'maintenance.host'

#: Trait types of ceilometer.
_TEXT = 1
_DATETIME = 4


@dataclasses.dataclass(frozen=True)
class Alarm:
    """What an alarm told.

    :ivar traits: by name; lists, objects and times already decoded
    :ivar generated: when its notification was made, None if nobody tells
    """

    message_id: str
    event_type: str
    traits: dict[str, Any]
    generated: datetime.datetime | None = None


def decode(body: dict) -> Alarm:
    """Read the body of an alarm (CONTRACT.md 2.7).

    :raises ValueError: it is none, or a trait was cut
    """
    try:
        event = body['reason_data']['event']
        traits = {name: _value(kind, value)
                  for name, kind, value in event['traits']}
        made = event.get('generated')
        return Alarm(event['message_id'], event['event_type'], traits,
                     _value(_DATETIME, made) if made else None)
    except (KeyError, TypeError, SyntaxError) as error:
        raise ValueError(f'no alarm: {error!r}') from error


def _value(kind, value):
    if kind == _DATETIME:
        when = datetime.datetime.fromisoformat(value)
        return when.replace(tzinfo=when.tzinfo or datetime.UTC)
    if kind == _TEXT and value.startswith(('[', '{')):
        # Lists and objects come as Python spells them. Only literals are
        # read: whoever sends an alarm must not run code here.
        return ast.literal_eval(value)
    return value


def subscribe(client: clients.Client, name: str, event_type: str,
              url: str) -> str:
    """Create an alarm on events of a type, and return its id.

    :raises requests.RequestException: aodh refused
    """
    alarm = client.json('POST', 'alarming', '/v2/alarms', json={
        'name': name, 'type': 'event', 'enabled': True,
        'repeat_actions': True, 'alarm_actions': [url],
        'event_rule': {'event_type': event_type, 'query': []}})
    return alarm['alarm_id']


class Receiver:
    """A small HTTP server that alarms are posted to.

    :param told: called with each Alarm, in a thread of the server; it
        answers 200 when that returns
    """

    def __init__(self, told: collections.abc.Callable[[Alarm], None],
                 host: str = '127.0.0.1', port: int = 0):
        self._told = told
        self._server = http.Server(self._application, host, port, threads=4)
        self.url = f'http://{host}:{self._server.port}/maintenance'

    def start(self):
        """Serve, in threads of its own."""
        self._server.start()

    def stop(self):
        """Close the port."""
        self._server.stop()

    def _application(self, environ, start_response):
        return self._answer(wrappers.Request(environ))(
            environ, start_response)

    def _answer(self, request):
        try:
            alarm = decode(json.loads(request.get_data()))
        except ValueError as error:
            LOG.warning('An alarm that cannot be read: %s', error)
            return wrappers.Response(str(error), status=400)
        self._told(alarm)
        return wrappers.Response(status=200)
