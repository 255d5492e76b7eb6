# SPDX-License-Identifier: Apache-2.0
"""Which hosts were out at the same time.

A host is out from the moment at which everybody is told so until they are
told that it is back, as long as Nova's service on it is disabled.
"""

import collections.abc


def most(lines: list[dict],
         hosts: collections.abc.Container[str]) -> list[str]:
    """Return the hosts of the moment at which the most were out.

    :param lines: of a timeline
    :param hosts: only these count
    """
    told: set[str] = set()
    disabled: set[str] = set()
    found: set[str] = set()
    for line in sorted(lines, key=lambda line: line['t']):
        _apply(line, told, disabled)
        out = {host for host in told & disabled if host in hosts}
        found = max(found, out, key=len)
    return sorted(found)


def _apply(line, told, disabled):
    host = line.get('host')
    match line['what']:
        case 'host.create' if line.get('status') == 'disabled':
            disabled.add(host)
        case 'service.disable':
            disabled.add(host)
        case 'service.enable':
            disabled.discard(host)
        case 'notify' if line['event_type'] == 'maintenance.host':
            payload = line['payload']
            if payload['state'] == 'IN_MAINTENANCE':
                told.add(payload['host'])
            else:
                told.discard(payload['host'])
