# SPDX-License-Identifier: Apache-2.0
"""How many replies the API takes: many, interleaved, most of them repeated.

Starts a ``fenix-api``, stores a session with an instance for each question,
and has several managers answer all of them over HTTP, each answer as often as
``--repeats``. Without ``--engine`` nothing is read meanwhile::

    make bench-replies ARGS='--database mysql+pymysql://root@127.0.0.1/x'

With it an engine owns the session. It has put a question about each instance
of a full host, and reads the answers while they come; one more instance is
never answered for, so that the session goes on waiting.

The last line is one JSON object: ``replies``, ``refused``, ``per_minute``,
``stored`` rows, in milliseconds ``p50`` and ``p99`` of an answer, and in
``cpu_s`` the processor time of API, engine and managers. With an engine
``unread`` replies and ``decided`` questions at the end, and ``read_ms``, how
long replies waited for the engine. The exit code is 0 if all were taken, at
least ``--limit`` a minute, and what was the same was stored once (but for what
came in the same instant); and with an engine if all were read, 99 of 100
within ``--read-limit`` milliseconds, and all questions are decided.
"""

# It has to come before anything else of oslo.
from fenix import _threading  # noqa: F401

# isort: split

import argparse
import contextlib
import json
import multiprocessing
import pathlib
import random
import signal
import sys
import tempfile
import threading
import time

import requests
import sqlalchemy as sa

from fenix import conf
from fenix.clouds import base as clouds
from fenix.db import clock
from fenix.db import core
from fenix.db import models
from fenix.db import sessions
from fenix.engine import engine as engines
from fenix.sandbox import installation
from fenix.sandbox import processes
from tools import bench_asks

PROJECT = 'benchmark'
#: Seconds that the API has to answer the first time, that the engine has to
#: put its questions, and to read what is left when the last reply has come.
PATIENCE, ASKING, READING = 60, 300, 60


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--instances', type=int, default=1000)
    parser.add_argument('--repeats', type=int, default=10)
    parser.add_argument('--managers', type=int, default=8)
    parser.add_argument('--limit', type=float, default=10_000)
    parser.add_argument('--database', help='an empty one; SQLite by default')
    parser.add_argument('--engine', action='store_true',
                        help='have an engine read the replies')
    parser.add_argument('--read-limit', type=float, default=5000,
                        help='milliseconds until 99 of 100 are read')
    parser.add_argument('--transport', default='fake://',
                        help='message bus that carries the bell; without it '
                             'the engine looks for itself')
    return parser.parse_args()


def configure(directory, options, database, port):
    """Make the tables; returns the configuration file."""
    path = directory / 'fenix.conf'
    path.write_text(
        f'[DEFAULT]\ntransport_url = {options.transport}\n'
        f'[database]\nconnection = {database}\n'
        f'[notify]\npublisher = log\n'
        f'[api]\nauth_strategy = noauth\nhost = 127.0.0.1\nport = {port}\n')
    processes.run('fenix.cmd.manage', '--config-file', str(path), 'db',
                  'sync')
    conf.CONF(['--config-file', str(path)])
    core.configure(conf.CONF)
    return path


def run_engine(path, ids):
    """Be an engine until SIGTERM; the cloud is a canned one."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    conf.CONF(['--config-file', str(path)], project='fenix')
    core.configure(conf.CONF)
    cloud = bench_asks.CannedCloud(ids, PROJECT)
    clouds.load = lambda conf: cloud
    engine = engines.Engine(conf.CONF)
    engine.start()
    ended.wait()
    engine.stop()


@contextlib.contextmanager
def running_engine(path, ids):
    """Run an engine in a process of its own; returns that."""
    # One that is forked would share connections with this one.
    process = multiprocessing.get_context('spawn').Process(
        target=run_engine, args=(path, ids), name='fenix-engine')
    process.start()
    try:
        yield process
    finally:
        process.terminate()
        process.join(PATIENCE)
        process.kill()


@contextlib.contextmanager
def running_api(directory, path, url):
    """Run the API, which answers; returns its process."""
    api = processes.Process('fenix-api', directory, 'fenix.cmd.api',
                            '--config-file', str(path))
    try:
        api.start()
        end = time.monotonic() + PATIENCE
        while True:
            api.check()
            try:
                requests.get(f'{url}/healthcheck', timeout=5)
                break
            except requests.ConnectionError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
        yield api
    finally:
        api.stop()


def store_session(instances):
    """Store a session with these instances, for no engine."""
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


def count(model, *where):
    """Return how many rows there are."""
    with core.engine().connect() as connection:
        return connection.scalar(sa.select(sa.func.count())
                                 .select_from(model).where(*where))


def wait_until(seconds, condition):
    """Wait until a condition holds; returns whether it does."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def ask(ids):
    """Start a session and wait until each instance was asked about."""
    session = bench_asks.fill(ids, PROJECT, reply_window=3600.0)
    if not wait_until(ASKING, lambda: count(
            models.Ask, models.Ask.instance_id.is_not(None),
            models.Ask.reply_by.is_not(None)) == len(ids)):
        raise SystemExit('the engine has not put its questions')
    return session


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


