# SPDX-License-Identifier: Apache-2.0
"""What the libraries raise, as the errors of a driver."""

import functools

from aodhclient import exceptions as aodh_exceptions
from keystoneauth1 import exceptions as ks_exceptions
from novaclient import exceptions as nova_exceptions
from oslo_log import log as logging

from fenix import errors

LOG = logging.getLogger(__name__)

#: What a service or the way to it may answer.
CLIENT = (ks_exceptions.ClientException, nova_exceptions.ClientException,
          nova_exceptions.UnsupportedVersion,
          aodh_exceptions.ClientException)
#: How an answer fails that is not what the service's API promises.
MALFORMED = (AttributeError, KeyError, TypeError, ValueError)


def reading(method):
    """Make a method that only reads raise CloudError, and nothing else."""
    @functools.wraps(method)
    def inner(self, *args, **kwargs):
        try:
            return method(self, *args, **kwargs)
        except errors.FenixError:
            raise
        except CLIENT as error:
            raise errors.CloudError(
                f'The cloud could not be read: {error}') from error
        except MALFORMED as error:
            LOG.exception('An answer of the cloud makes no sense')
            raise errors.CloudError(
                'The cloud gave an answer that makes no sense: '
                f'{type(error).__name__} {error}') from error
    return inner
