# SPDX-License-Identifier: Apache-2.0
"""Constraints of instances and instance groups (CONTRACT.md 1.4).

Open, and every value may have any form: a client's only try must not be
lost because of a stray comma. ``fenix.api.lenient`` reads them.
"""

INSTANCE = {
    'type': 'object',
    'properties': {
        'group_id': {'description': 'The instance group it is in.'},
        'instance_name': {'description': 'For humans; need not be unique.'},
        'max_interruption_time': {
            'description': 'Seconds of interruption by a live migration '
                           'that go unnoticed.', 'default': 120},
        'migration_type': {
            'description': 'MIGRATE, LIVE_MIGRATE or OWN_ACTION.',
            'default': 'MIGRATE'},
        'resource_mitigation': {
            'description': 'Whether resources are needed to make up for an '
                           'impact.', 'default': True},
        'lead_time': {
            'description': 'Seconds from the notification to the impact, '
                           'at least.', 'default': 120},
    },
}

GROUP = {
    'type': 'object',
    'properties': {
        'group_name': {'description': 'For humans.'},
        'anti_affinity_group': {
            'description': 'Whether the members must be on different '
                           'hosts.', 'default': False},
        'max_instances_per_host': {
            'description': 'Members on one host at most; 0: no limit.',
            'default': 0},
        'max_impacted_members': {
            'description': 'Members that may be impacted at once.',
            'default': 1},
        'recovery_time': {
            'description': 'Seconds that the group needs from one impact '
                           'to the next.', 'default': 60},
        'resource_mitigation': {
            'description': 'Whether resources are needed to make up for an '
                           'impact.', 'default': True},
    },
}
