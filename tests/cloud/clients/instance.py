# SPDX-License-Identifier: Apache-2.0
"""The client of single instances: Doctor's ``vnfm.py``."""

import uuid

from tests.cloud.clients import base
from tests.cloud.clients import constraints

LEAD_TIME = 3


class InstanceManager(base.Manager):
    """Registers constraints, answers ``instance_action``, names no id."""

    wants_list = base.MOVING

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._registry = constraints.Registry(
            self._user, self._timeline, self.problem)
        self._workers = str(uuid.uuid4())

    def register(self, servers):
        if not self._registry.there:
            most = len(self.vnf.others)
            self._put_group(self.vnf.group, 'ha', True, 1, 2)
            self._put_group(self._workers, 'nonha', False,
                            2 if most < 7 else most // 2 - 1, 1)
        for server in servers:
            paired = server in self.vnf.pair
            self._registry.put('instance', server, {
                'project_id': self._user.project_id,
                'group_id': self.vnf.group if paired else self._workers,
                'instance_id': server, 'instance_name': server[:8],
                'max_interruption_time': 120,
                'migration_type': self.spec.action,
                'resource_mitigation': True,
                'lead_time': self.spec.lead_time or LEAD_TIME})

    def _put_group(self, group, name, apart, most, recovery):
        self._registry.put('instance_group', group, {
            'group_id': group, 'project_id': self._user.project_id,
            'group_name': f'{self.vnf.name}_{name}_app_group',
            'anti_affinity_group': apart,
            'max_instances_per_host': int(apart),
            'max_impacted_members': most, 'recovery_time': recovery,
            'resource_mitigation': True})

    def withdraw(self):
        # Those of servers that are gone, too: it deletes all it ever put.
        for kind, subject in list(self._registry.there):
            self._registry.delete(kind, subject)

    def body(self, alarm, agreed, ids, action):
        verb = 'ACK' if agreed else 'NACK'
        body = {'state': f'{verb}_{alarm.traits["state"]}'}
        if action is not None:
            body['instance_action'] = action
        return body
