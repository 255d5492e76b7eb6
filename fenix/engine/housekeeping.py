# SPDX-License-Identifier: Apache-2.0
"""What an engine forgets, because nobody needs it any more.

All engines do it, each now and again; what one has deleted the others do
not find.
"""

import datetime

from oslo_log import log as logging

from fenix import metrics
from fenix.db import claims
from fenix.db import leases
from fenix.db import plans
from fenix.db import retention

LOG = logging.getLogger(__name__)

#: Sessions that are deleted in one go; the rest the next time.
SESSIONS = 20


def tidy(conf, clock):
    """Forget dead engines, free slots, old plans and sessions long done.

    :param conf: the configuration
    :param clock: tells the database's time
    :raises: any of core.ERRORS; what is left is found the next time
    """
    leases.purge()
    claims.expire()
    plans.expire()
    if conf.engine.retention < 0:
        return
    deleted = retention.purge(
        clock.now() - datetime.timedelta(days=conf.engine.retention),
        SESSIONS)
    metrics.PURGED.inc(deleted['sessions'])
    if deleted:
        LOG.info('%s sessions were done more than %g days ago and are '
                 'deleted, %s rows in all', deleted['sessions'],
                 conf.engine.retention, deleted.total())
