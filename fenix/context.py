# SPDX-License-Identifier: Apache-2.0
"""What a line of the log is about: request, project, session and host.

Each thread has a context for as long as it works on something; oslo.log puts
it into the lines of that thread. In the API it is the request's. An engine
works for a session: its request id is made of the session's, so that all that
is done for a session has the same one, in Nova's log too. The request that
the engine just acts on, if any, is the global one.
"""

import contextlib
import functools

from oslo_context import context

#: As of oslo.log, with session and host.
LOG_FORMAT = (
    '%(asctime)s.%(msecs)03d %(process)d %(levelname)s %(name)s '
    '[%(global_request_id)s %(request_id)s %(user_identity)s] '
    '%(resource)s%(instance)s%(message)s')


class Context(context.RequestContext):
    """Who asks, and what it is about.

    :ivar session_id: or None
    :ivar host: name of a host of that session, or None
    """

    def __init__(self, *args, session_id=None, host=None, **values):
        self.session_id = session_id
        self.host = host
        super().__init__(*args, **values)

    def at(self, host):
        """Return another one: of work for the same session at a host."""
        return of_session(self.session_id, self.project_id, host)

    def get_logging_values(self):
        values = super().get_logging_values()
        about = [f'{name} {value}' for name, value in (
            ('session', self.session_id), ('host', self.host)) if value]
        values.update(session=self.session_id, host=self.host,
                      resource=f'[{" ".join(about)}] ' if about else '')
        return values


def of_session(session_id, project_id=None, host=None):
    """Return the context of work for a session; it is not yet the thread's.

    :param project_id: of the administrator who started it
    """
    return _make(session_id=session_id, project_id=project_id, host=host,
                 request_id=f'req-{session_id}')


def of_request(environ):
    """Return the context of a request of which nothing is known yet."""
    return _make(
        request_id=environ.get('openstack.request_id'),
        global_request_id=environ.get('openstack.global_request_id'))


def _make(**values):
    before = context.get_current()
    made = Context(overwrite=False, **values)
    # The first of a thread becomes the thread's all the same.
    _put(before)
    return made


@contextlib.contextmanager
def active(made):
    """Let a context be the thread's meanwhile."""
    before = context.get_current()
    _put(made)
    try:
        yield made
    finally:
        _put(before)


def carried(call):
    """Return a function like another, for a thread of its own.

    What it logs is about what this thread works on now.
    """
    found = current()

    @functools.wraps(call)
    def inner(*args, **kwargs):
        with active(found):
            return call(*args, **kwargs)
    return inner


def current():
    """Return the thread's context, or None."""
    return context.get_current()


def request_id():
    """Return the id of the request that the thread works on, or None."""
    found = context.get_current()
    return found and found.request_id


@contextlib.contextmanager
def about_host(name):
    """Let the lines of this thread be about a host meanwhile."""
    found = context.get_current()
    if not isinstance(found, Context):
        yield
        return
    before, found.host = found.host, name
    try:
        yield
    finally:
        found.host = before


def _put(found):
    # There is no public way to have none again.
    context._request_store.context = found
