# SPDX-License-Identifier: Apache-2.0
"""Work that a human does: "tell me when the host is ready"."""

from fenix.workflow.actions import base


class Manual(base.Action):
    """Waits until the administrator reports the run done or failed.

    Metadata: ``text`` says what is to be done. The engine makes the report
    the outcome of the run, so here a run never ends.
    """

    # Nothing is started, so nothing is lost with an engine.
    rerunnable = True

    def start(self, run):
        return self.status(run)

    def status(self, run):
        text = run.metadata.get('text')
        where = f'host {run.host}' if run.host else 'the whole session'
        todo = str(text) if text else f'do what is to be done for {where}'
        return base.RunStatus(base.RUNNING, output=(
            f'Waiting for the administrator: {todo} ({where}, '
            f'action {run.type}). Then report run {run.run_id} DONE or '
            'FAILED.'))
