# SPDX-License-Identifier: Apache-2.0
from oslo_config import cfg

GROUP = cfg.OptGroup('notify', title='Notifications')

OPTS = [
    cfg.StrOpt(
        'publisher', default='oslo',
        help='What carries notifications: an entry point of '
             'fenix.publishers. "oslo" is the message bus, where '
             'ceilometer takes them up; "webhook" posts them to '
             'webhook_url; "log" only writes them to the log.'),
    cfg.StrOpt(
        'topic', default='notifications',
        help='Topic of the "oslo" publisher.'),
    cfg.URIOpt(
        'webhook_url', schemes=['http', 'https'],
        help='Where the "webhook" publisher posts to.'),
    cfg.FloatOpt(
        'timeout', default=10.0, min=0.5,
        help='Seconds until one try to publish is given up.'),
    cfg.FloatOpt(
        'max_delay', default=7200.0, min=1.0,
        help='Seconds that a notification may wait for the bus. After '
             'that its session fails; it never proceeds unheard.'),
    cfg.FloatOpt(
        'retry_interval', default=1.0, min=0.05,
        help='Seconds before a failed publication is tried again; doubled '
             'each time up to 30.'),
    cfg.ListOpt(
        'host_event_projects', default=[],
        help='Ids of further projects that are told about hosts '
             '(maintenance.host). The project of the administrator who '
             'started the session always is.'),
]


def register(conf):
    conf.register_group(GROUP)
    conf.register_opts(OPTS, group=GROUP)


def list_opts():
    return [(GROUP, OPTS)]
