# SPDX-License-Identifier: Apache-2.0
"""The cloud itself: pure Python, on an injected clock, without HTTP.

    >>> model = Model(clock=lambda: 0.0)        # a clock that stands still
    >>> model.advance(10.0)                     # all that is due until then

Requests are methods that raise ``errors.CloudError`` with Nova's HTTP status
when they are refused. What they start happens at later calls of ``advance``,
each thing at its own due time. Anything that changes is recorded.
"""

from fenix.sandbox.cloud import config
from fenix.sandbox.cloud import hosts
from fenix.sandbox.cloud import live


class Model(hosts.Hosts, live.LiveMoves):
    """Hosts, servers, groups and moves of a cloud."""

    def load(self, setup: config.CloudConfig):
        """Put what a configuration names into the cloud."""
        for spec in setup.hosts:
            self.add_host(spec)
        for flavor in setup.flavors:
            self.add_flavor(flavor)
        for name, hosts_in_it in setup.aggregates.items():
            self.add_aggregate(name, hosts_in_it)
        self.properties.update(setup.properties)
