# SPDX-License-Identifier: Apache-2.0
"""Nova moves nothing from one of its cells to another."""

from fenix import words
from fenix.workflow import cells
from tests.unit.engine import cases
from tests.unit.engine import test_moves


class TestCells(test_moves.MoveCase):
    def cells(self, *names, **shape):
        self.prepare(spare=len(names) - 1, **shape)
        for host, name in zip(self.cloud.model.hosts.values(), names,
                              strict=True):
            host.cell = name

    def run_one(self, workflow='default'):
        self.run_session(hosts=['compute-1'], workflow=workflow)

    def go_where_it_can(self, workflow):
        """Refusals by other cells are no reason to give up."""
        self.cells('one', 'two', 'two', 'two', 'two', 'one')
        self.run_one(workflow)
        self.assert_done()
        self.assertEqual('compute-6', self.cloud.server('vm-0').host)

    def test_a_target_in_another_cell(self):
        self.go_where_it_can('default')

    def test_a_target_in_another_cell_vnf(self):
        self.go_where_it_can('vnf')

    def test_there_is_none_in_its_own(self):
        """Its project is asked to make room, and does not."""
        self.cells('one', 'two')
        self.vnfm.scale_in = 0
        self.run_one()
        self.assert_failed('nothing became free', 'cell of Nova')
        self.assertEqual('ACTIVE', self.cloud.server('vm-0').status)
        self.assertEqual([], self.cloud.disabled())

    def test_an_administrator_tells(self):
        self.cells('one', 'two', 'two', 'one')
        self.cloud.cloud.cells = {
            host.name: host.cell for host in self.cloud.model.hosts.values()}
        self.run_one()
        self.assert_done()
        self.assertEqual([], self.cloud.lines('migrate.refused'))

    def silence(self, cell, workflow):
        """No host of it is taken for empty; it is waited for."""
        self.cells('one', 'one', 'two')
        self.start(hosts=['compute-1'], workflow=workflow)
        self.cloud.run(lambda: self.moves())
        self.cloud.model.set_cell(cell, False)
        self.cloud.after(200, self.cloud.model.set_cell, cell, True)
        self.cloud.run()
        self.assert_done(ignore={7})

    def test_its_cell_is_silent(self):
        self.silence('one', 'default')

    def test_its_cell_is_silent_vnf(self):
        self.silence('one', 'vnf')

    def test_another_cell_is_silent(self):
        self.silence('two', 'default')

    def test_a_cell_that_stays_silent(self):
        self.cells('one', 'one')
        self.start(hosts=['compute-1'])
        self.cloud.run(lambda: self.vnfm.asked(words.PLANNED_MAINTENANCE))
        self.cloud.model.set_cell('one', False)
        self.cloud.run()
        self.assert_failed('The cell of host', 'does not answer')
        self.assertEqual([], self.cloud.host_events())
        self.cloud.model.set_cell('one', True)
        self.go_on()
        self.assert_done(ignore={7})


class TestLearned(cases.EngineTestCase):
    """Nobody tells which host is in which cell, and room is in the other one.

    Hosts are begun for room that turns out to be there. They go back, and
    what is free in their own cell is brought together.
    """

    def play(self, workflow, cells, places):
        """Run a session to its end.

        :param cells: of the hosts, one letter each
        :param places: numbers of the hosts of the instances, of which the
            first two are a pair; two fill one
        """
        self.prepare(hosts=0, spare=len(cells), options={
            'settle_time': 1, 'scale_in_window': 10})
        for host, cell in zip(self.cloud.model.hosts.values(), cells,
                              strict=True):
            host.cell = cell
        pair = self.cloud.model.create_group(
            'pair', cases.PROJECT, 'anti-affinity').id
        for number, host in enumerate(places):
            self.cloud.create(f'vm-{number}', f'compute-{host + 1}',
                              group=pair if number < 2 else None)
        self.run_session(workflow=workflow)
        self.assert_done()
        self.assert_maintained(*self.cloud.model.hosts)
        self.assertEqual([], self.vnfm.asked(words.SCALE_IN))
        self.assertTrue(self.cloud.lines('migrate.refused'))
        self.assertEqual([], self.cloud.disabled())

    def test_one_by_one(self):
        self.play('default', 'aaabb', [0, 1, 2, 0])

    def test_one_by_one_with_a_full_host(self):
        self.play('default', 'bbaaa', [2, 3, 4, 4])

    def test_many_at_once(self):
        self.play('vnf', 'aaabb', [0, 1, 2, 0])

    def test_many_at_once_with_two_full_hosts(self):
        """Not each half of both of them goes to the only empty one."""
        self.play('vnf', 'aaabb', [0, 1, 0, 1])

    def test_nothing_is_free_in_its_own_cell(self):
        """Then projects are asked to scale in, and it can be continued."""
        self.prepare(hosts=0, spare=4, options={'settle_time': 1})
        for host, cell in zip(self.cloud.model.hosts.values(), 'aabb',
                              strict=True):
            host.cell = cell
        for number in range(3):
            self.cloud.create(f'vm-{number}', f'compute-{number // 2 + 1}')
        self.vnfm.scale_in = 0
        self.run_session()
        self.assert_failed('nothing became free')
        # What holds the room of the other host in its cell goes.
        self.cloud.model.delete(self.cloud.server('vm-2').id)
        self.cloud.advance(1)
        self.go_on()
        self.assertEqual('MAINTENANCE_DONE', self.cloud.state,
                         self.cloud.rows.session.reason)


class TestKnownCells(cases.base.BaseTestCase):

    def test_from_moves(self):
        known = cells.Cells()
        self.assertEqual(frozenset(), known.elsewhere('a'))
        known.apart('a', 'x')
        self.assertEqual({'x'}, known.elsewhere('a'))
        self.assertEqual(frozenset(), known.elsewhere('b'))
        known.together('a', 'b')
        known.together('y', 'x')
        for host in ('a', 'b'):
            self.assertEqual({'x', 'y'}, known.elsewhere(host))
        for host in ('x', 'y'):
            self.assertEqual({'a', 'b'}, known.elsewhere(host))
        known.apart('y', 'q')
        known.together('p', 'q')
        self.assertEqual({'a', 'b', 'p', 'q'}, known.elsewhere('x'))
        self.assertEqual({'x', 'y'}, known.elsewhere('p'))
