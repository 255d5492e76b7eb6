# SPDX-License-Identifier: Apache-2.0
"""What Nova says becomes a timeline that the verifier can judge."""

import testtools

from fenix.sandbox import verifier
from fenix.sandbox.cloud import timeline
from tests.cloud import witness

HOSTS = ('compute-1', 'compute-2')
SERVER, GROUP, PROJECT = 'server-1', 'group-1', 'project-1'


class FakeCloud:
    """What ``audit.Cloud`` reads at the beginning."""

    def computes(self):
        return {host: {'id': f'id-{host}', 'status': 'enabled',
                       'disabled_reason': None, 'zone': host}
                for host in HOSTS}

    def aggregates(self):
        return {'fast': list(HOSTS)}

    def controllers(self):
        return {'controller'}

    def migrations(self, since):
        return [{'uuid': 'old'}]

    def servers(self):
        return {SERVER: document('ACTIVE', HOSTS[0])}


def document(status, host, task=None):
    return {'id': SERVER, 'name': 'a', 'tenant_id': PROJECT,
            'status': status, 'OS-EXT-SRV-ATTR:host': host,
            'OS-EXT-STS:task_state': task}


def migration(status, kind='migration', uuid='m'):
    return {'uuid': uuid, 'status': status, 'migration_type': kind,
            'instance_uuid': SERVER, 'source_compute': HOSTS[0],
            'dest_compute': HOSTS[1]}


class WitnessTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.timeline = timeline.Timeline()
        self.witness = witness.Witness(self.timeline)
        self.witness.begin(FakeCloud(), [{
            'id': GROUP, 'project_id': PROJECT,
            'policies': ['anti-affinity'], 'members': [SERVER]}], 2)
        self.began = len(self.timeline.lines)
        self.now = self.timeline.lines[-1]['t'] + 1

    def told(self):
        return [(line['what'], line.get('state')) if line.get('state')
                else line['what'] for line in
                self.timeline.lines[self.began:]]

    def see(self, status, host, task=None):
        self.now += 1
        self.witness.server(document(status, host, task), self.now)

    def test_beginning(self):
        self.assertEqual(
            ['host.create', 'host.create', 'host.create', 'aggregate.create',
             'group.create', 'server.create'],
            [line['what'] for line in self.timeline.lines])
        self.assertEqual(GROUP, self.timeline.lines[-1]['group'])

    def test_others_are_left_alone(self):
        timelines = timeline.Timeline()
        deaf = witness.Witness(timelines, {SERVER})
        deaf.server(document('ACTIVE', HOSTS[0]), self.now)
        deaf.all_servers([document('ERROR', HOSTS[0])], self.now)
        self.assertEqual([], timelines.lines)

    def test_cold_migration(self):
        self.witness.acted(SERVER, {'migrate': {'host': HOSTS[1]}},
                           self.now, 202)
        self.see('RESIZE', HOSTS[0], 'resize_prep')
        self.see('RESIZE', HOSTS[0], 'resize_prep')
        self.see('VERIFY_RESIZE', HOSTS[1])
        self.witness.acted(SERVER, {'confirmResize': None}, self.now, 204)
        self.witness.migration(migration('finished'))
        self.see('ACTIVE', HOSTS[1])
        self.witness.migration(migration('confirmed'))
        self.witness.migration(migration('confirmed'))
        self.assertEqual(
            ['migrate.start', ('server.state', 'RESIZE'), 'migrate.verify',
             ('server.state', 'VERIFY_RESIZE'), 'migrate.confirm',
             ('server.state', 'ACTIVE'), 'migrate.end'], self.told())

    def test_live_migration_that_fails(self):
        self.witness.acted(SERVER, {'os-migrateLive': {'host': HOSTS[1]}},
                           self.now, 202)
        self.witness.migration(migration('error', 'live-migration'))
        self.assertEqual(['live-migrate.start', 'live-migrate.error'],
                         self.told())

    def test_refused(self):
        self.witness.acted(SERVER, {'migrate': {'host': HOSTS[1]}},
                           self.now, 400)
        self.assertEqual(['migrate.refused'], self.told())

    def test_other_actions(self):
        self.witness.acted(SERVER, {'os-resetState': {}}, self.now, 202)
        self.witness.acted('unknown', {'migrate': {}}, self.now, 202)
        self.assertEqual([], self.told())

    def test_old_migrations(self):
        self.witness.migration(migration('confirmed', uuid='old'))
        self.assertEqual([], self.told())

    def test_older_than_the_last_change(self):
        self.see('RESIZE', HOSTS[0])
        asked_long_ago = self.timeline.lines[0]['t'] - 1
        self.witness.server(document('ACTIVE', HOSTS[0]), asked_long_ago)
        self.assertEqual([('server.state', 'RESIZE')], self.told())

    def test_gone(self):
        self.witness.all_servers([], self.now)
        self.assertEqual(['server.delete'], self.told())

    def test_gone_in_a_list_from_before(self):
        self.see('RESIZE', HOSTS[0])
        self.witness.all_servers([], self.timeline.lines[0]['t'] - 1)
        self.assertEqual([('server.state', 'RESIZE')], self.told())

    def test_an_older_list_does_not_bring_it_back(self):
        self.witness.gone(SERVER, self.now)
        self.witness.server(document('ACTIVE', HOSTS[0]), self.now - 1)
        self.assertEqual(['server.delete'], self.told())

    def test_gone_as_seen_before_the_last_change(self):
        self.witness.gone(SERVER, self.now - 10)
        self.assertEqual([], self.told())

    def test_not_listed(self):
        self.assertEqual({SERVER}, self.witness.not_listed(HOSTS[0], []))
        self.assertEqual(set(), self.witness.not_listed(HOSTS[1], []))
        self.assertEqual(set(), self.witness.not_listed(
            HOSTS[0], [document('ACTIVE', HOSTS[0])]))

    def test_services(self):
        disable = {'status': 'disabled', 'disabled_reason': 'fenix:x'}
        self.witness.service('id-compute-1', disable, self.now, 200)
        self.witness.service('id-compute-1', disable, self.now, 200)
        self.witness.service('id-compute-1', {'status': 'enabled'},
                             self.now, 200)
        self.witness.service('id-compute-1', disable, self.now, 409)
        self.witness.service('unknown', disable, self.now, 200)
        lines = self.timeline.lines[self.began:]
        self.assertEqual(
            [('service.disable', True), ('service.disable', False),
             ('service.enable', True)],
            [(line['what'], line['changed']) for line in lines])

    def test_the_project_was_not_told(self):
        """A move of which its project hears nothing is found."""
        self.timeline.record('vnf.subscribe', project=PROJECT, alarms=['a'])
        self.timeline.record('session', method='POST', session='s', body={},
                             state=None, code=200)
        self.witness.acted(SERVER, {'migrate': {'host': HOSTS[1]}},
                           self.now, 202)
        self.see('VERIFY_RESIZE', HOSTS[1])
        self.witness.acted(SERVER, {'confirmResize': None}, self.now, 204)
        self.see('ACTIVE', HOSTS[1])
        self.witness.migration(migration('confirmed'))
        self.timeline.record('session', method='DELETE', session='s',
                             state=None, code=200)
        self.assertIn('moved, but its project was never told', [
            breach.what for breach in verifier.verify(self.timeline.lines)])

    def out(self, host):
        """Have a host go out in a session that may have half of them."""
        self.now += 1
        self.witness.service(f'id-{host}', {
            'status': 'disabled', 'disabled_reason': 'fenix:x'}, self.now,
            200)
        self.timeline.record(
            'notify', event_type='maintenance.host', message_id=host,
            payload={
                'host': host, 'state': 'IN_MAINTENANCE', 'session_id': 'x'})

    def test_shares_are_judged(self):
        """Of an aggregate, but not of zones with one host each."""
        self.timeline.record('session', method='POST', session='x', code=200,
                             body={'settings': {'zone_share': 0.5}})
        self.witness.gone(SERVER, self.now + 1)
        self.out(HOSTS[0])
        self.out(HOSTS[1])
        self.assertEqual(
            ['2 of 2 hosts of aggregate fast at once, 1 allowed'],
            [breach.what for breach in verifier.verify(self.timeline.lines)
             if breach.rule == 3])

    def test_the_verifier_judges(self):
        """A move of which nobody was asked is found."""
        self.timeline.record('vnf.subscribe', project=PROJECT, alarms=['a'])
        self.witness.acted(SERVER, {'migrate': {'host': HOSTS[1]}},
                           self.timeline.lines[-1]['t'] + 1, 202)
        (breach,) = verifier.verify(self.timeline.lines)
        self.assertEqual((2, SERVER), (breach.rule, breach.subject))
