# SPDX-License-Identifier: Apache-2.0
"""Whether the cloud is one that Fenix can work in."""

from oslo_log import log as logging

from fenix import errors
from fenix.clouds import base as clouds

LOG = logging.getLogger(__name__)


def check(conf):
    """Refuse a cloud that is too old.

    One that does not answer now is given its chance: sessions wait for it.

    :raises: BadConfiguration, which says what is too old
    """
    try:
        clouds.load(conf).check()
    except errors.CloudUnfit as error:
        raise errors.BadConfiguration(str(error)) from error
    except errors.CloudError as error:
        LOG.warning('Whether Fenix can work in this cloud is not known yet: '
                    '%s', error)
