# SPDX-License-Identifier: Apache-2.0
from oslo_config import cfg
from oslo_middleware.healthcheck import opts as healthcheck

GROUP = cfg.OptGroup('api', title='fenix-api')

OPTS = [
    cfg.StrOpt(
        'auth_strategy', default='keystone', choices=[
            ('keystone', 'a Keystone token decides who is who'),
            ('noauth', 'everybody may do everything: for tests only')],
        help='How requests are authenticated.'),
    cfg.HostAddressOpt(
        'host', default='0.0.0.0',  # noqa: S104 - VNF managers reach it
        help='Address on which the fenix-api command listens. A real WSGI '
             'server that runs fenix.wsgi.api:application has its own '
             'setting.'),
    cfg.PortOpt(
        'port', default=12347,
        # As installers of earlier releases write it (CONTRACT.md section 4).
        deprecated_group='DEFAULT', deprecated_name='port',
        help='Port on which the fenix-api command listens.'),
    cfg.IntOpt(
        'threads', default=16, min=1,
        help='Threads of the fenix-api command. A quarter of so many '
             'requests for plans may wait in one process, under any WSGI '
             'server; more are answered with 503.'),
    cfg.URIOpt(
        'public_url', schemes=['http', 'https'], max_length=130,
        default='http://127.0.0.1:12347/v1',
        help='URL of the API as VNF managers reach it, without a trailing '
             'slash. The URLs in notifications are built from it. They '
             'travel in event traits of at most 255 characters, so this '
             'one can have 130.'),
    cfg.BoolOpt(
        'public_metrics', default=False,
        help='Whether GET /metrics answers without a token. If so, let a '
             'proxy keep everybody from it but your monitoring: it tells '
             'how many sessions there are, and how busy Fenix is.'),
    cfg.IntOpt(
        'max_sessions', default=1000, min=1,
        help='Unfinished sessions, failed ones too, that may exist at once; '
             'more are refused with 503.'),
    cfg.FloatOpt(
        # After plans.KEPT seconds nobody would make it any more.
        'plan_timeout', default=60.0, min=1.0, max=600.0,
        help='Seconds that a request for a plan waits for an engine to make '
             'it; then it is answered with 503.'),
    cfg.IntOpt(
        'max_request_body_size', default=1048576, min=1024,
        help='Largest request body that is read, in bytes.'),
]


def register(conf):
    conf.register_group(GROUP)
    conf.register_opts(OPTS, group=GROUP)
    # Options of oslo.middleware whose meaning we share.
    conf.register_opts(healthcheck.HEALTHCHECK_OPTS, group='healthcheck')


def list_opts():
    return [(GROUP, OPTS)]
