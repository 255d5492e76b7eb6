# SPDX-License-Identifier: Apache-2.0
"""Whether this API can serve; for load balancers."""

from fenix.db import clock


def get(call):
    """Tell how the service is: 200, or 503 while the database is away.

    A bell that does not ring makes Fenix slower, not ill.
    """
    clock.now()
    return {'status': 'ok', 'database': 'ok', 'bell': call.bell()}