def answer_all(options, url, instances):
    """Answer for all; returns (code, seconds) of each, and seconds of all."""
    work = instances * options.repeats
    random.Random(1).shuffle(work)  # noqa: S311 - no secret
    found, began = [], time.monotonic()
    managers = [threading.Thread(target=answer, args=(url, work, found))
                for _ in range(options.managers)]
    for manager in managers:
        manager.start()
    for manager in managers:
        manager.join()
    return found, time.monotonic() - began


def share(ordered, part):
    """Return milliseconds within which that part of seconds lies."""
    return round(ordered[int(len(ordered) * part)] * 1000, 1)


def read():
    """Return what the engine made of the replies."""
    unread = models.Reply.consumed_at.is_(None)
    wait_until(READING, lambda: not count(models.Reply, unread))
    with core.engine().connect() as connection:
        waited = sorted(
            max(0.0, (consumed - received).total_seconds())
            for received, consumed in connection.execute(sa.select(
                models.Reply.received_at, models.Reply.consumed_at)
                .where(sa.not_(unread))))
    return {'unread': count(models.Reply, unread),
            'decided': count(models.Ask, models.Ask.state == 'acked'),
            'read_ms': {'p50': share(waited, 0.5), 'p99': share(waited, 0.99),
                        'max': share(waited[-1:], 0)} if waited else {}}


def measure(options, directory):
    """Run all; returns the figures."""
    port = installation.free_port()
    url = f'http://127.0.0.1:{port}'
    path = configure(directory, options, options.database
                     or f'sqlite:///{directory}/fenix.sqlite', port)
    instances = [models.new_id() for _ in range(options.instances)]
    pids = {}
    with contextlib.ExitStack() as stack:
        stack.callback(core.dispose)
        if options.engine:
            silent = models.new_id()
            engine = stack.enter_context(
                running_engine(path, [*instances, silent]))
            pids['engine'] = engine.pid
            session = ask([*instances, silent])
        else:
            session = store_session(instances)
        pids['api'] = stack.enter_context(
            running_api(directory, path, url)).pid
        before = {name: processes.cpu_seconds(pid)
                  for name, pid in pids.items()}
        mine = time.process_time()
        found, seconds = answer_all(
            options, f'{url}/v1/maintenance/{session}/{PROJECT}', instances)
        cpu = {name: round(processes.cpu_seconds(pid) - before[name], 1)
               for name, pid in pids.items()}
        cpu['managers'] = round(time.process_time() - mine, 1)
        more = read() if options.engine else {}
        stored = count(models.Reply)
    times = sorted(took for _, took in found)
    sent = options.instances * options.repeats
    return {
        'replies': sent,
        'refused': sent - sum(code == 200 for code, _ in found),
        'per_minute': round(len(found) / seconds * 60), 'stored': stored,
        'p50': share(times, 0.5), 'p99': share(times, 0.99), 'cpu_s': cpu,
        **more}


def good(options, figures):
    """Tell whether the figures keep their bars."""
    kept = (not figures['refused'] and figures['per_minute'] >= options.limit
            and options.instances <= figures['stored']
            <= options.instances * 1.1)
    return kept and (not options.engine or (
        not figures['unread'] and figures['decided'] == options.instances
        and figures['read_ms']['p99'] <= options.read_limit))


def main():
    options = parse()
    with tempfile.TemporaryDirectory() as name:
        figures = measure(options, pathlib.Path(name))
    print(json.dumps(figures))
    return 0 if good(options, figures) else 1


if __name__ == '__main__':
    sys.exit(main())
