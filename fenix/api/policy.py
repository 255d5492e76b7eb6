# SPDX-License-Identifier: Apache-2.0
"""Whether a caller may do what it asks for."""

from oslo_config import cfg
from oslo_policy import policy

from fenix import errors
from fenix import policies


class Policy:
    """The rules as an operator has them."""

    def __init__(self, conf):
        self._enforcer = policy.Enforcer(conf)
        self._enforcer.register_defaults(policies.list_rules())

    def authorize(self, context, rule, project_id=''):
        """Let the caller pass, or not.

        :param project_id: the project that owns what the call is about
        :raises errors.Forbidden: the rule does not allow it
        """
        # A token without a project would match a project named "None".
        if context.project_id is None or not self._enforcer.authorize(
                rule, {'project_id': project_id}, context):
            raise errors.Forbidden(
                'A token of that project, or of an administrator, is '
                'needed.' if project_id else
                'A token of an administrator is needed.')

    def allows(self, context, rule):
        """Tell whether the caller may do something that nobody owns.

        :param context: None: nobody proved to be anybody
        """
        if context is None:
            return False
        try:
            self.authorize(context, rule)
        except errors.Forbidden:
            return False
        return True


def get_enforcer():
    """Return the enforcer, for the tools of oslo.policy."""
    cfg.CONF([], project='fenix', prog='fenix-api')
    enforcer = policy.Enforcer(cfg.CONF)
    enforcer.register_defaults(policies.list_rules())
    return enforcer
