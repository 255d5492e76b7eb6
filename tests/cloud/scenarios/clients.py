# SPDX-License-Identifier: Apache-2.0
"""What the clients that exist do, besides the use case itself."""

from tests.cloud.scenarios import model

OWN = 'OWN_ACTION'
#: Not among the actions that are allowed.
UNKNOWN = 'REBUILD'


def _pair(first, second, **fields):
    """Two VNFs in one project."""
    return model.Scenario(vnfs=(first, second), shared=True, **fields)


SCENARIOS = (
    model.Scenario('own-url', vnfs=(model.Vnf(action=OWN),)),
    model.Scenario('own-instance', vnfs=(
        model.Vnf(model.INSTANCE, action=OWN),)),
    model.Scenario('own-tacker', vnfs=(
        model.Vnf(model.TACKER, action=OWN, vocabulary='fenix'),),
        points=(3, 4, 14)),
    model.Scenario('unknown-action', vnfs=(model.Vnf(action=UNKNOWN),),
                   points=(12,)),
    model.Scenario('unknown-action-instance', vnfs=(
        model.Vnf(model.INSTANCE, action=UNKNOWN),), points=(12,)),
    model.Scenario('pair', hosts=model.STANDBY, vnfs=(
        model.Vnf(model.INSTANCE, instances=2),)),
    model.Scenario('pair-url', hosts=model.STANDBY,
                   vnfs=(model.Vnf(instances=2),)),
    model.Scenario('three-projects', hosts=5, spare=1, vnfs=(
        model.Vnf(instances=3),
        model.Vnf(model.TACKER, instances=3, vocabulary='fenix'),
        model.Vnf(model.INSTANCE, instances=2))),
    _pair(model.Vnf(model.TACKER, vocabulary='fenix', alarms=(
        model.SCHEDULED, model.ANY)),
        model.Vnf(model.TACKER, vocabulary='fenix'),
        name='two-tackers-wildcard', points=(3, 4, 15, 16)),
    _pair(model.Vnf(alarms=(model.SCHEDULED, model.ANY)),
          model.Vnf(instances=2), name='two-samples-wildcard',
          points=(16,)),
    _pair(model.Vnf(), model.Vnf(mode=model.CONTRADICTING,
                                 asked=('MAINTENANCE',)),
          name='ack-and-nack', ends=model.FAILED,
          reason='refused MAINTENANCE', points=(5,)),
    model.Scenario('deleted', hosts=3, spare=1, vnfs=(
        model.Vnf(instances=4),), script='deleted', points=(13,)),
)
SUBSET = ('own-instance', 'two-tackers-wildcard', 'ack-and-nack', 'deleted')
