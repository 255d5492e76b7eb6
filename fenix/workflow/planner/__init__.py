# SPDX-License-Identifier: Apache-2.0
"""Which host may start now, and where its instances go: pure functions.

Nothing here reads a clock, a database or a cloud, so the engine, the dry run
and the tests get the same answer to the same question.
"""

from fenix.workflow.planner.choice import cost
from fenix.workflow.planner.choice import next_host
from fenix.workflow.planner.choice import targets_for
from fenix.workflow.planner.fitting import fit
from fenix.workflow.planner.model import DONE
from fenix.workflow.planner.model import OUTSIDE
from fenix.workflow.planner.model import PLANNED
from fenix.workflow.planner.model import PREPARE
from fenix.workflow.planner.model import UNDONE
from fenix.workflow.planner.model import CloudView
from fenix.workflow.planner.model import GroupView
from fenix.workflow.planner.model import HostView
from fenix.workflow.planner.model import InstanceView
from fenix.workflow.planner.model import NeedRoom
from fenix.workflow.planner.model import Start

__all__ = (
    'DONE', 'OUTSIDE', 'PLANNED', 'PREPARE', 'UNDONE',
    'CloudView', 'GroupView', 'HostView', 'InstanceView',
    'NeedRoom', 'Start',
    'cost', 'fit', 'next_host', 'targets_for',
)
