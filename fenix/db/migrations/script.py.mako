# SPDX-License-Identifier: Apache-2.0
"""${message}

Only add within a release: the services of two releases run on one schema
while they are upgraded.
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
from fenix.db import types

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade():
    ${upgrades if upgrades else "pass"}
