# SPDX-License-Identifier: Apache-2.0
"""Nova's API at the newest version that both sides speak."""

import os
import threading

from novaclient import api_versions
from novaclient import client
from novaclient import exceptions as nova_exceptions
from oslo_log import log as logging

from fenix import errors
from fenix.clouds.openstack.failures import reading

LOG = logging.getLogger(__name__)

#: Queens: a named target (2.56), services and hypervisors by their uuid
#: (2.53), pages of migrations (2.59).
OLDEST = api_versions.APIVersion('2.60')
#: From 2.88 on Nova asks every host for its uptime in a list of hypervisors.
HYPERVISORS = api_versions.APIVersion('2.87')
#: How often a list is begun whose pages do not fit together.
TRIES = 5
#: What is lost with a Nova that does not have a version.
LOST = (
    ('2.64', 'how many members of an anti-affinity group a host may have: '
             'one is taken'),
    ('2.69', 'which cell does not answer: its hosts are missing then, and '
             'the session waits without that it can say for what'),
    ('2.71', 'the server group of a server that is looked at: all groups '
             'are listed for each new server'),
    ('2.84', 'why an instance action failed'),
    ('2.96', 'which instances have to stay in their availability zone: '
             'Nova refuses other targets one by one'),
)


def _client(version, arguments):
    # Otherwise each list writes all its ids into files below $HOME, for a
    # shell that completes them.
    os.environ.setdefault('NOVACLIENT_UUID_CACHE_DIR', os.devnull)
    words = dict(arguments)
    words['endpoint_type'] = words.pop('interface')
    return client.Client(version, **words)


class Nova:
    """Clients of Nova for reads, made when they are first asked for.

    :param sessions: ``session.Sessions``
    """

    def __init__(self, sessions):
        self._arguments = sessions.for_reads('compute')
        self._lock = threading.Lock()
        self._client = None
        self._hypervisors = None

    @property
    def client(self):
        """A novaclient at the version that was agreed on.

        :raises: CloudError if Nova is too old, or novaclient's and
            keystoneauth's errors if it does not answer
        """
        with self._lock:
            if self._client is None:
                version = self._negotiate()
                self._hypervisors = _client(min(version, HYPERVISORS),
                                            self._arguments)
                self._client = _client(version, self._arguments)
            return self._client

    @property
    def version(self) -> api_versions.APIVersion:
        """The version that was agreed on; errors as of ``client``."""
        return self.client.api_version

    def has(self, version) -> bool:
        """Tell whether Nova's API has ``version``, as '2.71'."""
        return self.version >= api_versions.APIVersion(version)

    @reading
    def check(self) -> list[str]:
        """As ``base.Cloud.check``."""
        version = self.version
        return [f'Nova {version.get_string()} does not tell (before {since}): '
                f'{what}' for since, what in LOST
                if version < api_versions.APIVersion(since)]

    def hypervisors(self) -> list:
        """Return all hypervisors."""
        self.client  # noqa: B018 - which makes the other one too
        return pages(self._hypervisors.hypervisors.list)

    def _negotiate(self):
        probe = _client('2.1', self._arguments)
        version = api_versions.discover_version(
            probe, api_versions.APIVersion('2.latest'))
        if version < OLDEST:
            raise errors.CloudUnfit(
                f'Nova speaks version {version.get_string()} of its API; '
                f'Fenix needs {OLDEST.get_string()} (Queens) for moves to '
                'hosts that it names')
        LOG.info("Nova's API is used at version %s", version.get_string())
        for since, what in LOST:
            if version < api_versions.APIVersion(since):
                LOG.warning('Nova %s does not tell (before %s): %s',
                            version.get_string(), since, what)
        return version


def pages(fetch, marker='id', **filters) -> list:
    """Return what ``fetch`` lists, page by page.

    The last one of a page, which names the next page, may be gone when that
    is asked for: Nova then refuses, and the list is begun anew.

    :param marker: the attribute of the last one that names the next page
    """
    for tries_left in reversed(range(TRIES)):
        found = []
        try:
            return _pages(fetch, marker, filters, found)
        except nova_exceptions.BadRequest as error:
            if not found or not tries_left:
                raise
            LOG.info('A list is begun anew after %d entries: %s', len(found),
                     error)
    raise AssertionError('not reached')


def _pages(fetch, marker, filters, found):
    """Extend what was found page by page.

    An empty page is the end: Nova's pages may be shorter than asked for.
    """
    page = fetch(**filters)
    while page:
        found.extend(page)
        page = fetch(marker=getattr(page[-1], marker), **filters)
    return found
