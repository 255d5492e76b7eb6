# SPDX-License-Identifier: Apache-2.0
"""What a handler is given."""

import dataclasses
import typing

from fenix import context


@dataclasses.dataclass(frozen=True)
class Call:
    """One request that was let in and fits its schema."""

    #: The configuration.
    conf: typing.Any
    context: context.Context
    #: Call it with the project that owns what the call is about; raises
    #: Forbidden. None where everybody may.
    authorize: typing.Callable[[str], None] | None
    #: Tells whether the caller may, where the route is open to all.
    may: typing.Callable[[], bool]
    #: The names that the route found in the path.
    path: dict
    #: Of the URL; the last of equal names.
    query: dict
    #: None for routes without a schema.
    body: dict | None
    #: Call it with a session id after the commit.
    ring: typing.Callable[[str], None]
    #: How the bell is, for the health check: as ``health`` of fenix.bell.
    bell: typing.Callable[[], dict]


@dataclasses.dataclass(frozen=True)
class Answer:
    """An answer that is not plainly 200 and JSON."""

    #: Bytes, or what is JSON.
    body: typing.Any
    status: int = 200
    content_type: str = 'application/json'
