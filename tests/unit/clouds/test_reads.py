# SPDX-License-Identifier: Apache-2.0
import fixtures
import requests
import testtools

from fenix import errors
from fenix.clouds import base
from fenix.size import Size
from tests.unit.clouds import fakes

HYPERVISOR = {'id': 'p-one', 'hypervisor_hostname': 'one.example.org',
              'state': 'up', 'status': 'enabled', 'service': {'host': 'one'}}


class ReadsTestCase(testtools.TestCase):

    def start(self, newest='2.96', **options):
        self.cloud = self.useFixture(fakes.Cloud(newest, **options))
        self.http = self.cloud.http
        self.driver = self.cloud.driver
        self.log = self.useFixture(fixtures.FakeLogger())
        self.useFixture(fixtures.MockPatch('time.sleep'))
        self.cloud.services(fakes.service())

    def answer(self, path, base=fakes.NOVA, **body):
        self.http.get(f'{base}{path}', json=body)

    def pages(self, path, key, pages, marker='id', base=fakes.NOVA):
        """Answer by pages, each for the marker of the one before."""
        for query, page in zip(
                [None] + [page[-1][marker] for page in pages],
                [*pages, []], strict=True):
            url = f'{base}{path}'
            if query:
                url += f'?marker={query}'
            self.http.get(url, json={key: page})

    def placement(self, provider, inventories=None, allocations=None):
        path = f'/resource_providers/{provider}'
        self.answer(f'{path}/inventories', fakes.PLACEMENT, inventories={
            name: {'total': total, 'reserved': reserved,
                   'allocation_ratio': ratio}
            for name, (total, reserved, ratio)
            in (inventories or {}).items()})
        self.answer(f'{path}/allocations', fakes.PLACEMENT, allocations={
            consumer: {'resources': amounts}
            for consumer, amounts in (allocations or {}).items()})

    def one_provider(self, **inventories_and_allocations):
        self.answer('/os-hypervisors/detail', hypervisors=[])
        self.pages('/os-hypervisors/detail', 'hypervisors', [[HYPERVISOR]])
        self.answer('/resource_providers', fakes.PLACEMENT,
                    resource_providers=[{'uuid': 'p-one', 'generation': 1,
                                         'root_provider_uuid': 'p-one'}])
        self.placement('p-one', **inventories_and_allocations)


class TestAsking(ReadsTestCase):

    def test_reads_are_repeated(self):
        self.start(read_retries=2)
        self.http.get(f'{fakes.NOVA}/os-services', [
            {'exc': requests.exceptions.ReadTimeout}, {'status_code': 503},
            {'json': {'services': [fakes.service()]}}])
        self.assertTrue(self.driver.service('one').up)

    def test_reads_fail_after_that(self):
        self.start(read_retries=2)
        self.http.get(f'{fakes.NOVA}/os-services', status_code=503)
        self.assertRaises(errors.CloudError, self.driver.service, 'one')
        asked = [r for r in self.cloud.sent('GET') if 'services' in r.path]
        self.assertEqual(3, len(asked))

    def test_an_answer_without_sense(self):
        self.start()
        for body in ({'services': [{'host': 'one'}]}, {}, []):
            self.http.get(f'{fakes.NOVA}/os-services', json=body)
            self.assertRaises(errors.CloudError, self.driver.service, 'one')

    def test_keystone_is_away(self):
        self.start()
        self.http.post(f'{fakes.AUTH}/auth/tokens', status_code=503)
        self.assertRaises(errors.CloudError, self.driver.service, 'one')

    def test_no_endpoint(self):
        self.start(region_name='elsewhere')
        raised = self.assertRaises(errors.CloudError, self.driver.service,
                                   'one')
        self.assertIn('compute service in elsewhere', str(raised))

    def test_the_version_is_agreed_on_when_nova_is_there(self):
        self.start()
        there = self.http.get(fakes.NOVA, status_code=503)
        self.assertRaises(errors.CloudError, self.driver.service, 'one')
        self.http.get(fakes.NOVA, json={'version': {
            'id': 'v2.1', 'status': 'CURRENT', 'version': '2.104',
            'min_version': '2.1', 'links': []}})
        self.driver.service('one')
        self.assertEqual(1, there.call_count)
        self.assertEqual('compute 2.96', self.http.last_request.headers[
            'OpenStack-API-Version'])

    def test_an_older_nova_is_used_and_what_is_lost_is_told(self):
        self.start('2.70')
        self.driver.service('one')
        self.assertEqual('compute 2.70', self.http.last_request.headers[
            'OpenStack-API-Version'])
        self.assertIn('(before 2.84): why an instance action failed',
                      self.log.output)
        self.assertNotIn('2.64', self.log.output)

    def test_too_old_a_nova(self):
        self.start('2.53')
        for call in (lambda: self.driver.service('one'), self.driver.check):
            raised = self.assertRaises(errors.CloudUnfit, call)
            self.assertIn('2.60', str(raised))

    def test_what_is_lost(self):
        self.start('2.70')
        first, *_ = self.driver.check()
        self.assertEqual('Nova 2.70 does not tell (before 2.71)',
                         first.partition(':')[0])
        self.start()
        self.assertEqual([], self.driver.check())

    def test_nova_does_not_tell(self):
        """It is asked once, as who asks wants to start."""
        self.start(read_retries=9)
        there = self.http.get(fakes.NOVA, status_code=503)
        self.assertRaises(errors.CloudError, self.driver.check)
        self.assertEqual(1, there.call_count)
        self.assertEqual(3.0, there.last_request.timeout)


