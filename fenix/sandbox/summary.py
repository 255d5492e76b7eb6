# SPDX-License-Identifier: Apache-2.0
"""What came of a run: figures, breaches, in words and as JSON."""

import argparse

from fenix.sandbox import verifier
from fenix.sandbox import vnfm
from fenix.sandbox.verifier import measures
from fenix.sandbox.verifier import rule

DONE = 'MAINTENANCE_DONE'
#: Managers that do what they are asked.
WILLING = (vnfm.COOPERATIVE, vnfm.SLOW, vnfm.DUPLICATING)

#: The figures in the order in which they are shown.
ORDER = ('state', 'reason', 'hosts', 'hosts_maintained', 'instances_start',
         'instances_end', 'moves', 'moves_per_instance_max', 'makespan_s',
         'lower_bound_s', 'service_interruption_s', 'reaction_ms',
         'notifications', 'violations', 'hosts_left_disabled',
         'engine_cpu_s', 'engine_rss_mb')


def sum_up(options: argparse.Namespace, session: dict,
           lines: list[dict]) -> dict:
    """Return the figures of a run.

    :param session: what ``Sandbox.run_session`` returned
    :param lines: of the timeline
    :returns: the keys of ORDER; ``violations`` is a list of objects with
        ``rule, t, what, subject``, ``hosts_left_disabled`` one of names
    """
    willing = options.vnfm in WILLING
    own = willing and options.action == 'OWN_ACTION'
    figures = {
        **measures.measure(lines), **session,
        'lower_bound_s': measures.least_time(
            lines, 0.0 if own else options.migration_time,
            options.host_time, options.workflow == 'default',
            vnfm.SCALE_STEP if willing else 0),
        'violations': [breach.as_dict()
                       for breach in verifier.verify(lines)]}
    return {name: figures[name] for name in ORDER}


def good(figures: dict) -> bool:
    """Tell whether the session is done and no rule was broken."""
    return figures['state'] == DONE and not figures['violations']


def text(figures: dict) -> str:
    """Return the figures in words."""
    shown = dict(figures)
    reaction = shown.pop('reaction_ms')
    shown['reaction_ms'] = (
        f'p50 {reaction["p50"]}, p99 {reaction["p99"]} (n {reaction["n"]})'
        if reaction['n'] else 'no reply alone released an instance')
    violations = shown.pop('violations')
    left = shown.pop('hosts_left_disabled')
    shown['hosts_left_disabled'] = ', '.join(left) or 'none'
    shown['violations'] = len(violations)
    rows = [f'  {name:24}{"-" if shown[name] is None else shown[name]}'
            for name in ORDER]
    rows += [f'  {_breach(rule.Breach(**breach))}' for breach in violations]
    return '\n'.join(rows)


def _breach(breach):
    return f'rule {breach.rule}: {breach.subject}: {breach.what}'
