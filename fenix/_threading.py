# SPDX-License-Identifier: Apache-2.0
"""Select native threads: the first import of every entry point.

oslo.service still defaults to eventlet, and importing oslo.messaging is
enough to make that choice for good. So the choice is made here, before
anything else of oslo is imported.
"""

from oslo_service import backend

backend.init_backend(backend.BackendType.THREADING)
