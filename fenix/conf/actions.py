# SPDX-License-Identifier: Apache-2.0
from oslo_config import cfg
from oslo_config import types

GROUP = cfg.OptGroup('actions', title='Action plug-ins')

OPTS = [
    cfg.Opt(
        'commands', type=types.Dict(value_type=types.String()), default={},
        help='What the "command" plug-in may run: names and command '
             'lines, for example '
             'upgrade:/usr/local/bin/upgrade-host --now. A session names '
             'one of them in the metadata of its action. No shell reads '
             'the line. It cannot have a comma in it; write $$ for a '
             'dollar sign.'),
    cfg.ListOpt(
        'rerunnable_commands', default=[],
        help='Names of commands that may simply run again when their '
             'engine ended while they ran, by a restart too. Others wait '
             'for an administrator, and their sessions fail.'),
    cfg.FloatOpt(
        'command_timeout', default=3600.0, min=1.0,
        help='Seconds after which a command is ended and has failed; an '
             'action can set less by "timeout" in its metadata.'),
    cfg.IntOpt(
        'output_limit', default=65536, min=1024,
        help='Characters of output that are kept of one run.'),
    cfg.FloatOpt(
        'status_interval', default=5.0, min=0.1,
        help='Seconds between two questions to a plug-in how a run stands; '
             'a plug-in that says so itself is asked at once.'),
    cfg.FloatOpt(
        'service_up_timeout', default=600.0, min=1.0,
        help='Seconds that nova-compute may take to report up after the '
             'last action on its host.'),
]


def register(conf):
    conf.register_group(GROUP)
    conf.register_opts(OPTS, group=GROUP)


def list_opts():
    return [(GROUP, OPTS)]
