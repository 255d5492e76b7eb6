# SPDX-License-Identifier: Apache-2.0
"""What the driver does to a cloud, whether that is real or the sandbox."""

import time

from aodhclient import client as aodh_client
from keystoneauth1 import identity
from keystoneauth1 import session as ks_session
from novaclient import client as nova_client

from fenix import errors

MARK = 'fenix:test'
EVENT = 'maintenance.scheduled'
NOBODY = '00000000-1111-4222-8333-444444444444'


def settled(look):
    """Tell whether nothing is under way on an instance that is there."""
    return look.server is not None and not look.server.task_state and (
        look.migration is None or not look.migration.unfinished)


def session(auth_url, username, password, project_name):
    """Return the session of a user, for what the driver does not do."""
    return ks_session.Session(auth=identity.Password(
        auth_url, username=username, password=password,
        project_name=project_name, user_domain_name='Default',
        project_domain_name='Default'), timeout=60)


class World:
    """Hands and eyes for a case that has, when it begins:

    ``driver``, ``admin`` and ``tenant`` (keystoneauth sessions), ``hosts``
    (three computes that are enabled and empty), ``image``, ``flavor`` (half
    a host) and ``patience`` (seconds for anything).
    """

    def begin(self):
        self.nova = nova_client.Client('2.87', session=self.admin)
        self.source, self.target, self.other = self.hosts
        self.addCleanup(self.until, lambda: all(
            self.driver.look_at_host(host).empty for host in self.hosts))

    def boot(self, host=None):
        """Boot an instance; return its id when it is there."""
        server = self.nova.servers.create(
            'fenix-test', self.image, self.flavor, nics='none',
            host=host or self.source)
        self.addCleanup(self.delete, server.id)
        self.wait(server.id, settled, status='ACTIVE')
        return server.id

    def delete(self, instance_id):
        self.nova.servers.delete(instance_id)
        self.until(lambda: self.driver.look_at_server(
            instance_id).server is None)

    def until(self, condition):
        """Wait until ``condition`` returns something true; return that."""
        end = time.monotonic() + self.patience
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f'Not so after {self.patience} s')

    def wait(self, instance_id, condition, status):
        """Wait for a look at an instance in that status; return it."""
        def look():
            found = self.driver.look_at_server(instance_id)
            there = found.server is not None
            return (there and found.server.status == status
                    and condition(found) and found)
        return self.until(look)

    def disabled(self, host):
        self.assertEqual('us', self.driver.disable(host, f'{MARK} a test'))
        self.addCleanup(self.driver.enable, host, MARK)

    def refused(self, method, *args):
        self.assertRaises(errors.CloudRefused, method, *args)


