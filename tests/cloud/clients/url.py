# SPDX-License-Identifier: Apache-2.0
"""The client of whole projects: Doctor's ``sample.py``."""

from tests.cloud.clients import base


class UrlManager(base.Manager):
    """Reads a URL, answers ``instance_actions``, registers nothing."""

    def body(self, alarm, agreed, ids, action):
        verb = 'ACK' if agreed else 'NACK'
        body = {'state': f'{verb}_{alarm.traits["state"]}',
                'session_id': alarm.traits['session_id']}
        if action is not None:
            body['instance_actions'] = dict.fromkeys(ids, action)
        else:
            body['instance_ids'] = ids
        return body
