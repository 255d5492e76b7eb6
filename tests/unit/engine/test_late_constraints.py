# SPDX-License-Identifier: Apache-2.0
"""What VNFMs register while a session runs counts from the next move on."""

import fixtures

from fenix import words
from tests.unit.engine import cases


class LateCase(cases.EngineTestCase):
    """Something is registered while a question is open.

    One of the hosts is the session's, and room is on two others. The fullest
    of these is the first choice.
    """

    SETTINGS = {'survey_interval': 9000}

    def prepare(self, per_host=1):
        super().prepare(hosts=1, per_host=per_host, spare=2)
        self.cloud.create('there', 'compute-2')

    def register_late(self, workflow, *names):
        """Spread these from the moment at which a project is asked."""
        self.vnfm.before_answer = lambda question: (
            question == words.PLANNED_MAINTENANCE
            and self.register(*names))
        self.run_session(hosts=['compute-1'], workflow=workflow,
                         settings=self.SETTINGS)

    def register(self, *names):
        self.cloud.constrain_group(anti_affinity_group=True)
        for name in names:
            self.cloud.constrain(name, lead_time=0)

    def where(self, *names):
        return {self.cloud.server(name).host for name in names}


class TestWhileAQuestionIsOpen(LateCase):

    def members_part(self, workflow):
        """Both would have gone onto one host."""
        self.prepare(per_host=2)
        self.cloud.model.delete(self.cloud.server('there').id)
        self.cloud.advance(1)
        self.register_late(workflow, 'vm-0', 'vm-1')
        self.assertEqual(2, len(self.where('vm-0', 'vm-1')))
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state)

    def test_members_part(self):
        self.members_part('default')

    def test_members_part_vnf(self):
        self.members_part('vnf')

    def who_is_there(self, workflow):
        """One that is on the target becomes a member of its group."""
        self.prepare()
        self.register('vm-0')
        self.register_late(workflow, 'there')
        self.assertEqual({'compute-3'}, self.where('vm-0'))
        self.assert_done()

    def test_who_is_there(self):
        self.who_is_there('default')

    def test_who_is_there_vnf(self):
        self.who_is_there('vnf')

    def nothing_new(self, workflow):
        """Where it goes is not looked for again without need."""
        self.prepare()
        self.register('vm-0')
        self.register_late(workflow, 'vm-0')
        self.assertEqual({'compute-2'}, self.where('vm-0'))
        self.assert_done()

    def test_nothing_new(self):
        self.nothing_new('default')

    def test_nothing_new_vnf(self):
        self.nothing_new('vnf')

    def test_room_for_all_is_nowhere_any_more(self):
        self.prepare(per_host=2)
        self.cloud.create('here', 'compute-3')
        self.register_late('default', 'vm-0', 'vm-1', 'there', 'here')
        self.assert_failed('no host has room')
        self.assertEqual([], self.cloud.lines('migrate.start'))


class TestOnTheWay(LateCase):

    def test_members_are_spread_that_were_registered_on_the_way(self):
        """What is registered counts from the next move on."""
        cases.EngineTestCase.prepare(self, hosts=2, per_host=2, spare=1)
        self.start(workflow='vnf', settings={
            'survey_interval': 9000, 'hosts_at_once': 1})
        self.cloud.run(lambda: self.cloud.lines('migrate.start'))
        first = self.cloud.lines('migrate.start')[0]
        names = {server.id: server.name
                 for server in self.cloud.model.servers.values()}
        members = [names[first['server']], *self.cloud.on(first['source'])]
        self.cloud.constrain_group(anti_affinity_group=True)
        for name in set(members):
            self.cloud.constrain(name, lead_time=0)
        self.cloud.run()
        self.assert_done()

    def test_what_never_stands_is_not_waited_for_for_ever(self):
        cases.EngineTestCase.prepare(self, hosts=1, spare=1)
        self.cloud.constrain_group()
        self.cloud.constrain('vm-0', lead_time=0)

        self.useFixture(fixtures.MonkeyPatch(
            'fenix.workflow.verbs.keeping.knows', lambda *_: False))
        self.start(workflow='vnf', settings={'migration_timeout': 200})
        self.cloud.run()
        self.assert_failed('has been changing for 200 s')
