# SPDX-License-Identifier: Apache-2.0
"""What is changed in Nova: each request is sent once.

keystoneauth is used directly, because everything depends on what exactly
Nova answered. It still answers a 401 with a new token and the same request;
that is safe, as a request without a valid token did nothing.
"""

from oslo_log import log as logging

from fenix import errors
from fenix.clouds.openstack import views
from fenix.clouds.openstack.failures import reading

LOG = logging.getLogger(__name__)

#: Nova's limit of a reason, in characters.
REASON_LENGTH = 255

#: A proxy gave up waiting for our request: what it passed on is not known.
REQUEST_TIMEOUT = 408


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
        return self._act(instance_id, {'migrate': {'host': target}},
                         f'migrate to {target}')

    def live_migrate(self, instance_id, target) -> str:
        """As ``base.Cloud.live_migrate``."""
        return self._act(
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
            # Nothing was sent; but the caller has to come again, as after
            # any request of which nothing is known.
            raise errors.CloudUnknown(str(error)) from error

    @reading
    def _read(self, host):
        return self._nova.client.services.list(host=host,
                                               binary=views.COMPUTE)

    def _disable(self, service, reason):
        self._put(service, {'status': 'disabled',
                            'disabled_reason': _cut(reason)}, 'disable')

    def _put(self, service, body, what):
        self._send('PUT', f'/os-services/{service.id}', body,
                   f'host {service.host}', what)

    def _act(self, instance_id, body, what):
        return self._send('POST', f'/servers/{instance_id}/action', body,
                          f'instance {instance_id}', what)

    def _send(self, method, path, body, subject, what):
        """Send a request and return its id.

        :raises: CloudRefused, CloudUnknown
        """
        try:
            answer = self._adapter.request(
                path, method, json=body, raise_exc=False, redirect=False,
                microversion=self._nova.version.get_string(),
                headers={'Accept': 'application/json'})
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
        message = (f'Nova answered {code} to "{what}" of {subject}: '
                   f'{_message(answer)}')
        if 400 <= code < 500 and code != REQUEST_TIMEOUT:
            LOG.info('%s, request %s', message, request_id)
            raise errors.CloudRefused(message)
        LOG.warning('%s, request %s', message, request_id)
        raise errors.CloudUnknown(message)


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
