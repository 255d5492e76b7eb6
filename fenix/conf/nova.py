# SPDX-License-Identifier: Apache-2.0
from oslo_config import cfg
from oslo_config import types

GROUP = cfg.OptGroup('nova', title='The cloud: Nova, Placement and Aodh')

OPTS = [
    cfg.StrOpt(
        'cloud', default='openstack',
        help='Driver of the cloud: an entry point of fenix.clouds.'),
    cfg.StrOpt('region_name', help='Region whose endpoints are used.'),
    cfg.ListOpt(
        'interface', default=['internal', 'public'],
        item_type=types.String(choices=['public', 'internal', 'admin']),
        help='Which endpoints of the catalogue are used: for each service '
             'the first of these that it has.'),
    cfg.StrOpt(
        'endpoint_override', help='URL of Nova, instead of the catalogue.'),
    cfg.FloatOpt(
        'timeout', default=30.0, min=1.0,
        help='Seconds until a request to the cloud is given up: to connect, '
             'and then to be answered, each may take so long.'),
    cfg.IntOpt(
        'read_retries', default=2, min=0,
        help='How often a request that only reads is repeated. Requests '
             'that change something are never repeated.'),
    cfg.FloatOpt(
        'unknown_window', default=90.0, min=1.0,
        help='Seconds after which a request that got no answer, and left '
             'no trace in Nova, is taken as lost and may be issued again. '
             'Longer than any timeout between Fenix and Nova, and than '
             'twice timeout and [engine] lease_time together.'),
    cfg.IntOpt(
        'max_attempts', default=3, min=1,
        help='How often one move is issued at most.'),
    cfg.FloatOpt(
        'observe_interval', default=1.0, min=0.05,
        help='Seconds between two looks at a server that moves or at a '
             'host that is to become empty. Where a session has seen some '
             'moves, those that follow are looked at less often while they '
             'cannot be over.'),
]


def register(conf):
    conf.register_group(GROUP)
    conf.register_opts(OPTS, group=GROUP)


def list_opts():
    return [(GROUP, OPTS)]
