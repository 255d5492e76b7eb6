# SPDX-License-Identifier: Apache-2.0
"""CONTRACT.md 1.3, 3.1 and section 8, 3, 4 and 7."""

import fixtures as fixtures_

from fenix.db import inbox
from tests import fixtures
from tests.functional.api import base
from tests.functional.db import records


@fixtures.on_each_database
class ManyInstancesTest(base.ApiTest):
    """A project with more instances than fit into a column of text."""

    COUNT = 5000

    def test_list_and_reply(self):
        session = base.new_session()
        path = f'/v1/maintenance/{session.id}/p1'
        ids = [f'{number:08d}-0000-0000-0000-000000000000'
               for number in range(self.COUNT)]
        base.store(*[records.instance(
            session.id, instance_id=key, name=key, host='cmp-1')
            for key in ids])
        base.store(records.ask(
            session.id, state='open', question='PLANNED_MAINTENANCE',
            host='cmp-1', instance_ids=ids))
        base.change(session, state='PLANNED_MAINTENANCE')
        self.assertEqual(ids, self.call('GET', path)['instance_ids'])
        self.call('PUT', path, {
            'state': 'ACK_PLANNED_MAINTENANCE', 'instance_ids': ids,
            'instance_actions': dict.fromkeys(ids, 'MIGRATE')})
        (reply,), _ = inbox.unread(session.id)
        self.assertEqual(self.COUNT, len(reply.actions))


class ProjectTest(base.ApiTest):
    """A session with three instances of p1, one of p2, and one gone."""

    def setUp(self):
        super().setUp()
        self.session = base.new_session()
        self.path = f'/v1/maintenance/{self.session.id}/p1'
        for key, values in {
                'i1': {'host': 'cmp-1'}, 'i2': {'host': 'cmp-1'},
                'i3': {'host': 'cmp-2'}, 'i4': {'gone': True},
                'i5': {'project_id': 'p2'}}.items():
            base.store(records.instance(
                self.session.id, instance_id=key, name=key, **values))

    def ask(self, **values):
        row = records.ask(self.session.id, **{'state': 'open', **values})
        base.store(row)
        return row


@fixtures.on_each_database
class InstancesTest(ProjectTest):

    def ids(self):
        return self.call('GET', self.path)['instance_ids']

    def test_maintenance(self):
        self.ask()
        self.assertEqual(['i1', 'i2', 'i3'], self.ids())
        self.assertEqual(['i5'], self.call(
            'GET', self.path[:-1] + '2/')['instance_ids'])

    def test_after_the_answer(self):
        self.ask(state='acked')
        for state in ('MAINTENANCE', 'SCALE_IN', 'MAINTENANCE_COMPLETE',
                      'MAINTENANCE_FAILED'):
            base.change(self.session, state=state)
            self.assertEqual(['i1', 'i2', 'i3'], self.ids(), state)

    def test_host_questions(self):
        base.change(self.session, state='PLANNED_MAINTENANCE')
        self.assertEqual([], self.ids())
        ask = self.ask(question='PLANNED_MAINTENANCE', host='cmp-1',
                       instance_ids=['i1', 'i2', 'i3', 'i4'])
        self.assertEqual(['i1', 'i2'], self.ids())
        base.change(ask, state='waiting')
        self.assertEqual(['i1', 'i2'], self.ids())
        base.change(ask, state='acked')
        self.assertEqual([], self.ids())

    def test_nothing_of_the_project(self):
        self.refused('fenix.not_found', 'GET', self.path[:-1] + '9',
                     status=404)


