# SPDX-License-Identifier: Apache-2.0
"""A hypervisor that only pretends, and fails or dawdles when it is told to.

It is Nova's fake driver with a size that servers can fill, guests that
outlive its process, and the faults of ``tools/cloud/faults.py``.
"""

import os
import pathlib
import time

from nova import context as contexts
from nova import exception
from nova import objects
from nova.virt import fake

FAULTS = pathlib.Path(os.environ['FENIX_CLOUD_FAULTS'])
LOOK = 0.1


class Pretender(fake.FakeDriverWithoutFakeNodes):
    """The driver of one host."""

    vcpus = 4
    memory_mb = 16384
    local_gb = 500

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._aborted = set()

    def init_host(self, host):
        super().init_host(host)
        for guest in objects.InstanceList.get_by_host(
                contexts.get_admin_context(), host,
                expected_attrs=['flavor']):
            if guest.vm_state != 'error':
                super().spawn(None, guest, None, None, None, None)

    def spawn(self, context, instance, *args, **kwargs):
        self._suffer('spawn')
        return super().spawn(context, instance, *args, **kwargs)

    def migrate_disk_and_power_off(self, *args, **kwargs):
        self._suffer('migrate')
        return super().migrate_disk_and_power_off(*args, **kwargs)

    def live_migration(self, context, instance, dest, post_method,
                       recover_method, block_migration=False,
                       migrate_data=None):
        # As with libvirt, a failure is not raised: the guest stays here and
        # goes on.
        try:
            self._suffer('live', instance.uuid)
        except exception.InternalError:
            recover_method(context, instance, dest, migrate_data)
            return
        if instance.uuid in self._aborted:
            self._aborted.discard(instance.uuid)
            recover_method(context, instance, dest, migrate_data,
                           migration_status='cancelled')
            return
        post_method(context, instance, dest, block_migration, migrate_data)

    def live_migration_abort(self, instance):
        self._aborted.add(instance.uuid)

    def post_live_migration(self, context, instance, block_device_info,
                            migrate_data=None):
        # Nova's own leaves the guest on the host that it came from.
        if instance.uuid in self.instances:
            self.destroy(context, instance, None)

    def _suffer(self, operation, guest=None):
        """Do what is wished for an operation: fail, or take some time."""
        began = time.monotonic()
        while guest not in self._aborted:
            wish = self._wish(operation)
            if wish == 'fail':
                raise exception.InternalError(
                    f'{operation} on {self._host} was told to fail')
            if wish is None or time.monotonic() - began > float(wish):
                return
            time.sleep(LOOK)

    def _wish(self, operation):
        """Return "fail", seconds as text, or None."""
        for whom in (self._host, 'all'):
            try:
                return (FAULTS / f'{whom}.{operation}').read_text()
            except FileNotFoundError:
                pass
        return None
