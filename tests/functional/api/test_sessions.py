# SPDX-License-Identifier: Apache-2.0
"""CONTRACT.md 1.2 and section 8, 1."""

import datetime
from unittest import mock

from fenix.api import plugins
from fenix.db import inbox
from fenix.db import models
from fenix.db import pictures
from fenix.db import sessions
from tests import fixtures
from tests.functional.api import base
from tests.functional.db import records

PATH = '/v1/maintenance'


@fixtures.on_each_database
class CreateTest(base.ApiTest):

    def create(self, **values):
        return self.call('POST', PATH, base.request(**values))

    def test_as_doctor(self):
        start = datetime.datetime.now(datetime.UTC) + datetime.timedelta(
            seconds=30)
        answer = self.call('POST', PATH, {
            'hosts': [], 'state': 'MAINTENANCE',
            'maintenance_at': f'{start:%Y-%m-%d %H:%M:%S}',
            'metadata': {'openstack_version': 'Train'}, 'workflow': 'vnf'})
        session = sessions.get(answer['session_id'])
        self.assertEqual('vnf', session.workflow)
        self.assertEqual(start.replace(microsecond=0),
                         session.maintenance_at)
        self.assertEqual({'openstack_version': 'Train'}, session.meta)
        self.assertEqual('MAINTENANCE', session.state)
        self.assertEqual([answer['session_id']], self.ringer.rung)

    def test_everything(self):
        answer = self.call(
            'POST', PATH + '/', base.request(
                hosts=['cmp-1.example.org', 'ctl-1'], other_hosts=['ctl-1'],
                actions=[{'plugin': 'dummy', 'type': 'pre'},
                         {'plugin': 'manual', 'type': 'compute',
                          'metadata': {'what': ['new', 1.5]}}],
                on_no_reply='proceed', download=[],
                settings={'on_no_reply': 'proceed', 'on_refusal': 'skip',
                          'default_action': 'LIVE_MIGRATE',
                          'reply_window': 20, 'disable_undone': False}),
            X_Project_Id='boss')
        rows = pictures.load(answer['session_id'])
        self.assertEqual('boss', rows.session.project_id)
        self.assertEqual('default', rows.session.workflow)
        self.assertEqual(['cmp-1.example.org', 'ctl-1'],
                         rows.session.wanted_hosts)
        self.assertEqual(['ctl-1'], rows.session.other_hosts)
        self.assertEqual(
            {'on_no_reply': 'proceed', 'on_refusal': 'skip',
             'default_action': 'LIVE_MIGRATE', 'reply_window': 20,
             'disable_undone': False}, rows.session.settings)
        self.assertEqual(
            [('dummy', 'pre', {}),
             ('manual', 'compute', {'what': ['new', 1.5]})],
            [(row.plugin, row.type, row.meta) for row in rows.actions])

    def test_times(self):
        for text in ('2099-01-31 10:00:30', '2099-01-31T10:00:30',
                     '2099-01-31T10:00:30Z', '2099-01-31T10:00:30.000',
                     '2099-01-31T12:00:30+02:00'):
            answer = self.create(maintenance_at=text)
            self.assertEqual(
                datetime.datetime(2099, 1, 31, 10, 0, 30,
                                  tzinfo=datetime.UTC),
                sessions.get(answer['session_id']).maintenance_at, text)

    def test_bad_times(self):
        for text in ('', 'tomorrow', '2099-13-01 00:00:00', '2099-01-31',
                     '9999-12-31T23:59:59-12:00', '0001-01-01 00:00+14:00',
                     '2020-01-01 00:00:00', '٢٠٩٩-01-31 10:00:30'):
            self.refused('fenix.session.bad_time', 'POST', PATH,
                         base.request(maintenance_at=text),
                         field='maintenance_at')

    def test_past_by_the_clock_of_the_database(self):
        now = datetime.datetime(2099, 1, 31, 10, 0, 31, tzinfo=datetime.UTC)
        with mock.patch('fenix.db.clock.now', return_value=now):
            error = self.refused('fenix.session.bad_time', 'POST', PATH,
                                 base.request(), field='maintenance_at')
        self.assertIn('2099-01-31 10:00:31', error)

    def test_unknown_plugins(self):
        error = self.refused(
            'fenix.session.unknown_workflow', 'POST', PATH,
            base.request(workflow='magic'), field='workflow')
        self.assertIn('default, vnf', error)
        self.refused(
            'fenix.session.unknown_action', 'POST', PATH,
            base.request(actions=[{'plugin': 'dummy', 'type': 'pre'},
                                  {'plugin': 'magic', 'type': 'pre'}]),
            field='actions[1].plugin')

    def test_download(self):
        self.refused('fenix.session.download_refused', 'POST', PATH,
                     base.request(download=['http://example.org/x.tgz']),
                     field='download')

    def test_metadata(self):
        for meta in ({'a': None}, {'a': ['b']}, {'a': {'b': 1}},
                     {'a': '[1]'}, {'{a': 1}, {'a': 'it\'s "so"'},
                     {'a': 'back\\slash'}, {'a': 'two\nlines'},
                     {'a': 'x' * 247}):
            self.refused('fenix.session.bad_metadata', 'POST', PATH,
                         base.request(metadata=meta), field='metadata')
        self.assertEqual(256, len(str({'a': 'x' * 247})))
        self.create(metadata={'a': 'x' * 246})
        self.create(metadata={})

    def test_wrong_types(self):
        for field, value in [
                ('maintenance_at', 1), ('maintenance_at', None),
                ('metadata', '{}'), ('metadata', []), ('metadata', None),
                ('state', 1), ('workflow', 1), ('workflow', ''),
                ('hosts', 'cmp-1'), ('hosts', None),
                ('hosts', ['cmp-1', 'cmp-1']), ('actions', {}),
                ('download', 'http://example.org'), ('settings', []),
                ('on_refusal', 'shrug'), ('priority', 1)]:
            self.refused('fenix.invalid', 'POST', PATH,
                         base.request(**{field: value}), field=field)
        for field, values in [
                ('hosts[0]', {'hosts': [1]}),
                ('hosts[1]', {'hosts': ['a', '']}),
                ('hosts[0]', {'hosts': ['x' * 256]}),
                ('hosts[0]', {'hosts': ['[a']}),
                ('hosts[0]', {'hosts': [' a']}),
                ('actions[0].type', {'actions': [{'plugin': 'dummy'}]}),
                ('actions[0].type', {'actions': [{'plugin': 'dummy',
                                                  'type': 1}]}),
                ('settings.reply_window', {'settings': {
                    'reply_window': 1e10}}),
                ('settings.zone_share', {'settings': {'zone_share': 1.5}}),
                ('settings.hosts_at_once', {'settings': {
                    'hosts_at_once': -1}}),
                ('settings.moves_at_once', {'settings': {
                    'moves_at_once': 1}}),
                ('settings.free_ram_mb', {
                    'workflow': 'default', 'settings': {'free_ram_mb': 1}}),
                ('settings.migration_timeout', {'settings': {
                    'migration_timeout': 90}}),
                ('settings.confirm_timeout', {'settings': {
                    'confirm_timeout': 90}}),
                ('settings.vocabulary', {'settings': {
                    'vocabulary': 'fenix'}}),
                ('on_refusal', {'on_refusal': 'fail',
                                'settings': {'on_refusal': 'skip'}})]:
            self.refused('fenix.invalid', 'POST', PATH,
                         base.request(**values), field=field)
        for body in ([], 'x', 1, None):
            self.refused('fenix.invalid', 'POST', PATH, body,
                         field='maintenance_at' if body is None else None)

    def test_host_in_another_session(self):
        first = self.create(hosts=['cmp-1', 'cmp-2'])['session_id']
        self.ringer.rung.clear()
        error = self.refused(
            'fenix.session.host_claimed', 'POST', PATH,
            base.request(hosts=['cmp-3', 'cmp-2']), 409, 'hosts')
        self.assertIn(first, error)
        self.assertIn('cmp-2', error)

    def test_too_many(self):
        self.config(group='api', max_sessions=1)
        self.create()
        self.ringer.rung.clear()
        self.refused('fenix.session.too_many', 'POST', PATH, base.request(),
                     503)


