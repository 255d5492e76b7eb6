# SPDX-License-Identifier: Apache-2.0
"""The whole application over a real database, called as a server calls it."""

import json

import webob
from oslo_config import cfg
from oslo_config import fixture

from fenix import conf as fenix_conf
from fenix.api import app
from fenix.db import core
from fenix.db import sessions
from tests.functional.db import records

LATER = '2099-01-31 10:00:30'


class Ringer:
    """Remembers who was rung."""

    def __init__(self):
        self.rung = []

    def ring(self, session_id):
        self.rung.append(session_id)

    def health(self):
        return {'state': 'ready'}


class ApiTest:
    """Goes before a test case with a database."""

    AUTH = 'noauth'

    def setUp(self):
        super().setUp()
        self.conf = cfg.ConfigOpts()
        fenix_conf.register(self.conf)
        self.conf([], project='fenix', default_config_files=[])
        # Takes back what is set: the groups are shared by all ConfigOpts.
        self.config = self.useFixture(fixture.Config(self.conf)).config
        self.config(group='database', connection=self.database.url)
        self.config(group='api', auth_strategy=self.AUTH)
        self.ringer = Ringer()
        self.app = app.make_app(self.conf, self.ringer)

    def call(self, method, path, body=None, status=200, **headers):
        """Send a request, expect a status, and return the JSON it answers.

        :param body: bytes go as they are, everything else as JSON
        :param headers: with _ for -
        """
        response = self.send(method, path, body, **headers)
        self.assertEqual(status, response.status_int,
                         (method, path, response.body))
        self.assertEqual('application/json', response.content_type)
        answer = json.loads(response.body)
        if status != 200:
            self.assertEqual({'error', 'code', 'field'}, answer.keys())
        return answer

    def send(self, method, path, body=None, **headers):
        """Send a request and return the response."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        return webob.Request.blank(
            path, method=method, body=body or b'', headers={
                'Content-Type': 'application/json',
                'Accept': 'application/json',
                **{name.replace('_', '-'): value
                   for name, value in headers.items()}},
        ).get_response(self.app)

    def refused(self, code, method, path, body=None, status=400, field=None):
        """Expect an error, and that nothing was stored."""
        before = records.everything()
        answer = self.call(method, path, body, status)
        self.assertEqual((code, field), (answer['code'],
                                         answer['field']), answer)
        self.assertEqual(before, records.everything())
        self.assertEqual([], self.ringer.rung)
        return answer['error']


def request(**values):
    """Return the body of a request for a session."""
    return {'maintenance_at': LATER, 'metadata': {'openstack_version': 'X'},
            **values}


def store(*rows):
    """Store what the engine would."""
    with core.engine().begin() as connection:
        for kind in dict.fromkeys(type(row) for row in rows):
            connection.execute(kind.__table__.insert(), [
                {column.columns[0].key: getattr(row, column.key)
                 for column in kind.__mapper__.column_attrs}
                for row in rows if type(row) is kind])


def stored(model):
    """Return all rows of a table."""
    with core.engine().connect() as connection:
        return list(connection.execute(model.__table__.select()))


def new_session(**values):
    """Store a session and return it."""
    session = records.session(**values)
    sessions.create(session)
    return session


def change(row, **values):
    """Change a stored row, as the engine would."""
    table = row.__table__
    with core.engine().begin() as connection:
        connection.execute(table.update().where(
            table.c.id == row.id).values(values))
