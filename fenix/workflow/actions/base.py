# SPDX-License-Identifier: Apache-2.0
"""What an action plug-in is: the work that is done on a host.

A plug-in starts its work and reports how it stands; it never blocks for
longer than the start takes. So work may last hours, or wait for a human.
"""

import abc
import dataclasses

RUNNING = 'running'
DONE = 'done'
FAILED = 'failed'
#: The plug-in does not know this run: the engine that started it is gone.
LOST = 'lost'


@dataclasses.dataclass(frozen=True)
class Run:
    """What a plug-in is asked to do."""

    #: The same when the run is started again after a crash.
    run_id: str
    session_id: str
    #: pre, host, compute, controller or post
    type: str
    #: Name of the host; None for pre and post.
    host: str | None
    #: Of the action, as the administrator gave it.
    metadata: dict
    #: Of the session.
    session_metadata: dict


@dataclasses.dataclass(frozen=True)
class RunStatus:
    """How a run stands."""

    state: str
    #: All output so far, for a human.
    output: str = ''
    #: Why it failed.
    reason: str | None = None


class Action(abc.ABC):
    """Base of the action plug-ins (entry points of ``fenix.actions``).

    One object serves all runs of an engine; its methods are called from
    several threads.

    :param conf: the configuration
    :param changed: call it with a run's id when the run's status changed,
        from any thread; without it the engine asks from time to time
    """

    #: Whether a run that was lost with its engine may simply start again.
    rerunnable = False

    def __init__(self, conf, changed):
        self.conf = conf
        self.changed = changed

    def may_rerun(self, run):
        """Tell whether this run may start again after it was lost."""
        return self.rerunnable

    @abc.abstractmethod
    def start(self, run) -> RunStatus:
        """Start the work and return how it stands, usually ``RUNNING``."""

    @abc.abstractmethod
    def status(self, run) -> RunStatus:
        """Return how the run stands, ``LOST`` for one not started here."""

    def cancel(self, run) -> None:  # noqa: B027 - most have nothing to end
        """End the run if it still goes on; called when a session is ended."""

    def leave(self, run) -> None:  # noqa: B027 - most have nothing to end
        """End what of the run goes on in this process.

        Called when another engine owns the session: it may start again what
        was lost. Work that goes on elsewhere is the other engine's now.
        """
