# SPDX-License-Identifier: Apache-2.0
"""fenix-status: whether the services of this release may be started."""

import fenix._threading  # noqa: F401,I001 - before all other of oslo
import sys

from oslo_config import cfg
from oslo_upgradecheck import upgradecheck

from fenix import conf
from fenix import errors
from fenix.db import core
from fenix.db import sync


class Checks(upgradecheck.UpgradeCommands):
    """What ``fenix-status upgrade check`` looks at."""

    def __init__(self, conf):
        self.conf = conf

    def _schema(self):
        try:
            core.configure(self.conf)
            problem = sync.problem()
        except (errors.FenixError, *core.ERRORS) as error:
            problem = str(error)
        finally:
            core.dispose()
        if problem:
            return upgradecheck.Result(upgradecheck.Code.FAILURE, problem)
        return upgradecheck.Result(upgradecheck.Code.SUCCESS)

    _upgrade_checks = (('Database schema', _schema),)


def main(argv=None):
    """Run the checks.

    :returns: 0 ready, 1 warnings, 2 not ready, 255 the checks broke down
    """
    own = cfg.ConfigOpts()
    conf.register(own)
    return upgradecheck.main(
        own, 'fenix', Checks(own), sys.argv[1:] if argv is None else argv)


if __name__ == '__main__':
    sys.exit(main())
