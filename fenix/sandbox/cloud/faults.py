# SPDX-License-Identifier: Apache-2.0
"""Things that go wrong in the cloud on demand."""

import dataclasses
import re
import threading
from typing import Any

#: The operations a model fault may name.
OPERATIONS = ('migrate', 'live', 'spawn')


@dataclasses.dataclass
class ModelFault:
    """An operation on a server that fails or takes another time.

    :ivar op: one of ``OPERATIONS``
    :ivar server: only for this server, or None for any
    :ivar host: only on this host (where the server is, or is to be for
        ``spawn``), or None for any
    :ivar fail: whether it fails
    :ivar seconds: how long it takes, or None for the usual time
    :ivar count: how many times, or None for ever
    """

    op: str
    server: str | None = None
    host: str | None = None
    fail: bool = False
    seconds: float | None = None
    count: int | None = None


@dataclasses.dataclass
class HttpFault:
    """A request that is answered badly, late or not at all.

    :ivar match: ``service``, ``method``, ``path`` (a regular expression
        that is searched for in the path), ``action`` (the key of a Nova
        server action) and ``user`` (the name of who asks); all that are
        given must match
    :ivar count: how many times, or None for ever
    :ivar answer: the HTTP status of the answer, or None for the real one
    :ivar hold: seconds that the request is on its way: it takes effect
        only then
    :ivar delay: seconds before the answer
    :ivar drop: whether the connection is closed without an answer
    :ivar apply: whether the request takes effect all the same
    """

    match: dict[str, str] = dataclasses.field(default_factory=dict)
    count: int | None = 1
    answer: int | None = None
    hold: float = 0.0
    delay: float = 0.0
    drop: bool = False
    apply: bool = False

    def matches(self, service: str, method: str, path: str,
                action: str | None, user: str | None = None) -> bool:
        facts = {'service': service, 'method': method, 'action': action,
                 'user': user}
        for key, wanted in self.match.items():
            if key == 'path':
                if not re.search(wanted, path):
                    return False
            elif facts[key] != wanted:
                return False
        return True


class _Faults:
    """Faults in the order in which they were put in."""

    def __init__(self):
        self._lock = threading.Lock()
        self._faults: list[Any] = []

    def add(self, fault):
        """Put a fault in."""
        with self._lock:
            self._faults.append(fault)

    def remove(self, fault):
        """Take a fault out that may be used up."""
        with self._lock:
            self._faults = [each for each in self._faults
                            if each is not fault]

    def clear(self):
        """Take all out."""
        with self._lock:
            self._faults.clear()

    def list(self) -> list[dict[str, Any]]:
        """All that are still in."""
        with self._lock:
            return [dataclasses.asdict(fault) for fault in self._faults]

    def _take(self, matches):
        with self._lock:
            for fault in self._faults:
                if matches(fault):
                    if fault.count is not None:
                        fault.count -= 1
                        if fault.count <= 0:
                            self._faults.remove(fault)
                    return fault
        return None


class ModelFaults(_Faults):
    """Faults of operations on servers."""

    def take(self, op: str, server: str, host: str | None
             ) -> ModelFault | None:
        """The fault that this operation meets, or None; counts it."""
        return self._take(
            lambda fault: fault.op == op
            and fault.server in (None, server)
            and fault.host in (None, host))


class HttpFaults(_Faults):
    """Faults of HTTP requests."""

    def take(self, service: str, method: str, path: str,
             action: str | None, user: str | None = None
             ) -> HttpFault | None:
        """The fault that this request meets, or None; counts it."""
        return self._take(
            lambda fault: fault.matches(service, method, path, action, user))


def _only(body, allowed):
    unknown = set(body) - set(allowed)
    if unknown:
        raise ValueError(f'unknown: {", ".join(sorted(unknown))}')
    return body


def parse(body: dict[str, Any]) -> ModelFault | HttpFault:
    """A fault from the JSON of the control API.

    :raises ValueError: it is none
    """
    if 'op' in body:
        fields = [field.name for field in dataclasses.fields(ModelFault)]
        fault = ModelFault(**_only(body, fields))
        if fault.op not in OPERATIONS:
            raise ValueError(f'op is one of {", ".join(OPERATIONS)}')
        return fault
    fields = [field.name for field in dataclasses.fields(HttpFault)]
    fault = HttpFault(**_only(body, fields))
    _only(fault.match, ('service', 'method', 'path', 'action', 'user'))
    re.compile(fault.match.get('path', ''))
    return fault
