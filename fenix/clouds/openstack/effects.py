# SPDX-License-Identifier: Apache-2.0
"""What is changed in Nova: each request is sent once.

keystoneauth is used directly, because everything depends on what exactly
Nova answered. It still answers a 401 with a new token and the same request;
that is safe, as a request without a valid token did nothing.
"""

import re

from oslo_log import log as logging

from fenix import context
from fenix import errors
from fenix.clouds import permission
from fenix.clouds.openstack import views
from fenix.clouds.openstack.failures import reading

LOG = logging.getLogger(__name__)

#: Nova's limit of a reason, in characters.
REASON_LENGTH = 255

#: What Nova says of a target that is not in the server's cell.
UNKNOWN_TARGET = re.compile(r'[Hh]ost .* could not be found')

#: How Nova ends when it refuses to do something with a locked server.
LOCKED = ' is locked'

BAD_REQUEST = 400
#: A proxy gave up waiting for our request: what it passed on is not known.
REQUEST_TIMEOUT = 408
CONFLICT = 409
#: What Nova says with 409 while it sees the nova-compute of the instance as
#: down. So do all of them for a moment when the message bus restarts: not
#: now, which is not the same as no.
AWAY = 'Service is unavailable'


class Effects:
    """The half of the interface that changes the cloud.

    :param nova: ``nova.Nova``, to look before
    :param adapter: a keystoneauth adapter for Nova that repeats nothing
    """

    def __init__(self, nova, adapter):
        self._nova = nova
        self._adapter = adapter

    def disable(self, host, reason) -> str:
        """As ``base.Cloud.disable``.

        Nova cannot disable on a condition. Who disables the host between
        our look and our request loses the reason to ours.
        """
        service = self._compute(host)
        if service.status == 'disabled':
            return 'us' if _has(service, _mark(reason)) else 'before'
        self._disable(service, reason)
        return 'us'

    def enable(self, host, mark) -> bool:
        """As ``base.Cloud.enable``."""
        service = self._compute(host)
        if service.status != 'disabled':
            return True
        if not _has(service, mark):
            return False
        self._put(service, {'status': 'enabled'}, 'enable')
        return True

    def set_reason(self, host, reason, mark) -> None:
        """As ``base.Cloud.set_reason``; nothing to do without the mark."""
        service = self._compute(host)
        if (service.status == 'disabled' and _has(service, mark)
                and service.disabled_reason != _cut(reason)):
            self._disable(service, reason)

    def migrate(self, instance_id, target) -> str:
        """As ``base.Cloud.migrate``."""
        return self._move(instance_id, {'migrate': {'host': target}},
                          f'migrate to {target}')

    def live_migrate(self, instance_id, target) -> str:
        """As ``base.Cloud.live_migrate``."""
        return self._move(
            instance_id,
            {'os-migrateLive': {'host': target, 'block_migration': 'auto'}},
            f'live-migrate to {target}')

    def confirm(self, instance_id) -> None:
        """As ``base.Cloud.confirm``."""
        self._act(instance_id, {'confirmResize': None}, 'confirm')

    def _compute(self, host):
        found = self._look(host)
        if not found:
            raise errors.CloudRefused(f'There is no nova-compute on {host}')
        return found[0]

    def _look(self, host):
        try:
            return self._read(host)
        except errors.CloudError as error:
            # The caller has to come again, as after any request of which
            # nothing is known.
            raise errors.NotSent(str(error)) from error

    @reading
    def _read(self, host):
        return views.known(self._nova.client.services.list(
            host=host, binary=views.COMPUTE))

    def _disable(self, service, reason):
        self._put(service, {'status': 'disabled',
                            'disabled_reason': _cut(reason)}, 'disable')

    def _put(self, service, body, what):
        self._send('PUT', f'/os-services/{service.id}', body,
                   f'host {service.host}', what)

    def _act(self, instance_id, body, what, bad_request=errors.CloudRefused):
        return self._send('POST', f'/servers/{instance_id}/action', body,
                          f'instance {instance_id}', what, bad_request)

    def _move(self, instance_id, body, what):
        # Nova's scheduler says no with 400. Of the server itself, say that
        # it is locked, Nova speaks with 403 and 409.
        try:
            return self._act(instance_id, body, what, errors.TargetRefused)
        except errors.TargetRefused as error:
            if UNKNOWN_TARGET.search(str(error)):
                raise errors.OtherCell(str(error)) from error
            raise
        except errors.CloudRefused as error:
            if str(error).endswith(LOCKED):
                raise errors.CloudRefused(
                    f'{error}: its owner may unlock it; Nova lets only who '
                    'is an administrator (its rule context_is_admin) move '
                    'it as it is') from error
            raise

    def _send(self, method, path, body, subject, what,
              bad_request=errors.CloudRefused):
        """Send a request and return its id.

        :param bad_request: what 400 raises
        :raises: CloudRefused, CloudUnknown, NotSent
        """
        try:
            answer = self._adapter.request(
                path, method, json=body, raise_exc=False, redirect=False,
                microversion=self._nova.version.get_string(),
                headers={'Accept': 'application/json'},
                # In Nova's log it leads to the session.
                global_request_id=context.request_id(),
                # Called before each connection is opened: after the token
                # was fetched, and again after a 401. Once it is open comes
                # the last look, see ``connections``.
                requests_auth=_permitted)
        except errors.NotSent:
            raise
        except Exception as error:
            # Whatever it was: the request may have reached Nova.
            LOG.warning('%s: what became of "%s" is not known: %s', subject,
                        what, error)
            raise errors.CloudUnknown(
                f'No answer to "{what}" of {subject}: {error}') from error
        request_id = answer.headers.get('x-openstack-request-id')
        code = answer.status_code
        if 200 <= code < 300:
            LOG.info('%s: %s, request %s', subject, what, request_id)
            return request_id
        said = _message(answer)
        message = f'Nova answered {code} to "{what}" of {subject}: {said}'
        away = code == CONFLICT and AWAY in said
        if 400 <= code < 500 and code != REQUEST_TIMEOUT and not away:
            LOG.info('%s, request %s', message, request_id)
            raise (bad_request if code == BAD_REQUEST
                   else errors.CloudRefused)(message)
        LOG.warning('%s, request %s', message, request_id)
        raise errors.CloudUnknown(message)


def _permitted(request):
    """Let a request of the library ``requests`` go only if it still may."""
    permission.check()
    return request


def _mark(reason):
    return reason.split(' ', 1)[0]


def _has(service, mark):
    return _mark(service.disabled_reason or '') == mark


def _cut(reason):
    """Return a reason as Nova can keep it.

    On one line, and without the characters that MySQL's three-byte UTF-8
    refuses with an error 500.
    """
    line = ' '.join(reason.split())
    return ''.join(c if c <= '\uffff' else '?' for c in line)[:REASON_LENGTH]


def _message(answer):
    """Return what Nova says in a fault: one object with a message."""
    try:
        (fault,) = answer.json().values()
        return fault['message']
    except (AttributeError, KeyError, TypeError, ValueError):
        return answer.reason or 'no message'
