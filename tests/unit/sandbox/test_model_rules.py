# SPDX-License-Identifier: Apache-2.0
"""Whatever is asked of the sandbox's cloud, its books are right."""

import collections
import contextlib

from hypothesis import settings
from hypothesis import stateful
from hypothesis import strategies as st

from fenix.sandbox.cloud import config
from fenix.sandbox.cloud import errors
from fenix.sandbox.cloud import faults
from tests.unit.sandbox import worlds

HOSTS = [f'compute-{number}' for number in range(1, 4)]
hosts = st.sampled_from([*HOSTS, None])
numbers = st.integers(0, 9)


class CloudMachine(stateful.RuleBasedStateMachine):
    """Any sequence of requests; refusals are part of the game."""

    def __init__(self):
        super().__init__()
        self.world = worlds.World(times=config.Times(
            schedule=1, boot=1, migration=2, live=2, confirm=1, settle=1,
            delete=1))
        self.model = self.world.model
        self.groups = [self.model.create_group(policy, 'p', policy).id
                       for policy in ('anti-affinity', 'affinity',
                                      'soft-anti-affinity')]

    @stateful.initialize(groups=st.lists(
        st.integers(0, 3), min_size=5, max_size=7))
    def fill(self, groups):
        """Nearly full from the start: there the mistakes are."""
        for group in groups:
            self.create('2' if group == 3 else '1', group, None)
        self.world.wait(5)

    def ask(self, request, number, *args, status=None):
        """Ask something of a server, of one in a status if there is one."""
        servers = [server for server in self.model.servers.values()
                   if not server.deleted]
        servers = [server for server in servers
                   if server.status == status] or servers
        if servers:
            with contextlib.suppress(errors.CloudError):
                request(servers[number % len(servers)].id, *args)

    @stateful.rule(flavor=st.sampled_from('124'), group=st.integers(0, 3),
                   host=hosts)
    def create(self, flavor, group, host):
        self.model.create('vm', flavor, 'p', host=host,
                          group=(*self.groups, None)[group])

    @stateful.rule(number=numbers)
    def delete(self, number):
        self.ask(self.model.delete, number)

    @stateful.rule(number=numbers, host=hosts)
    def migrate(self, number, host):
        self.ask(self.model.migrate, number, host, status='ACTIVE')

    @stateful.rule(number=numbers, flavor=st.sampled_from('124'))
    def resize(self, number, flavor):
        self.ask(self.model.resize, number, flavor)

    @stateful.rule(number=numbers, host=hosts)
    def live_migrate(self, number, host):
        self.ask(self.model.live_migrate, number, host, status='ACTIVE')

    @stateful.rule(number=numbers)
    def confirm(self, number):
        self.ask(self.model.confirm, number, status='VERIFY_RESIZE')

    @stateful.rule(number=numbers)
    def revert(self, number):
        self.ask(self.model.revert, number, status='VERIFY_RESIZE')

    @stateful.rule(number=numbers)
    def abort(self, number):
        """One that is under way, whatever else is."""
        self.ask(self.model.live_migrate, number, None, status='ACTIVE')
        self.world.wait(1)
        for move in self.model.unfinished_migrations():
            with contextlib.suppress(errors.CloudError):
                self.model.abort_live(move.server, move.id)

    @stateful.rule(host=st.sampled_from(HOSTS), on=st.booleans())
    def switch(self, host, on):
        if on:
            self.model.enable(host)
        else:
            self.model.disable(host, 'reason')

    @stateful.rule(host=st.sampled_from(HOSTS))
    def work(self, host):
        with contextlib.suppress(errors.Conflict):
            self.model.start_work(host, 'session', 4)

    @stateful.rule(op=st.sampled_from(faults.OPERATIONS))
    def fail_once(self, op):
        self.model.faults.add(faults.ModelFault(op, fail=True, count=1))

    @stateful.rule(seconds=st.sampled_from([0.5, 1, 2, 4]))
    def wait(self, seconds):
        self.world.wait(seconds)

    @stateful.rule(host=hosts)
    def move_all(self, host):
        """As a maintenance would, in one step."""
        for server in list(self.model.servers.values()):
            with contextlib.suppress(errors.CloudError):
                self.model.migrate(server.id, host)
        self.world.wait(4)

    # what always holds

    @stateful.invariant()
    def capacity_is_kept(self):
        for host in self.model.hosts:
            for name, used in self.model.usage(host).items():
                assert used <= self.model.capacity(host, name)

    @stateful.invariant()
    def allocations_are_what_servers_and_moves_imply(self):
        implied = collections.defaultdict(dict)
        for server in self.model.servers.values():
            if server.deleted or server.host is None:
                continue
            host, flavor = server.host, server.flavor
            for move in self.model.unfinished_migrations(server.id):
                if move.dest is not None and move.status != 'error':
                    host, flavor = move.dest, move.new_flavor
            implied[host][server.id] = flavor.resources()
        for move in self.model.migrations:
            over = not move.unfinished
            # After its end a source is held only for the moment of settling.
            settling = over and move.holds and move.status == 'confirmed'
            if settling or (not over and move.dest is not None):
                implied[move.source][move.uuid] = move.old_flavor.resources()
        for host in self.model.hosts:
            assert implied[host] == self.model.allocations[host]

    @stateful.invariant()
    def hard_groups_are_kept(self):
        for group in map(self.model.get_group, self.groups):
            there = collections.defaultdict(set)
            for server in self.model.servers.values():
                if server.id in group.members:
                    for host in self.places(server):
                        there[host].add(server.id)
            if group.policy == 'anti-affinity':
                assert all(len(members) <= 1 for members in there.values())
            if group.policy == 'affinity':
                assert len(there) <= 1

    def places(self, server):
        """Where a server is, and where it comes from or goes to."""
        hosts = {server.host} if server.host else set()
        for move in self.model.unfinished_migrations(server.id):
            hosts |= {move.source, move.dest} - {None}
        return hosts

    @stateful.invariant()
    def nothing_is_on_a_host_that_is_worked_on(self):
        for host in self.model.hosts.values():
            if host.work is not None:
                assert not self.model.servers_on(host.name)

    @stateful.invariant()
    def task_states_go_with_something_under_way(self):
        for server in self.model.servers.values():
            if server.task_state is not None:
                timer = self.model._timers.get(server.id)
                assert timer is not None and not timer.cancelled


TestCloudMachine = CloudMachine.TestCase
TestCloudMachine.settings = settings(
    max_examples=80, stateful_step_count=60, deadline=None)
