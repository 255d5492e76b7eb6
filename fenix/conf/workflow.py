# SPDX-License-Identifier: Apache-2.0
from oslo_config import cfg
from oslo_config import types

GROUP = cfg.OptGroup('workflow', title='How sessions go')

POLICIES = [
    ('proceed', 'go on as if it had agreed'),
    ('skip', 'leave out the hosts with instances of that project'),
    ('fail', 'the session fails and waits for the administrator')]

VOCABULARIES = ('doctor', 'fenix')

ACTIONS = ('MIGRATE', 'LIVE_MIGRATE')

#: Options within which a request that got no answer has to be looked for, and
#: sent anew: longer than ``[nova] unknown_window``, for a session too.
LOOKED_FOR_WITHIN = ('migration_timeout', 'confirm_timeout')

OPTS = [
    cfg.StrOpt(
        'vocabulary', default='doctor', choices=[
            ('doctor', 'DOWN_SCALE and ADMIN_ACTION_DONE'),
            ('fenix', 'SCALE_IN and INSTANCE_ACTION_DONE')],
        help='The words that projects are told. Projects that registered '
             'constraints are told the words of "fenix" unless '
             'project_vocabulary names them.'),
    cfg.Opt(
        'project_vocabulary', type=types.Dict(value_type=types.String(
            choices=VOCABULARIES)), default={},
        help='Other words for single projects: project ids and doctor or '
             'fenix.'),
    cfg.StrOpt(
        'on_no_reply', default='fail', choices=POLICIES,
        help='What to do about a project that does not answer in time.'),
    cfg.StrOpt(
        'on_refusal', default='fail', choices=POLICIES,
        help='What to do about a project that refuses.'),
    cfg.StrOpt(
        'on_unsubscribed', default='proceed', choices=POLICIES,
        help='What to do about a project that listens to no alarm.'),
    cfg.StrOpt(
        'default_action', default='MIGRATE', choices=ACTIONS,
        help='How an instance moves when nobody chose.'),
    cfg.FloatOpt(
        'min_notice', default=10.0, min=0.0,
        help='Seconds that a project has at least to answer MAINTENANCE. '
             'A session that is to start earlier starts later.'),
    cfg.FloatOpt(
        'scale_in_window', default=720.0, min=1.0,
        help='Seconds that a project has to scale in.'),
    cfg.FloatOpt(
        'complete_window', default=720.0, min=1.0,
        help='Seconds that a project has to scale back at the end.'),
    cfg.FloatOpt(
        'reply_window', default=120.0, min=1.0,
        help='Seconds that a project has to answer PREPARE_MAINTENANCE or '
             'PLANNED_MAINTENANCE; at least the lead time of the instances '
             'concerned.'),
    cfg.FloatOpt(
        'own_action_window', default=600.0, min=1.0,
        help='Seconds that a project has to move an instance itself after '
             'it said that it would.'),
    cfg.FloatOpt(
        'migration_timeout', default=900.0, min=1.0,
        help='Seconds that a move may take; longer than [nova] '
             'unknown_window.'),
    cfg.IntOpt(
        'max_targets', default=3, min=1,
        help='Hosts that are tried for an instance when Nova finds that a '
             'target which Fenix named does not take it.'),
    cfg.FloatOpt(
        'confirm_timeout', default=180.0, min=1.0,
        help='Seconds that the confirmation of a cold migration may take; '
             'longer than [nova] unknown_window.'),
    cfg.FloatOpt(
        'empty_timeout', default=240.0, min=1.0,
        help='Seconds that a host may take from the end of its last move '
             'until Nova and Placement agree that it is empty.'),
    cfg.IntOpt(
        'max_scale_in_rounds', default=5, min=1,
        help='How often the projects are asked to scale in.'),
    cfg.FloatOpt(
        'settle_time', default=10.0, min=0.0,
        help='Seconds after a scale-in was acknowledged within which the '
             'freed capacity must show.'),
    cfg.BoolOpt(
        'disable_undone', default=True,
        help='Whether all hosts that are not yet done are disabled, so that '
             'new instances land on hosts that are. This value is that of '
             'the workflow "default" alone; "vnf" disables them only in a '
             'session whose settings have disable_undone true.'),
    cfg.FloatOpt(
        'cloud_patience', default=300.0, min=1.0,
        help='Seconds that a cloud which cannot be read, does not say what '
             'became of a request, or shows hosts as down without which '
             'nothing is left to do, is asked again before the session '
             'fails.'),
]


def register(conf):
    conf.register_group(GROUP)
    conf.register_opts(OPTS, group=GROUP)


def list_opts():
    return [(GROUP, OPTS)]
