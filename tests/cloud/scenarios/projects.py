# SPDX-License-Identifier: Apache-2.0
"""Projects that do not do what they are asked."""

from tests.cloud.scenarios import model

#: Seconds after which nobody waits for a project any more.
WINDOW = 6.0
QUICK = {'reply_window': WINDOW, 'scale_in_window': WINDOW,
         'complete_window': WINDOW, 'max_scale_in_rounds': 2,
         'settle_time': 2.0}

FIRST = ('MAINTENANCE',)
HOST = ('PLANNED_MAINTENANCE',)
SCALE_IN = ('DOWN_SCALE', 'SCALE_IN')
LAST = ('MAINTENANCE_COMPLETE',)


#: Instances that fill three hosts.
FULL = 6


def _scenario(name, mode=model.COOPERATIVE, asked=(), alarms=None,
              manner=model.URL, instances=3, **fields):
    vnf = model.Vnf(manner, instances, mode=mode, asked=asked, alarms=(
        (model.SCHEDULED,) if alarms is None else alarms))
    return model.Scenario(name, vnfs=(vnf,), **{'settings': QUICK, **fields})


SCENARIOS = (
    _scenario('unsubscribed', alarms=()),
    _scenario('unsubscribed-fail', alarms=(), ends=model.FAILED,
              reason='no alarm|subscri',
              policies={'on_unsubscribed': 'fail'}),
    _scenario('unsubscribed-skip', alarms=(),
              policies={'on_unsubscribed': 'skip'}),
    _scenario('wildcard-alone', alarms=(model.ANY,), points=(15,),
              policies={'on_unsubscribed': 'fail'}),
    _scenario('silent', model.SILENT, FIRST, ends=model.FAILED,
              reason='did not answer MAINTENANCE'),
    _scenario('silent-about-host', model.SILENT, HOST, ends=model.FAILED,
              reason='did not answer PLANNED_MAINTENANCE'),
    _scenario('silent-about-host-proceed', model.SILENT, HOST,
              policies={'on_no_reply': 'proceed'}),
    _scenario('silent-about-host-skip', model.SILENT, HOST,
              policies={'on_no_reply': 'skip'}),
    _scenario('silent-at-the-end', model.SILENT, LAST),
    _scenario('silent-about-instance', model.SILENT, HOST,
              manner=model.INSTANCE, ends=model.FAILED,
              reason='did not answer PLANNED_MAINTENANCE'),
    _scenario('refuses', model.REFUSING, FIRST, ends=model.FAILED,
              reason='refused MAINTENANCE'),
    _scenario('refuses-host', model.REFUSING, HOST, ends=model.FAILED,
              reason='refused PLANNED_MAINTENANCE'),
    _scenario('refuses-host-skip', model.REFUSING, HOST,
              policies={'on_refusal': 'skip'}),
    _scenario('late', model.LATE, HOST, ends=model.FAILED, fault='late',
              reason='did not answer PLANNED_MAINTENANCE', points=(4,)),
    _scenario('late-continued', model.LATE, HOST, ends=model.CONTINUED,
              fault='late', reason='did not answer PLANNED_MAINTENANCE'),
    _scenario('twice', model.TWICE, points=(3, 4)),
    _scenario('for-others', model.FOREIGN, HOST, ends=model.FAILED,
              reason='did not answer PLANNED_MAINTENANCE'),
    _scenario('scale-in-silent', model.SILENT, SCALE_IN, hosts=3,
              instances=FULL, ends=model.FAILED,
              reason='VCPU|room|capacity', points=(11,)),
    _scenario('scale-in-idle', model.IDLE, hosts=3, instances=FULL,
              ends=model.FAILED, reason='VCPU|room|capacity', points=(11,)),
)
SUBSET = ('silent', 'refuses-host', 'for-others')
