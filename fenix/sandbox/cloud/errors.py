# SPDX-License-Identifier: Apache-2.0
"""Why the cloud refuses a request, with the HTTP status Nova gives."""


class CloudError(Exception):
    """A request was refused; nothing was changed.

    :ivar code: the HTTP status
    """

    code = 500


class BadRequest(CloudError):
    """The request makes no sense."""

    code = 400


class Unauthorized(CloudError):
    """No token, or one that is not valid."""

    code = 401


class Forbidden(CloudError):
    """The caller may not do this."""

    code = 403


class NotFound(CloudError):
    """There is no such thing, or the caller may not know of it."""

    code = 404


class NotAcceptable(CloudError):
    """A microversion that is not supported."""

    code = 406


class Conflict(CloudError):
    """Not in this state."""

    code = 409


class CellSilent(CloudError):
    """Nova's API does not reach the cell."""

    code = 500

    def __init__(self, cell: str):
        super().__init__(
            f'Unexpected API Error. Cell {cell} is not responding or '
            f'returned an exception, hence instance info is not available.')


class NoValidHost(BadRequest):
    """The scheduler finds no host; where Nova tells at once, a 400.

    :ivar details: why, host by host; for admins only
    """

    def __init__(self, details: str = ''):
        super().__init__('No valid host was found. '
                         'There are not enough hosts available.')
        self.details = details or str(self)
