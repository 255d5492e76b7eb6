# SPDX-License-Identifier: Apache-2.0
"""Forks engines and APIs on demand, for those who kill them by the hundred.

A program takes a second or two to import what it needs. This one imports
everything once; a child of it is a whole engine, or a whole API, which opens
database, message bus and ports after the fork, within milliseconds. It is a
process like any other, and dies like any other.

It reads commands, one JSON object a line, and answers in the same way:

``{"start": "engine"|"api", "name": NAME, "log": PATH, "at": {POINT: PATH}}``
    fork one, which dies at the first of these points of
    ``fenix.engine.points`` that it comes to, and leaves the file that
    belongs to it; the answer is ``{"started": NAME, "pid": PID}``

``{"ended": NAME, "status": STATUS}`` comes when one has ended, with a
negative number for a signal. At the end of its input all children are
killed.
"""

# It has to come before anything else of oslo.
from fenix import _threading  # noqa: F401

# isort: split
import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import sys
import threading

from stevedore import extension

from fenix import conf
from fenix.clouds import base as clouds
from fenix.cmd import api
from fenix.db import models
from fenix.engine import points
from fenix.engine import service

#: Whose modules are imported before anybody asks for them.
PLUGINS = ('fenix.clouds', 'fenix.workflows', 'fenix.actions',
           'fenix.publishers', 'oslo.messaging.drivers',
           'oslo.messaging.notify.drivers', 'keystoneauth1.plugin')
#: What the URLs of database and message bus may stand for.
DRIVERS = ('pymysql', 'psycopg', 'sqlalchemy.dialects.mysql.pymysql',
           'sqlalchemy.dialects.postgresql.psycopg',
           'sqlalchemy.dialects.sqlite', 'amqp', 'kombu.transport.pyamqp')


def main(argv=None):
    """Serve until the end of standard input."""
    conf.read(sys.argv[1:] if argv is None else argv, 'fenix-nursery')
    _warm_up(conf.CONF)
    Nursery(sys.stdin.buffer.raw, sys.stdout).run()
    return 0


def _warm_up(settings):
    """Do once what each child would do anew, but open nothing."""
    for group in PLUGINS:
        extension.ExtensionManager(
            group, on_load_failure_callback=lambda *failure: None)
    for module in DRIVERS:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    models.Base.registry.configure()
    clouds.load(settings)
    # The memory that all share would be copied by each child that counts
    # what is in use there.
    gc.collect()
    gc.freeze()


class Nursery:
    """Forks children and tells how they end.

    :param source: a file of commands, unbuffered
    :param sink: where the answers go
    """

    def __init__(self, source, sink):
        self._source = source
        self._sink = sink
        self._names = {}
        self._rest = b''

    def run(self):
        """Serve until the source ends; then kill all children."""
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        # Ctrl-C on the terminal is for whoever gives the commands.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with selectors.DefaultSelector() as selector:
            selector.register(self._source, selectors.EVENT_READ)
            selector.register(reading, selectors.EVENT_READ)
            while True:
                ready = {key.fd for key, _ in selector.select()}
                if reading in ready:
                    os.read(reading, 4096)
                    self._reap()
                if self._source.fileno() in ready and not self._read():
                    break
        for pid in self._names:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _tell(self, **words):
        self._sink.write(json.dumps(words) + '\n')
        self._sink.flush()

    def _reap(self):
        while self._names:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._tell(ended=self._names.pop(pid),
                       status=os.waitstatus_to_exitcode(status))

    def _read(self):
        text = os.read(self._source.fileno(), 65536)
        *lines, self._rest = (self._rest + text).split(b'\n')
        for line in lines:
            self._start(json.loads(line))
        return bool(text)

    def _start(self, command):
        pid = os.fork()
        if pid == 0:
            _become(command, self._source)
        self._names[pid] = command['name']
        self._tell(started=command['name'], pid=pid)


def _become(command, source):
    """Be an engine or an API from now on; never returns."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        source.close()
        log = os.open(command['log'], os.O_WRONLY | os.O_APPEND | os.O_CREAT,
                      0o600)
        null = os.open(os.devnull, os.O_RDONLY)
        for number, target in ((null, 0), (log, 1), (log, 2)):
            os.dup2(number, target)
        points.arm(command.get('at', {}))
        if command['start'] == 'api':
            api.serve(conf.CONF)
        else:
            _run_engine(command['name'])
        status = 0
    except SystemExit as end:
        status = end.code or 0
    except BaseException:
        import traceback
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _run_engine(name):
    """Be the engine of that name until SIGTERM."""
    conf.CONF.set_override('host', name, 'engine')
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    engine = service.EngineService(conf.CONF)
    engine.start()
    stopped.wait()
    engine.stop()


if __name__ == '__main__':
    sys.exit(main())
