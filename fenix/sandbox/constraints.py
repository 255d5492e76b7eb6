# SPDX-License-Identifier: Apache-2.0
"""Constraints of a VNF, registered as its manager does (CONTRACT.md 1.4)."""

import dataclasses
import uuid

from oslo_log import log as logging

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Limits:
    """What the VNF bears, in seconds."""

    lead_time: int = 40
    max_interruption_time: int = 120
    #: Of the instances without redundancy, and of the pair.
    recovery_time: int = 2
    pair_recovery_time: int = 4


class Registry:
    """The constraints that a manager put, and takes back at its end.

    :param client: a user of the VNF's project
    :param manners: of the manager; without limits nothing is registered
    :param stopping: set when the manager is to end
    """

    def __init__(self, client, timeline, vnf, manners, stopping):
        self._client = client
        self._stopping = stopping
        self._timeline = timeline
        self._vnf = vnf
        self._limits = manners.limits
        self._action = manners.action
        self._workers = str(uuid.uuid4())
        self._put: dict[tuple, None] = {}

    def register(self, servers):
        """Put the constraints of servers, and of both groups if new.

        :raises requests.RequestException: Fenix did not answer 200
        """
        if self._limits is None:
            return
        for group, name, apart, most, recovery in self._groups():
            if ('group', group) not in self._put:
                self._send('PUT', 'group', group, {
                    'group_id': group, 'group_name': name,
                    'project_id': self._client.project_id,
                    'anti_affinity_group': apart,
                    'max_instances_per_host': int(apart),
                    'max_impacted_members': most,
                    'recovery_time': recovery, 'resource_mitigation': True})
        for server in servers:
            self._send('PUT', 'instance', server, self._of_server(server))

    def _groups(self):
        workers = len(self._vnf.others)
        most = 2 if workers < 7 else workers // 2 - 1
        yield (self._vnf.group, f'{self._vnf.name}-pair', True, 1,
               self._limits.pair_recovery_time)
        yield (self._workers, f'{self._vnf.name}-workers', False, most,
               self._limits.recovery_time)

    def _of_server(self, server):
        in_pair = server in self._vnf.pair
        return {'instance_id': server,
                'project_id': self._client.project_id,
                'group_id': self._vnf.group if in_pair else self._workers,
                'instance_name': f'{self._vnf.name}-{server[:8]}',
                'max_interruption_time': self._limits.max_interruption_time,
                'migration_type': self._action, 'resource_mitigation': True,
                'lead_time': self._limits.lead_time}

    def replace(self, old, new):
        """Move the constraints of a server to the one in its place."""
        if self._limits is not None:
            self.register([new])
            self._send('DELETE', 'instance', old)

    def withdraw(self):
        """Take everything back, those of servers that are gone too."""
        for kind, subject in list(self._put):
            self._send('DELETE', kind, subject)

    def _send(self, method, kind, subject, body=None):
        path = 'instance_group' if kind == 'group' else 'instance'
        response = self._client.insist(
            self._stopping, method,
            self._client.url('maintenance', f'/{path}/{subject}'),
            **({'json': body} if body else {}))
        self._timeline.record('constraint', kind=kind, id=subject,
                              method=method, body=body,
                              code=response.status_code)
        if response.status_code not in (200, 204):
            response.raise_for_status()
        if method == 'PUT':
            self._put[kind, subject] = None
        else:
            self._put.pop((kind, subject), None)
