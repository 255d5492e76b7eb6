# SPDX-License-Identifier: Apache-2.0
"""Amounts of what an instance needs and a host has."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Size:
    """An amount of each resource: a flavour, or what is free on a host."""

    vcpus: int = 0
    ram_mb: int = 0
    disk_gb: int = 0

    def __add__(self, other):
        return Size(self.vcpus + other.vcpus, self.ram_mb + other.ram_mb,
                    self.disk_gb + other.disk_gb)

    def __sub__(self, other):
        return Size(self.vcpus - other.vcpus, self.ram_mb - other.ram_mb,
                    self.disk_gb - other.disk_gb)

    def __str__(self):
        return (f'{self.vcpus} VCPU, {self.ram_mb} MB RAM, '
                f'{self.disk_gb} GB disk')

    def fits(self, room):
        """Tell whether this fits into ``room``."""
        return (self.vcpus <= room.vcpus and self.ram_mb <= room.ram_mb
                and self.disk_gb <= room.disk_gb)
