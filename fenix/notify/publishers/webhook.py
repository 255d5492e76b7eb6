# SPDX-License-Identifier: Apache-2.0
"""Notifications to an HTTP address, where there is no message bus."""

import requests
from urllib3 import exceptions as urllib3_exceptions

from fenix import errors
from fenix.notify.publishers import base


class WebhookPublisher(base.Publisher):
    """Posts each notification to ``[notify] webhook_url``.

    The body is ``{"context": {}, "message": …}`` with the message as it
    goes over the bus. Any answer of 2xx means that the receiver has it. The
    request goes straight to the address: no proxy, no .netrc.
    """

    def __init__(self, conf):
        super().__init__(conf)
        if not conf.notify.webhook_url:
            raise ValueError('[notify] webhook_url is not set')
        self._url = conf.notify.webhook_url
        # requests counts connecting and waiting apart.
        self._timeout = conf.notify.timeout / 2

    def publish(self, notifications):
        with requests.Session() as http:
            http.trust_env = False
            for number, notification in enumerate(notifications):
                self._post(http, notification, number)

    def _post(self, http, notification, number):
        body = {'context': {}, 'message': notification.as_message()}
        try:
            answer = http.post(self._url, json=body, timeout=self._timeout,
                               allow_redirects=False)
        except requests.RequestException as exc:
            raise errors.PublishError(
                f'No answer to {notification.event_type}: {exc}',
                published=number, uncertain=not _unsent(exc)) from exc
        if not 200 <= answer.status_code < 300:
            raise errors.PublishError(
                f'The receiver of {notification.event_type} answered '
                f'{answer.status_code}', published=number,
                uncertain=answer.status_code >= 500)


def _unsent(exc):
    """Whether it failed before there was a connection."""
    cause = exc.args[0] if exc.args else None
    return (isinstance(exc, requests.ConnectTimeout)
            or isinstance(getattr(cause, 'reason', None),
                          urllib3_exceptions.NewConnectionError))