@fixtures.on_each_database
class ReplyTest(ProjectTest):

    def replies(self):
        return [(row.project_id, row.instance_id, row.state, row.action,
                 row.actions) for row in inbox.unread(self.session.id)[0]]

    def reply(self, body, path='', method='PUT'):
        self.assertEqual({}, self.call(method, self.path + path, body))

    def ignored(self, body, path=''):
        before = records.everything()
        self.reply(body, path)
        self.assertEqual(before, records.everything())
        self.assertEqual([], self.ringer.rung)

    def test_by_project(self):
        self.reply({'state': 'ACK_MAINTENANCE'})
        self.assertEqual([('p1', None, 'ACK_MAINTENANCE', None, {})],
                         self.replies())
        self.assertEqual([self.session.id], self.ringer.rung)

    def test_post(self):
        self.reply({'state': 'ACK_DOWN_SCALE'}, '/', 'POST')
        self.reply({'state': 'ACK_PLANNED_MAINTENANCE'}, '/i1/', 'POST')
        self.assertEqual(2, len(self.replies()))

    def test_with_more_than_was_asked_for(self):
        # As sample.py and Tacker send it.
        self.reply({'state': 'ACK_MAINTENANCE', 'session_id': 'x',
                    'instance_ids': ['i1'], 'color': {'red': [None]},
                    'instance_action': None, 'instance_actions': None})
        self.assertEqual([('p1', None, 'ACK_MAINTENANCE', None, {})],
                         self.replies())

    def test_twice(self):
        for _ in range(3):
            self.reply({'state': 'ACK_PLANNED_MAINTENANCE',
                        'instance_action': 'MIGRATE'}, '/i1')
        self.assertEqual([('p1', 'i1', 'ACK_PLANNED_MAINTENANCE', 'MIGRATE',
                           {})], self.replies())

    def was_read(self, state, path=None):
        base.store(records.reply(
            self.session.id, project_id='p1', instance_id=path, state=state,
            action=None, actions={}))

    def test_again_after_it_was_read(self):
        """However often: it is about nothing any more."""
        self.ask(state='acked')
        self.was_read('ACK_MAINTENANCE')
        self.ignored({'state': 'ACK_MAINTENANCE'})
        self.was_read('NACK_PLANNED_MAINTENANCE', 'i1')
        self.ask(instance_id='i2')
        self.ignored({'state': 'NACK_PLANNED_MAINTENANCE'}, '/i1')

    def test_the_same_answer_to_another_question(self):
        self.was_read('ACK_PLANNED_MAINTENANCE')
        self.ask(question='PLANNED_MAINTENANCE')
        self.reply({'state': 'ACK_PLANNED_MAINTENANCE'})
        self.assertEqual(1, len(self.replies()))

    def test_a_refusal_of_maintenance_counts_again(self):
        """What another VNF of the project agreed to may be refused."""
        self.ask(state='acked')
        self.was_read('NACK_MAINTENANCE')
        self.reply({'state': 'NACK_MAINTENANCE'})
        self.assertEqual(1, len(self.replies()))

    def test_too_many(self):
        """Nothing is stored, and the client is told when to come again."""
        self.useFixture(
            fixtures_.MonkeyPatch('fenix.db.inbox.MOST_REPLIES', 2))
        self.reply({'state': 'ACK_MAINTENANCE'})
        self.reply({'state': 'NACK_MAINTENANCE'})
        self.ringer.rung.clear()
        again = {'state': 'ACK_MAINTENANCE'}
        self.refused('fenix.session.inbox_full', 'PUT', self.path, again, 503)
        self.assertEqual('10', self.send(
            'PUT', self.path, again).headers['Retry-After'])

    def end(self, state, **values):
        base.change(self.session, state=state, **{
            'finished_at': self.session.created_at, **values})

    def test_to_a_session_that_is_done(self):
        """Late replies are 200, however many come and whatever they say."""
        self.useFixture(
            fixtures_.MonkeyPatch('fenix.db.inbox.MOST_REPLIES', 2))
        self.ask(state='acked')
        self.end('MAINTENANCE_DONE')
        for number in range(4):
            for word in ('ACK', 'NACK'):
                for question in ('MAINTENANCE', 'MAINTENANCE_COMPLETE',
                                 'PLANNED_MAINTENANCE'):
                    self.ignored({'state': f'{word}_{question}',
                                  'instance_action': f'a{number}'})
                self.ignored({'state': f'{word}_PLANNED_MAINTENANCE',
                              'instance_action': f'a{number}'}, '/i1')
        self.assertEqual([], self.replies())

    def test_to_a_session_that_failed(self):
        """What it had asked counts once it is continued, nothing else."""
        self.ask(question='PLANNED_MAINTENANCE', host='cmp-1',
                 instance_id='i1', instance_ids=['i1'])
        scale_in = self.ask(question='SCALE_IN')
        self.end('MAINTENANCE_FAILED')
        self.reply({'state': 'ACK_PLANNED_MAINTENANCE'}, '/i1')
        self.reply({'state': 'NACK_DOWN_SCALE'})
        self.assertEqual(2, len(self.replies()))
        self.ringer.rung.clear()
        base.change(scale_in, state='expired')
        for word in ('ACK', 'NACK'):
            for question in ('MAINTENANCE', 'DOWN_SCALE',
                             'MAINTENANCE_COMPLETE'):
                self.ignored({'state': f'{word}_{question}'})
        # Asked, but not of this one.
        self.ask(project_id='p2')
        self.ignored({'state': 'ACK_MAINTENANCE'})

    def test_a_failed_one_can_still_be_refused(self):
        asked = self.ask(state='acked')
        self.end('MAINTENANCE_FAILED')
        self.reply({'state': 'NACK_MAINTENANCE'})
        self.assertEqual(1, len(self.replies()))
        base.change(asked, state='withdrawn')
        self.ringer.rung.clear()
        self.ignored({'state': 'ACK_MAINTENANCE'})

    def test_to_a_session_that_goes_on(self):
        """It reads them, and knows best what it may be asking just now."""
        for values in ({'state': 'MAINTENANCE', 'finished_at': None},
                       {'state': 'MAINTENANCE_DONE', 'deleting': True}):
            self.end(**values)
            self.reply({'state': 'ACK_MAINTENANCE'}, '/i1')
            self.reply({'state': 'NACK_MAINTENANCE'}, '/i1')
        self.assertEqual(4, len(self.replies()))

    def test_actions(self):
        # Only for the project's own instances; what is no action at all is
        # for the engine to judge.
        self.reply({'state': 'ACK_PLANNED_MAINTENANCE', 'instance_actions': {
            'i1': 'MIGRATION', 'i2': 'FLY', 'i5': 'MIGRATE', 'x': 'MIGRATE',
            'i3': None}})
        self.reply({'state': 'ACK_PREPARE_MAINTENANCE',
                    'instance_action': 'x' * 1000}, '/i2')
        self.assertEqual(
            [('p1', None, 'ACK_PLANNED_MAINTENANCE', None,
              {'i1': 'MIGRATION', 'i2': 'FLY'}),
             ('p1', 'i2', 'ACK_PREPARE_MAINTENANCE', 'x' * 64, {})],
            self.replies())

    def test_about_an_instance_that_was_replaced(self):
        # Tacker's OWN_ACTION replaces first and answers then.
        self.ignored({'state': 'ACK_PLANNED_MAINTENANCE'}, '/i4')
        self.ask(question='PLANNED_MAINTENANCE', host='cmp-1',
                 instance_id='i4', instance_ids=['i4'])
        self.reply({'state': 'ACK_PLANNED_MAINTENANCE',
                    'instance_action': 'OWN_ACTION'}, '/i4')
        self.assertEqual([('p1', 'i4', 'ACK_PLANNED_MAINTENANCE',
                           'OWN_ACTION', {})], self.replies())

    def test_without_effect(self):
        for body, path in [
                ({'state': 'ACK_INSTANCE_ACTION_DONE'}, '/i1'),
                ({'state': 'ACK_ADMIN_ACTION_DONE'}, ''),
                ({'state': ''}, ''), ({'state': 'x' * 9999}, ''),
                ({'state': 'ACK_MAINTENANCE'}, '/' + 'x' * 300),
                # Of another project, and never heard of.
                ({'state': 'ACK_PLANNED_MAINTENANCE'}, '/i5'),
                ({'state': 'ACK_PLANNED_MAINTENANCE'}, '/i9')]:
            self.ignored(body, path)

    def test_of_a_project_with_nothing_here(self):
        self.path = self.path[:-1] + '9'
        self.ignored({'state': 'ACK_MAINTENANCE'})

    def test_bad(self):
        for body, field in [
                ({}, 'state'), (None, 'state'), ({'state': None}, 'state'),
                ({'state': ['ACK_MAINTENANCE']}, 'state'),
                ({'state': 'ACK\0'}, 'state'), ([], None),
                ({'state': 'ACK_MAINTENANCE', 'instance_action': 1},
                 'instance_action'),
                ({'state': 'ACK_MAINTENANCE', 'instance_actions': 'x'},
                 'instance_actions'), (b'{"state"', None), (b'\xff', None)]:
            for path in ('', '/i1'):
                self.refused('fenix.invalid', 'PUT', self.path + path, body,
                             field=field)


