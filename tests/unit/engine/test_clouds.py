# SPDX-License-Identifier: Apache-2.0
"""Random clouds, constraints and luck: ``vnf`` never makes a rule break.

Whatever the sessions come to, the independent verifier judges what cloud,
projects and administrator saw of them. ``FENIX_TEST_CLOUDS`` says how many
clouds there are, if not a few.
"""

import os
import random

import hypothesis
from hypothesis import strategies as st

from fenix import errors
from fenix import words
from fenix.sandbox.cloud import config as cloud_config
from tests.unit.engine import cases
from tests.unit.engine import harness
from tests.unit.engine import test_chance

PROJECTS = (cases.PROJECT, cases.OTHER)
#: The groups of a project, and those that are in none of its groups.
GROUPS = ('red', 'blue', None)
#: Questions that may stay without an answer, or be refused.
QUESTIONS = (words.PREPARE_MAINTENANCE, words.PLANNED_MAINTENANCE)
POLICIES = ('proceed', 'skip', 'fail')
#: What happens while a session runs.
EVENTS = ('delete_an_instance', 'refuse_a_move', 'fail_a_move', 'be_silent',
          'refuse', 'register', 'die', 'go_on')


class TestClouds(cases.EngineTestCase):

    @hypothesis.settings(
        max_examples=int(os.environ.get('FENIX_TEST_CLOUDS', 25)),
        derandomize=True, database=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate])
    @hypothesis.given(st.integers(0, 2**32))
    def test_rules_hold(self, seed):
        self.chance = random.Random(seed)
        with harness.Harness(hosts=0, options={
                'complete_window': 60, 'scale_in_window': 60,
                'reply_window': 60}) as self.cloud:
            self.fill()
            late = self.chance.random() < 0.3
            if not late:
                self.register()
            self.start(workflow='vnf', settings=self.settings())
            if late:
                self.happen('register')
            for event in self.chance.choices(
                    EVENTS, k=self.chance.randint(0, 4)):
                self.happen(event)
            self.cloud.run()
            self.check()

    def fill(self):
        """Set up hosts of one or two zones, and what is on them."""
        for project in PROJECTS:
            self.cloud.project(project)
        number = self.chance.randint(3, 5)
        zones = self.chance.randint(1, 2)
        names = [f'compute-{n + 1}' for n in range(number)]
        for n, name in enumerate(names):
            self.cloud.model.add_host(cloud_config.HostConfig(
                name, zone=f'zone-{n % zones}'))
        for host in names[self.chance.randint(1, 2):]:
            for _ in range(self.chance.randint(1, 2)):
                self.cloud.create(
                    f'vm-{len(self.cloud.model.servers)}', host,
                    project=self.chance.choice(PROJECTS))

    def settings(self):
        """Draw what an administrator sets for a session."""
        pick = self.chance.choice
        return {
            'host_time': 5, 'migration_time': 5, 'survey_interval': 20,
            'hosts_at_once': pick((0, 0, 1, 2)),
            'moves_at_once': pick((0, 0, 1, 2)),
            'moves_per_source': pick((0, 1, 2)),
            'moves_per_target': pick((0, 1, 2)),
            'zone_share': pick((1.0, 0.6, 0.4)),
            'free_vcpus': pick((0, 0, 2)),
            'on_refusal': pick(POLICIES), 'on_no_reply': pick(POLICIES)}

    def register(self):
        """Register constraints for groups and for what is in them."""
        pick = self.chance.choice
        for project in PROJECTS:
            for group in GROUPS:
                self.cloud.constrain_group(
                    f'{group}-{project}', project=project,
                    anti_affinity_group=pick((True, False)),
                    max_instances_per_host=pick((0, 1, 2)),
                    max_impacted_members=pick((1, 2, 3)),
                    recovery_time=pick((0, 5, 30)))
        for server in self.there():
            self.cloud.constrain(
                server.name, project=server.project,
                group=f'{pick(GROUPS)}-{server.project}',
                lead_time=pick((0, 10, 90)),
                migration_type=pick(('MIGRATE', 'LIVE_MIGRATE')),
                max_interruption_time=pick((0, 120)))

    def there(self):
        return [server for server in self.cloud.model.servers.values()
                if not server.deleted]

    def happen(self, event):
        """Have something happen while the session runs."""
        self.cloud.after(self.chance.randint(20, 90), getattr(self, event))

    def delete_an_instance(self):
        if self.there():
            self.cloud.model.delete(self.chance.choice(self.there()).id)

    def refuse_a_move(self):
        def refuse(kind):
            if kind in ('migrate', 'live_migrate'):
                self.cloud.cloud.fault = lambda kind: None
                raise errors.TargetRefused('No valid host was found.')

        self.cloud.cloud.fault = refuse

    def fail_a_move(self):
        self.cloud.model.faults.add(cases.fault('migrate', fail=True))

    def be_silent(self):
        self.anybody().silent.update(QUESTIONS)

    def refuse(self):
        self.anybody().refused.update(QUESTIONS)

    def die(self):
        self.cloud.take()

    def go_on(self):
        self.cloud.request('continue')

    def anybody(self):
        return self.cloud.projects[self.chance.choice(PROJECTS)]

    def check(self):
        self.assertIn(self.cloud.state, test_chance.FINAL)
        self.assertEqual([], self.cloud.verify())
        self.assertEqual([], self.cloud.lines('migrate.refused'))
