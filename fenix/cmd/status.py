# SPDX-License-Identifier: Apache-2.0
"""fenix-status: whether Fenix is well, and may be upgraded.

``fenix-status upgrade check`` tells whether the services of this release
may be started, as in all of OpenStack. ``fenix-status check`` looks at the
running installation, its cloud included.
"""

import fenix._threading  # noqa: F401,I001 - before all other of oslo
import sys

from oslo_config import cfg
from oslo_upgradecheck import upgradecheck

from fenix import conf
from fenix import errors
from fenix.clouds import base as clouds
from fenix.db import core
from fenix.db import figures
from fenix.db import sync
from fenix.engine import margins
from fenix.workflow import marks

#: Seconds that a notification may wait before it is worth a warning.
OUTBOX_PATIENCE = 60

_OK = upgradecheck.Result(upgradecheck.Code.SUCCESS)


def _warning(text):
    return upgradecheck.Result(upgradecheck.Code.WARNING, text)


def _failure(text):
    return upgradecheck.Result(upgradecheck.Code.FAILURE, text)


class UpgradeChecks(upgradecheck.UpgradeCommands):
    """What ``fenix-status upgrade check`` looks at."""

    def __init__(self, conf):
        self.conf = conf

    def check(self):
        try:
            return super().check()
        finally:
            core.dispose()

    def _schema(self):
        try:
            core.configure(self.conf)
            problem = sync.problem()
        except (errors.FenixError, *core.ERRORS) as error:
            problem = str(error)
        return _failure(problem) if problem else _OK

    def _times(self):
        try:
            margins.check(self.conf)
        except errors.BadConfiguration as error:
            return _failure(str(error))
        return _OK

    _upgrade_checks = (('Database schema', _schema),
                       ('Times that fit', _times))


class Checks(UpgradeChecks):
    """What ``fenix-status check`` looks at."""

    display_title = 'Check Results'

    def _engines(self):
        try:
            found = figures.read()
        except core.ERRORS as error:
            return _failure(f'The database does not answer: {error}')
        if not found.engines:
            return _warning('No engine runs: start fenix-engine.')
        if found.outbox_age > OUTBOX_PATIENCE:
            return _warning(
                f'{found.outbox} notifications are not out, the oldest for '
                f'{found.outbox_age:.0f} s: look at the message bus.')
        return _OK

    def _cloud(self):
        try:
            lost = clouds.load(self.conf).check()
        except errors.CloudUnfit as error:
            return _failure(str(error))
        except errors.CloudError as error:
            return _warning(f'The cloud does not tell what it can do: '
                            f'{error}')
        return _warning('; '.join(lost)) if lost else _OK

    def _hosts(self):
        try:
            left = [marked for marked in marks.find(
                clouds.load(self.conf)).values() if marked.state is None]
        except core.ERRORS as error:
            return _failure(f'The database does not answer: {error}')
        except errors.FenixError as error:
            return _failure(str(error))
        if not left:
            return _OK
        return _warning(
            'These hosts are disabled by sessions that are no more: '
            + '; '.join(f'{marked.host} (session {marked.session_id}, '
                        f'"{marked.why}")' for marked in left)
            + '. "fenix-manage release" gives them back.')

    _upgrade_checks = (*UpgradeChecks._upgrade_checks,
                       ('Engines', _engines), ('Cloud', _cloud),
                       ('Hosts left behind', _hosts))


def _add_commands(own):
    def add(subparsers):
        upgrade = subparsers.add_parser('upgrade')
        upgrade.add_argument('check', choices=['check'])
        check = subparsers.add_parser('check')
        for parser, checks in ((upgrade, UpgradeChecks), (check, Checks)):
            parser.set_defaults(action_fn=checks(own).check)
            parser.add_argument(
                '--json', action='store_true',
                help='print the results as JSON, instead of as a table')
    return add


def main(argv=None):
    """Run the checks.

    :returns: 0 ready, 1 warnings, 2 not ready, 255 the checks broke down
    """
    own = cfg.ConfigOpts()
    conf.register(own)
    own.register_cli_opt(cfg.SubCommandOpt(
        'command', handler=_add_commands(own)))
    conf.read(sys.argv[1:] if argv is None else argv, 'fenix-status',
              conf=own, prints=True)
    # Where the library looks for --json.
    upgradecheck.CONF = own
    return upgradecheck.run(own)


if __name__ == '__main__':
    sys.exit(main())
