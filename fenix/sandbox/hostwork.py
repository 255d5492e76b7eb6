# SPDX-License-Identifier: Apache-2.0
"""The work on a host of the sandbox: what an upgrade script is elsewhere.

Fenix' "command" action runs it, with the host's name in ``FENIX_HOST`` and
the session in ``FENIX_SESSION_ID``. It may run again: work that goes on is
waited for, and what is done is not done again. It is a program of its own,
which uses nothing but Python.
"""

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.request

#: Seconds between two looks at work that somebody else has started.
LOOK = 0.2


def main(argv=None) -> int:
    """Work on a host until that is done.

    :returns: 0; 1 if the host cannot be worked on
    """
    parser = argparse.ArgumentParser(prog='hostwork')
    parser.add_argument('--control', required=True, metavar='URL',
                        help="of the sandbox's handles")
    url = parser.parse_args(argv).control
    host = os.environ.get('FENIX_HOST')
    if not host:
        print('FENIX_HOST is not set', file=sys.stderr)
        return 1
    try:
        _call(f'{url}/hosts/{host}/work',
              {'session': os.environ.get('FENIX_SESSION_ID'),
               'run': os.environ.get('FENIX_RUN_ID')})
    except urllib.error.HTTPError as error:
        text = error.read().decode(errors='replace')
        if error.code != 409 or not _working(url, host):
            print(f'{host} cannot be worked on: {text}', file=sys.stderr)
            return 1
        while _working(url, host):
            time.sleep(LOOK)
    print(f'{host} is done')
    return 0


def _working(url, host):
    hosts = _call(f'{url}/hosts')['hosts']
    return any(each['working'] for each in hosts if each['name'] == host)


def _call(url, body=None):
    request = urllib.request.Request(  # noqa: S310 - the sandbox's own URL
        url, headers={'Content-Type': 'application/json'},
        data=None if body is None else json.dumps(body).encode())
    # A proxy of the environment is not for the sandbox's traffic.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request) as answer:
        return json.load(answer)


if __name__ == '__main__':
    sys.exit(main())
