# SPDX-License-Identifier: Apache-2.0
from oslo_config import cfg

# A help of the group would not pass oslo.config's extension for Sphinx.
# Each option may be set for one session alone, in its settings.
GROUP = cfg.OptGroup(
    'planner', title='How much a session does at once')

#: Limits that only the workflow ``vnf`` keeps. Its other limits hold for
#: ``default`` by themselves, as that has one host out at a time.
VNF_ALONE = ('moves_at_once', 'moves_per_source', 'moves_per_target',
             'free_vcpus', 'free_ram_mb', 'free_disk_gb')

OPTS = [
    cfg.IntOpt(
        'hosts_at_once', default=0, min=0,
        help='Hosts that are emptied or worked on at once at most; 0: as '
             'many as room and constraints allow.'),
    cfg.IntOpt(
        'moves_at_once', default=0, min=0,
        help='Instances that move at once at most, with vnf; 0: no limit.'),
    cfg.IntOpt(
        'moves_per_source', default=1, min=0,
        help='Instances that leave one host at once at most, with vnf; 0: no '
             'limit. '
             'Nova makes as many live migrations off a host at once as its '
             '[DEFAULT] max_concurrent_live_migrations says, 1 unless it is '
             'set, and has the others wait, which would count as impact.'),
    cfg.IntOpt(
        'moves_per_target', default=0, min=0,
        help='Instances that come to one host at once at most, with vnf; 0: '
             'no limit, as Nova has none.'),
    cfg.FloatOpt(
        'zone_share', default=1.0, min=0.0, max=1.0,
        help='Share of the hosts of an availability zone, and of each '
             'aggregate, that may be out of use at once. One host may '
             'always, and so default always keeps to it; 1: no limit.'),
    cfg.IntOpt(
        'free_vcpus', default=0, min=0,
        help='VCPU that stay free on hosts in use, for others than Fenix, '
             'with vnf.'),
    cfg.IntOpt(
        'free_ram_mb', default=0, min=0,
        help='MB of RAM that stay free on hosts in use, with vnf.'),
    cfg.IntOpt(
        'free_disk_gb', default=0, min=0,
        help='GB of disk that stay free on hosts in use, with vnf.'),
    cfg.FloatOpt(
        'migration_time', default=30.0, min=0.0,
        help='Seconds that a cold migration takes, whatever its size.'),
    cfg.FloatOpt(
        'migration_time_per_gb', default=0.0, min=0.0,
        help='Seconds that it takes more for each GB of RAM.'),
    cfg.FloatOpt(
        'live_migration_time', default=10.0, min=0.0,
        help='Seconds that a live migration takes, whatever its size.'),
    cfg.FloatOpt(
        'live_migration_time_per_gb', default=1.0, min=0.0,
        help='Seconds that it takes more for each GB of RAM.'),
    cfg.FloatOpt(
        'live_interruption', default=1.0, min=0.0,
        help='Seconds for which a live migration interrupts an instance. One '
             'whose max_interruption_time is shorter is migrated cold, with '
             'a notice that it can act on, unless its manager chooses.'),
    cfg.FloatOpt(
        'own_action_time', default=60.0, min=0.0,
        help='Seconds in which a project moves an instance itself.'),
    cfg.FloatOpt(
        'confirm_time', default=2.0, min=0.0,
        help='Seconds that the confirmation of a cold migration takes.'),
    cfg.FloatOpt(
        'reply_time', default=10.0, min=0.0,
        help='Seconds in which a project answers a question.'),
    cfg.FloatOpt(
        'host_time', default=600.0, min=0.0,
        help='Seconds of work on a host.'),
    cfg.FloatOpt(
        'survey_interval', default=300.0, min=1.0,
        help='Seconds after which the whole cloud is looked at again. In '
             'between, what Fenix does and sees is kept up with.'),
]


def register(conf):
    conf.register_group(GROUP)
    conf.register_opts(OPTS, group=GROUP)


def list_opts():
    return [(GROUP, OPTS)]
