# SPDX-License-Identifier: Apache-2.0
"""The ``vnf`` workflow: for applications that registered constraints."""

from fenix.workflow.workflows import default


class VnfWorkflow(default.DefaultWorkflow):
    """The steps of ``default``; hosts not yet done stay in use meanwhile."""

    @property
    def disables_undone(self):
        return bool(self.session.settings.get('disable_undone', False))
