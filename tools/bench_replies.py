# SPDX-License-Identifier: Apache-2.0
"""How many replies the API takes: many, interleaved, most of them repeated.

Starts a ``fenix-api``, stores a session with one open question for each
instance, and has several managers answer all of them over HTTP, each answer
as often as ``--repeats``. No engine runs, so that nothing is read meanwhile::

    make bench-replies ARGS='--database mysql+pymysql://root@127.0.0.1/x'

The last line is one JSON object: ``replies``, ``refused``, ``per_minute``,
``stored`` rows, and in milliseconds ``p50`` and ``p99`` of an answer. The
exit code is 0 if all were taken, at least ``--limit`` a minute, and what was
the same was stored once (but for what came in the same instant).
"""

import argparse
import json
import pathlib
import random
import sys
import tempfile
import threading
import time

import requests
import sqlalchemy as sa

from fenix import conf
from fenix.db import clock
from fenix.db import core
from fenix.db import models
from fenix.db import sessions
from fenix.sandbox import installation
from fenix.sandbox import processes

PROJECT = 'benchmark'
#: Seconds that the API has to answer the first time.
PATIENCE = 60


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--instances', type=int, default=1000)
    parser.add_argument('--repeats', type=int, default=10)
    parser.add_argument('--managers', type=int, default=8)
    parser.add_argument('--limit', type=float, default=10_000)
    parser.add_argument('--database', help='an empty one; SQLite by default')
    return parser.parse_args()


def start_api(directory, database, port):
    """Make the tables and start the API; returns its process."""
    path = directory / 'fenix.conf'
    path.write_text(
        f'[DEFAULT]\ntransport_url = fake://\n'
        f'[database]\nconnection = {database}\n'
        f'[api]\nauth_strategy = noauth\nhost = 127.0.0.1\nport = {port}\n')
    processes.run('fenix.cmd.manage', '--config-file', str(path), 'db',
                  'sync')
    conf.CONF(['--config-file', str(path)])
    core.configure(conf.CONF)
    api = processes.Process('fenix-api', directory, 'fenix.cmd.api',
                            '--config-file', str(path))
    api.start()
    return api


def wait_for(api, url):
    """Wait until the API answers."""
    end = time.monotonic() + PATIENCE
    while True:
        api.check()
        try:
            return requests.get(f'{url}/healthcheck', timeout=5)
        except requests.ConnectionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def store_session(instances):
    """Store a session in which each of these instances is asked about."""
    row = models.Session(
        id=models.new_id(), project_id='admin', workflow='default',
        maintenance_at=clock.now(), meta={}, wanted_hosts=[], other_hosts=[],
        settings={})
    sessions.create(row)
    with core.engine().begin() as connection:
        for key in instances:
            connection.execute(models.Instance.__table__.insert().values(
                id=models.new_id(), session_id=row.id, instance_id=key,
                project_id=PROJECT, name=key, host='host', gone=False,
                status='ACTIVE', vcpus=1, ram_mb=1, disk_gb=1,
                floating=False))
    return row.id


def answer(url, work, found):
    """Send replies until none is left."""
    http = requests.Session()
    http.trust_env = False
    while True:
        try:
            key = work.pop()
        except IndexError:
            return
        began = time.perf_counter()
        response = http.put(
            f'{url}/{key}', json={'state': 'ACK_PLANNED_MAINTENANCE',
                                  'instance_action': 'MIGRATE'},
            headers={'X-Project-Id': PROJECT}, timeout=30)
        found.append((response.status_code, time.perf_counter() - began))


def main():
    options = parse()
    instances = [models.new_id() for _ in range(options.instances)]
    work = instances * options.repeats
    random.Random(1).shuffle(work)  # noqa: S311 - no secret
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        port = installation.free_port()
        url = f'http://127.0.0.1:{port}'
        api = start_api(directory, options.database
                        or f'sqlite:///{directory}/fenix.sqlite', port)
        try:
            wait_for(api, url)
            session = store_session(instances)
            found, began = [], time.monotonic()
            managers = [threading.Thread(target=answer, args=(
                f'{url}/v1/maintenance/{session}/{PROJECT}', work, found))
                for _ in range(options.managers)]
            for manager in managers:
                manager.start()
            for manager in managers:
                manager.join()
            seconds = time.monotonic() - began
            with core.engine().connect() as connection:
                stored = connection.scalar(sa.select(sa.func.count())
                                           .select_from(models.Reply))
        finally:
            api.stop()
            core.dispose()
    times = sorted(took for _, took in found)
    sent = options.instances * options.repeats
    refused = sent - sum(code == 200 for code, _ in found)
    figures = {
        'replies': sent, 'refused': refused,
        'per_minute': round(len(found) / seconds * 60), 'stored': stored,
        'p50': round(times[len(times) // 2] * 1000, 1),
        'p99': round(times[len(times) * 99 // 100] * 1000, 1)}
    print(json.dumps(figures))
    return 0 if (not refused and figures['per_minute'] >= options.limit
                 and options.instances <= stored
                 <= options.instances * 1.1) else 1


if __name__ == '__main__':
    sys.exit(main())
