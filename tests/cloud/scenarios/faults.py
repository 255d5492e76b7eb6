# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in a cloud."""

from tests.cloud.scenarios import model

LIVE = (model.Vnf(action='LIVE_MIGRATE'),)
MANY = (model.Vnf(instances=4),)
#: A move is given up as soon as Fenix allows: after ``unknown_window``, see
#: ``stage.NOVA``.
SOON = {'migration_timeout': 45.0}


def _scenario(name, fault=None, ends=model.DONE, **fields):
    return model.Scenario(name, fault=fault or name, ends=ends, **fields)


SCENARIOS = (
    _scenario('cold-fails', ends=model.CONTINUED,
              reason='injected|ended in ERROR'),
    _scenario('live-fails', ends=model.CONTINUED, vnfs=LIVE,
              reason='LIVE_MIGRATE of instance .* failed'),
    _scenario('live-hangs', ends=model.CONTINUED, vnfs=LIVE,
              settings=SOON,
              reason='did not end in time'),
    _scenario('no-valid-host', ends=model.OVERCOME,
              reason='No valid host'),
    _scenario('anti-affinity', ends=model.OVERCOME, hosts=model.STANDBY,
              reason='No valid host'),
    _scenario('compute-dies', ends=model.CONTINUED,
              settings=SOON,
              reason='did not end in time|down'),
    _scenario('compute-down', ends=model.CONTINUED, reason='is down',
              settings={'cloud_patience': 10.0}),
    _scenario('nova-away'),
    _scenario('aodh-away'),
    _scenario('bus-restarts', hosts=3, spare=1, vnfs=MANY),
    _scenario('database-restarts', hosts=3, spare=1, vnfs=MANY),
    _scenario('engine-dies', hosts=3, spare=1, vnfs=MANY),
    _scenario('engine-dies-live', fault='engine-dies', vnfs=LIVE),
)
SUBSET = ('cold-fails', 'no-valid-host', 'engine-dies')