class PluginsTest(base.ApiTest, fixtures.DatabaseTestCase):

    def test_names_without_import(self):
        self.assertIn('manual', plugins.names(plugins.ACTIONS))
        self.assertEqual([], plugins.names('fenix.nothing'))


@fixtures.on_each_database
class SessionTest(base.ApiTest):

    def setUp(self):
        super().setUp()
        self.session = base.new_session()
        self.path = f'{PATH}/{self.session.id}'

    def requests(self):
        return [(row.kind, row.body)
                for row in inbox.unread(self.session.id)[1]]

    def test_list(self):
        self.assertEqual({'sessions': [self.session.id],
                          'session_id': [self.session.id]},
                         self.call('GET', PATH))

    def test_get(self):
        base.change(self.session, state='SCALE_IN', percent_done=33)
        answer = self.call('GET', self.path + '/')
        self.assertEqual('DOWN_SCALE', answer['state'])
        self.assertEqual(33, answer['percent_done'])
        self.assertEqual(self.session.id, answer['session_id'])
        self.config(group='workflow', vocabulary='fenix')
        self.assertEqual('SCALE_IN', self.call('GET', self.path)['state'])

    def test_unknown(self):
        for method, path, body in [
                ('GET', '', None), ('GET', '/detail', None),
                ('GET', '/events', None), ('PUT', '', {}),
                ('DELETE', '', None), ('GET', '/p1', None),
                ('PUT', '/p1', {'state': 'ACK_MAINTENANCE'}),
                ('PUT', '/p1/i1', {'state': 'ACK_MAINTENANCE'}),
                ('PUT', '/actions/r1', {'state': 'DONE'})]:
            self.refused('fenix.session.not_found', method,
                         f'{PATH}/{"x" * 300}{path}', body, 404)

    def test_continue(self):
        base.change(self.session, state='MAINTENANCE_FAILED')
        for body in ({}, None, {'state': 'MAINTENANCE_FAILED'}):
            self.call('PUT', self.path, body)
            # Those that the engine has not seen yet are one.
            self.assertEqual([('continue', {})], self.requests())
        self.assertEqual([self.session.id] * 3, self.ringer.rung)

    def test_continue_in_other_states(self):
        for state in ('MAINTENANCE', 'SCALE_IN', 'MAINTENANCE_DONE'):
            base.change(self.session, state=state)
            self.refused('fenix.session.wrong_state', 'PUT', self.path, {},
                         409)
        base.change(self.session, state='MAINTENANCE_FAILED', deleting=True)
        self.refused('fenix.session.wrong_state', 'PUT', self.path, {}, 409)

    def test_delete(self):
        for _ in range(2):
            self.assertEqual({}, self.call('DELETE', self.path + '/'))
        self.assertEqual([('delete', {})], self.requests())
        self.assertEqual('DELETING', self.call('GET', self.path)['state'])
        self.ringer.rung.clear()
        self.refused('fenix.session.wrong_state', 'PUT', self.path, {}, 409)

    def test_delete_after_the_engine_took_it_up(self):
        base.change(self.session, deleting=True)
        self.call('DELETE', self.path)
        self.assertEqual([], self.requests())

    def test_empty_body_with_json_type(self):
        for method in ('GET', 'DELETE'):
            self.call(method, self.path, b'')
            self.call(method, self.path, b'   ')
        self.call('GET', self.path, b'whatever {')