class Scenario(World):
    """Tests of all that the driver can do."""

    def test_survey(self):
        instance_id = self.boot()
        found = self.driver.survey()
        server = found.servers[instance_id]
        self.assertEqual((self.source, 'ACTIVE'),
                         (server.host, server.status))
        capacity = found.capacities[self.source]
        self.assertEqual({instance_id}, capacity.consumers)
        self.assertEqual(server.size, capacity.used)
        self.assertTrue(server.size.fits(capacity.free))
        for host in self.hosts:
            self.assertTrue(found.hosts[host].is_compute
                            and found.hosts[host].enabled
                            and found.hosts[host].up)
        self.assertEqual(server, self.driver.look_at_server(
            instance_id).server)
        self.assertEqual((server,), self.driver.look_at_host(
            self.source).servers)

    def test_cold_migration(self):
        instance_id = self.boot()
        self.disabled(self.source)
        before = self.driver.look_at_server(instance_id).actions[0]
        request = self.driver.migrate(instance_id, self.target)
        self.refused(self.driver.migrate, instance_id, self.target)
        self.refused(self.driver.live_migrate, instance_id, self.target)
        found = self.wait(
            instance_id, lambda look: look.actions[0].finished
            and not look.server.task_state, status='VERIFY_RESIZE')
        self.assertEqual(
            [(request, 'migrate', True, False), (
                before.request_id, 'create', True, False)],
            [(each.request_id, each.action, each.finished, each.failed)
             for each in found.actions])
        self.assertEqual(
            ('migration', 'finished', self.source, self.target, True),
            (found.migration.type, found.migration.status,
             found.migration.source, found.migration.target,
             found.migration.unfinished))
        self.refused(self.driver.migrate, instance_id, self.target)
        # It counts on both hosts until it is confirmed.
        old = self.driver.look_at_host(self.source)
        new = self.driver.look_at_host(self.target)
        self.assertEqual((), old.servers)
        self.assertEqual({instance_id}, old.migrating)
        self.assertEqual(1, len(old.consumers))
        self.assertEqual({instance_id}, new.migrating)
        self.assertEqual({instance_id}, new.consumers)

        self.driver.confirm(instance_id)
        found = self.wait(instance_id, settled, status='ACTIVE')
        self.assertEqual(self.target, found.server.host)
        self.until(lambda: self.driver.look_at_host(self.source).empty)
        # What comes late now finds nothing to do.
        self.refused(self.driver.migrate, instance_id, self.target)
        self.refused(self.driver.confirm, instance_id)

    def test_live_migration(self):
        instance_id = self.boot()
        request = self.driver.live_migrate(instance_id, self.target)
        self.refused(self.driver.live_migrate, instance_id, self.target)
        found = self.wait(instance_id, settled, status='ACTIVE')
        self.assertEqual((request, 'live-migration', False), (
            found.actions[0].request_id, found.actions[0].action,
            found.actions[0].failed))
        self.assertEqual(
            ('live-migration', 'completed', self.source, self.target),
            (found.migration.type, found.migration.status,
             found.migration.source, found.migration.target))
        self.assertEqual(self.target, found.server.host)
        self.until(lambda: self.driver.look_at_host(self.source).empty)

    def fails(self, method, instance_id, target):
        """A move that Nova accepts, and gives up without a change."""
        request = method(instance_id, target)
        found = self.wait(
            instance_id, lambda look: look.actions[0].failed
            and look.actions[0].finished and settled(look), status='ACTIVE')
        self.assertEqual(request, found.actions[0].request_id)
        self.assertTrue(found.actions[0].message)
        self.assertEqual(self.source, found.server.host)

    def test_no_room_on_the_target(self):
        instance_id = self.boot()
        self.boot(self.target)
        self.boot(self.target)
        self.fails(self.driver.migrate, instance_id, self.target)
        self.fails(self.driver.live_migrate, instance_id, self.target)

    def test_disabled_target(self):
        instance_id = self.boot()
        self.disabled(self.target)
        self.fails(self.driver.migrate, instance_id, self.target)
        self.fails(self.driver.live_migrate, instance_id, self.target)

    def test_refused_at_once(self):
        instance_id = self.boot()
        for move in (self.driver.migrate, self.driver.live_migrate):
            self.refused(move, instance_id, 'there-is-no-such-host')
            self.refused(move, NOBODY, self.target)
        self.refused(self.driver.confirm, instance_id)
        self.assertEqual(1, len(self.driver.look_at_server(
            instance_id).actions))

    def test_who_disabled_a_host(self):
        host = self.other
        self.disabled(host)
        service = self.driver.service(host)
        self.assertEqual((False, f'{MARK} a test'),
                         (service.enabled, service.disabled_reason))
        self.assertEqual('us', self.driver.disable(host, f'{MARK} again'))
        self.assertEqual('before', self.driver.disable(host, 'fenix:x it'))
        self.assertFalse(self.driver.enable(host, 'fenix:x'))
        self.driver.set_reason(host, f'{MARK} went wrong', MARK)
        self.assertEqual(f'{MARK} went wrong',
                         self.driver.service(host).disabled_reason)
        self.assertTrue(self.driver.enable(host, MARK))
        self.assertTrue(self.driver.service(host).enabled)
        self.assertTrue(self.driver.enable(host, MARK))

    def test_unknown_things(self):
        self.assertIsNone(self.driver.service('there-is-no-such-host'))
        self.assertIsNone(self.driver.look_at_server(NOBODY).server)
        self.refused(self.driver.disable, 'there-is-no-such-host', MARK)

    def test_subscriptions(self):
        aodh = aodh_client.Client('2', session=self.tenant)
        project_id = self.tenant.get_project_id()

        def mine():
            return [each.live for each in self.driver.subscriptions(EVENT)
                    if each.project_id == project_id]

        before = mine()
        for event_type, live in (('maintenance.*', True), (EVENT, False),
                                 ('maintenance.host', True)):
            alarm = aodh.alarm.create({
                'name': f'fenix-test {event_type}', 'type': 'event',
                'alarm_actions': ['http://127.0.0.1:9/'], 'enabled': live,
                'event_rule': {'event_type': event_type}})
            self.addCleanup(aodh.alarm.delete, alarm['alarm_id'])
        self.assertEqual(sorted([*before, True, False]), sorted(mine()))
