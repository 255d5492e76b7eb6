# SPDX-License-Identifier: Apache-2.0
"""Rule 3: never more of a group at once than it can bear.

``max_impacted_members``, ``recovery_time``, ``lead_time``, anti-affinity and
``max_instances_per_host``, from constraints and from Nova's server groups; and
Nova's hard affinity.
"""

from fenix.sandbox.verifier import rule
from fenix.sandbox.verifier import words

#: Seconds that a request may take from when its share of a group was granted
#: until Nova has it.
ON_ITS_WAY = 10.0


class Impact(rule.Rule):
    """Checked when a move starts."""

    number = 3

    def before(self, line):
        if line['what'] not in ('migrate.start', 'live-migrate.start'):
            return
        for group in sorted(self.world.groups_of(line['server'])):
            self._members_at_once(line, group)
            self._recovery(line, group)
            self._spread(line, group)
            self._together(line, group)
        self._lead_time(line)

    def _limit(self, group, name) -> int:
        """Return a constraint of a group; 0 if it set none."""
        body = self.world.group_constraints.get(group, {})
        return words.number(body.get(name)) or 0

    def _members_at_once(self, line, group):
        limit = self._limit(group, 'max_impacted_members')
        impacted = {server for server in self.world.members(group)
                    if self.world.impacted(server)} | {line['server']}
        if limit and len(impacted) > limit:
            self.breach(line, group, f'{len(impacted)} members impacted at '
                                     f'once, {limit} allowed')

    def _recovery(self, line, group):
        """Check that the group has recovered from every impact.

        Where several may be impacted at once, this one may have been
        granted its share a moment before another was over, while its
        request was on its way: then all that are impacted or were a moment
        ago must fit.
        """
        recovering = {
            server: line['t'] - self.world.impact_ended[server]
            for server in self.world.members(group)
            if server in self.world.impact_ended
            and line['t'] - self.world.impact_ended[server]
            < self._pause(group, server) - rule.TOLERANCE}
        weighing = recovering.keys() | {line['server']} | {
            server for server in self.world.members(group)
            if self.world.impacted(server)}
        limit = max(1, self._limit(group, 'max_impacted_members'))
        if len(weighing) <= limit and line['server'] not in recovering:
            recovering = {server: passed for server, passed
                          in recovering.items() if passed > ON_ITS_WAY}
        for server, passed in recovering.items():
            self.breach(line, group,
                        f'impact {passed:.2f} s after that on {server}, '
                        f'recovery takes {self._pause(group, server)} s')

    def _pause(self, group, server) -> int:
        """Return how long a group recovers from the impact on a server.

        As it was registered when that was over: who says only later how long
        it takes, or that the server is a member, was not known to suffer.
        """
        then = self.world.impact_on[server].get(group, {})
        return min(self._limit(group, 'recovery_time'),
                   words.number(then.get('recovery_time')) or 0)

    def _spread(self, line, group):
        limit = self._per_host(group)
        if not limit or not line.get('target'):
            return
        others = self.world.members(group) - {line['server']}

        def count(host):
            return sum(host in self.world.hosts_of(server)
                       for server in others)

        there = count(line['target']) + 1
        here = count(line['source']) + 1
        if there > limit and there >= here:
            self.breach(line, group, f'{there} members on {line["target"]}, '
                                     f'{limit} allowed')

    def _together(self, line, group):
        """Check that a member of a hard affinity group is not taken away."""
        in_nova = self.world.groups.get(group)
        if in_nova is None or in_nova.policy != 'affinity' or (
                not line.get('target')):
            return
        others = self.world.members(group) - {line['server']}
        here, there = (
            sum(self.world.servers[server].host == host for server in others)
            for host in (line['source'], line['target']))
        if there < here:
            self.breach(line, group, f'{line["server"]} leaves {here} others '
                                     f'on {line["source"]}, all are to be on '
                                     'one host')

    def _per_host(self, group) -> int:
        """Return how many members a host may have; 0: any number."""
        limits = [self._limit(group, 'max_instances_per_host')]
        body = self.world.group_constraints.get(group, {})
        if words.truth(body.get('anti_affinity_group')):
            limits.append(1)
        in_nova = self.world.groups.get(group)
        if in_nova is not None and in_nova.policy == 'anti-affinity':
            limits.append(in_nova.max_per_host)
        return min((limit for limit in limits if limit > 0), default=0)

    def _lead_time(self, line):
        server = self.world.servers[line['server']]
        body = self.world.instance_constraints.get(server.id, {})
        lead = words.number(body.get('lead_time')) or 0
        ask = next((ask for ask in self.world.asks.of_project(server.project)
                    if ask.question in words.MOVING
                    and ask.t > server.moved_t
                    and ask.concerns(server.id)), None)
        if ask is None:
            return
        answer = ask.answer_for(server.id)
        notice = line['t'] - ask.t
        if ((answer is None or not answer.agreed)
                and notice < lead - rule.TOLERANCE):
            self.breach(line, server.id, f'impact {notice:.2f} s after the '
                                         f'notice, lead time is {lead} s')
