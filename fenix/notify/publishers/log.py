# SPDX-License-Identifier: Apache-2.0
"""Notifications into the log: to watch Fenix, or where nobody listens."""

from oslo_log import log as logging
from oslo_serialization import jsonutils

from fenix.notify.publishers import base

LOG = logging.getLogger(__name__)


class LogPublisher(base.Publisher):
    """Writes each notification to the log, at level INFO."""

    at_once = 100

    def publish(self, notifications):
        for notification in notifications:
            LOG.info('%s %s: %s', notification.event_type,
                     notification.message_id,
                     jsonutils.dumps(notification.payload))
