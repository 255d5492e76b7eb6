# SPDX-License-Identifier: Apache-2.0
"""What is posted to a runner."""

#: Something may be in the inbox of the session.
INBOX = 'inbox'


class Result:
    """What came of an effect.

    :ivar began: when the call began, by the database's clock
    """

    def __init__(self, effect, began, value=None, error=None):
        self.effect = effect
        self.began = began
        self.value = value
        self.error = error


class RunChanged:
    """A plug-in says that a run's status changed."""

    def __init__(self, run_id):
        self.run_id = run_id