@fixtures.on_each_database
class RunTest(base.ApiTest):

    def setUp(self):
        super().setUp()
        self.session = base.new_session()
        self.run_ = records.run(self.session.id)
        base.store(self.run_)
        self.path = (f'/v1/maintenance/{self.session.id}/actions/'
                     f'{self.run_.id}')

    def test_report(self):
        self.call('PUT', self.path, {'state': 'DONE', 'output': 'mended'})
        self.call('POST', self.path + '/', {'state': 'FAILED'})
        self.assertEqual(
            [('report', {'run': self.run_.id, 'state': 'DONE',
                         'output': 'mended'}),
             ('report', {'run': self.run_.id, 'state': 'FAILED'})],
            [(row.kind, row.body)
             for row in inbox.unread(self.session.id)[1]])
        self.assertEqual([self.session.id] * 2, self.ringer.rung)

    def test_what_does_not_fit(self):
        for state, words in {'running': ['RETRY'], 'failed': ['FAILED'],
                             'done': ['DONE', 'FAILED', 'RETRY', 'SKIP'],
                             'skipped': ['SKIP']}.items():
            base.change(self.run_, state=state)
            for word in words:
                self.refused('fenix.session.wrong_state', 'PUT', self.path,
                             {'state': word}, 409, 'state')
        base.change(self.run_, state='failed')
        for word in ('DONE', 'RETRY', 'SKIP'):
            self.call('PUT', self.path, {'state': word})

    def test_bad(self):
        self.refused('fenix.run.not_found', 'PUT', self.path + 'x',
                     {'state': 'DONE'}, 404)
        self.refused('fenix.invalid', 'PUT', self.path, {'state': 'MAYBE'},
                     field='state')
        self.refused('fenix.invalid', 'PUT', self.path,
                     {'state': 'DONE', 'output': 1}, field='output')
