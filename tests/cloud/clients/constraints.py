# SPDX-License-Identifier: Apache-2.0
"""Constraints as clients put and delete them (contract, 1.4)."""


class Registry:
    """What a manager put, until it takes it back.

    :param user: a ``tenant.Client`` of the project
    :param problem: told of answers that its client does not bear
    :param bears: codes that it does
    """

    def __init__(self, user, timeline, problem, bears=(200, 204)):
        self._user = user
        self._timeline = timeline
        self._problem = problem
        self._bears = bears
        self.there: dict[tuple, None] = {}

    def put(self, kind: str, subject: str, body: dict):
        """Create or replace; ``kind`` is instance or instance_group."""
        self.there[kind, subject] = None
        self._send('PUT', kind, subject, body)

    def delete(self, kind: str, subject: str):
        """Delete; what is not there, too."""
        self.there.pop((kind, subject), None)
        self._send('DELETE', kind, subject)

    def _send(self, method, kind, subject, body=None):
        code = self._user.call(
            method, self._user.url('maintenance', f'/{kind}/{subject}'),
            **({'json': body} if body else {})).status_code
        self._timeline.record(
            'constraint', id=subject, method=method, body=body, code=code,
            kind={'instance': 'instance', 'instance_group': 'group'}[kind])
        if code not in self._bears:
            self._problem(f'{method} of {kind} {subject}: {code}')
