# SPDX-License-Identifier: Apache-2.0
"""What clients send and get, told in YAML: the files in gabbits/.

The tests of a file run in its order, on one database.
"""

import pathlib

from gabbi import driver
from gabbi import fixture
from oslo_config import cfg
from oslo_config import fixture as config_fixture

from fenix import conf as fenix_conf
from fenix.api import app
from tests import fixtures
from tests.functional.api import base

GABBITS = pathlib.Path(__file__).with_name('gabbits')

_running = {}


class Fenix(fixture.GabbiFixture):
    """The application over a database of its own."""

    def start_fixture(self):
        conf = cfg.ConfigOpts()
        fenix_conf.register(conf)
        conf([], project='fenix', default_config_files=[])
        self.database = fixtures.Database()
        self.database.setUp()
        self.config = config_fixture.Config(conf)
        self.config.setUp()
        self.config.config(group='database', connection=self.database.url)
        self.config.config(group='api', auth_strategy='noauth')
        _running['app'] = app.make_app(conf, base.Ringer())

    def stop_fixture(self):
        del _running['app']
        self.config.cleanUp()
        self.database.cleanUp()


def _serve(environ, start_response):
    """Serve by the application that runs by then."""
    return _running['app'](environ, start_response)


def load_tests(loader, tests, pattern):
    return driver.build_tests(
        str(GABBITS), loader, intercept=lambda: _serve,
        fixture_module=__import__(__name__, fromlist=['Fenix']),
        test_loader_name=__name__)
