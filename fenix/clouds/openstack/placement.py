# SPDX-License-Identifier: Apache-2.0
"""Capacity and consumers of hosts, as Placement keeps them."""

import collections

from fenix.clouds import base
from fenix.size import Size

#: Nested providers, with ``in_tree`` and ``root_provider_uuid`` (Queens).
VERSION = '1.14'

#: Resource classes of a size. Dedicated CPUs are CPUs.
VCPUS = ('VCPU', 'PCPU')
RAM_MB = ('MEMORY_MB',)
DISK_GB = ('DISK_GB',)

#: The disk of a host that has none of its own but uses a shared pool, which
#: its provider does not know: nothing that a choice between hosts could
#: depend on.
SHARED_DISK_GB = 1 << 40


class Placement:
    """Reads of Placement.

    :param adapter: a keystoneauth adapter that repeats reads
    """

    def __init__(self, adapter):
        self._adapter = adapter

    def trees(self, root=None) -> dict[str, list[str]]:
        """Return the providers of each tree, by the id of its root.

        :param root: only this tree; empty if Placement does not know it
        """
        path = '/resource_providers'
        if root is not None:
            path += f'?in_tree={root}'
        trees = collections.defaultdict(list)
        for provider in self._get(path)['resource_providers']:
            trees[provider['root_provider_uuid']].append(provider['uuid'])
        return dict(trees)

    def capacity(self, host, providers) -> base.Capacity:
        """Return the capacity of a host.

        :param providers: all of its resource providers
        """
        total = collections.Counter()
        used = collections.Counter()
        consumers = set()
        for provider in providers:
            total.update(self._total(provider))
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

    def _total(self, provider):
        found = self._get(f'/resource_providers/{provider}/inventories')
        return {name: int((of['total'] - of['reserved'])
                          * of['allocation_ratio'])
                for name, of in found['inventories'].items()}

    def _allocations(self, provider):
        return self._get(
            f'/resource_providers/{provider}/allocations')['allocations']

    def _get(self, path):
        return self._adapter.get(path, microversion=VERSION).json()


def _size(amounts) -> Size:
    return Size(vcpus=sum(amounts[name] for name in VCPUS),
                ram_mb=sum(amounts[name] for name in RAM_MB),
                disk_gb=sum(amounts[name] for name in DISK_GB))