@fixtures.on_each_database
class DetailTest(base.ApiTest):

    def setUp(self):
        super().setUp()
        self.session = base.new_session()
        self.path = f'{PATH}/{self.session.id}/detail'

    def store(self, make, **values):
        row = make(self.session.id, **values)
        base.store(row)
        return row

    def waits(self, *texts):
        found = self.call('GET', self.path)['waiting_for']
        self.assertEqual(len(texts), len(found), found)
        for text, sentence in zip(texts, found, strict=True):
            self.assertIn(text, sentence)

    def test_everything(self):
        self.store(records.host, name='cmp-1', is_compute=True,
                   step='maintain', announced=True)
        self.store(records.host, name='cmp-2', is_compute=True, position=1,
                   step='empty', reason='no room', disabled='us')
        self.store(records.instance, instance_id='i1')
        self.store(records.ask, state='acked', question='SCALE_IN')
        self.store(records.move, state='done')
        self.store(records.action)
        self.store(records.run, state='done', output='all well')
        self.store(records.event, payload={'state': 'MAINTENANCE'})
        answer = self.call('GET', self.path)
        self.assertEqual(
            [('cmp-1', 'IN_MAINTENANCE', ['compute'], None),
             ('cmp-2', 'failed', ['compute'], 'no room')],
            [(host['name'], host['state'], host['types'], host['reason'])
             for host in answer['hosts']])
        self.assertEqual('i1', answer['instances'][0]['instance_id'])
        self.assertEqual('DOWN_SCALE', answer['asks'][0]['question'])
        self.assertEqual('cmp-2', answer['moves'][0]['target'])
        self.assertEqual('2026-01-31T10:00:30.123456Z',
                         answer['moves'][0]['deadline'])
        self.assertEqual('dummy', answer['actions'][0]['plugin'])
        self.assertEqual('all well', answer['runs'][0]['output'])
        self.assertEqual({'state': 'MAINTENANCE'},
                         answer['events'][0]['payload'])
        self.assertEqual(
            answer['events'],
            self.call('GET', f'{PATH}/{self.session.id}/events')['events'])

    def test_waiting_for(self):
        self.waits('none owns')
        base.change(self.session, owner=models.new_id())
        self.waits('not before 2026-01-31T10:00:30')
        base.change(self.session, phase='make_room')
        self.waits('the room that was made')
        base.change(self.session, phase='run_hosts')
        self.waits('the engine')
        self.store(records.host, name='cmp-1', step='maintain')
        self.waits('host cmp-1 to be disabled and empty')
        self.store(records.ask, state='open', question='PLANNED_MAINTENANCE',
                   host='cmp-1', published_at=records.TIME,
                   reply_by=records.TIME)
        self.store(records.ask, state='waiting', instance_id='i7',
                   question='SCALE_IN', created_at=(
                       records.TIME + datetime.timedelta(seconds=1)))
        self.store(records.move, state='requested', instance_id='i8')
        run = self.store(records.run, state='running', plugin='manual')
        self.waits('project p1 to answer PLANNED_MAINTENANCE about host '
                   'cmp-1 by 2026-01-31T10:00:30',
                   'DOWN_SCALE about instance i7 to be published',
                   'instance i8 to leave cmp-1 for cmp-2', run.id)

    def test_waiting_for_the_administrator(self):
        run = self.store(records.run, state='failed', host='cmp-1')
        base.change(self.session, state='MAINTENANCE_FAILED')
        self.waits('PUT continues', f'retried or skipped (run {run.id})')
        base.change(self.session, state='MAINTENANCE_DONE')
        self.waits('DELETE')
        base.change(self.session, deleting=True)
        self.waits('give the hosts back', run.id)
