# SPDX-License-Identifier: Apache-2.0
import threading

import testtools

from fenix import context


def values():
    return context.current().get_logging_values()


class ContextTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.addCleanup(context._put, context.current())
        context._put(None)

    def test_session(self):
        made = context.of_session('s1', 'p1', 'one')
        self.assertIsNone(context.current())
        with context.active(made):
            found = values()
            self.assertEqual(
                ('s1', 'p1', 'one', 'req-s1', '[session s1 host one] '),
                tuple(found[name] for name in (
                    'session', 'project', 'host', 'request_id',
                    'resource')))
            self.assertEqual('req-s1', context.request_id())
        self.assertIsNone(context.current())
        self.assertIsNone(context.request_id())

    def test_inside_another(self):
        outer = context.of_session('outer')
        with context.active(outer):
            with context.active(context.of_session('inner')):
                self.assertEqual('inner', context.current().session_id)
            self.assertIs(outer, context.current())

    def test_back_after_an_error(self):
        with testtools.ExpectedException(OSError):
            with context.active(context.of_session('s')):
                raise OSError
        self.assertIsNone(context.current())

    def test_host(self):
        with context.active(context.of_session('s')):
            self.assertEqual('[session s] ', values()['resource'])
            with context.about_host('one'):
                self.assertEqual('[session s host one] ',
                                 values()['resource'])
            self.assertIsNone(values()['host'])
        with context.about_host('one'):
            self.assertIsNone(context.current())

    def test_request(self):
        made = context.of_request({
            'openstack.request_id': 'req-1',
            'openstack.global_request_id': 'req-2'})
        self.assertIsNone(context.current())
        with context.active(made):
            self.assertEqual(('req-1', 'req-2', ''), tuple(
                values()[name] for name in (
                    'request_id', 'global_request_id', 'resource')))

    def test_each_thread_has_its_own(self):
        found = []
        with context.active(context.of_session('s')):
            thread = threading.Thread(
                target=lambda: found.append(context.current()))
            thread.start()
            thread.join()
        self.assertEqual([None], found)

    def test_carried_into_a_thread(self):
        found = []
        with context.active(context.of_session('s', host='h')):
            carried = context.carried(
                lambda number: found.append((context.current().host, number)))
            thread = threading.Thread(target=carried, args=(1,))
        thread.start()
        thread.join()
        self.assertEqual([('h', 1)], found)
        self.assertIsNone(context.current())
