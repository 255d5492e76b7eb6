# SPDX-License-Identifier: Apache-2.0
"""Every error that leaves Fenix: a stable code, an HTTP status, a message.

A code is part of the API: clients match on it. Never change one.
"""


class FenixError(Exception):
    """Something went wrong in Fenix.

    :ivar code: stable, dotted, machine readable
    :ivar status: HTTP status of the answer
    :ivar retry_after: seconds after which it may be tried again, or None
    :ivar field: the field of the request that is wrong, or None
    """

    code = 'fenix.internal'
    status = 500
    retry_after: int | None = None

    def __init__(self, message=None, field=None):
        super().__init__(message or (self.__doc__ or '').split('\n')[0])
        self.field = field

    def as_body(self):
        """The JSON body of an error answer."""
        return {'error': str(self), 'code': self.code, 'field': self.field}


class Invalid(FenixError):
    """The request is not valid."""

    code = 'fenix.invalid'
    status = 400


class UnknownWorkflow(Invalid):
    """There is no workflow of that name."""

    code = 'fenix.session.unknown_workflow'


class UnknownAction(Invalid):
    """There is no action plug-in of that name."""

    code = 'fenix.session.unknown_action'


class BadTime(Invalid):
    """The time cannot be read, or has passed."""

    code = 'fenix.session.bad_time'


class BadMetadata(Invalid):
    """The metadata cannot be carried by an alarm."""

    code = 'fenix.session.bad_metadata'


class DownloadRefused(Invalid):
    """Fenix does not run code that a request makes it download."""

    code = 'fenix.session.download_refused'


class Unauthorized(FenixError):
    """The request carries no valid token."""

    code = 'fenix.unauthorized'
    status = 401


class Forbidden(FenixError):
    """The token does not allow this."""

    code = 'fenix.forbidden'
    status = 403


class NotFound(FenixError):
    """There is nothing at this address."""

    code = 'fenix.not_found'
    status = 404


class SessionNotFound(NotFound):
    """There is no such session."""

    code = 'fenix.session.not_found'


class RunNotFound(NotFound):
    """The session has no such action run."""

    code = 'fenix.run.not_found'


class ConstraintNotFound(NotFound):
    """No constraints are registered under this id."""

    code = 'fenix.constraint.not_found'


class MethodNotAllowed(FenixError):
    """The address does not know this method."""

    code = 'fenix.method_not_allowed'
    status = 405


class HostClaimed(FenixError):
    """The host is in another session."""

    code = 'fenix.session.host_claimed'
    status = 409


class WrongState(FenixError):
    """The session is not in a state that allows this."""

    code = 'fenix.session.wrong_state'
    status = 409


class Unavailable(FenixError):
    """A service that Fenix needs does not answer; try again."""

    code = 'fenix.unavailable'
    status = 503


class TooManySessions(Unavailable):
    """There are too many unfinished sessions; end some, then try again."""

    code = 'fenix.session.too_many'


class InboxFull(Unavailable):
    """Too many messages of this kind wait for an engine; try again later."""

    code = 'fenix.session.inbox_full'
    retry_after = 10


# What is met inside; none of these reaches a client.

class BadConfiguration(FenixError):
    """The configuration cannot be used."""

    code = 'fenix.bad_configuration'


class Fenced(FenixError):
    """Another engine owns the session now: write nothing more."""

    code = 'fenix.engine.fenced'


class CloudError(FenixError):
    """The cloud could not be read."""

    code = 'fenix.cloud.error'


class CloudUnfit(CloudError):
    """The cloud cannot do what Fenix needs: it is too old."""

    code = 'fenix.cloud.unfit'


class CloudRefused(CloudError):
    """The cloud refused a request: nothing was changed."""

    code = 'fenix.cloud.refused'


class TargetRefused(CloudRefused):
    """The cloud would not move an instance to the host that was named."""

    code = 'fenix.cloud.target_refused'


class OtherCell(TargetRefused):
    """The host that was named is in another cell than the instance."""

    code = 'fenix.cloud.other_cell'


class CloudUnknown(CloudError):
    """No answer, or a 5xx: whether the request took effect is not known."""

    code = 'fenix.cloud.unknown'


class NotSent(CloudUnknown):
    """Nothing was sent: the look before failed, or the lease had run out.

    :cvar uncertain: as of ``PublishError``
    """

    uncertain = False


class BadTrait(FenixError):
    """A field of a notification does not survive as the trait of an alarm."""

    code = 'fenix.notify.bad_trait'


class PublishError(FenixError):
    """A notification could not be handed to the bus.

    :ivar published: how many notifications of the call, from its first,
        surely went out
    :ivar uncertain: how many of those after them may have gone out, or still
        may; all others surely did not. True stands for one, False for none
    """

    code = 'fenix.notify.publish'

    def __init__(self, message=None, published=0, uncertain=False):
        super().__init__(message)
        self.published = published
        self.uncertain = uncertain