class TestService(ReadsTestCase):

    def look(self, *services):
        self.start()
        self.cloud.services(*services)
        return self.driver.service('one')

    def test_unknown(self):
        self.assertIsNone(self.look())

    def test_neither_compute_nor_conductor(self):
        self.assertIsNone(self.look(fakes.service(binary='nova-scheduler')))

    def test_controller(self):
        found = self.look(fakes.service(binary='nova-conductor'))
        self.assertEqual((False, True, True),
                         (found.is_compute, found.is_controller,
                          found.enabled))

    def test_both_and_one_of_them_down(self):
        found = self.look(
            fakes.service(status='disabled', disabled_reason='why'),
            fakes.service(binary='nova-conductor', state='down'))
        self.assertEqual(
            (True, True, False, 'why', False),
            (found.is_compute, found.is_controller, found.enabled,
             found.disabled_reason, found.up))

    def test_forced_down(self):
        self.assertFalse(self.look(fakes.service(forced_down=True)).up)

    def test_in_a_cell_that_is_down(self):
        self.start()
        self.cloud.services({'host': 'one', 'binary': 'nova-compute',
                             'status': 'UNKNOWN'})
        self.assertRaises(errors.CloudError, self.driver.service, 'one')


class TestSurvey(ReadsTestCase):

    def setUp(self):
        super().setUp()
        self.start()
        self.one_provider()
        self.http.get(f'{fakes.NOVA}/os-server-groups',
                      json={'server_groups': []})

    def servers(self, *servers):
        self.pages('/servers/detail', 'servers', [[s] for s in servers])

    def test_servers_of_all_pages(self):
        self.servers(fakes.server('a'), fakes.server('b'))
        found = self.driver.survey().servers
        self.assertEqual({'a', 'b'}, set(found))
        asked = next(r for r in self.cloud.sent('GET')
                     if 'servers/' in r.path)
        self.assertEqual(['1'], asked.qs['all_tenants'])

    def test_no_page_takes_long(self):
        """All pages of servers are shorter than Nova's own."""
        self.servers(fakes.server('a'), fakes.server('b'))
        self.driver.survey()
        asked = [r for r in self.cloud.sent('GET') if 'servers/' in r.path]
        self.assertEqual({'250'}, {r.qs['limit'][0] for r in asked})
        self.assertLess(2, len(asked))

    def test_a_server(self):
        address = {'addr': '10.0.0.1', 'OS-EXT-IPS:type': 'floating'}
        self.servers(
            fakes.server('a', addresses={'net': [address]}, locked=True),
            fakes.server('b', image='', status='ERROR', fault={
                'message': 'broken'}))
        found = self.driver.survey().servers
        self.assertEqual(Size(2, 1024, 17), found['a'].size)
        self.assertTrue(found['a'].floating and found['a'].locked)
        # What boots from a volume has no root disk on its host.
        self.assertEqual(Size(2, 1024, 7), found['b'].size)
        self.assertFalse(found['b'].floating)
        self.assertEqual('broken', found['b'].fault)

    def test_zones_and_aggregates(self):
        self.cloud.services(
            fakes.service(zone='east'),
            fakes.service(binary='nova-conductor', zone='internal'))
        self.answer('/os-aggregates', aggregates=[
            {'name': 'ssd', 'hosts': ['one', 'gone'], 'metadata': {}},
            {'name': 'empty', 'hosts': [], 'metadata': {
                'fenix_cell': 'nowhere'}},
            {'name': 'big', 'hosts': ['one'], 'metadata': {
                'fenix_cell': 'cell2'}}])
        self.servers(fakes.server('a', pinned_availability_zone='east'),
                     fakes.server('b', pinned_availability_zone=None),
                     fakes.server('c'))
        found = self.driver.survey()
        self.assertEqual(('east', ('big', 'ssd'), 'cell2'), (
            found.hosts['one'].zone, found.hosts['one'].aggregates,
            found.hosts['one'].cell))
        self.assertEqual({'a': 'east', 'b': None, 'c': None}, {
            key: server.pinned_zone
            for key, server in found.servers.items()})

    def flavor(self, **extra_specs):
        """Return a server whose flavor has extra specs."""
        return {**fakes.server('a')['flavor'], 'extra_specs': {
            key.replace('__', ':'): value
            for key, value in extra_specs.items()}}

    def test_what_a_flavor_asks_of_hosts(self):
        spec = 'aggregate_instance_extra_specs__'
        self.servers(
            fakes.server('a', flavor=self.flavor(**{
                f'{spec}disk': 'ssd', f'{spec}net': '<or> fast <or> faster',
                f'{spec}age': '>= 3', 'hw__cpu_policy': 'dedicated',
                'trait__CUSTOM_A': 'required',
                'trait__CUSTOM_B': 'forbidden'})),
            fakes.server('b'))
        for name in 'CUSTOM_A', 'CUSTOM_B':
            self.http.get(
                f'{fakes.PLACEMENT}/resource_providers?required={name}',
                json={'resource_providers': [
                    {'uuid': 'p-below', 'root_provider_uuid': 'p-one'}]})
        found = self.driver.survey()
        self.assertEqual(base.Bonds(
            properties=(('disk', frozenset(['ssd'])),
                        ('net', frozenset(['fast', 'faster']))),
            required=frozenset(['CUSTOM_A']),
            forbidden=frozenset(['CUSTOM_B'])), found.servers['a'].bonds)
        self.assertEqual(base.Bonds(), found.servers['b'].bonds)
        self.assertEqual((2, 0), (len(found.hosts['one'].traits),
                                  len(found.hosts['one'].root_traits)))

    def test_a_trait_that_placement_does_not_know(self):
        for status in 400, 406:
            self.servers(fakes.server('a', flavor=self.flavor(
                trait__CUSTOM_A='required')))
            asked = self.http.get(
                f'{fakes.PLACEMENT}/resource_providers?required=CUSTOM_A',
                status_code=status)
            self.assertEqual(frozenset(),
                             self.driver.survey().hosts['one'].traits)
            self.assertTrue(asked.called)

    def test_properties_of_aggregates(self):
        self.servers(fakes.server('a'))
        self.answer('/os-aggregates', aggregates=[
            {'name': 'x', 'hosts': ['one'], 'metadata': {'disk': 'ssd, hdd'}},
            {'name': 'y', 'hosts': ['one'], 'metadata': {'disk': 'tape'}},
            {'name': 'z', 'hosts': ['two'], 'metadata': {'disk': 'none'}}])
        self.assertEqual(
            {('disk', value) for value in ('ssd', 'hdd', 'tape')},
            self.driver.survey().hosts['one'].properties)

    def test_a_page_whose_marker_is_gone(self):
        """The list is begun anew, a few times."""
        self.servers(fakes.server('a'), fakes.server('b'))
        marker = f'{fakes.NOVA}/servers/detail?marker=a'
        gone = {'status_code': 400, 'json': {'badRequest': {
            'message': 'marker [a] not found'}}}
        self.http.get(marker, [gone, {'json': {'servers': [
            fakes.server('b')]}}])
        self.assertEqual({'a', 'b'}, set(self.driver.survey().servers))
        asked = self.http.get(marker, [gone])
        self.assertRaises(errors.CloudError, self.driver.survey)
        self.assertEqual(5, asked.call_count)

    def test_what_was_deleted_softly(self):
        """Nova lists it to who asks for it, as it still has its place."""
        self.servers(fakes.server('a'))
        path = '/servers/detail?soft_deleted=1&status=SOFT_DELETED'
        self.http.get(fakes.NOVA + path, json={'servers': [
            fakes.server('b', status='SOFT_DELETED')]})
        self.http.get(f'{fakes.NOVA}{path}&marker=b', json={'servers': []})
        found = self.driver.survey().servers
        self.assertEqual(('ACTIVE', 'SOFT_DELETED'),
                         (found['a'].status, found['b'].status))

    def test_a_cell_that_is_silent_in_the_middle(self):
        """Later pages lack its servers without a word."""
        self.servers(fakes.server('a'))
        known = fakes.service('two')
        for last in ([fakes.service(), {
                'host': 'two', 'binary': 'nova-compute',
                'status': 'UNKNOWN'}], [fakes.service()]):
            self.http.get(f'{fakes.NOVA}/os-services', [
                {'json': {'services': [fakes.service(), known]}},
                {'json': {'services': last}}])
            raised = self.assertRaises(errors.CloudError,
                                       self.driver.survey)
            self.assertIn('two', str(raised))

    def test_a_server_in_a_cell_that_is_down(self):
        self.servers({'id': 'a', 'status': 'UNKNOWN', 'tenant_id': 'tenant'})
        self.assertRaises(errors.CloudError, self.driver.survey)

    def test_groups_of_all_pages(self):
        def group(number, policy, **rules):
            return {'id': f'g{number}', 'project_id': 'tenant',
                    'policy': policy, 'rules': rules,
                    'members': [f'm{number}']}

        pages = [[group(1, 'anti-affinity')],
                 [group(2, 'anti-affinity', max_server_per_host=3)],
                 [group(3, 'soft-anti-affinity')], []]
        self.http.get(f'{fakes.NOVA}/os-server-groups', [
            {'json': {'server_groups': page}} for page in pages])
        self.servers(fakes.server('m2'), fakes.server('none'))
        found = self.driver.survey()
        self.assertEqual({'g1': 1, 'g2': 3, 'g3': 0}, {
            group.group_id: group.max_per_host
            for group in found.groups.values()})
        self.assertEqual('g2', found.servers['m2'].group_id)
        self.assertIsNone(found.servers['none'].group_id)
        self.assertEqual(['0', '1', '2', '3'], [
            request.qs.get('offset', ['0'])[0]
            for request in self.cloud.sent('GET')
            if 'groups' in request.path])

    def test_hypervisors_without_asking_each_host(self):
        self.servers()
        self.driver.survey()
        (version,) = {request.headers['OpenStack-API-Version']
                      for request in self.cloud.sent('GET')
                      if 'hypervisors' in request.path}
        self.assertEqual('compute 2.87', version)

    def test_capacity_of_a_tree(self):
        self.servers()
        self.answer('/resource_providers', fakes.PLACEMENT,
                    resource_providers=[
                        {'uuid': uuid, 'root_provider_uuid': root,
                         'generation': 1}
                        for uuid, root in (('p-one', 'p-one'),
                                           ('numa', 'p-one'),
                                           ('other', 'other'))])
        self.placement('p-one', {
            'MEMORY_MB': (4096, 512, 1.5), 'DISK_GB': (100, 10, 1.0),
            'VCPU': (8, 2, 4.0)}, {
                'a': {'VCPU': 3, 'MEMORY_MB': 1024, 'DISK_GB': 5}})
        self.placement('numa', {'PCPU': (4, 0, 1.0)}, {
            'b': {'PCPU': 1}})
        (found,) = self.driver.survey().capacities.values()
        self.assertEqual('one', found.host)
        self.assertEqual(Size(28, 5376, 90), found.total)
        self.assertEqual(Size(4, 1024, 5), found.used)
        self.assertEqual({'a', 'b'}, found.consumers)

    def test_inventories_are_read_when_they_changed(self):
        """What is used, which changes without a trace, is always read."""
        self.servers()
        self.placement('p-one', {'VCPU': (8, 0, 1.0)})
        self.driver.survey()
        self.placement('p-one', {'VCPU': (4, 0, 1.0)},
                       {'a': {'VCPU': 3}})
        found = self.driver.survey().capacities['one']
        self.assertEqual((8, 3), (found.total.vcpus, found.used.vcpus))
        self.answer('/resource_providers', fakes.PLACEMENT,
                    resource_providers=[{'uuid': 'p-one', 'generation': 2,
                                         'root_provider_uuid': 'p-one'}])
        self.assertEqual(
            4, self.driver.survey().capacities['one'].total.vcpus)
        asked = [r.path for r in self.cloud.sent('GET')]
        self.assertEqual(2, sum('inventories' in path for path in asked))
        self.assertEqual(3, sum('allocations' in path for path in asked))

    def test_a_capacity_that_cannot_be_read(self):
        self.servers()
        self.http.get(f'{fakes.PLACEMENT}/resource_providers/p-one'
                      '/allocations', status_code=503)
        self.assertRaises(errors.CloudError, self.driver.survey)

    def test_a_host_on_shared_disks_is_not_short_of_them(self):
        self.servers()
        self.placement('p-one', {'MEMORY_MB': (4096, 0, 1.0),
                                 'VCPU': (8, 0, 1.0)})
        free = self.driver.survey().capacities['one'].free
        self.assertTrue(Size(8, 4096, 100000).fits(free))


