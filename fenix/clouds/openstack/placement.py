# SPDX-License-Identifier: Apache-2.0
"""Capacity and consumers of hosts, as Placement keeps them."""

import collections
import concurrent.futures

from keystoneauth1 import exceptions as ks_exceptions
from oslo_log import log as logging

from fenix.clouds import base
from fenix.size import Size

LOG = logging.getLogger(__name__)

#: Nested providers, with ``in_tree`` and ``root_provider_uuid`` (Queens).
VERSION = '1.14'
#: A list of the providers that have a trait (Rocky).
TRAITS_VERSION = '1.18'

#: Resource classes of a size. Dedicated CPUs are CPUs.
VCPUS = ('VCPU', 'PCPU')
RAM_MB = ('MEMORY_MB',)
DISK_GB = ('DISK_GB',)

#: The disk of a host that has none of its own but uses a shared pool, which
#: its provider does not know: nothing that a choice between hosts could
#: depend on.
SHARED_DISK_GB = 1 << 40


#: Hosts whose capacity is asked for at once.
PARALLEL = 8


class Placement:
    """Reads of Placement.

    :param adapter: a keystoneauth adapter that repeats reads
    """

    def __init__(self, adapter):
        self._adapter = adapter
        #: What each provider offers: {provider: (generation, amounts)}. Who
        #: changes an inventory gives its provider another generation; who
        #: frees an allocation need not, so those are read every time.
        self._offers = {}

    def trees(self, root=None) -> dict[str, dict[str, int]]:
        """Return the providers of each tree, by the id of its root.

        :param root: only this tree; empty if Placement does not know it
        :returns: {root: {provider: generation}}
        """
        path = '/resource_providers'
        if root is not None:
            path += f'?in_tree={root}'
        trees = collections.defaultdict(dict)
        for provider in self._get(path)['resource_providers']:
            trees[provider['root_provider_uuid']][provider['uuid']] = (
                provider['generation'])
        return dict(trees)

    def having(self, traits) -> dict[str, dict[str, bool]]:
        """Return the trees in which a provider has a trait.

        One request for each trait. A Placement that is too old for it, or
        knows no such trait, tells nothing of it.

        :returns: {trait: {root: whether it has the trait itself}}
        """
        found = {}
        for trait in sorted(traits):
            try:
                answer = self._adapter.get(
                    '/resource_providers', params={'required': trait},
                    microversion=TRAITS_VERSION).json()
            except (ks_exceptions.NotAcceptable, ks_exceptions.BadRequest):
                LOG.info('Placement does not tell which hosts have the '
                         'trait %s', trait)
                continue
            found[trait] = trees = {}
            for provider in answer['resource_providers']:
                root = provider['root_provider_uuid']
                trees[root] = trees.get(root, False) or (
                    root == provider['uuid'])
        return found

    def capacities(self, roots) -> dict[str, base.Capacity]:
        """Return the capacities of hosts.

        One request lists the providers; then each costs one more, and a
        second one when its inventory changed since the last time.

        :param roots: {host: ids of its root providers}
        """
        trees = self.trees()
        providers = {
            host: {provider: generation for root in ids
                   for provider, generation in trees.get(root, {}).items()}
            for host, ids in roots.items()}
        known = {provider for of_host in providers.values()
                 for provider in of_host}
        self._offers = {provider: offer for provider, offer
                        in self._offers.items() if provider in known}
        with concurrent.futures.ThreadPoolExecutor(
                PARALLEL, 'fenix-survey') as pool:
            found = pool.map(self._capacity, providers, providers.values())
            return {capacity.host: capacity for capacity in found}

    def _capacity(self, host, providers):
        total = collections.Counter()
        used = collections.Counter()
        consumers = set()
        for provider, generation in providers.items():
            total.update(self._offer(provider, generation))
            for consumer, amounts in self._allocations(provider).items():
                consumers.add(consumer)
                used.update(amounts['resources'])
        size = _size(total)
        if not any(name in total for name in DISK_GB):
            size += Size(disk_gb=SHARED_DISK_GB)
        return base.Capacity(host=host, total=size, used=_size(used),
                             consumers=frozenset(consumers))

    def consumers(self, providers) -> frozenset[str]:
        """Return who has allocations on any of these providers."""
        return frozenset(consumer for provider in providers
                         for consumer in self._allocations(provider))

    def _offer(self, provider, generation):
        known = self._offers.get(provider)
        if known is not None and known[0] == generation:
            return known[1]
        found = self._get(f'/resource_providers/{provider}/inventories')
        offer = {name: int((of['total'] - of['reserved'])
                           * of['allocation_ratio'])
                 for name, of in found['inventories'].items()}
        # Listed before it was read: what changed in between is read again.
        self._offers[provider] = generation, offer
        return offer

    def _allocations(self, provider):
        return self._get(
            f'/resource_providers/{provider}/allocations')['allocations']

    def _get(self, path):
        return self._adapter.get(path, microversion=VERSION).json()


def _size(amounts) -> Size:
    return Size(vcpus=sum(amounts[name] for name in VCPUS),
                ram_mb=sum(amounts[name] for name in RAM_MB),
                disk_gb=sum(amounts[name] for name in DISK_GB))
