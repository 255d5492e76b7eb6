# SPDX-License-Identifier: Apache-2.0
"""The client with the manners of Tacker's Fenix plug-in."""

import threading
import uuid

from tests.cloud.clients import base
from tests.cloud.clients import constraints

#: Not in Tacker: seconds of its guide would make the matrix take hours.
LEAD_TIME, RECOVERY_TIME = 3, 1


class TackerManager(base.Manager):
    """Answers twice, sends more than it is asked, bears only 200.

    * Constraints are put and deleted in threads of their own, those of
      instances before those of their group, with a project that is none
      and values as its guide's YAML has them: ``"60,"``.
    * All instances of a VNF are in one group with a random id.
    * Every reply has ``session_id`` and ``instance_ids``; one to PREPARE or
      PLANNED is sent twice; INSTANCE_ACTION_DONE is answered, too.
    * It does not look up whose instance a question is about.
    """

    step = 1
    wants_list = base.MOVING

    def __init__(self, *arguments):
        super().__init__(*arguments)
        # Anything else than 200 it repeats five times and then gives up.
        self._registry = constraints.Registry(
            self._user, self._timeline, self.problem, bears=(200,))
        self._group = str(uuid.uuid4())

    def register(self, servers):
        jobs = [(self._put_instance, server) for server in servers]
        if ('instance_group', self._group) not in self._registry.there:
            jobs.append((self._put_group,))
        self._at_once(jobs)

    def _put_instance(self, server):
        self._registry.put('instance', server, {
            'instance_id': server, 'project_id': 'stacks',
            'group_id': self._group, 'instance_name': 'VDU1',
            'max_interruption_time': '120,',
            'migration_type': self.spec.action,
            'resource_mitigation': 'True,',
            'lead_time': f'{self.spec.lead_time or LEAD_TIME},'})

    def _put_group(self):
        self._registry.put('instance_group', self._group, {
            'group_id': self._group, 'project_id': str(uuid.uuid4()),
            'group_name': f'tacker_nonha_app_group_{self.vnf.name}',
            'anti_affinity_group': False, 'max_instances_per_host': 0,
            'max_impacted_members': '1,',
            'recovery_time': f'{RECOVERY_TIME},',
            'resource_mitigation': 'True,'})

    def forget(self, servers):
        self._at_once([(self._registry.delete, 'instance', server)
                       for server in servers])

    def withdraw(self):
        # The group goes first, its instances in parallel after it.
        self._registry.delete('instance_group', self._group)
        self._at_once([(self._registry.delete, kind, subject) for
                       kind, subject in list(self._registry.there)])

    @staticmethod
    def _at_once(jobs):
        threads = [threading.Thread(target=function, args=arguments)
                   for function, *arguments in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def announced(self, alarm):
        # It never asks for the list.
        self.reply(alarm, True, self.vnf.servers)

    def done(self, alarm):
        super().done(alarm)
        self.reply(alarm, True, alarm.traits['instance_ids'])

    def before_own_action(self, alarm, servers):
        # Its heal is over before it answers.
        self.replace(servers)

    def after_own_action(self, servers):
        """Nothing is left to do."""

    def others(self, alarm, ids):
        # The exception is built and not raised.
        self.reply(alarm, True, ids, self.spec.action)

    def body(self, alarm, agreed, ids, action):
        verb = 'ACK' if agreed else 'NACK'
        body = {'state': f'{verb}_{alarm.traits["state"]}',
                'session_id': alarm.traits['session_id'],
                'instance_ids': ids}
        if action is not None:
            body['instance_action'] = action
        return body

    def reply(self, alarm, agreed, ids, action=None):
        super().reply(alarm, agreed, ids, action)
        if alarm.traits['state'] in base.MOVING:
            self.send(alarm, self.body(alarm, agreed, ids, action), ids)