class TestHost(ReadsTestCase):

    def setUp(self):
        super().setUp()
        self.start()
        self.one_provider(allocations={'a': {'VCPU': 1}})
        self.http.get(f'{fakes.NOVA}/os-server-groups',
                      json={'server_groups': []})
        self.pages('/servers/detail', 'servers', [[fakes.server('a')]])
        self.migrations()

    def migrations(self, *statuses):
        self.pages('/os-migrations', 'migrations', [
            [{'uuid': f'm-{status}', 'instance_uuid': f'i-{status}',
              'status': status}] for status in statuses], 'uuid')

    def test_what_is_on_it(self):
        found = self.driver.look_at_host('one')
        self.assertEqual(['a'], [each.instance_id for each in found.servers])
        self.assertEqual({'a'}, found.consumers)
        self.assertFalse(found.empty)

    def test_migrations_that_are_not_over(self):
        over = ('confirmed', 'reverted', 'completed', 'done', 'error',
                'failed', 'cancelled')
        under_way = ('accepted', 'queued', 'preparing', 'pre-migrating',
                     'migrating', 'running', 'running (post-copy)',
                     'post-migrating', 'finished', 'confirming',
                     'reverting', 'a new word')
        self.migrations(*over, *under_way)
        found = self.driver.look_at_host('one')
        self.assertEqual({f'i-{each}' for each in under_way},
                         found.migrating)

    def test_empty(self):
        self.http.get(f'{fakes.NOVA}/servers/detail', json={'servers': []})
        self.placement('p-one')
        self.migrations('confirmed')
        self.assertTrue(self.driver.look_at_host('one').empty)

    def test_an_allocation_alone_keeps_it_from_being_empty(self):
        self.http.get(f'{fakes.NOVA}/servers/detail', json={'servers': []})
        self.assertFalse(self.driver.look_at_host('one').empty)

    def test_its_cell_is_silent_in_the_middle(self):
        """Its lists are empty then, and that proves nothing."""
        self.http.get(f'{fakes.NOVA}/servers/detail', json={'servers': []})
        self.answer('/resource_providers/p-one/allocations',
                    fakes.PLACEMENT, allocations={})
        silent = {'host': 'one', 'binary': 'nova-compute',
                  'status': 'UNKNOWN'}
        for last in ([silent], []):
            self.http.get(f'{fakes.NOVA}/os-services', [
                {'json': {'services': [fakes.service()]}},
                {'json': {'services': last}}])
            self.assertRaises(errors.CloudError, self.driver.look_at_host,
                              'one')
        self.cloud.services(fakes.service())
        self.assertTrue(self.driver.look_at_host('one').empty)

    def test_what_was_deleted_softly_is_on_it(self):
        self.driver.look_at_host('one')
        (asked,) = [r.qs for r in self.cloud.sent('GET')
                    if 'servers/' in r.path and 'marker' not in r.qs]
        self.assertEqual((['1'], ['one']),
                         (asked['soft_deleted'], asked['host']))

    def test_its_provider_is_looked_up_once(self):
        self.driver.look_at_host('one')
        self.driver.look_at_host('one')
        paths = [r.path for r in self.cloud.sent('GET')
                 if 'hypervisors' in r.path and not r.query]
        self.assertEqual(1, len(paths))

    def test_groups_are_listed_for_new_servers_only(self):
        groups = self.http.get(f'{fakes.NOVA}/os-server-groups', [
            {'json': {'server_groups': [{
                'id': 'g', 'project_id': 'tenant', 'policy': 'affinity',
                'rules': {}, 'members': ['a']}]}},
            {'json': {'server_groups': []}}])
        for _ in range(2):
            (found,) = self.driver.look_at_host('one').servers
            self.assertEqual('g', found.group_id)
        self.assertEqual(2, groups.call_count)

    def test_a_controller(self):
        self.cloud.services(fakes.service(binary='nova-conductor'))
        self.assertTrue(self.driver.look_at_host('one').empty)

    def test_unknown(self):
        self.cloud.services()
        self.assertRaises(errors.CloudError, self.driver.look_at_host,
                          'one')


