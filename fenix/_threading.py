# SPDX-License-Identifier: Apache-2.0
"""Select native threads: the first import of every entry point.

oslo.service still defaults to eventlet, and importing oslo.messaging is
enough to make that choice for good. So the choice is made here, before
anything else of oslo is imported.
"""

import warnings

# futurist imports eventlet if it is there, and oslo.service requires it.
# Nothing is patched by that, so its farewell concerns nobody here.
warnings.filterwarnings('ignore', r'\s*Eventlet is deprecated')

from oslo_service import backend  # noqa: E402

backend.init_backend(backend.BackendType.THREADING)
