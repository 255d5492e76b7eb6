# SPDX-License-Identifier: Apache-2.0
"""Servers and hosts in states that a sandbox may get wrong."""

from tests.cloud.scenarios import model

LIVE = (model.Vnf(action='LIVE_MIGRATE'),)


def _scenario(name, fault=None, ends=model.DONE, **fields):
    return model.Scenario(name, fault=fault or name, ends=ends, **fields)


SCENARIOS = (
    _scenario('stopped'),
    # Only a cold migration moves it, whatever was chosen.
    _scenario('stopped-live', fault='stopped', vnfs=LIVE),
    # Only a live one.
    _scenario('paused'),
    _scenario('paused-live', fault='paused', vnfs=LIVE),
    _scenario('suspended', ends=model.CONTINUED,
              reason='is SUSPENDED and cannot be moved: its owner may'),
    _scenario('rescued', ends=model.CONTINUED,
              reason='is RESCUE and cannot be moved: its owner may'),
    _scenario('in-error', ends=model.CONTINUED,
              reason='is ERROR and cannot be moved: an administrator may'),
    _scenario('soft-deleted', ends=model.CONTINUED,
              settings={'empty_timeout': 10.0},
              reason=r'not empty: .* \(SOFT_DELETED\): an administrator may'),
    _scenario('offloaded'),
    _scenario('shelved', ends=model.CONTINUED,
              reason='is SHELVED and cannot be moved: its owner may'),
    _scenario('locked'),
    _scenario('confirmed-by-another'),
    _scenario('auto-confirmed'),
    _scenario('forced-down', ends=model.CONTINUED, reason='is down',
              settings={'cloud_patience': 10.0}),
    # The empty hosts of the other zone are in nobody's reach but of those
    # who are bound to none.
    model.Scenario('pinned-to-a-zone', hosts=5, workflow='vnf',
                   settings={'reply_window': 60.0},
                   zones={'west': (1, 2, 3), 'east': (4, 5)},
                   vnfs=(model.Vnf(zone='west'), model.Vnf())),
    # Nova moves nothing from one cell to the other. An administrator tells
    # which host is in which; the empty ones are those of the second cell.
    model.Scenario('two-cells', hosts=5, spare=2, cells=2, tells_cells=True,
                   vnfs=(model.Vnf(instances=4),)),
)
SUBSET = ('stopped-live', 'paused', 'suspended')