class TestServer(ReadsTestCase):

    def look(self, newest='2.96', task_state=None, actions=(), events=(),
             migrations=()):
        self.start(newest)
        self.answer('/servers/a', server=fakes.server(
            'a', server_groups=['g'], **{'OS-EXT-STS:task_state':
                                         task_state}))
        path = '/servers/a/os-instance-actions'
        self.answer(path, instanceActions=[
            {'request_id': f'req-{number}', 'action': 'migrate',
             'message': message} for number, message in enumerate(actions)])
        for number in range(2):
            self.answer(f'{path}/req-{number}', instanceAction={
                'request_id': f'req-{number}', 'events': list(events)})
        self.answer('/os-migrations', migrations=list(migrations))
        return self.driver.look_at_server('a')

    def test_gone(self):
        self.start()
        self.http.get(
            f'{fakes.NOVA}/servers/a/os-instance-actions', status_code=404,
            json={'itemNotFound': {
                'message': 'Instance a could not be found.'}})
        self.assertIsNone(self.driver.look_at_server('a').server)

    def test_a_404_of_a_proxy_is_no_server_that_is_gone(self):
        self.start()
        self.http.get(f'{fakes.NOVA}/servers/a/os-instance-actions',
                      status_code=404, text='<html>nothing for a</html>')
        self.assertRaises(errors.CloudError, self.driver.look_at_server,
                          'a')

    def test_the_newest_migration(self):
        found = self.look(migrations=[{
            'uuid': 'm', 'migration_type': 'migration',
            'status': 'finished', 'source_compute': 'one',
            'dest_compute': 'two'}])
        self.assertEqual(('m', 'one', 'two', True), (
            found.migration.migration_id, found.migration.source,
            found.migration.target, found.migration.unfinished))
        self.assertEqual('g', found.server.group_id)

    def event(self, **values):
        return {'event': 'compute_x', 'result': None, 'finish_time': None,
                **values}

    def test_an_action_under_way(self):
        found = self.look(actions=[None], events=[self.event()],
                          task_state='migrating')
        self.assertEqual((False, False), (found.actions[0].finished,
                                          found.actions[0].failed))

    def test_an_action_that_has_not_begun(self):
        found = self.look(actions=[None], task_state='resize_prep')
        self.assertFalse(found.actions[0].finished)

    def test_an_action_that_has_no_events(self):
        self.assertTrue(self.look(actions=[None]).actions[0].finished)

    def test_a_failed_action_and_why(self):
        found = self.look(actions=['Error'], events=[
            self.event(result='Success', finish_time='t', details=None),
            self.event(result='Error', finish_time='t', details='no host')])
        self.assertEqual(
            (True, True, 'compute_x: no host'),
            (found.actions[0].finished, found.actions[0].failed,
             found.actions[0].message))

    def test_an_action_for_which_no_host_was_found(self):
        bad = {'result': 'Error', 'finish_time': 't', 'details': 'No valid'}
        for event, unplaced in (('conductor_live_migrate_instance', True),
                                ('compute_live_migration', False)):
            found = self.look(actions=['Error'], events=[
                self.event(event=event, **bad)])
            self.assertEqual(unplaced, found.actions[0].unplaced)

    def test_older_actions_are_not_asked_for(self):
        found = self.look(actions=[None, None, 'Error', None])
        self.assertEqual([False, False, True, False],
                         [each.failed for each in found.actions])
        self.assertEqual('Error', found.actions[2].message)
        self.assertEqual([True] * 4,
                         [each.finished for each in found.actions])

    def test_groups_of_an_older_nova(self):
        self.start('2.70')
        self.http.get(f'{fakes.NOVA}/os-server-groups', [
            {'json': {'server_groups': [{
                'id': 'g', 'project_id': 'tenant', 'policy': 'affinity',
                'rules': {}, 'members': ['a']}]}},
            {'json': {'server_groups': []}}])
        self.answer('/servers/a', server=fakes.server('a'))
        self.answer('/servers/a/os-instance-actions', instanceActions=[])
        self.answer('/os-migrations', migrations=[])
        self.assertEqual('g', self.driver.look_at_server('a').server.group_id)
