# SPDX-License-Identifier: Apache-2.0
"""``application`` for WSGI servers, for example

    gunicorn --threads 16 --bind :12347 fenix.wsgi.api:application

The configuration is read from the usual files, as servers have command
lines of their own.
"""

# It has to come before anything else of oslo.
from fenix import _threading  # noqa: F401

# isort: split
import threading

from fenix import conf
from fenix.api import app

application = None

_lock = threading.Lock()
with _lock:
    if application is None:
        conf.read([], 'fenix-api')
        application = app.make_app(conf.CONF)
