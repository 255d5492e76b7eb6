# SPDX-License-Identifier: Apache-2.0
"""How fast questions go out when many are decided at once.

One engine, with database, message bus and all, has a host with many
instances, each of which has constraints of its own: when the host's turn
comes, all questions about it are decided in one turn. What counts is the time
from then until the broker has confirmed each of them, by the database's
clock. The cloud is a canned one, in the same process.

The last line is one JSON object: ``n``, and in milliseconds ``p50``, ``p99``
and ``max``. The exit code is 0 if all were published and p99 is under the
limit.
"""

# It has to come before anything else of oslo.
from fenix import _threading  # noqa: F401

# isort: split
import argparse
import datetime
import json
import os
import pathlib
import secrets
import sys
import tempfile
import time

import kombu
import sqlalchemy as sa
from oslo_utils import uuidutils

from fenix import conf
from fenix.clouds import base as clouds
from fenix.db import constraints
from fenix.db import core
from fenix.db import models
from fenix.db import sessions
from fenix.engine import engine as engines
from fenix.sandbox import database
from fenix.size import Size

RABBIT = 'rabbit://guest:guest@127.0.0.1:5672/'
PROJECT = uuidutils.generate_uuid(dashed=False)
FULL, EMPTY = 'compute-1', 'compute-2'


class CannedCloud(clouds.Cloud):
    """A full host and an empty one, where nothing ever happens."""

    def __init__(self, ids, project_id=PROJECT):
        self._project_id = project_id
        self._servers = {key: clouds.Server(
            instance_id=key, project_id=project_id, name='vm', host=FULL,
            size=Size(1, 512, 1), status='ACTIVE') for key in ids}
        self._total = Size(len(ids), 512 * len(ids), len(ids))

    def service(self, host):
        return clouds.HostService(
            name=host, is_compute=True, is_controller=False, enabled=False,
            disabled_reason=None, up=True)

    def services(self):
        return {name: self.service(name) for name in (FULL, EMPTY)}

    def survey(self):
        return clouds.Survey(
            hosts=self.services(),
            capacities={name: clouds.Capacity(
                name, self._total, self._total if name == FULL else Size())
                for name in (FULL, EMPTY)},
            servers=self._servers, groups={})

    def look_at_host(self, host):
        return clouds.HostLook(
            service=self.service(host), migrating=frozenset(),
            consumers=frozenset(), servers=tuple(
                self._servers.values()) if host == FULL else ())

    def look_at_server(self, instance_id):
        return clouds.ServerLook(server=self._servers[instance_id])

    def subscriptions(self, event_type):
        return [clouds.Subscription(self._project_id, live=True)]

    def disable(self, host, reason):
        return 'us'

    def enable(self, host, mark):
        return True

    def set_reason(self, host, reason, mark):
        pass

    def migrate(self, instance_id, target):
        raise NotImplementedError

    live_migrate = migrate

    def confirm(self, instance_id):
        raise NotImplementedError


def configure(options, url, topic, directory):
    """Configure Fenix for one engine."""
    path = pathlib.Path(directory, 'fenix.conf')
    path.write_text(f'[DEFAULT]\ntransport_url = {options.transport}\n'
                    f'[database]\nconnection = {url}\n'
                    f'[notify]\ntopic = {topic}\n'
                    '[engine]\npoll_interval = 0.1\n')
    conf.CONF(['--config-file', str(path)], project='fenix')
    core.configure(conf.CONF)
    models.Base.metadata.create_all(core.engine())


def fill(ids, project_id=PROJECT, **settings):
    """Register constraints and create a session; returns its id.

    :param settings: further ones of the session
    """
    for key in ids:
        constraints.put_instance(models.InstanceConstraint(
            instance_id=key, project_id=project_id, group_id=None,
            instance_name='vm', max_interruption_time=120,
            migration_type='MIGRATE', resource_mitigation=True,
            lead_time=40))
    row = models.Session(
        id=models.new_id(), project_id='admin', workflow='vnf', meta={},
        maintenance_at=datetime.datetime.now(datetime.UTC), wanted_hosts=[],
        other_hosts=[], settings={'min_notice': 0.0,
                                  'on_no_reply': 'proceed', **settings})
    sessions.create(row, claims_hosts=[], actions=[])
    return row.id


def published():
    """Return the seconds from decision to publication of each question."""
    event, ask = models.Event, models.Ask
    with core.engine().connect() as connection:
        rows = connection.execute(
            sa.select(event.created_at, event.published_at)
            .join(ask, ask.id == event.ask_id)
            .where(ask.instance_id.is_not(None),
                   event.published_at.is_not(None))).all()
    return sorted((out - decided).total_seconds() for decided, out in rows)


def run(options):
    """Run until all questions are out; return the seconds of each."""
    ids = [uuidutils.generate_uuid() for _ in range(options.asks)]
    topic = f'fenix-bench-{secrets.token_hex(4)}'
    with tempfile.TemporaryDirectory() as directory, database.fresh(
            options.database or f'sqlite:///{directory}/fenix') as url:
        configure(options, url, topic, directory)
        fill(ids)
        cloud = CannedCloud(ids)
        clouds.load = lambda conf: cloud
        engine = engines.Engine(conf.CONF)
        engine.start()
        try:
            deadline = time.monotonic() + options.timeout
            found = []
            while len(found) < options.asks and time.monotonic() < deadline:
                time.sleep(0.5)
                found = published()
        finally:
            engine.stop()
            core.dispose()
            remove_queue(options.transport, f'{topic}.info')
    return found


def remove_queue(url, name):
    """Leave nothing behind at the broker."""
    with kombu.Connection(url.replace('rabbit://', 'amqp://', 1),
                          connect_timeout=5) as connection:
        connection.default_channel.queue_delete(name)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--asks', type=int, default=1000)
    parser.add_argument('--limit', type=float, default=1000.0,
                        help='for p99, in milliseconds')
    parser.add_argument('--transport', default=os.environ.get(
        'FENIX_TEST_RABBIT_URL', RABBIT))
    parser.add_argument('--database', metavar='URL',
                        help='MariaDB or PostgreSQL server, instead of SQLite')
    parser.add_argument('--timeout', type=float, default=60.0)
    options = parser.parse_args()
    found = run(options)
    result = {'asks': options.asks, 'n': len(found)}
    if found:
        result |= {name: round(1000 * found[int(share * (len(found) - 1))], 1)
                   for name, share in (('p50', 0.5), ('p99', 0.99),
                                       ('max', 1.0))}
    print(json.dumps(result))
    return 0 if len(found) == options.asks and (
        result['p99'] < options.limit) else 1


if __name__ == '__main__':
    sys.exit(main())
