# SPDX-License-Identifier: Apache-2.0
"""A model of a cloud on a virtual clock, with its lines kept."""

from fenix.sandbox.cloud import config
from fenix.sandbox.cloud import model as cloud_model


class World:
    """Three computes of four VCPU; time passes only when told."""

    def __init__(self, hosts=3, times=None, **kwargs):
        self.now = 1000.0
        self.lines = []
        self.model = cloud_model.Model(
            lambda: self.now, self._record, times, seed=1)
        self.model.load(config.CloudConfig(hosts=[
            config.HostConfig(f'compute-{number + 1}', **kwargs)
            for number in range(hosts)]))

    def _record(self, what, **fields):
        self.lines.append({'what': what, **fields})

    def wait(self, seconds=10.0):
        """Let time pass."""
        self.now += seconds
        self.model.advance()

    def server(self, flavor='2', host=None, **kwargs):
        """A server that is ACTIVE."""
        server = self.model.create('vm', flavor, 'project', host=host,
                                   **kwargs)
        self.wait()
        return server

    def whats(self, prefix=''):
        """What was recorded, in order."""
        return [line['what'] for line in self.lines
                if line['what'].startswith(prefix)]

    def vcpus(self):
        """VCPU used of each host."""
        return [self.model.usage(name)['VCPU'] for name in self.model.hosts]
