# SPDX-License-Identifier: Apache-2.0
"""Rule 8: a tenant sees and answers only what is its own."""

from fenix.sandbox.verifier import rule


class Tenancy(rule.Rule):
    """Checked at each notification and at each list that a manager reads.

    What a foreign token gets from the API is written down nowhere in a
    timeline: functional tests of the API show that.
    """

    number = 8

    def after(self, line):
        if line['what'] == 'reply':
            self._check(line, line['project'], line.get('instances'),
                        'was listed to')
        elif (line['what'] == 'notify'
                and line['event_type'] == 'maintenance.scheduled'):
            payload = line['payload']
            self._check(line, payload.get('project_id'),
                        payload.get('instance_ids'), 'was told to')
            if line.get('context_project'):
                # Aodh would match it against that project's alarms.
                self.breach(line, line['message_id'],
                            'published in the context of project '
                            f'{line["context_project"]}')

    def _check(self, line, project, instances, how):
        if not isinstance(instances, list):
            return
        for instance in instances:
            server = self.world.servers.get(instance)
            if server is not None and server.project != project:
                self.breach(line, instance,
                            f'{how} project {project}, but it belongs to '
                            'another project')
