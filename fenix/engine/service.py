# SPDX-License-Identifier: Apache-2.0
"""The engine as a service of oslo.service."""

from oslo_service import service

from fenix.db import core
from fenix.engine import engine


class EngineService(service.Service):
    """Runs an ``Engine``; everything is opened after the fork.

    SIGTERM stops it within ``[engine] graceful_shutdown_timeout``. SIGHUP
    ends the process too and starts another one: it takes its sessions up by
    the same path as after a crash.
    """

    def __init__(self, conf):
        super().__init__()
        self.conf = conf
        self.engine = None

    def start(self):
        super().start()
        core.configure(self.conf, self.conf.engine.lease_time)
        self.engine = engine.Engine(self.conf)
        self.engine.start()

    def stop(self, graceful=True):
        if self.engine is not None:
            self.engine.stop()
        super().stop(graceful)
