# SPDX-License-Identifier: Apache-2.0
from oslo_config import cfg

GROUP = cfg.OptGroup('engine', title='fenix-engine')

OPTS = [
    cfg.StrOpt(
        'host', help='Name under which this engine appears; the name of '
                     'its machine by default.'),
    cfg.FloatOpt(
        'poll_interval', default=1.0, min=0.05,
        help='Seconds between two looks into the database for sessions '
             'without an owner and for messages whose bell did not ring.'),
    cfg.FloatOpt(
        'lease_time', default=10.0, min=1.0,
        help='Seconds that an engine owns its sessions without renewing. '
             'A dead engine is replaced within this time.'),
    cfg.IntOpt(
        'runner_threads', default=4, min=1,
        help='Threads that take the turns of sessions.'),
    cfg.IntOpt(
        'executor_threads', default=32, min=2,
        help='Threads that talk to the cloud and publish notifications.'),
    cfg.IntOpt(
        'max_sessions', default=200, min=1,
        help='Sessions that one engine owns at most.'),
    cfg.FloatOpt(
        'retention', default=30.0, min=-1,
        help='Days that a session is kept after MAINTENANCE_DONE, with its '
             'timeline; then an engine deletes it. -1 keeps all for ever. A '
             'failed session is never deleted by itself: it waits for its '
             'administrator.'),
    cfg.FloatOpt(
        'housekeeping_interval', default=300.0, min=1.0,
        help='Seconds between two looks for what is no longer needed: '
             'sessions past their retention, rows of dead engines, free '
             'slots of groups.'),
    cfg.PortOpt(
        'http_port',
        help='Port on which the engine answers GET /healthcheck and GET '
             '/metrics, for whoever watches it. It does not listen unless '
             'this is set; 0 takes any port that is free and logs it.'),
    cfg.HostAddressOpt(
        'http_host', default='127.0.0.1',
        help='Address on which it does. There is no authentication: give it '
             'an address that only your monitoring reaches.'),
    cfg.FloatOpt(
        'graceful_shutdown_timeout', default=30.0, min=1.0,
        help='Seconds that a stopping engine waits for calls in flight '
             'before it ends without their answers. Nothing is lost '
             'either way: the next owner looks how they ended.'),
]


def register(conf):
    conf.register_group(GROUP)
    conf.register_opts(OPTS, group=GROUP)


def list_opts():
    return [(GROUP, OPTS)]
