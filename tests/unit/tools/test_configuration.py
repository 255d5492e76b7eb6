# SPDX-License-Identifier: Apache-2.0
import configparser
import json
import pathlib
import re

from tests.unit.tools import base
from tools.cloud import catalogue
from tools.cloud import configuration
from tools.cloud import services


class ConfigurationTest(base.CloudTestCase):
    """The files say what the services need."""

    def setUp(self):
        super().setUp()
        self.here = self.site(port_base=31000, computes=4, cells=2)
        configuration.write(self.here)

    def read(self, path):
        file = configparser.RawConfigParser(
            strict=False, allow_no_value=True, default_section='')
        with path.open() as stream:
            file.read_file(stream)
        return file

    def files(self):
        return [path for path in self.directory.rglob('*')
                if path.suffix in ('.conf', '.cnf')
                and path.name != 'rabbitmq.conf']

    def test_each_is_complete(self):
        # Four hosts have one each, and some programs of Nova a second one.
        self.assertEqual(
            len(configuration.FILES) - 1 + 4
            + len(configuration.NOVA_OVERRIDES), len(self.files()))
        for path in self.files():
            self.read(path)
            self.assertNotIn('$', path.read_text())

    def test_databases_are_made(self):
        used = {name for path in self.files()
                for name in re.findall(r'mysql\+pymysql://[^/]+/(\w+)',
                                       path.read_text())}
        # Nova derives the name of this one.
        used.add('nova_cell0')
        self.assertEqual(set(configuration.DATABASES), used)
        sql = (self.here.conf / 'mariadb.sql').read_text()
        for name in used:
            self.assertIn(f'EXISTS {name} ', sql)

    def test_users_are_in_the_catalogue(self):
        users = {user for path in self.files()
                 for user in re.findall(r'^username = (\w+)',
                                        path.read_text(), re.MULTILINE)}
        self.assertEqual(set(catalogue.SERVICES), users)

    def test_computes_know_no_database(self):
        for host in self.here.hosts:
            for name in ('nova', host.service):
                file = self.read(self.here.conf / f'{name}.conf')
                self.assertNotIn('database', file.sections())

    def test_computes_are_at_the_bus_of_their_cell(self):
        for host in self.here.hosts:
            file = self.read(self.here.conf / f'{host.service}.conf')
            self.assertEqual(self.here.transport_url_of(host.cell),
                             file.get('DEFAULT', 'transport_url'))
            self.assertEqual(host.name, file.get('DEFAULT', 'host'))

    def test_ceilometer_reads_the_files_that_fenix_ships(self):
        file = self.read(self.here.conf / 'ceilometer.conf')
        for group, option in (('DEFAULT', 'event_pipeline_cfg_file'),
                              ('event', 'definitions_cfg_file')):
            path = pathlib.Path(file.get(group, option))
            self.assertTrue(path.is_file(), path)
            self.assertEqual('ceilometer', path.parent.name)

    def test_the_bus_has_each_cell(self):
        made = json.loads((self.here.conf / 'rabbitmq.json').read_text())
        self.assertEqual(
            ['/', 'cell2'], [each['vhost'] for each in made['permissions']])
        for cell in (1, 2):
            user, password, vhost = re.match(
                r'rabbit://(.*):(.*)@127.0.0.1:31008/(.*)',
                self.here.transport_url_of(cell)).groups()
            self.assertIn({'name': user, 'password': password, 'tags': []},
                          made['users'])
            self.assertIn({'name': vhost or '/'}, made['vhosts'])

    def test_fenix_reads_more(self):
        configuration.override_fenix(
            self.here, {'workflow': {'vocabulary': 'fenix'}})
        path = self.here.home / '.fenix/fenix.conf.d/override.conf'
        self.assertEqual('fenix',
                         self.read(path).get('workflow', 'vocabulary'))
        configuration.override_fenix(self.here, {})
        self.assertEqual([], self.read(path).sections())

    def test_nova_reads_more(self):
        for program, name in configuration.NOVA_OVERRIDES.items():
            path = self.here.conf / name
            self.assertEqual([], self.read(path).sections())
            configuration.override_nova(
                self.here, program, {'api': {'max_limit': 10}})
            configuration.write(self.here)
            self.assertEqual('10', self.read(path).get('api', 'max_limit'))
            configuration.override_nova(self.here, program, {})
            self.assertEqual([], self.read(path).sections())

    def test_nova_api_finds_it(self):
        self.assertEqual(
            configuration.NOVA_OVERRIDES['nova-api'],
            services.environment(self.here)[
                'OS_NOVA_CONFIG_FILES'].split(';')[-1])

    def test_written_again_it_keeps_what_is_there(self):
        kept = self.here.data / 'keystone' / 'key'
        kept.touch()
        configuration.write(self.here)
        self.assertTrue(kept.exists())
